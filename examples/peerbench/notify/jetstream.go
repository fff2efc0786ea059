package notify

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/notify/natsqueue"
)

// nats connects to the shared server.
func (b *benchmark) nats(ctx context.Context) (*nats.Conn, error) {
	server, err := b.server(ctx, "nats", testenv.NATS)
	if err != nil {
		return nil, err
	}
	nc, err := nats.Connect(server.DSN)
	if err == nil {
		b.version("nats", nc.ConnectedServerVersion())
	}
	return nc, err
}

func (b *benchmark) oursOnNATS() system {
	return system{"ours", func(ctx context.Context) (*running, error) {
		nc, err := b.nats(ctx)
		if err != nil {
			return nil, err
		}
		prefix := rand.Text()
		queue, err := natsqueue.Open(ctx, nc, &natsqueue.Options{Options: options(), Prefix: prefix})
		if err != nil {
			nc.Close()
			return nil, err
		}
		return ours(queue, 60_000, func() error {
			defer nc.Close()
			return deleteStreams(nc, prefix+"-default", prefix+"~state")
		}), nil
	}}
}

func deleteStreams(nc *nats.Conn, names ...string) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := js.DeleteStream(context.Background(), name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
	}
	return nil
}

// The floor on NATS: what nats.go does by itself on a work queue.
const jetstreamRead = 256

func (b *benchmark) jetstream() system {
	return system{"floor", func(ctx context.Context) (*running, error) {
		nc, err := b.nats(ctx)
		if err != nil {
			return nil, err
		}
		name := rand.Text()
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(64<<10))
		var consumer jetstream.Consumer
		var stream jetstream.Stream
		if err == nil {
			stream, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{name}, Retention: jetstream.WorkQueuePolicy})
		}
		if err == nil {
			consumer, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "floor", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1})
		}
		if err != nil {
			nc.Close()
			return nil, err
		}
		publish := func(m message) (jetstream.PubAckFuture, error) {
			return js.PublishMsgAsync(&nats.Msg{Subject: name, Data: raw(m), Header: nats.Header{jetstream.MsgIDHeader: {rand.Text()}}})
		}
		return &running{
			enqueue: func(ctx context.Context, m message) error {
				answer, err := publish(m)
				if err != nil {
					return err
				}
				return answered(ctx, answer)
			},
			fill: func(ctx context.Context, messages []message) error {
				for len(messages) > 0 {
					n := min(len(messages), bulk)
					answers := make([]jetstream.PubAckFuture, n)
					for i, m := range messages[:n] {
						if answers[i], err = publish(m); err != nil {
							return err
						}
					}
					for _, a := range answers {
						if err := answered(ctx, a); err != nil {
							return err
						}
					}
					messages = messages[n:]
				}
				return nil
			},
			work: func(ctx context.Context, _ int, handled func(message)) (func() error, error) {
				return pull(ctx, consumer, handled), nil
			},
			stored: func(ctx context.Context) (int64, error) {
				info, err := stream.Info(ctx)
				if err != nil {
					return 0, err
				}
				return int64(info.State.Msgs), nil
			},
			rate: 60_000,
			close: func() error {
				defer nc.Close()
				return deleteStreams(nc, name)
			},
		}, nil
	}}
}

func answered(ctx context.Context, answer jetstream.PubAckFuture) error {
	select {
	case <-answer.Ok():
		return nil
	case err := <-answer.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pull acknowledges what it has handled as soon as no more messages are at hand.
func pull(ctx context.Context, consumer jetstream.Consumer, handled func(message)) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- pullAll(ctx, consumer, handled) }()
	return func() error { cancel(); return <-done }
}

func pullAll(ctx context.Context, consumer jetstream.Consumer, handled func(message)) error {
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2 * jetstreamRead))
	if err != nil {
		return err
	}
	defer messages.Stop()
	stopped := context.AfterFunc(ctx, messages.Stop)
	defer stopped()
	for count := 1; ; count++ {
		m, err := messages.Next()
		if errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		handled(unraw(m.Data()))
		if count%jetstreamRead == 0 {
			err = m.DoubleAck(ctx)
		} else {
			err = m.Ack()
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}
