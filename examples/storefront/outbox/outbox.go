// Package outbox keeps what a development shop would have sent, for its outbox
// page: the last text messages in memory, the mails as files in a directory.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/sms"
)

// shown is how many messages of each kind are kept and shown.
const shown = 50

// Message is a text message or a mail.
type Message struct {
	To, Subject, Body string
	At                time.Time
}

// Outbox is safe for concurrent use.
type Outbox struct {
	dir string
	now func() time.Time

	mu    sync.Mutex
	texts []Message // oldest first
}

// New makes an outbox whose mails lie in dir.
func New(dir string, now func() time.Time) *Outbox { return &Outbox{dir: dir, now: now} }

// MailSender writes mails into the directory.
func (o *Outbox) MailSender() (email.Sender, error) {
	return email.NewFile(o.dir, &email.FileOptions{Now: o.now})
}

// TextSender passes text messages on to next, and keeps what it took.
func (o *Outbox) TextSender(next sms.Sender) sms.Sender { return &keeper{o, next} }

type keeper struct {
	outbox *Outbox
	next   sms.Sender
}

func (k *keeper) Send(ctx context.Context, m *sms.Message) error {
	if err := k.next.Send(ctx, m); err != nil {
		return err
	}
	o := k.outbox
	o.mu.Lock()
	defer o.mu.Unlock()
	o.texts = append(o.texts, Message{To: m.To, Body: m.Text, At: o.now()})
	if extra := len(o.texts) - shown; extra > 0 {
		o.texts = slices.Delete(o.texts, 0, extra)
	}
	return nil
}

// Texts returns the last text messages, newest first.
func (o *Outbox) Texts() []Message {
	o.mu.Lock()
	defer o.mu.Unlock()
	texts := slices.Clone(o.texts)
	slices.Reverse(texts)
	return texts
}

// Mails returns the last mails, newest first.
func (o *Outbox) Mails() ([]Message, error) {
	entries, err := os.ReadDir(o.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	var mails []Message
	for _, entry := range slices.Backward(entries) { // names sort by time
		if len(mails) == shown {
			break
		}
		if filepath.Ext(entry.Name()) != ".eml" {
			continue
		}
		m, err := readMail(filepath.Join(o.dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("outbox: %s: %w", entry.Name(), err)
		}
		mails = append(mails, m)
	}
	return mails, nil
}

// maxBody bounds what is shown of a mail.
const maxBody = 64 << 10

func readMail(name string) (Message, error) {
	f, err := os.Open(name)
	if err != nil {
		return Message{}, err
	}
	defer f.Close()
	parsed, err := mail.ReadMessage(f)
	if err != nil {
		return Message{}, err
	}
	var words mime.WordDecoder
	m := Message{To: parsed.Header.Get("To")}
	if m.Subject, err = words.DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return Message{}, err
	}
	if m.At, err = parsed.Header.Date(); err != nil {
		return Message{}, err
	}
	m.Body, err = textOf(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body)
	return m, err
}

// textOf returns the first plain text of a body, whole or in parts.
func textOf(contentType, encoding string, body io.Reader) (string, error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		part, err := multipart.NewReader(body, params["boundary"]).NextPart() // quoted-printable is decoded by it
		if err != nil {
			return "", err
		}
		return textOf(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
	}
	if strings.EqualFold(encoding, "quoted-printable") {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(io.LimitReader(body, maxBody))
	return string(text), err
}
