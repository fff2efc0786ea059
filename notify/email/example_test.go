package email_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/templates"
)

// printer is a Sender of one's own.
type printer struct{}

func (printer) Send(_ context.Context, m *email.Message) error {
	fmt.Printf("%s: %s\n%s", m.To[0], m.Subject, m.Text)
	return nil
}

func ExampleNewMailer() {
	set, _ := templates.Parse(fstest.MapFS{
		"order.en.txt": {Data: []byte(`{{define "subject"}}Order {{.Number}}{{end}}Thank you, {{.Name}}!`)},
	}, nil)
	mailer, err := email.NewMailer(printer{}, set, &email.MailerOptions{From: "Shop <shop@example.com>"})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = mailer.Send(context.Background(), "", email.Mail{
		To: []string{"mei@example.com"}, Template: "order", Locale: "en", Data: templates.Data{"Number": 1001, "Name": "Mei"},
	})
	fmt.Println(err)
	// Output:
	// mei@example.com: Order 1001
	// Thank you, Mei!
	// <nil>
}

func ExampleNewSMTP() {
	_, err := email.NewSMTP("smtp.example.com:587", &email.SMTPOptions{Username: "shop", Password: "from the environment"})
	fmt.Println(err)
	_, err = email.NewSMTP("smtp.example.com:25", &email.SMTPOptions{TLS: email.Plain, Username: "shop", Password: "from the environment"})
	fmt.Println(err)
	// Output:
	// <nil>
	// email: invalid TLS: a password is not sent unencrypted over a network
}
