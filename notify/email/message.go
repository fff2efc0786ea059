package email

import (
	"bytes"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
)

// Bounds of a message.
const (
	maxRecipients  = 100
	maxSubject     = 998 // RFC 5322, 2.1.1
	maxBody        = 4 << 20
	maxAttachments = 25 << 20
	maxHeaderValue = 2000
)

// Message is one mail.
type Message struct {
	// ID becomes the left part of the Message-ID. Give a retry the same one, so that
	// receivers can tell a repeat. Default: random.
	ID          string
	From        string   // one address, "Shop <shop@example.com>" or bare
	To, Cc, Bcc []string // at most 100 in all
	ReplyTo     string
	Subject     string
	Text        string // at least one of Text and HTML
	HTML        string
	Headers     map[string]string // further ones; not those that have a field here
	Attachments []Attachment
	// Unsubscribe is an HTTPS address for one-click unsubscribing (RFC 8058). Empty: none.
	Unsubscribe string
}

// Attachment is a file that goes with a message.
type Attachment struct {
	Name string `json:"name"`           // as the reader sees it, without path
	Type string `json:"type,omitempty"` // media type; default application/octet-stream
	Data []byte `json:"data"`
}

// reserved headers are ours to set.
var reserved = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "reply-to": true, "sender": true, "subject": true, "date": true,
	"message-id": true, "mime-version": true, "content-type": true, "content-transfer-encoding": true,
	"list-unsubscribe": true, "list-unsubscribe-post": true, "return-path": true,
}

func (m *Message) check() error {
	switch {
	case m.Text == "" && m.HTML == "":
		return &InvalidError{"Text", "a message needs Text or HTML"}
	case len(m.Text) > maxBody || len(m.HTML) > maxBody:
		return &InvalidError{"Text", fmt.Sprintf("must be at most %d bytes", maxBody)}
	case len(m.To)+len(m.Cc)+len(m.Bcc) == 0:
		return &InvalidError{"To", "a message needs a recipient"}
	case len(m.To)+len(m.Cc)+len(m.Bcc) > maxRecipients:
		return &InvalidError{"To", fmt.Sprintf("more than %d recipients", maxRecipients)}
	}
	if err := oneLine("Subject", m.Subject, maxSubject); err != nil {
		return err
	}
	if err := oneLine("ID", m.ID, 200); err != nil || strings.ContainsAny(m.ID, "<>@ ") {
		return &InvalidError{"ID", "must be one word without <, > and @"}
	}
	for name, value := range m.Headers {
		if !token(name) || reserved[strings.ToLower(name)] {
			return &InvalidError{"Headers", fmt.Sprintf("%.40q is no header name of its own", name)}
		}
		if err := oneLine("Headers", value, maxHeaderValue); err != nil {
			return err
		}
	}
	total := 0
	for _, a := range m.Attachments {
		total += len(a.Data)
		if a.Name == "" || strings.ContainsAny(a.Name, `/\`) {
			return &InvalidError{"Attachments", "a name must not be empty or hold a path"}
		}
		if err := oneLine("Attachments", a.Name, 255); err != nil {
			return err
		}
		if err := oneLine("Attachments", a.Type, 127); err != nil {
			return err
		}
	}
	if total > maxAttachments {
		return &InvalidError{"Attachments", fmt.Sprintf("more than %d bytes", maxAttachments)}
	}
	if m.Unsubscribe != "" && !strings.HasPrefix(m.Unsubscribe, "https://") {
		return &InvalidError{"Unsubscribe", "must be an https address"}
	}
	return oneLine("Unsubscribe", m.Unsubscribe, maxHeaderValue)
}

// oneLine keeps line breaks and other control characters out of headers.
func oneLine(field, s string, max int) error {
	if len(s) > max {
		return &InvalidError{field, fmt.Sprintf("must be at most %d bytes", max)}
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return &InvalidError{field, "must be UTF-8 without line breaks or control characters"}
	}
	return nil
}

// token is a header field name of RFC 5322.
func token(s string) bool {
	return s != "" && len(s) <= 76 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == ':' || r > '~' })
}

// parse reads one address. The error names the field and not the address.
func parse(field, address string) (*mail.Address, error) {
	if err := oneLine(field, address, 1000); err != nil {
		return nil, err
	}
	a, err := mail.ParseAddress(address)
	if err != nil {
		return nil, &InvalidError{field, "holds something that is no mail address"}
	}
	if len(a.Address) > 254 {
		return nil, &InvalidError{field, "holds an address longer than 254 bytes"}
	}
	return a, nil
}

func parseAll(field string, addresses []string) ([]*mail.Address, error) {
	all := make([]*mail.Address, len(addresses))
	for i, address := range addresses {
		a, err := parse(field, address)
		if err != nil {
			return nil, err
		}
		all[i] = a
	}
	return all, nil
}

// build checks the message and makes it what go-mail writes.
func (m *Message) build(now time.Time) (*gomail.Msg, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	from, err := parse("From", m.From)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	for _, list := range []struct {
		field     string
		addresses []string
		set       func(...*mail.Address)
	}{{"To", m.To, msg.ToMailAddress}, {"Cc", m.Cc, msg.CcMailAddress}, {"Bcc", m.Bcc, msg.BccMailAddress}} {
		parsed, err := parseAll(list.field, list.addresses)
		if err != nil {
			return nil, err
		}
		if len(parsed) > 0 {
			list.set(parsed...)
		}
	}
	if m.ReplyTo != "" {
		a, err := parse("ReplyTo", m.ReplyTo)
		if err != nil {
			return nil, err
		}
		msg.ReplyToMailAddress(a)
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(now)
	if m.ID != "" {
		_, domain, _ := strings.Cut(from.Address, "@")
		msg.SetMessageIDWithValue(m.ID + "@" + domain)
	}
	for name, value := range m.Headers {
		msg.SetGenHeader(gomail.Header(name), value)
	}
	if m.Unsubscribe != "" {
		if err := msg.SetListUnsubscribeOneClick(m.Unsubscribe); err != nil {
			return nil, &InvalidError{"Unsubscribe", err.Error()}
		}
	}
	m.setBody(msg)
	return msg, nil
}

func (m *Message) setBody(msg *gomail.Msg) {
	switch {
	case m.Text == "":
		msg.SetBodyString(gomail.TypeTextHTML, m.HTML)
	case m.HTML == "":
		msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	default:
		msg.SetBodyString(gomail.TypeTextPlain, m.Text)
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attachments {
		mediaType := a.Type
		if mediaType == "" {
			mediaType = string(gomail.TypeAppOctetStream)
		}
		msg.AttachReadSeeker(a.Name, bytes.NewReader(a.Data), gomail.WithFileContentType(gomail.ContentType(mediaType)))
	}
}
