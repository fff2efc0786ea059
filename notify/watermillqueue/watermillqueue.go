// Package watermillqueue makes a notify backend of any Watermill Publisher and
// Subscriber, for hosts that have a broker behind Watermill already:
//
//	queue, err := watermillqueue.Open(publisher, subscriber, nil)
//
// A message carries a job's stored form as payload, its ID as UUID, and its kind as
// metadata "kind". The topic of a queue is "<prefix><queue>", that of its dead letters
// "dead-<prefix><queue>"; nobody reads those but the host.
//
// # What it cannot do
//
// Watermill has no delays, priorities, counts or look-ups. Enqueue with After, At or
// Priority returns an error that is errors.ErrUnsupported, as do Unique and Key (unless
// notify.Options.State is set), Stats, List, Replay, Delete and Pause. A retry waits in
// the worker's process, with its message unacknowledged: when the process dies the job comes
// back at once and the attempt is not counted. Crashes are not counted either, so a job that kills
// its workers goes on doing so.
//
// # Delivery
//
// The order of jobs is the Subscriber's. How many jobs are under way at once is the Subscriber's: many give the next message
// only after the one before was acknowledged. Durability and redelivery are those of the
// Publisher and the Subscriber. Both stay open when the queue is closed.
package watermillqueue

import (
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure Open. Zero means the default.
type Options struct {
	notify.Options
	// Prefix of all topics. Default "notify.".
	Prefix string
}

// Open makes a queue of a publisher and a subscriber of the same broker. A nil one is
// an *notify.InvalidError. Close ends the subscriptions, and does not close either.
func Open(publisher message.Publisher, subscriber message.Subscriber, o *Options) (*notify.Queue, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if options.Prefix == "" {
		options.Prefix = "notify."
	}
	switch {
	case publisher == nil:
		return nil, &notify.InvalidError{Field: "publisher", Reason: "must not be nil"}
	case subscriber == nil:
		return nil, &notify.InvalidError{Field: "subscriber", Reason: "must not be nil"}
	case strings.ContainsFunc(options.Prefix, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, &notify.InvalidError{Field: "Prefix", Reason: "must not hold spaces or control characters"}
	}
	options.Options = *options.Options.WithDefaults()
	return notify.New(newDriver(publisher, subscriber, &options), &options.Options), nil
}
