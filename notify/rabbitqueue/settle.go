package rabbitqueue

import (
	"context"
	"maps"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// receipt is what a delivery is known by.
type receipt struct {
	stream *stream
	tag    uint64
}

func receiptOf(d *notify.Delivery) receipt { return d.Receipt.(receipt) }

// receive turns messages into deliveries. Those whose way is not at its end are sent on.
func (d *driver) receive(ctx context.Context, s *session, found []arrival) []*notify.Delivery {
	deliveries := make([]*notify.Delivery, 0, len(found))
	var onward []arrival
	for _, a := range found {
		if number(a.Headers, restHeader) > 0 || d.options.Classic && a.Redelivered {
			onward = append(onward, a)
			continue
		}
		e, err := decode(s.queue, &a.Delivery)
		deliveries = append(deliveries, &notify.Delivery{
			Envelope: e, Err: err, Receipt: receipt{a.stream, a.DeliveryTag},
			Crashes: int(number(a.Headers, "x-delivery-count") + number(a.Headers, crashesHeader)),
		})
	}
	if len(onward) > 0 {
		if err := d.forward(ctx, onward); err != nil {
			d.options.Logger.Warn("rabbitqueue: cannot send jobs on", "queue", s.queue, "jobs", len(onward), "error", err)
			s.fail()
		}
	}
	return deliveries
}

// forward publishes messages anew, with what is left of their delay and with the
// crashes they have been through, and acknowledges them.
func (d *driver) forward(ctx context.Context, messages []arrival) error {
	posts := make([]*post, len(messages))
	for i, m := range messages {
		crashes := number(m.Headers, "x-delivery-count") + number(m.Headers, crashesHeader)
		if d.options.Classic && m.Redelivered {
			crashes++
		}
		headers := amqp.Table{}
		if crashes > 0 {
			headers[crashesHeader] = crashes
		}
		posts[i] = &post{message: amqp.Publishing{
			DeliveryMode: amqp.Persistent, MessageId: m.MessageId, Type: m.Type, Body: m.Body, Headers: headers,
		}}
		posts[i].route(d.delayed(m.stream.name, time.Duration(number(m.Headers, restHeader))*time.Millisecond))
	}
	err := d.publisher.send(ctx, posts)
	done := make(map[*stream][]uint64)
	for i, m := range messages {
		if posts[i].outcome == confirmed {
			done[m.stream] = append(done[m.stream], m.DeliveryTag)
		}
	}
	settle(done)
	return err
}

func settle(tags map[*stream][]uint64) {
	for st := range maps.Keys(tags) {
		st.settle(tags[st])
	}
}

func (d *driver) Ack(_ context.Context, deliveries []*notify.Delivery) (lost []*notify.Delivery, err error) {
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	done := make(map[*stream][]uint64, 1)
	for _, delivery := range deliveries {
		r := receiptOf(delivery)
		if !r.stream.session.up() {
			lost = append(lost, delivery)
			continue
		}
		done[r.stream] = append(done[r.stream], r.tag)
	}
	settle(done)
	return lost, nil
}

func (d *driver) Nack(ctx context.Context, nacks []notify.Nack) (lost []*notify.Delivery, err error) {
	var posts []*post
	var of []receipt
	for _, n := range nacks {
		r := receiptOf(n.Delivery)
		if !r.stream.session.up() {
			lost = append(lost, n.Delivery)
			continue
		}
		if !r.stream.holds(r.tag) {
			continue // settled by an earlier call that failed for others
		}
		p, err := d.nacked(n)
		if err != nil {
			return lost, err
		}
		posts, of = append(posts, p), append(of, r)
	}
	err = d.publisher.send(ctx, posts)
	done := make(map[*stream][]uint64, 1)
	for i, p := range posts {
		if p.outcome == confirmed {
			done[of[i].stream] = append(done[of[i].stream], of[i].tag)
		}
	}
	settle(done)
	return lost, err
}

// nacked is the message of a job that is given back.
func (d *driver) nacked(n notify.Nack) (*post, error) {
	if n.Dead {
		return d.letter(n.Envelope)
	}
	e := *n.Envelope
	if n.Delay > 0 {
		e.RunAt = d.options.Now().Add(n.Delay).UTC()
	}
	return d.job(&e, n.Delay)
}

func (d *driver) Extend(_ context.Context, deliveries []*notify.Delivery, _ time.Duration) (lost []*notify.Delivery, err error) {
	for _, delivery := range deliveries {
		if !receiptOf(delivery).stream.session.up() {
			lost = append(lost, delivery)
		}
	}
	return lost, nil
}
