package watermillqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/seed82d84382/commerce/notify"
)

// slack is how far in the future a job may be due that is published as due: as long as
// an Enqueue may take.
const slack = time.Millisecond

type driver struct {
	publisher  message.Publisher
	subscriber message.Subscriber
	options    *Options
	life       context.Context // ends with Close
	end        context.CancelFunc

	mu     sync.Mutex
	topics map[string]<-chan *message.Message
	held   map[*message.Message]*time.Timer // retries that wait
	work   sync.WaitGroup                   // retries being published
}

func newDriver(p message.Publisher, s message.Subscriber, o *Options) *driver {
	life, end := context.WithCancel(context.Background())
	return &driver{
		publisher: p, subscriber: s, options: o, life: life, end: end,
		topics: make(map[string]<-chan *message.Message), held: make(map[*message.Message]*time.Timer),
	}
}

func (d *driver) topic(queue string) string { return d.options.Prefix + queue }
func (d *driver) dead(queue string) string  { return "dead-" + d.options.Prefix + queue }

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	now := d.options.Now()
	for _, e := range envelopes {
		switch {
		case e.RunAt.Sub(now) > slack:
			return fmt.Errorf("watermillqueue: delay: %w", errors.ErrUnsupported)
		case e.Priority != 0:
			return fmt.Errorf("watermillqueue: priority: %w", errors.ErrUnsupported)
		}
	}
	for _, e := range envelopes {
		if err := d.publish(ctx, d.topic(e.Queue), e); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) publish(ctx context.Context, topic string, e *notify.Envelope) error {
	if d.life.Err() != nil {
		return notify.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	body, err := e.MarshalBinary()
	if err != nil {
		return err
	}
	m := message.NewMessageWithContext(ctx, e.ID, body)
	m.Metadata.Set("kind", e.Kind)
	if err := d.publisher.Publish(topic, m); err != nil {
		return fmt.Errorf("watermillqueue: publish: %w", err)
	}
	return nil
}

// messages is the subscription of a queue, which lasts as long as the driver.
func (d *driver) messages(queue string) (<-chan *message.Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	if found := d.topics[queue]; found != nil {
		return found, nil
	}
	found, err := d.subscriber.Subscribe(d.life, d.topic(queue))
	if err != nil {
		return nil, fmt.Errorf("watermillqueue: subscribe: %w", err)
	}
	d.topics[queue] = found
	return found, nil
}

var errEnded = errors.New("watermillqueue: the subscription has ended")

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	messages, err := d.messages(r.Queue)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var deliveries []*notify.Delivery
	select {
	case m, ok := <-messages:
		if !ok {
			return nil, d.ended(r.Queue)
		}
		deliveries = append(deliveries, delivery(r.Queue, m))
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.life.Done():
		return nil, notify.ErrClosed
	}
	for len(deliveries) < r.Max {
		select {
		case m, ok := <-messages:
			if ok {
				deliveries = append(deliveries, delivery(r.Queue, m))
				continue
			}
		default:
		}
		break
	}
	return deliveries, nil
}

// ended forgets a subscription that is over, so that the next Fetch makes another.
func (d *driver) ended(queue string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.topics, queue)
	if d.life.Err() != nil {
		return notify.ErrClosed
	}
	return errEnded
}

func delivery(queue string, m *message.Message) *notify.Delivery {
	e := new(notify.Envelope)
	err := e.UnmarshalBinary(m.Payload)
	if err != nil {
		e.ID, e.Kind, e.Payload = m.UUID, m.Metadata.Get("kind"), m.Payload
	}
	e.Queue = queue
	return &notify.Delivery{Envelope: e, Err: err, Receipt: m}
}

func messageOf(d *notify.Delivery) *message.Message { return d.Receipt.(*message.Message) }

// gone tells whether the broker has taken a message back.
func gone(m *message.Message) bool {
	select {
	case <-m.Nacked():
		return true
	default:
	}
	return m.Context().Err() != nil
}

func (d *driver) Ack(_ context.Context, deliveries []*notify.Delivery) (lost []*notify.Delivery, err error) {
	for _, one := range deliveries {
		if m := messageOf(one); gone(m) || !m.Ack() {
			lost = append(lost, one)
		}
	}
	return lost, nil
}

func (d *driver) Nack(ctx context.Context, nacks []notify.Nack) (lost []*notify.Delivery, err error) {
	for _, n := range nacks {
		m := messageOf(n.Delivery)
		select {
		case <-m.Acked():
			continue // settled by an earlier call that failed for others
		default:
		}
		topic := d.topic(n.Envelope.Queue)
		switch {
		case gone(m):
			lost = append(lost, n.Delivery)
			continue
		case n.Dead:
			topic = d.dead(n.Envelope.Queue)
		case n.Delay > 0:
			if err := d.hold(m, n); err != nil {
				return lost, err
			}
			continue
		}
		if err := d.publish(ctx, topic, n.Envelope); err != nil {
			return lost, err
		}
		m.Ack()
	}
	return lost, nil
}

// hold keeps a message until its next attempt is due. The broker has it until then.
func (d *driver) hold(m *message.Message, n notify.Nack) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life.Err() != nil {
		return notify.ErrClosed
	}
	if d.held[m] == nil {
		d.held[m] = time.AfterFunc(n.Delay, func() { d.retry(m, n.Envelope) })
	}
	return nil
}

func (d *driver) retry(m *message.Message, e *notify.Envelope) {
	d.mu.Lock()
	mine := d.held[m] != nil
	delete(d.held, m)
	if mine {
		d.work.Add(1)
	}
	d.mu.Unlock()
	if !mine {
		return // closed meanwhile
	}
	defer d.work.Done()
	if gone(m) {
		return
	}
	if err := d.publish(d.life, d.topic(e.Queue), e); err != nil {
		d.options.Logger.Warn("watermillqueue: cannot store the next attempt, the job begins anew", "id", e.ID, "kind", e.Kind, "error", err)
		m.Nack()
		return
	}
	m.Ack()
}

func (d *driver) Extend(_ context.Context, deliveries []*notify.Delivery, _ time.Duration) (lost []*notify.Delivery, err error) {
	for _, one := range deliveries {
		if gone(messageOf(one)) {
			lost = append(lost, one)
		}
	}
	return lost, nil
}

func (d *driver) Close() error {
	d.mu.Lock()
	held := d.held
	d.held = make(map[*message.Message]*time.Timer)
	d.end()
	d.mu.Unlock()
	for m, timer := range held {
		timer.Stop()
		m.Nack()
	}
	d.work.Wait()
	return nil
}
