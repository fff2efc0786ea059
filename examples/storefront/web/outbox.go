package web

import (
	"context"
	"net/http"
	"time"
)

// Outbox is what a development shop would have sent.
type Outbox interface {
	Texts(ctx context.Context) ([]Sent, error) // newest first
	Mails(ctx context.Context) ([]Sent, error) // newest first
}

// Sent is a text message or a mail.
type Sent struct {
	To, Subject, Body string
	At                time.Time
}

type outboxPage struct{ Texts, Mails []sentRow }

type sentRow struct{ To, Subject, Body, Time string }

func (s *Server) outboxPage(w http.ResponseWriter, r *http.Request) error {
	lang := i18nOf(r)
	rows := func(sent []Sent, err error) ([]sentRow, error) {
		list := make([]sentRow, len(sent))
		for i, m := range sent {
			list[i] = sentRow{To: m.To, Subject: m.Subject, Body: m.Body, Time: lang.Time(m.At.Local())}
		}
		return list, err
	}
	var page outboxPage
	var err error
	if page.Texts, err = rows(s.outbox.Texts(r.Context())); err != nil {
		return err
	}
	if page.Mails, err = rows(s.outbox.Mails(r.Context())); err != nil {
		return err
	}
	return s.show(w, r, http.StatusOK, "outbox", lang.T("dev.outbox"), page)
}
