package notify

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/hibiken/asynq"
)

func (b *benchmark) asynq() system {
	return system{"asynq", func(ctx context.Context) (*running, error) {
		check, err := b.redis(ctx, asynqDB)
		if err != nil {
			return nil, err
		}
		options := asynq.RedisClientOpt{Addr: check.Options().Addr, DB: asynqDB, PoolSize: 128}
		client := asynq.NewClient(options)
		enqueue := func(ctx context.Context, m message) error {
			_, err := client.EnqueueContext(ctx, asynq.NewTask("bench:code", m.json()))
			return err
		}
		return &running{
			enqueue: enqueue,
			fill: func(ctx context.Context, messages []message) error {
				const callers = 64
				errs := make([]error, callers)
				var all sync.WaitGroup
				for c := range callers {
					all.Go(func() {
						for i := c; i < len(messages) && errs[c] == nil; i += callers {
							errs[c] = enqueue(ctx, messages[i])
						}
					})
				}
				all.Wait()
				return errors.Join(errs...)
			},
			work: func(_ context.Context, handlers int, handled func(message)) (func() error, error) {
				server := asynq.NewServer(options, asynq.Config{Concurrency: handlers, LogLevel: asynq.FatalLevel})
				mux := asynq.NewServeMux()
				mux.HandleFunc("bench:code", func(_ context.Context, t *asynq.Task) error {
					var m message
					if err := json.Unmarshal(t.Payload(), &m); err != nil {
						return err
					}
					handled(m)
					return nil
				})
				if err := server.Start(mux); err != nil {
					return nil, err
				}
				return func() error { server.Shutdown(); return nil }, nil
			},
			stored: func(ctx context.Context) (int64, error) { return check.LLen(ctx, "asynq:{default}:pending").Result() },
			rate:   15_000,
			close:  func() error { return errors.Join(client.Close(), check.Close()) },
		}, nil
	}}
}
