package message

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure a Router. Zero means the default, except for Channels.
type Options struct {
	// Channels are the providers of each channel, in the order in which they are tried.
	Channels map[string][]Provider
	// PerRecipient bounds the messages to one address over all templates, PerTemplate those
	// of one template to one address. What is above waits until the window ends; urgent
	// messages count and do not wait. Default no bound.
	PerRecipient, PerTemplate Limit
	// Quiet hours, in the person's time zone or in Location. Default none, UTC.
	Quiet    QuietHours
	Location *time.Location
	// A provider that failed Failures times in a row is not tried for Rest. Defaults 5 and 30 seconds.
	Failures int
	Rest     time.Duration
	// Timeout bounds one provider. Default 20 seconds.
	Timeout time.Duration
	// OnStatus hears of every change of a message's status, after it was stored.
	OnStatus func(ctx context.Context, s Status)
	// Logger gets failures of providers. Never addresses or texts. Default slog.Default().
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Router sends messages. It is safe for concurrent use.
type Router struct {
	state    notify.StateStore
	options  Options
	circuits map[string]*circuit // by channel and provider
}

// NewRouter makes a router that keeps its lists and counts beside the jobs of a queue, whose
// backend needs notify.StateStore (else errors.ErrUnsupported). Wrong options are an *InvalidError.
func NewRouter(q *notify.Queue, o *Options) (*Router, error) {
	r := &Router{circuits: make(map[string]*circuit)}
	if o != nil {
		r.options = *o
	}
	if r.state = q.State(); r.state == nil {
		return nil, fmt.Errorf("message: the queue keeps no shared values: %w", errors.ErrUnsupported)
	}
	if err := r.options.fill(); err != nil {
		return nil, err
	}
	for channel, providers := range r.options.Channels {
		for _, p := range providers {
			r.circuits[channel+"/"+p.Name] = &circuit{failures: r.options.Failures, rest: r.options.Rest}
		}
	}
	return r, nil
}

func (o *Options) fill() error {
	setDefault(&o.Failures, 5)
	setDefault(&o.Rest, 30*time.Second)
	setDefault(&o.Timeout, 20*time.Second)
	setDefault(&o.Location, time.UTC)
	setDefault(&o.Logger, slog.Default())
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Channels) == 0 {
		return &InvalidError{"Channels", "must not be empty"}
	}
	for channel, providers := range o.Channels {
		seen := make(map[string]bool)
		if len(providers) == 0 {
			return &InvalidError{"Channels", fmt.Sprintf("%q has no provider", channel)}
		}
		for _, p := range providers {
			if p.Name == "" || p.Sender == nil || seen[p.Name] {
				return &InvalidError{"Channels", fmt.Sprintf("%q has a provider without name or sender, or one twice", channel)}
			}
			seen[p.Name] = true
		}
	}
	switch {
	case o.Failures < 1:
		return &InvalidError{"Failures", "must be positive"}
	case o.Rest < 0 || o.Timeout < 0:
		return &InvalidError{"Timeout", "must not be negative, nor Rest"}
	}
	for _, err := range []error{o.PerRecipient.check("PerRecipient"), o.PerTemplate.check("PerTemplate"), o.Quiet.check()} {
		if err != nil {
			return err
		}
	}
	return nil
}

func setDefault[V comparable](v *V, def V) {
	var zero V
	if *v == zero {
		*v = def
	}
}

// Send sends a message at once, unless it was sent already. In a handler its errors say what
// becomes of the job: notify.Snooze in quiet hours and above a limit, permanent errors for
// what is suppressed or wrong, others to try again.
func (r *Router) Send(ctx context.Context, m *Message) error {
	providers := r.options.Channels[m.Channel]
	if len(providers) == 0 {
		return notify.Permanent(&InvalidError{"Channel", "is none of the channels"})
	}
	if err := m.check(); err != nil {
		return notify.Permanent(err)
	}
	if m.ID != "" {
		if s, err := r.Status(ctx, m.ID); err == nil && s.State != Failed {
			return nil // sent by an attempt whose acknowledgement was lost
		} else if err != nil && !errors.Is(err, ErrUnknown) {
			return err
		}
	}
	if reason, err := r.Suppressed(ctx, m.Channel, m.To); err != nil {
		return err
	} else if reason != "" {
		r.report(ctx, m, Status{State: Dropped, Detail: string(reason)})
		return notify.Permanent(&SuppressedError{m.Channel, reason})
	}
	if wait := r.quiet(m); wait > 0 {
		return notify.Snooze(wait)
	}
	if wait, err := r.admit(ctx, m); err != nil {
		return err
	} else if wait > 0 {
		return notify.Snooze(wait)
	}
	return r.deliver(ctx, m, providers)
}

func (r *Router) quiet(m *Message) time.Duration {
	if m.Urgent {
		return 0
	}
	location := r.options.Location
	if m.TimeZone != "" {
		if own, err := time.LoadLocation(m.TimeZone); err == nil {
			location = own
		}
	}
	return r.options.Quiet.left(r.options.Now().In(location))
}

// deliver tries one provider after the other.
func (r *Router) deliver(ctx context.Context, m *Message, providers []Provider) error {
	var failures []error
	for _, p := range providers {
		circuit := r.circuits[m.Channel+"/"+p.Name]
		if !circuit.closed(r.options.Now()) {
			failures = append(failures, fmt.Errorf("%s: not tried after failures in a row", p.Name))
			continue
		}
		trying, cancel := context.WithTimeout(ctx, r.options.Timeout)
		id, err := p.Sender.SendMessage(trying, m)
		cancel()
		if err == nil {
			circuit.succeeded()
			r.report(ctx, m, Status{State: Sent, Provider: p.Name, ProviderID: id})
			return nil
		}
		if notify.IsPermanent(err) {
			circuit.succeeded() // it answered
			r.report(ctx, m, Status{State: Failed, Provider: p.Name, Detail: err.Error()})
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		circuit.failed(r.options.Now())
		r.options.Logger.Warn("message: provider failed", "channel", m.Channel, "provider", p.Name, "id", m.ID, "error", err)
		failures = append(failures, fmt.Errorf("%s: %w", p.Name, err))
	}
	return fmt.Errorf("message: no provider of %s took it: %w", m.Channel, errors.Join(failures...))
}
