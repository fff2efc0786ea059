// Package message sends messages by whatever channel reaches a person, and holds to
// what was agreed on: who is not written to any more, how often, and when not.
//
//	router, err := message.NewRouter(queue, &message.Options{
//		Channels: map[string][]message.Provider{
//			"sms":   {{Name: "aliyun", Sender: texter}, {Name: "twilio", Sender: fallback}},
//			"email": {{Name: "smtp", Sender: mailer}},
//		},
//		PerRecipient: message.Limit{Max: 20, Window: 24 * time.Hour},
//		Quiet:        message.QuietHours{From: 22 * time.Hour, To: 8 * time.Hour},
//	})
//	var Send = notify.NewTask[message.Message]("message.send", nil)
//	Send.Handle(worker, router.Handle)
//	_, err = Send.Enqueue(ctx, client, message.Message{Channel: "sms", To: "+8613800138000", Template: "shipped", Locale: "zh"})
//
// When a provider fails, the next one of the channel is tried at once; one that failed
// again and again is left alone for a while (a circuit breaker). A message that a provider
// took is remembered by its ID, so that a job that comes twice is not sent twice.
package message

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/templates"
)

// ErrInvalid marks a message or an option that cannot be used; see InvalidError.
var ErrInvalid = errors.New("message: invalid")

// InvalidError names the field that was refused and why. It Is ErrInvalid. It holds no addresses.
type InvalidError struct {
	Field, Reason string
}

func (e *InvalidError) Error() string { return "message: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Message is one message to one person, as it travels through a queue.
type Message struct {
	// ID names it to providers and in Status. Handle uses the job's.
	ID       string         `json:"id,omitempty"`
	Channel  string         `json:"channel"` // a name of Options.Channels
	To       string         `json:"to"`      // a mail address, a number, an address of a webhook
	Template string         `json:"template"`
	Locale   string         `json:"locale,omitempty"`
	Data     templates.Data `json:"data,omitempty"`
	// Urgent messages, such as codes, are sent in quiet hours, too.
	Urgent bool `json:"urgent,omitempty"`
	// TimeZone of the person, as "Asia/Shanghai", for quiet hours. Default Options.Location.
	TimeZone string `json:"time_zone,omitempty"`
}

// Sender hands messages to one provider. It is safe for concurrent use. It returns the
// provider's own ID of the message, or "". An error that another provider would have, too, because the message
// itself is wrong, is marked with notify.Permanent. m.ID is the idempotency key.
type Sender interface {
	SendMessage(ctx context.Context, m *Message) (providerID string, err error)
}

// SenderFunc is a function as Sender.
type SenderFunc func(ctx context.Context, m *Message) (string, error)

// SendMessage calls f.
func (f SenderFunc) SendMessage(ctx context.Context, m *Message) (string, error) { return f(ctx, m) }

// Provider is a sender with the name it is known by in Status and in logs.
type Provider struct {
	Name   string
	Sender Sender
}

func (m *Message) check() error {
	switch {
	case m.To == "" || len(m.To) > 2000:
		return &InvalidError{"To", "must be 1 to 2000 bytes"}
	case m.Template == "" || len(m.Template) > 100:
		return &InvalidError{"Template", "must be 1 to 100 bytes"}
	case len(m.ID) > 100:
		return &InvalidError{"ID", "must be at most 100 bytes"}
	}
	if m.TimeZone != "" {
		if _, err := time.LoadLocation(m.TimeZone); err != nil {
			return &InvalidError{"TimeZone", "is unknown"}
		}
	}
	return nil
}

// hashed names an address without telling it.
func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// address is the form by which a person is known on a channel.
func address(channel, to string) string {
	return hashed(channel, strings.ToLower(strings.TrimSpace(to)))
}

// Handle is the handler of a notify.Task[Message].
func (r *Router) Handle(ctx context.Context, job *notify.Job[Message]) error {
	m := job.Args
	if m.ID == "" {
		m.ID = job.ID
	}
	return r.Send(ctx, &m)
}

// Limit is at most Max messages within Window, counted from the first. Max 0 means no bound.
type Limit struct {
	Max    int
	Window time.Duration
}

func (l Limit) check(field string) error {
	if l.Max < 0 || l.Max > 0 && (l.Window < time.Second || l.Window > 366*24*time.Hour) {
		return &InvalidError{field, "needs Max of at least 0 and Window between a second and 366 days"}
	}
	return nil
}

// QuietHours are when only urgent messages are sent, as times of day: From 22 h To 8 h is
// over night. Both zero means none.
type QuietHours struct {
	From, To time.Duration
}

func (q QuietHours) check() error {
	day := 24 * time.Hour
	if q.From < 0 || q.From >= day || q.To < 0 || q.To >= day {
		return &InvalidError{"Quiet", "must be times of day"}
	}
	return nil
}

// left is how long the quiet hours last at now; 0 outside of them. It follows the clock
// on the wall also on days that are longer or shorter.
func (q QuietHours) left(now time.Time) time.Duration {
	if q.From == q.To {
		return 0
	}
	at := time.Duration(now.Hour())*time.Hour + time.Duration(now.Minute())*time.Minute + time.Duration(now.Second())*time.Second
	quiet := q.From <= at && at < q.To
	days := 0
	if q.From > q.To { // over midnight
		quiet = at >= q.From || at < q.To
		if at >= q.From {
			days = 1
		}
	}
	if !quiet {
		return 0
	}
	year, month, day := now.Date()
	end := time.Date(year, month, day+days, int(q.To/time.Hour), int(q.To%time.Hour/time.Minute), 0, 0, now.Location())
	return max(end.Sub(now), time.Second)
}

// SuppressedError is returned for a person who is not to be written to. It is permanent.
type SuppressedError struct {
	Channel string
	Reason  Reason
}

func (e *SuppressedError) Error() string {
	return fmt.Sprintf("message: suppressed on %s: %s", e.Channel, e.Reason)
}
