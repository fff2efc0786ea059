// Package natsqueue is a notify backend on NATS JetStream:
//
//	nc, err := nats.Connect("nats://localhost:4222", nats.MaxReconnects(-1))
//	queue, err := natsqueue.Open(ctx, nc, nil)
//
// # Durability
//
// Enqueue answers when the stream has acknowledged the job: with Replicas 3, when two of three
// servers have it. Publishes whose answer was lost are sent again with the same Nats-Msg-Id, and
// the stream keeps one of each within Options.Duplicates.
//
// A server that is killed loses nothing that it acknowledged, for it has handed it to the system by then. A machine
// that loses power does: by default JetStream flushes its files to disk every two minutes only
// ("sync_interval"). Where that matters have "jetstream { sync_interval: always }" in the server's
// configuration, which costs a flush for each message, or three replicas on machines that do not fail together.
//
// # Leases
//
// A job that was not settled when its lease ends goes to another worker half a second later. The server stores
// acknowledgements a moment after it has answered them, so a server that is killed gives some jobs out again that were
// just handled. The lease is fenced by the
// holder's own clock, whose rate must be right: a worker that was stopped for longer finds its
// lease lost when it goes on. The lease with which a queue is first fetched becomes the AckWait of
// its consumers; others cost a message for each job.
//
// # Names
//
// A queue is a stream "<prefix>-<queue>" of work-queue retention with subjects "<prefix>.<queue>.…", and two
// consumers in it: priorities 0 to 4 share one, 5 to 9 the other. A dot in a queue's name becomes "=".
// Shared values are in the stream "<prefix>~state".
//
// # Time
//
// Delays run on the server's clock, of any length, and end up to a quarter of a second late: a delayed job
// is a message with a schedule, which the stream itself delivers.
//
// # Limits
//
// Keys (ordering) are not supported. A retried or returned job goes to the end of its queue. A job whose
// lease has ended counts as running until somebody takes it. List shows the newest 10,000 jobs of each
// state; of a cluster it may miss what was stored a moment ago. Delete of a job that is due, or Replay of one that is just becoming due,
// may come too late, and the job then runs, or runs twice. A job must fit into the server's max_payload, 1 MB by default.
//
// Needs NATS 2.12 or later, for schedules. Errors of the server come back wrapped, as
// *jetstream.APIError or those of package nats.
package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure Open. Zero means the default.
type Options struct {
	notify.Options
	// Prefix of all names in the server: letters, digits, dashes and underscores, at most 60. Default "notify".
	Prefix string
	// Replicas is how many servers keep each stream that is made: 1, 3 or 5. Default 1. Streams
	// that are there already stay as they are.
	Replicas int
	// Duplicates is how long the server remembers the IDs of jobs, so that one that is
	// published again is kept once. It costs memory for every job published meanwhile. Default two
	// minutes; between 100 ms and an hour.
	Duplicates time.Duration
	// Wait bounds how long Enqueue waits for a server that is away. Default 30 seconds.
	Wait time.Duration
	// Domain is the JetStream domain. Default none.
	Domain string
}

func (o *Options) fill() error {
	if o.Prefix == "" {
		o.Prefix = "notify"
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.Duplicates == 0 {
		o.Duplicates = 2 * time.Minute
	}
	if o.Wait == 0 {
		o.Wait = 30 * time.Second
	}
	switch {
	case len(o.Prefix) > 60 || strings.ContainsFunc(o.Prefix, func(r rune) bool { return !plain(r) || r == '.' }):
		return &notify.InvalidError{Field: "Prefix", Reason: "must be at most 60 letters, digits, dashes and underscores"}
	case o.Replicas != 1 && o.Replicas != 3 && o.Replicas != 5:
		return &notify.InvalidError{Field: "Replicas", Reason: "must be 1, 3 or 5"}
	case o.Duplicates < 100*time.Millisecond || o.Duplicates > time.Hour:
		return &notify.InvalidError{Field: "Duplicates", Reason: "must be between 100 ms and an hour"}
	case o.Wait < 0:
		return &notify.InvalidError{Field: "Wait", Reason: "must be positive"}
	case strings.ContainsFunc(o.Domain, func(r rune) bool { return !plain(r) || r == '.' }):
		return &notify.InvalidError{Field: "Domain", Reason: "must be letters, digits, dashes and underscores"}
	}
	o.Options = *o.Options.WithDefaults()
	return nil
}

// plain are the characters of names that NATS takes as they are.
func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}

// Open makes a queue on a connection, which should have nats.MaxReconnects(-1), after asking the
// server whether it is fit: one that cannot be reached is an error, one of before 2.12 or without JetStream an
// *notify.InvalidError. Close does not close nc.
func Open(ctx context.Context, nc *nats.Conn, o *Options) (*notify.Queue, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if nc == nil {
		return nil, &notify.InvalidError{Field: "nc", Reason: "must not be nil"}
	}
	if err := options.fill(); err != nil {
		return nil, err
	}
	d, err := newDriver(nc, &options)
	if err != nil {
		return nil, err
	}
	if err := fit(ctx, d); err != nil {
		_ = d.Close()
		return nil, err
	}
	return notify.New(d, &options.Options), nil
}

// fit asks what is there.
func fit(ctx context.Context, d *driver) error {
	_, err := d.js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return &notify.InvalidError{Field: "nc", Reason: "is a server without JetStream"}
	case err != nil:
		return fmt.Errorf("natsqueue: open: %w", err)
	}
	if version := d.nc.ConnectedServerVersion(); !atLeast(version, 2, 12) {
		return &notify.InvalidError{Field: "nc", Reason: "is NATS " + version + ", at least 2.12 is needed"}
	}
	return nil
}

func atLeast(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(second)
	return errA == nil && errB == nil && (a > major || a == major && b >= minor)
}
