package web

import (
	"net/http"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/outbox"
)

type outboxPage struct{ Texts, Mails []sentRow }

type sentRow struct{ To, Subject, Body, Time string }

// outboxPage shows what a real shop would have sent. It exists in development only.
func (s *Server) outboxPage(w http.ResponseWriter, r *http.Request) error {
	lang := i18nOf(r)
	mails, err := s.outbox.Mails()
	if err != nil {
		return err
	}
	page := outboxPage{Texts: sentRows(lang, s.outbox.Texts()), Mails: sentRows(lang, mails)}
	return s.show(w, r, http.StatusOK, "outbox", lang.T("dev.outbox"), page)
}

func sentRows(lang i18n.Language, messages []outbox.Message) []sentRow {
	rows := make([]sentRow, len(messages))
	for i, m := range messages {
		rows[i] = sentRow{To: m.To, Subject: m.Subject, Body: m.Body, Time: lang.Time(m.At.Local())}
	}
	return rows
}
