package natsqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify"
)

// What a job's holder tells the server.
var (
	acknowledge = []byte("+ACK")
	holdFor     = "-NAK " // with a delay: the job stays ours for so long
)

// receipt is what a delivery is known by.
type receipt struct {
	subject   string // where the server listens for what becomes of it
	sequence  string // in the stream
	delivered int
	until     atomic.Int64 // when our lease ends, as sinceStart tells the time
}

func receiptOf(d *notify.Delivery) *receipt { return d.Receipt.(*receipt) }

var start = time.Now()

// sinceStart is a clock that nobody sets.
func sinceStart() time.Duration { return time.Since(start) }

// holdUntil sets the end of our lease.
func (r *receipt) holdUntil(t time.Duration) { r.until.Store(int64(t)) }

// lost tells whether the lease has ended for us.
func (r *receipt) lost(now time.Duration) bool { return int64(now) >= r.until.Load() }

// position reads consumer, deliveries and stream sequence from the subject of an acknowledgement:
// $JS.ACK.(domain.account.)stream.consumer.delivered.sequence.….
func position(reply string) (consumer string, delivered int, sequence string) {
	tokens := strings.Split(reply, ".")
	at := 3
	if len(tokens) >= 11 {
		at += 2
	}
	if len(tokens) < at+3 {
		return "", 1, ""
	}
	delivered, err := strconv.Atoi(tokens[at+1])
	if err != nil {
		delivered = 1
	}
	return tokens[at], delivered, tokens[at+2]
}

func consumerOf(reply string) string {
	consumer, _, _ := position(reply)
	return consumer
}

// receive turns messages into deliveries whose leases are as long as was asked for.
func (d *driver) receive(ctx context.Context, s *session, found []arrival, lease time.Duration) []*notify.Delivery {
	deliveries := make([]*notify.Delivery, 0, len(found))
	var renew []*notify.Delivery
	now := sinceStart()
	for _, a := range found {
		delivery := d.delivery(s.queue.name, a)
		receiptOf(delivery).holdUntil(now + lease)
		deliveries = append(deliveries, delivery)
		theirs := a.at + s.queue.ackWait[a.level] // when the server gives it to somebody else
		if early := now + lease + grace - theirs; early > grace/2 || early < -grace {
			renew = append(renew, delivery)
		}
	}
	if len(renew) == 0 {
		return deliveries
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if _, err := d.Extend(asking, renew, lease); err != nil {
		d.options.Logger.Warn("natsqueue: cannot set leases", "queue", s.queue.name, "jobs", len(renew), "error", err)
		for _, r := range renew {
			receiptOf(r).holdUntil(now + min(lease, shortestLease)) // whatever it is by the server
		}
	}
	return deliveries
}

// shortestLease is what a worker can ask for.
const shortestLease = 100 * time.Millisecond

// delivery is a job that came.
func (d *driver) delivery(queue string, a arrival) *notify.Delivery {
	_, delivered, sequence := position(a.msg.Reply)
	e, err := decode(queue, a.msg.Data)
	return &notify.Delivery{
		Envelope: e, Err: err, Crashes: delivered - 1 + crashes(a.msg.Header),
		Receipt: &receipt{subject: a.msg.Reply, sequence: sequence, delivered: delivered},
	}
}

func crashes(header nats.Header) int {
	n, err := strconv.Atoi(header.Get(crashesHeader))
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// decode reads a body. One that cannot be read comes back as an error, together
// with what else is known and the body as it is.
func decode(queue string, body []byte) (*notify.Envelope, error) {
	e := new(notify.Envelope)
	err := e.UnmarshalBinary(body)
	if err != nil {
		digest := sha256.Sum256(body)
		e.ID, e.Payload = hex.EncodeToString(digest[:13]), body
	}
	e.Queue = queue
	return e, err
}

// forward gives back what nobody was given: a job that is rejected would count as lost to a crash.
func (d *driver) forward(ctx context.Context, left []arrival) error {
	posts := make([]*post, 0, len(left))
	subjects := make([]string, 0, len(left))
	for _, a := range left {
		_, delivered, sequence := position(a.msg.Reply)
		id := a.msg.Header.Get(idHeader)
		p := &post{msg: nats.Msg{Data: a.msg.Data, Header: nats.Header{idHeader: {id + ":" + sequence + ":back"}}}}
		e := new(notify.Envelope)
		if e.UnmarshalBinary(a.msg.Data) != nil {
			continue // it comes back when its lease ends
		}
		p.queue, p.msg.Subject = e.Queue, d.ready(e.Queue, a.level)
		if n := delivered - 1 + crashes(a.msg.Header); n > 0 {
			p.msg.Header[crashesHeader] = []string{strconv.Itoa(n)}
		}
		posts, subjects = append(posts, p), append(subjects, a.msg.Reply)
	}
	if err := d.send(ctx, posts); err != nil {
		return err
	}
	return d.tell(ctx, subjects, acknowledge)
}

// tell sends one thing about jobs and returns when the server has worked on all of it. It
// works on what one connection sends to one consumer in order, so the last of each is asked about.
func (d *driver) tell(ctx context.Context, subjects []string, what []byte) error {
	byConsumer := make(map[string][]string, 1)
	for _, subject := range subjects {
		consumer := consumerOf(subject)
		byConsumer[consumer] = append(byConsumer[consumer], subject)
	}
	for _, of := range byConsumer {
		for attempt := 1; ; attempt++ {
			err := d.tellOnce(ctx, of, what)
			if err == nil {
				break
			}
			switch {
			case d.life.Err() != nil:
				return notify.ErrClosed
			case ctx.Err() != nil:
				return ctx.Err()
			case attempt == 3 || !passing(err):
				return fmt.Errorf("natsqueue: settle: %w", err)
			}
			_ = pause.For(ctx, minPause<<attempt)
		}
	}
	return nil
}

// settleTimeout bounds one attempt to settle. A server that was killed does not know of
// deliveries of the last moment and stays silent about them.
const settleTimeout = 2 * time.Second

func (d *driver) tellOnce(ctx context.Context, subjects []string, what []byte) error {
	last := len(subjects) - 1
	for _, subject := range subjects[:last] {
		if err := d.nc.Publish(subject, what); err != nil {
			return err
		}
	}
	asking, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	_, err := d.nc.RequestWithContext(asking, subjects[last], what)
	return err
}

// ours divides deliveries into those whose lease goes on, by their subjects, and those lost.
func ours(deliveries []*notify.Delivery) (held, lost []*notify.Delivery, subjects []string) {
	now := sinceStart()
	for _, delivery := range deliveries {
		r := receiptOf(delivery)
		if r.lost(now) {
			lost = append(lost, delivery)
			continue
		}
		held, subjects = append(held, delivery), append(subjects, r.subject)
	}
	return held, lost, subjects
}

func (d *driver) Ack(ctx context.Context, deliveries []*notify.Delivery) ([]*notify.Delivery, error) {
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	held, lost, subjects := ours(deliveries)
	if err := d.tell(ctx, subjects, acknowledge); err != nil {
		return lost, err
	}
	for _, delivery := range held {
		d.counts.add(delivery.Queue, 1, 0)
	}
	return lost, nil
}

func (d *driver) Extend(ctx context.Context, deliveries []*notify.Delivery, lease time.Duration) ([]*notify.Delivery, error) {
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	held, lost, subjects := ours(deliveries)
	until := sinceStart() + lease
	delay := fmt.Sprintf(`%s{"delay": %d}`, holdFor, lease+grace)
	if err := d.tell(ctx, subjects, []byte(delay)); err != nil {
		return lost, err
	}
	for _, delivery := range held {
		receiptOf(delivery).holdUntil(until)
	}
	return lost, nil
}

func (d *driver) Nack(ctx context.Context, nacks []notify.Nack) (lost []*notify.Delivery, err error) {
	var posts []*post
	var of []notify.Nack
	now := sinceStart()
	for _, n := range nacks {
		r := receiptOf(n.Delivery)
		if r.lost(now) {
			lost = append(lost, n.Delivery)
			continue
		}
		p, err := d.nacked(ctx, n, r)
		if err != nil {
			return lost, err
		}
		posts, of = append(posts, p), append(of, n)
	}
	err = d.send(ctx, posts)
	var subjects []string
	for i, p := range posts {
		if !p.done {
			continue
		}
		subjects = append(subjects, receiptOf(of[i].Delivery).subject)
		if of[i].Failed {
			d.counts.add(p.queue, 0, 1)
		}
	}
	return lost, errors.Join(err, d.tell(ctx, subjects, acknowledge))
}

// nacked is the message of a job that is given back. Its ID is that of this delivery, so that the server
// keeps one of it however often it is sent.
func (d *driver) nacked(ctx context.Context, n notify.Nack, r *receipt) (*post, error) {
	id := n.Envelope.ID + ":" + r.sequence + ":" + strconv.Itoa(r.delivered)
	if n.Dead {
		return d.letter(n.Envelope, id)
	}
	e := *n.Envelope
	if n.Delay > 0 {
		e.RunAt = d.options.Now().Add(n.Delay).UTC()
	}
	return d.job(ctx, &e, n.Delay, id)
}
