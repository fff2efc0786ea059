package rabbitqueue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// Headers of ours. The rest of a delay, in ms, is what did not fit into one path; the
// crashes are those counted by us, where the broker does not.
const (
	restHeader    = "notify-rest"
	crashesHeader = "notify-crashes"
)

// driver keeps no jobs. It publishes on one connection and consumes on another.
type driver struct {
	names
	options   *Options
	end       context.CancelFunc
	life      context.Context
	publisher *publisher
	consumer  *consumer
	closing   sync.Once

	mu     sync.Mutex
	queues map[string]bool // those this process has used
}

func newDriver(urls []string, o *Options) *driver {
	life, end := context.WithCancel(context.Background())
	to := dialer{urls: urls, options: o, life: life, young: newYoung()}
	d := &driver{names: names{o.Prefix}, options: o, life: life, end: end, publisher: newPublisher(to), queues: make(map[string]bool)}
	d.consumer = newConsumer(to, d)
	return d
}

func (d *driver) Close() error {
	d.closing.Do(func() {
		d.end()
		d.consumer.close()
		d.publisher.close()
	})
	return nil
}

// overlap keeps the broker busy while confirms are on their way.
const overlap = 8

func (d *driver) Overlap() int { return overlap }

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	now := d.options.Now()
	posts := make([]*post, len(envelopes))
	for i, e := range envelopes {
		d.use(e.Queue)
		var err error
		if posts[i], err = d.job(e, e.RunAt.Sub(now)); err != nil {
			return err
		}
	}
	return d.publisher.send(ctx, posts)
}

func (d *driver) use(queue string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queues[queue] = true
}

// used are the queues this process has used.
func (d *driver) used() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.queues))
}

// job is the message of a job that is due after delay.
func (d *driver) job(e *notify.Envelope, delay time.Duration) (*post, error) {
	body, err := e.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if len(body) > maxMessage {
		return nil, &notify.TooLargeError{Kind: e.Kind, Size: len(e.Payload), Max: maxMessage}
	}
	p := &post{message: amqp.Publishing{DeliveryMode: amqp.Persistent, MessageId: e.ID, Type: e.Kind, Body: body}}
	p.route(d.delayed(d.ready(e.Queue, level(e.Priority)), delay))
	return p, nil
}

// route sends the message on a way.
func (p *post) route(a address) {
	p.address = a
	delete(p.message.Headers, restHeader)
	if a.rest > 0 {
		if p.message.Headers == nil {
			p.message.Headers = make(amqp.Table)
		}
		p.message.Headers[restHeader] = a.rest.Milliseconds()
	}
}

// letter is the message of a dead letter.
func (d *driver) letter(e *notify.Envelope) (*post, error) {
	p, err := d.job(e, 0)
	if err == nil {
		p.route(direct(d.dead(e.Queue)))
		p.unbounded = true
	}
	return p, err
}

// decode reads a message. One that cannot be read comes back as an error, together
// with what else is known and the body as it is.
func decode(queue string, m *amqp.Delivery) (*notify.Envelope, error) {
	e := new(notify.Envelope)
	err := e.UnmarshalBinary(m.Body)
	if err != nil {
		e.ID, e.Kind, e.Payload = m.MessageId, m.Type, m.Body
		if e.ID == "" {
			digest := sha256.Sum256(m.Body)
			e.ID = hex.EncodeToString(digest[:13])
		}
	}
	e.Queue = queue
	return e, err
}

// number reads a whole number among headers.
func number(headers amqp.Table, name string) int64 {
	switch n := headers[name].(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	}
	return 0
}
