package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify"
)

// Headers of JetStream, and one of ours: how often a job was lost to crashes before it was stored anew.
const (
	idHeader       = "Nats-Msg-Id"
	scheduleHeader = "Nats-Schedule"
	targetHeader   = "Nats-Schedule-Target"
	crashesHeader  = "Notify-Crashes"
)

// overlap keeps the server busy while answers are on their way.
const overlap = 8

func (d *driver) Overlap() int { return overlap }

// post is a message on its way.
type post struct {
	queue string
	msg   nats.Msg
	done  bool
}

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	now := d.options.Now()
	posts := make([]*post, len(envelopes))
	for i, e := range envelopes {
		if _, err := d.queue(ctx, e.Queue, 0); err != nil {
			return err
		}
		var err error
		if posts[i], err = d.job(ctx, e, e.RunAt.Sub(now), e.ID); err != nil {
			return err
		}
	}
	return d.send(ctx, posts)
}

// job is the message of a job that is due after delay. The server keeps one of an id.
func (d *driver) job(ctx context.Context, e *notify.Envelope, delay time.Duration, id string) (*post, error) {
	p, err := d.message(e, d.ready(e.Queue, level(e.Priority)), id)
	if err != nil || delay <= 0 {
		return p, err
	}
	part := scheduled
	if e.Attempt > 0 {
		part = retrying
	}
	p.msg.Header[targetHeader] = []string{p.msg.Subject}
	p.msg.Subject = d.place(e.Queue, part, e.ID)
	now, err := d.serverTime(ctx, e.Queue)
	if err != nil {
		return nil, fail(ctx, "ask for the time", err)
	}
	p.msg.Header[scheduleHeader] = []string{"@at " + now.Add(delay).UTC().Format(time.RFC3339Nano)}
	return p, nil
}

// letter is the message of a dead letter.
func (d *driver) letter(e *notify.Envelope, id string) (*post, error) {
	return d.message(e, d.place(e.Queue, dead, e.ID), id)
}

func (d *driver) message(e *notify.Envelope, subject, id string) (*post, error) {
	body, err := e.MarshalBinary()
	if err != nil {
		return nil, err
	}
	const head = 1 << 10 // for headers
	if most := int(d.nc.MaxPayload()) - head; len(body) > most {
		return nil, &notify.TooLargeError{Kind: e.Kind, Size: len(e.Payload), Max: most - (len(body) - len(e.Payload))}
	}
	return &post{queue: e.Queue, msg: nats.Msg{Subject: subject, Data: body, Header: nats.Header{idHeader: {id}}}}, nil
}

// send publishes and returns when the server has all posts. Which it has, also after an error, they tell
// themselves. What was not answered is sent again.
func (d *driver) send(ctx context.Context, posts []*post) error {
	if len(posts) == 0 {
		return nil
	}
	if d.life.Err() != nil {
		return notify.ErrClosed
	}
	waiting, cancel := context.WithTimeout(ctx, d.options.Wait)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	for rest := minPause; ; rest = min(2*rest, maxPause) {
		err := d.sendOnce(waiting, posts)
		switch {
		case err == nil:
			return nil
		case d.life.Err() != nil:
			return notify.ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case waiting.Err() != nil || !passing(err):
			return fmt.Errorf("natsqueue: publish: %w", err)
		}
		if errors.Is(err, jetstream.ErrNoStreamResponse) { // no leader just now, or somebody has deleted the stream
			for _, p := range posts {
				if !p.done {
					d.forget(p.queue)
					if _, err := d.queue(waiting, p.queue, 0); err != nil {
						return err
					}
				}
			}
		}
		_ = pause.For(waiting, rest)
	}
}

// sendOnce sends what the server does not have. It waits for all answers and returns one of the errors.
func (d *driver) sendOnce(ctx context.Context, posts []*post) error {
	answers := make([]jetstream.PubAckFuture, len(posts))
	var failed error
	for i, p := range posts {
		if p.done {
			continue
		}
		p.msg.Reply = ""
		var err error
		if answers[i], err = d.js.PublishMsgAsync(&p.msg, jetstream.WithStallWait(answerTimeout)); err != nil {
			failed = err
			break
		}
	}
	for i, p := range posts {
		if answers[i] == nil {
			continue
		}
		select {
		case <-answers[i].Ok():
			p.done = true
		case err := <-answers[i].Err():
			if failed == nil || passing(failed) {
				failed = err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return failed
}

func fail(ctx context.Context, operation string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("natsqueue: %s: %w", operation, err)
}
