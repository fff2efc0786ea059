package email

import (
	"context"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/message"
	"github.com/seed82d84382/commerce/notify/templates"
)

// Mail is a mail by template, as it travels through a queue.
type Mail struct {
	To       []string       `json:"to"`
	Template string         `json:"template"`
	Locale   string         `json:"locale,omitempty"`
	Data     templates.Data `json:"data,omitempty"`
	// Attachments travel with the job, so mind its size; large ones are better attached in a handler of your own.
	Attachments []Attachment `json:"attachments,omitempty"`
	Unsubscribe string       `json:"unsubscribe,omitempty"` // as in Message
}

// MailerOptions configure a Mailer.
type MailerOptions struct {
	From    string // required
	ReplyTo string
}

// Mailer renders mails and sends them.
type Mailer struct {
	sender    Sender
	templates *templates.Set
	options   MailerOptions
}

// NewMailer makes a mailer.
func NewMailer(sender Sender, set *templates.Set, o *MailerOptions) (*Mailer, error) {
	m := &Mailer{sender: sender, templates: set}
	if o != nil {
		m.options = *o
	}
	if _, err := parse("From", m.options.From); err != nil {
		return nil, err
	}
	return m, nil
}

// Handle is the handler of a notify.Task[Mail]. The job's ID becomes the
// Message-ID, so that receivers can tell a repeat.
func (m *Mailer) Handle(ctx context.Context, job *notify.Job[Mail]) error {
	return m.Send(ctx, job.ID, job.Args)
}

// Send renders and sends a mail at once. id may be empty. What cannot be
// rendered is marked with notify.Permanent.
func (m *Mailer) Send(ctx context.Context, id string, mail Mail) error {
	rendered, err := m.templates.Render(mail.Template, mail.Locale, mail.Data)
	if err != nil {
		return notify.Permanent(err)
	}
	return m.sender.Send(ctx, &Message{
		ID: id, From: m.options.From, ReplyTo: m.options.ReplyTo, To: mail.To,
		Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML,
		Headers: map[string]string{"Content-Language": rendered.Locale}, Attachments: mail.Attachments, Unsubscribe: mail.Unsubscribe,
	})
}

// SendMessage makes a mailer a message.Sender. The provider's ID is the left part of the Message-ID.
func (m *Mailer) SendMessage(ctx context.Context, msg *message.Message) (string, error) {
	return msg.ID, m.Send(ctx, msg.ID, Mail{To: []string{msg.To}, Template: msg.Template, Locale: msg.Locale, Data: msg.Data})
}
