package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
)

// The floor on RabbitMQ: a quorum queue, one channel with confirms that all callers
// share, and one that consumes.
const (
	amqpPrefetch = 500
	amqpAcks     = 64
)

var errRefused = errors.New("the broker refused a message")

func (b *benchmark) amqp() system {
	return system{"floor", func(ctx context.Context) (*running, error) {
		server, err := b.rabbit(ctx)
		if err != nil {
			return nil, err
		}
		name := "floor-" + rand.Text()
		publishing, err := amqp.Dial(server.DSN)
		if err != nil {
			return nil, err
		}
		channel, err := publishing.Channel()
		if err == nil {
			_, err = channel.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		}
		if err == nil {
			err = channel.Confirm(false)
		}
		if err != nil {
			return nil, errors.Join(err, publishing.Close())
		}
		publish := func(m message) (*amqp.DeferredConfirmation, error) {
			return channel.PublishWithDeferredConfirm("", name, true, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: raw(m)})
		}
		return &running{
			enqueue: func(ctx context.Context, m message) error {
				confirm, err := publish(m)
				if err != nil {
					return err
				}
				return confirmed(ctx, confirm)
			},
			fill: func(ctx context.Context, messages []message) error {
				for len(messages) > 0 {
					n := min(len(messages), bulk)
					confirms := make([]*amqp.DeferredConfirmation, n)
					for i, m := range messages[:n] {
						if confirms[i], err = publish(m); err != nil {
							return err
						}
					}
					for _, c := range confirms {
						if err := confirmed(ctx, c); err != nil {
							return err
						}
					}
					messages = messages[n:]
				}
				return nil
			},
			work: func(_ context.Context, _ int, handled func(message)) (func() error, error) {
				return consume(server.DSN, name, handled)
			},
			stored: func(context.Context) (int64, error) { return countMessages(server.DSN, name) },
			rate:   60_000,
			close:  func() error { return errors.Join(publishing.Close(), deleteQueues(server.DSN, name)) },
		}, nil
	}}
}

func confirmed(ctx context.Context, c *amqp.DeferredConfirmation) error {
	ok, err := c.WaitContext(ctx)
	if err == nil && !ok {
		err = errRefused
	}
	return err
}

func consume(url, name string, handled func(message)) (stop func() error, err error) {
	conn, err := amqp.Dial(url)
	if err != nil {
		return nil, err
	}
	channel, err := conn.Channel()
	if err == nil {
		err = channel.Qos(amqpPrefetch, 0, false)
	}
	var deliveries <-chan amqp.Delivery
	if err == nil {
		deliveries, err = channel.Consume(name, "floor", false, false, false, false, nil)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	var consuming sync.WaitGroup
	consuming.Go(func() {
		open := 0
		for d := range deliveries {
			handled(unraw(d.Body))
			if open++; open >= amqpAcks || len(deliveries) == 0 {
				if d.Ack(true) != nil {
					return
				}
				open = 0
			}
		}
	})
	return func() error {
		err := conn.Close()
		consuming.Wait()
		return err
	}, nil
}
