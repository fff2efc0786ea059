package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// The floor on Redis: the commands that a queue on Streams cannot do without,
// in as few round trips as they can go.
const (
	streamKey   = "floor"
	streamGroup = "workers"
	streamRead  = 256
)

// raw is a message of the floors: the stamp in binary, and filler.
func raw(m message) []byte {
	b := make([]byte, messageSize)
	binary.BigEndian.PutUint64(b, uint64(m.Stamp))
	copy(b[8:], m.Text)
	return b
}

func unraw(b []byte) message {
	if len(b) < 8 {
		return message{}
	}
	return message{Stamp: int64(binary.BigEndian.Uint64(b))}
}

type addition struct {
	body []byte
	done chan error
}

func (b *benchmark) streams() system {
	return system{"floor", func(ctx context.Context) (*running, error) {
		client, err := b.redis(ctx, streamsDB)
		if err != nil {
			return nil, err
		}
		if err := client.XGroupCreateMkStream(ctx, streamKey, streamGroup, "0").Err(); err != nil {
			return nil, errors.Join(err, client.Close())
		}
		additions := make(chan addition, window)
		var adding sync.WaitGroup
		for range 2 {
			adding.Go(func() { add(client, additions) })
		}
		enqueue := func(_ context.Context, m message) error {
			a := addition{raw(m), make(chan error, 1)}
			additions <- a
			return <-a.done
		}
		return &running{
			enqueue: enqueue,
			fill: func(ctx context.Context, messages []message) error {
				for len(messages) > 0 {
					n := min(len(messages), bulk)
					_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
						for _, m := range messages[:n] {
							p.XAdd(ctx, &redis.XAddArgs{Stream: streamKey, Values: []any{"b", raw(m)}})
						}
						return nil
					})
					if err != nil {
						return err
					}
					messages = messages[n:]
				}
				return nil
			},
			work: func(ctx context.Context, handlers int, handled func(message)) (func() error, error) {
				return readStream(ctx, client, handlers, handled), nil
			},
			stored: func(ctx context.Context) (int64, error) { return client.XLen(ctx, streamKey).Result() },
			rate:   150_000,
			close: func() error {
				close(additions)
				adding.Wait()
				return client.Close()
			},
		}, nil
	}}
}

// add stores all messages that wait in one pipeline.
func add(client *redis.Client, additions <-chan addition) {
	ctx := context.Background()
	for first := range additions {
		batch := []addition{first}
		for more := true; more && len(batch) < window; {
			select {
			case a, ok := <-additions:
				if more = ok; ok {
					batch = append(batch, a)
				}
			default:
				more = false
			}
		}
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, a := range batch {
				p.XAdd(ctx, &redis.XAddArgs{Stream: streamKey, Values: []any{"b", a.body}})
			}
			return nil
		})
		for _, a := range batch {
			a.done <- err
		}
	}
}

// readStream acknowledges what was read before, deletes it and reads on in one
// round trip. Handlers that do nothing need no goroutines, and the floor has none.
func readStream(ctx context.Context, client *redis.Client, _ int, handled func(message)) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		var read []string
		for ctx.Err() == nil {
			var next *redis.XStreamSliceCmd
			_, err := client.Pipelined(context.WithoutCancel(ctx), func(p redis.Pipeliner) error {
				if len(read) > 0 {
					p.XAck(ctx, streamKey, streamGroup, read...)
					p.XDel(ctx, streamKey, read...)
				}
				next = p.XReadGroup(ctx, &redis.XReadGroupArgs{
					Group: streamGroup, Consumer: "floor", Streams: []string{streamKey, ">"}, Count: streamRead, Block: 100 * time.Millisecond,
				})
				return nil
			})
			read = nil
			if errors.Is(err, redis.Nil) {
				continue
			}
			if err != nil {
				done <- err
				return
			}
			for _, entry := range next.Val()[0].Messages {
				body, _ := entry.Values["b"].(string)
				handled(unraw([]byte(body)))
				read = append(read, entry.ID)
			}
		}
		done <- nil
	}()
	return func() error { cancel(); return <-done }
}
