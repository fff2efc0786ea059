// Package sms sends text messages through a provider.
//
//	sender, err := sms.NewHTTP("https://sms.example.com/v1/messages", &sms.HTTPOptions{Header: http.Header{"Authorization": {"Bearer " + key}}})
//	err = sender.Send(ctx, &sms.Message{To: "+8613800138000", Text: "…"})
//
// Through a queue, in the reader's language:
//
//	var SendText = notify.NewTask[sms.Text]("sms.send", &notify.TaskOptions{MaxAttempts: 5})
//
//	texter := sms.NewTexter(sender, set)
//	SendText.Handle(worker, texter.Handle)
//	_, err = SendText.Enqueue(ctx, client, sms.Text{To: "+8613800138000", Template: "code", Locale: "zh",
//		Data: templates.Data{"Code": code.Value}}, notify.ExpireAfter(10*time.Minute))
package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/message"
	"github.com/seed82d84382/commerce/notify/templates"
)

// ErrInvalid marks a message or an option that cannot be used; see InvalidError.
var ErrInvalid = errors.New("sms: invalid")

// InvalidError names the field that was refused and why. It Is ErrInvalid. It
// holds neither number nor text.
type InvalidError struct {
	Field, Reason string
}

func (e *InvalidError) Error() string { return "sms: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// maxText is ten concatenated segments of GSM-7 (3GPP TS 23.040).
const maxText = 1530

// Message is one text message.
type Message struct {
	// ID is handed to the provider as idempotency key, so that a retry does not
	// send twice. Empty: none.
	ID   string
	To   string // E.164: +8613800138000
	Text string // at most 1,530 characters
	// Template, Locale and Params are for providers that send their own approved templates.
	Template, Locale string
	Params           map[string]string
}

// Sender sends one message. It is safe for concurrent use. It returns nil when
// the provider has taken the message; what can never succeed is marked with notify.Permanent.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}

func (m *Message) check() error {
	if !e164(m.To) {
		return &InvalidError{"To", "must be a number in the form +8613800138000 (E.164)"}
	}
	if m.Text == "" || !utf8.ValidString(m.Text) || utf8.RuneCountInString(m.Text) > maxText {
		return &InvalidError{"Text", fmt.Sprintf("must be UTF-8 of 1 to %d characters", maxText)}
	}
	return nil
}

func e164(s string) bool {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return false
	}
	for _, r := range s[1:] {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

// NewConsole makes a sender that writes messages to w, for development.
func NewConsole(w io.Writer) Sender { return &console{w: w} }

type console struct {
	mu sync.Mutex
	w  io.Writer
}

func (c *console) Send(ctx context.Context, m *Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := m.check(); err != nil {
		return notify.Permanent(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := fmt.Fprintf(c.w, "SMS to %s: %s\n", m.To, m.Text); err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return nil
}

// Text is a message by template, as it travels through a queue.
type Text struct {
	To       string         `json:"to"`
	Template string         `json:"template"`
	Locale   string         `json:"locale,omitempty"`
	Data     templates.Data `json:"data,omitempty"`
}

// Texter renders texts and sends them.
type Texter struct {
	sender    Sender
	templates *templates.Set
}

// NewTexter makes a texter. Of a template only the text file is used.
func NewTexter(sender Sender, set *templates.Set) *Texter {
	return &Texter{sender: sender, templates: set}
}

// Handle is the handler of a notify.Task[Text]. The job's ID becomes the
// provider's idempotency key.
func (t *Texter) Handle(ctx context.Context, job *notify.Job[Text]) error {
	return t.Send(ctx, job.ID, job.Args)
}

// Send renders and sends a text at once. id may be empty. What cannot be
// rendered is marked with notify.Permanent.
func (t *Texter) Send(ctx context.Context, id string, text Text) error {
	rendered, err := t.templates.Render(text.Template, text.Locale, text.Data)
	if err != nil {
		return notify.Permanent(err)
	}
	_, err = t.submit(ctx, t.message(id, text, rendered))
	return err
}

func (t *Texter) message(id string, text Text, rendered *templates.Rendered) *Message {
	params := make(map[string]string, len(text.Data))
	for name, value := range text.Data {
		params[name] = fmt.Sprint(value)
	}
	return &Message{
		ID: id, To: text.To, Text: strings.TrimSuffix(rendered.Text, "\n"), Template: text.Template, Locale: rendered.Locale, Params: params,
	}
}

// submitter is a Sender that knows the provider's ID of what it sent.
type submitter interface {
	Submit(ctx context.Context, m *Message) (providerID string, err error)
}

func (t *Texter) submit(ctx context.Context, m *Message) (string, error) {
	if s, ok := t.sender.(submitter); ok {
		return s.Submit(ctx, m)
	}
	return "", t.sender.Send(ctx, m)
}

// SendMessage makes a texter a message.Sender.
func (t *Texter) SendMessage(ctx context.Context, m *message.Message) (string, error) {
	rendered, err := t.templates.Render(m.Template, m.Locale, m.Data)
	if err != nil {
		return "", notify.Permanent(err)
	}
	return t.submit(ctx, t.message(m.ID, Text{To: m.To, Template: m.Template, Locale: m.Locale, Data: m.Data}, rendered))
}
