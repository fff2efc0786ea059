package shop

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/email"
	"github.com/seed82d84382/commerce/notify/sms"
	"github.com/seed82d84382/commerce/notify/templates"
)

//go:embed messages
var messageFiles embed.FS

// Messages returns the texts of the shop's mails and text messages.
func Messages() (*templates.Set, error) {
	files, err := fs.Sub(messageFiles, "messages")
	if err != nil {
		return nil, err
	}
	return templates.Parse(files, nil)
}

// codeJob sends a log-in code. The code lies sealed in the queue.
type codeJob struct {
	Phone   string `json:"phone"`
	Locale  string `json:"locale"`
	Minutes int    `json:"minutes"`
	Sealed  []byte `json:"sealed"`
}

// orderJob mails the confirmation of a paid order.
type orderJob struct {
	OrderID string `json:"order_id"`
}

var (
	sendCode = notify.NewTask[codeJob]("sms.code", &notify.TaskOptions{
		MaxAttempts: 3, Timeout: 15 * time.Second, MinBackoff: time.Second, MaxBackoff: 10 * time.Second,
	})
	mailOrder = notify.NewTask[orderJob]("mail.order", &notify.TaskOptions{Timeout: time.Minute})
)

// HandleJobs sets the handlers of the shop's jobs on a worker.
func (s *Shop) HandleJobs(w *notify.Worker, mailer *email.Mailer, texter *sms.Texter) {
	sendCode.Handle(w, func(ctx context.Context, job *notify.Job[codeJob]) error {
		code, ours := s.sealer.open(job.Args.Sealed, job.Args.Phone)
		if !ours {
			// A code of a process with another key, mostly the one before this: it is void already.
			s.log.Info("code of an earlier start not sent", "job", job.ID)
			return nil
		}
		return texter.Send(ctx, job.ID, sms.Text{
			To: job.Args.Phone, Template: "code", Locale: job.Args.Locale,
			Data: templates.Data{"Code": code, "Minutes": job.Args.Minutes},
		})
	})
	mailOrder.Handle(w, func(ctx context.Context, job *notify.Job[orderJob]) error {
		o, err := order(ctx, s.db, job.Args.OrderID)
		if err != nil {
			return fmt.Errorf("shop: order mail: %w", err)
		}
		return mailer.Send(ctx, job.ID, s.confirmation(o))
	})
}

// confirmation is the mail of a paid order.
func (s *Shop) confirmation(o *Order) email.Mail {
	lang, ok := i18n.Parse(o.Language)
	if !ok {
		lang = i18n.English
	}
	lines := make([]map[string]any, len(o.Lines))
	for i, line := range o.Lines {
		lines[i] = map[string]any{"Quantity": line.Quantity, "Title": line.Title, "Sum": lang.Money(line.PriceCents * int64(line.Quantity))}
	}
	return email.Mail{
		To: []string{o.Contact.Email}, Template: "order", Locale: string(lang),
		Data: templates.Data{
			"Number": o.Number(), "Name": o.Contact.Name, "Address": o.Contact.Address, "Lines": lines,
			"Total": lang.Money(o.TotalCents), "Link": s.url + "/order/" + o.ID,
		},
	}
}
