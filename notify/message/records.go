package message

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// Reason is why somebody is not written to.
type Reason string

// The reasons of suppression. Hosts may have their own.
const (
	Unsubscribed Reason = "unsubscribed"
	Bounced      Reason = "bounced"    // the address does not exist
	Complained   Reason = "complained" // the message was called spam
)

// kept is how long suppressions are kept: until they are lifted, for all practical purposes.
const kept = 20 * 366 * 24 * time.Hour

type suppression struct {
	Reason Reason    `json:"reason"`
	At     time.Time `json:"at"`
}

// Suppress keeps further messages of a channel from an address, which is stored as a digest.
func (r *Router) Suppress(ctx context.Context, channel, to string, reason Reason) error {
	if reason == "" || len(reason) > 100 {
		return &InvalidError{"reason", "must be 1 to 100 bytes"}
	}
	value, err := json.Marshal(suppression{reason, r.options.Now().UTC()})
	if err != nil {
		return err
	}
	return r.store(ctx, notify.StateChange{Key: "suppressed/" + address(channel, to), Value: value, Version: notify.AnyVersion, TTL: kept})
}

// Lift ends a suppression.
func (r *Router) Lift(ctx context.Context, channel, to string) error {
	return r.store(ctx, notify.StateChange{Key: "suppressed/" + address(channel, to), Version: notify.AnyVersion})
}

// Suppressed returns why an address is not written to on a channel, or "".
func (r *Router) Suppressed(ctx context.Context, channel, to string) (Reason, error) {
	var s suppression
	_, err := r.load(ctx, "suppressed/"+address(channel, to), &s)
	return s.Reason, err
}

func (r *Router) store(ctx context.Context, change notify.StateChange) error {
	if _, err := r.state.SwapState(ctx, []notify.StateChange{change}); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	return nil
}

// load reads a value; version 0 means that there is none.
func (r *Router) load(ctx context.Context, key string, v any) (version int64, err error) {
	entries, err := r.state.LoadState(ctx, []string{key})
	if err == nil && len(entries) > 0 {
		version, err = entries[0].Version, json.Unmarshal(entries[0].Value, v)
	}
	if err != nil {
		return 0, fmt.Errorf("message: %w", err)
	}
	return version, nil
}

// window counts messages.
type window struct {
	N    int       `json:"n"`
	Ends time.Time `json:"ends"`
}

// admit counts a message for its limits, or returns how long it has to wait. One that was
// counted and then not sent because all providers failed is not counted again.
func (r *Router) admit(ctx context.Context, m *Message) (time.Duration, error) {
	if r.options.PerRecipient.Max == 0 && r.options.PerTemplate.Max == 0 {
		return 0, nil
	}
	mark := "admitted/" + hashed(m.ID)
	if m.ID != "" {
		var at time.Time
		if version, err := r.load(ctx, mark, &at); err != nil || version != 0 {
			return 0, err
		}
	}
	for _, l := range []struct {
		Limit
		key string
	}{
		{r.options.PerTemplate, "sent/" + hashed("template", m.Template, address(m.Channel, m.To))},
		{r.options.PerRecipient, "sent/" + hashed("all", address(m.Channel, m.To))},
	} {
		if l.Max == 0 {
			continue
		}
		wait, err := r.count(ctx, l.key, l.Limit, m.Urgent)
		if wait > 0 || err != nil {
			return wait, err
		}
	}
	if m.ID == "" {
		return 0, nil
	}
	value, err := json.Marshal(r.options.Now().UTC())
	if err != nil {
		return 0, err
	}
	return 0, r.store(ctx, notify.StateChange{Key: mark, Value: value, Version: notify.AnyVersion, TTL: 7 * 24 * time.Hour})
}

func (r *Router) count(ctx context.Context, key string, l Limit, urgent bool) (time.Duration, error) {
	for range 100 {
		var w window
		version, err := r.load(ctx, key, &w)
		if err != nil {
			return 0, err
		}
		now := r.options.Now()
		if version == 0 || !now.Before(w.Ends) {
			w = window{Ends: now.Add(l.Window)}
		}
		if w.N >= l.Max && !urgent {
			return w.Ends.Sub(now), nil
		}
		w.N++
		value, err := json.Marshal(&w)
		if err != nil {
			return 0, err
		}
		done, err := r.state.SwapState(ctx, []notify.StateChange{{Key: key, Value: value, Version: version, TTL: w.Ends.Sub(now)}})
		if err != nil {
			return 0, fmt.Errorf("message: %w", err)
		}
		if done[0] {
			return 0, nil
		}
	}
	return 0, notify.ErrContended
}

// State is what became of a message.
type State string

// The states of a message.
const (
	Sent      State = "sent"      // a provider has taken it
	Delivered State = "delivered" // it has arrived, says the provider
	Failed    State = "failed"    // it will not arrive
	Dropped   State = "dropped"   // not sent: suppressed
)

// Status is what is known of a message.
type Status struct {
	ID         string    `json:"id"`
	Channel    string    `json:"channel"`
	State      State     `json:"state"`
	Provider   string    `json:"provider,omitempty"`
	ProviderID string    `json:"provider_id,omitempty"`
	Detail     string    `json:"detail,omitempty"` // of a failure; at most 500 bytes
	At         time.Time `json:"at"`
	// Address is a digest of channel and address, by which a bounce is suppressed.
	Address string `json:"address,omitempty"`
}

// ErrUnknown is returned for a message that is not known, or not any more.
var ErrUnknown = errors.New("message: unknown")

// statusKept is how long a status can be asked for.
const statusKept = 30 * 24 * time.Hour

// Status returns what is known of a message; it is kept for 30 days. Error: ErrUnknown.
func (r *Router) Status(ctx context.Context, id string) (Status, error) {
	var s Status
	version, err := r.load(ctx, "message/"+hashed(id), &s)
	if err == nil && version == 0 {
		err = ErrUnknown
	}
	return s, err
}

// report stores a status. A failure to do so only costs the memory of it.
func (r *Router) report(ctx context.Context, m *Message, s Status) {
	if m.ID == "" {
		return
	}
	s.ID, s.Channel, s.Address = m.ID, m.Channel, address(m.Channel, m.To)
	if err := r.keep(ctx, s); err != nil {
		r.options.Logger.Warn("message: cannot store a status", "id", m.ID, "error", err)
	}
}

func (r *Router) keep(ctx context.Context, s Status) error {
	s.At = r.options.Now().UTC()
	s.Detail = s.Detail[:min(len(s.Detail), 500)]
	value, err := json.Marshal(&s)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // what was sent was sent
	change := notify.StateChange{Key: "message/" + hashed(s.ID), Value: value, Version: notify.AnyVersion, TTL: statusKept}
	if err := r.store(ctx, change); err != nil {
		return err
	}
	if r.options.OnStatus != nil {
		r.options.OnStatus(ctx, s)
	}
	return nil
}

// Report is for what providers call back with: it stores what became of a message that was
// sent, and suppresses the address when reason is not empty. A status never goes back from Delivered
// or Failed to Sent. Error: ErrUnknown.
func (r *Router) Report(ctx context.Context, id string, state State, detail string, reason Reason) error {
	s, err := r.Status(ctx, id)
	if err != nil {
		return err
	}
	if state == Sent && s.State != Sent {
		return nil
	}
	if reason != "" && s.Address != "" {
		value, err := json.Marshal(suppression{reason, r.options.Now().UTC()})
		if err != nil {
			return err
		}
		err = r.store(ctx, notify.StateChange{Key: "suppressed/" + s.Address, Value: value, Version: notify.AnyVersion, TTL: kept})
		if err != nil {
			return err
		}
	}
	s.State, s.Detail = state, detail
	return r.keep(ctx, s)
}
