// Package email sends mail: through an SMTP server, or into a directory
// during development.
//
//	sender, err := email.NewSMTP("smtp.example.com:587", &email.SMTPOptions{Username: "shop", Password: password})
//	err = sender.Send(ctx, &email.Message{From: "Shop <shop@example.com>", To: []string{"mei@example.com"}, Subject: "Hello", Text: "…"})
//
// Through a queue, in the reader's language:
//
//	var SendMail = notify.NewTask[email.Mail]("email.send", nil)
//
//	mailer, err := email.NewMailer(sender, set, &email.MailerOptions{From: "Shop <shop@example.com>"})
//	SendMail.Handle(worker, mailer.Handle)
//	_, err = SendMail.Enqueue(ctx, client, email.Mail{To: []string{"mei@example.com"}, Template: "order", Locale: "zh",
//		Data: templates.Data{"Number": 1001}})
//
// An error of a Sender tells whether to try again: what the server refused for
// good (5xx, RFC 5321) and what is wrong with the message itself is marked with
// notify.Permanent; the rest is worth another attempt.
package email

import (
	"context"
	"errors"
)

// ErrInvalid marks a message, an address or an option that cannot be used; see InvalidError.
var ErrInvalid = errors.New("email: invalid")

// InvalidError names the field that was refused and why. It Is ErrInvalid. It
// holds no addresses.
type InvalidError struct {
	Field, Reason string
}

func (e *InvalidError) Error() string { return "email: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Sender sends one message. It is safe for concurrent use. It returns nil when
// the message was taken over for delivery; what can never succeed is marked
// with notify.Permanent.
type Sender interface {
	Send(ctx context.Context, m *Message) error
}
