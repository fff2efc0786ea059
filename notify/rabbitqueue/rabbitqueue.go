// Package rabbitqueue is a notify backend on RabbitMQ, on quorum queues or on
// classic ones, without plugins:
//
//	queue, err := rabbitqueue.Open(ctx, "amqp://shop:secret@rabbit1/,amqp://shop:secret@rabbit2/", nil)
//
// # Durability
//
// Messages are persistent and published with confirms and the mandatory flag, so Enqueue
// answers when the broker has a job and a queue to keep it in: of a quorum queue, when a
// majority of its nodes have it on disk. Publishes that were under way when a connection
// broke are sent again on the next one. RabbitMQ cannot tell that it has seen a job before, so
// such a job may run twice.
//
// A broker that is killed may forget a quorum queue that it made within the last second, or in the worst case three, although
// it has confirmed jobs in it: starting again it logs "not found on this node", the queue stays without a leader, and
// channels that publish to it hang (seen on RabbitMQ 3.10.8 and 4.0.5; rabbitmq-server issue 15725). Nothing that a client can ask
// tells when the broker keeps it. So the process that makes one publishes to it four seconds later: the first Enqueue into a
// new queue, with a new priority class or with a longer delay than any before, takes that long, once in the life of the broker. Another process
// that finds the queue within these seconds takes it as old. An operator has to delete a queue without a leader; no job that was answered for is in it.
//
// # Leases
//
// A job belongs to the connection it was delivered on, and comes back when that is gone;
// there is no lease in time. A worker that hangs is noticed by missing heartbeats
// (Options.Heartbeat). The broker also takes a job back that was not settled within its
// consumer_timeout, 30 minutes by default: handlers that run longer need a larger one.
// An acknowledgement that was on its way when the connection broke is lost, and the job runs again.
//
// # Names
//
// A queue has three in RabbitMQ: "<prefix><queue>" for priorities 0 to 4, "<prefix><queue>:high" for 5
// to 9, and "<prefix><queue>:dead" for dead letters. Delayed jobs go through "<prefix>:delay:<n>",
// shared by all queues, each of which holds a job for 2^n ms and hands it on; the path is
// written in the routing key, so nothing but the broker is needed for it. The longest path is 49
// days; a job due later than that comes to a worker in between, which sends it on.
//
// # Limits
//
// No Unique, Key or pause, and only dead letters can be listed, replayed and deleted: AMQP has
// no such acts. Stats tell the jobs that are due and the dead ones of queues this process has
// used. A retried or returned job goes to the end of its queue. With Options.Classic a broker
// that is killed may lose jobs that are just moving from one delay to the next.
//
// A queue that somebody deletes is made anew by whoever works at it, within a few seconds, or by the next Enqueue. With it go the jobs
// in it, also those whose Enqueue had not returned when the deletion did. Delayed jobs that come due meanwhile are
// sent again later (see Clusters); of classic queues they are dropped.
//
// # Clusters
//
// When the node that leads a queue is killed, another one leads within a second or so. But jobs that were just coming to it from a delay may be
// sent again only after the broker's dead_letter_worker_publisher_confirm_timeout, three minutes by default; up to then they hold up other delays
// of the same length (seen on RabbitMQ 3.10.8: 32 such jobs held up 5,500). Set it to five seconds in advanced.config:
//
//	[{rabbit, [{dead_letter_worker_publisher_confirm_timeout, 5000}]}].
//
// A connection on which the broker confirms nothing for ten seconds, and does not block it, is given up for another one.
//
// Needs RabbitMQ 3.10 or later. Errors of the broker come back wrapped, as *amqp091.Error.
package rabbitqueue

import (
	"context"
	"crypto/tls"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure Open. Zero means the default.
type Options struct {
	notify.Options
	// Prefix of all names in the broker. Default "notify:". At most 60 bytes, without "*" and "#".
	Prefix string
	// Classic uses classic queues instead of quorum queues: on one node, faster at low
	// numbers of callers and without the safety of a majority.
	Classic bool
	// MaxLength bounds how many jobs wait in one queue; Enqueue fails when it is
	// full. Quorum queues check it a little late. Default no bound.
	MaxLength int
	// Wait bounds how long Enqueue waits for a broker that is away, blocks publishers (as
	// one whose disk is full does) or does not confirm. Default 30 seconds.
	Wait time.Duration
	// Heartbeat is how often the connections show that they live; two missed ones end
	// it. Default 10 seconds; at least one second.
	Heartbeat time.Duration
	// TLS is for amqps:// URLs. Default: the system's roots and the URL's host.
	TLS *tls.Config
}

func (o *Options) fill() error {
	if o.Prefix == "" {
		o.Prefix = "notify:"
	}
	if o.Wait == 0 {
		o.Wait = 30 * time.Second
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 10 * time.Second
	}
	switch {
	case len(o.Prefix) > 60 || strings.ContainsAny(o.Prefix, "*#"):
		return &notify.InvalidError{Field: "Prefix", Reason: "must be at most 60 bytes without \"*\" and \"#\""}
	case strings.HasPrefix(o.Prefix, "amq."):
		return &notify.InvalidError{Field: "Prefix", Reason: "must not begin with \"amq.\", which is the broker's own"}
	case o.MaxLength < 0:
		return &notify.InvalidError{Field: "MaxLength", Reason: "must not be negative"}
	case o.Wait < 0:
		return &notify.InvalidError{Field: "Wait", Reason: "must be positive"}
	case o.Heartbeat < time.Second:
		return &notify.InvalidError{Field: "Heartbeat", Reason: "must be at least one second"}
	}
	o.Options = *o.Options.WithDefaults()
	return nil
}

// Open makes a queue on the broker at url, or on a cluster whose nodes' URLs are
// separated by commas; connections go to any of them that answers, and anew when
// they break. It connects once: a broker that cannot be reached, or refuses us, is an error.
//
// One connection publishes and one consumes, so that a broker that slows publishers down
// does not slow the workers that empty its queues.
func Open(ctx context.Context, url string, o *Options) (*notify.Queue, error) {
	var options Options
	if o != nil {
		options = *o
	}
	if err := options.fill(); err != nil {
		return nil, err
	}
	urls := strings.Split(url, ",")
	for i, u := range urls {
		urls[i] = strings.TrimSpace(u)
		if _, err := amqp.ParseURI(urls[i]); err != nil {
			return nil, &notify.InvalidError{Field: "url", Reason: "is no amqp:// or amqps:// URL"} // err may hold its password
		}
	}
	d := newDriver(urls, &options)
	if err := d.publisher.check(ctx); err != nil {
		_ = d.Close()
		return nil, err
	}
	return notify.New(&letters{driver: d}, &options.Options), nil
}
