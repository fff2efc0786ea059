package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/seed82d84382/commerce/notify/otp/redisotp"
	"github.com/seed82d84382/commerce/notify/rabbitqueue"
	"github.com/seed82d84382/commerce/notify/redisqueue"
)

var sendCode = notify.NewTask[message]("bench.code", nil)

// counter is the metrics hook of a host that counts.
type counter struct{ operations, failures atomic.Int64 }

func (c *counter) Start(ctx context.Context, _ string, _ ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return ctx, func(err error, _ ...slog.Attr) {
		c.operations.Add(1)
		if err != nil {
			c.failures.Add(1)
		}
	}
}

func options() notify.Options {
	return notify.Options{Tracer: new(counter), Logger: slog.New(slog.DiscardHandler)}
}

// bulk is how many messages one call of a fill stores.
const bulk = 1000

// ours is the SDK on an opened queue.
func ours(queue *notify.Queue, rate int, clean func() error) *running {
	return oursApart(queue, queue, rate, clean)
}

// oursApart is ours with a queue opened for the producers alone, so that workers hear of
// jobs as those of another process do.
func oursApart(producers, queue *notify.Queue, rate int, clean func() error) *running {
	client := notify.NewClient(producers, nil)
	return &running{
		enqueue: func(ctx context.Context, m message) error {
			_, err := sendCode.Enqueue(ctx, client, m)
			return err
		},
		fill: func(ctx context.Context, messages []message) error {
			for len(messages) > 0 {
				n := min(len(messages), bulk)
				if _, err := sendCode.EnqueueMany(ctx, client, messages[:n]); err != nil {
					return err
				}
				messages = messages[n:]
			}
			return nil
		},
		work: func(ctx context.Context, handlers int, handled func(message)) (func() error, error) {
			worker := notify.NewWorker(queue, &notify.WorkerOptions{Concurrency: handlers})
			sendCode.Handle(worker, func(_ context.Context, job *notify.Job[message]) error {
				handled(job.Args)
				return nil
			})
			ctx, cancel := context.WithCancel(ctx)
			done := make(chan error, 1)
			go func() { done <- worker.Run(ctx) }()
			return func() error { cancel(); return <-done }, nil
		},
		stored: func(ctx context.Context) (int64, error) {
			stats, err := queue.Stats(ctx)
			if err != nil {
				return 0, err
			}
			total := 0
			for _, s := range stats {
				for _, n := range s.Counts {
					total += n
				}
			}
			return int64(total), nil
		},
		rate:  rate,
		close: func() error { return errors.Join(producers.Close(), queue.Close(), clean()) },
	}
}

// redis opens a client on an empty logical database of the shared server.
func (b *benchmark) redis(ctx context.Context, db int) (*redis.Client, error) {
	server, err := b.server(ctx, "redis", testenv.Redis)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr, DB: db, PoolSize: 128})
	info, err := client.InfoMap(ctx, "server").Result()
	if err == nil {
		b.version("redis", info["Server"]["redis_version"])
		err = client.FlushDB(ctx).Err()
	}
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return client, nil
}

// Logical databases, so that systems do not see each other's keys.
const (
	oursDB = iota + 1
	asynqDB
	streamsDB
	celeryDB
	codesDB
)

func (b *benchmark) oursOnRedis() system {
	return system{"ours", func(ctx context.Context) (*running, error) {
		client, err := b.redis(ctx, oursDB)
		if err != nil {
			return nil, err
		}
		queue, err := redisqueue.Open(ctx, client, &redisqueue.Options{Options: options()})
		if err != nil {
			return nil, errors.Join(err, client.Close())
		}
		return ours(queue, 150_000, client.Close), nil
	}}
}

func (b *benchmark) oursOnRabbitMQ() system {
	return system{"ours", func(ctx context.Context) (*running, error) {
		server, err := b.rabbit(ctx)
		if err != nil {
			return nil, err
		}
		o := &rabbitqueue.Options{Options: options(), Prefix: rand.Text() + ":"}
		prefix := o.Prefix
		if err := makeQueues(ctx, server.DSN, o); err != nil {
			return nil, err
		}
		queue, err := rabbitqueue.Open(ctx, server.DSN, o)
		if err != nil {
			return nil, err
		}
		r := ours(queue, 40_000, func() error {
			return deleteQueues(server.DSN, prefix+"default", prefix+"default:high", prefix+"default:dead")
		})
		r.stored = func(context.Context) (int64, error) { return countMessages(server.DSN, prefix+"default") }
		return r, nil
	}}
}

// makeQueues sends a message through a queue that is not there yet, which takes seconds once.
func makeQueues(ctx context.Context, url string, o *rabbitqueue.Options) error {
	queue, err := rabbitqueue.Open(ctx, url, o)
	if err != nil {
		return err
	}
	_, err = sendCode.Enqueue(ctx, notify.NewClient(queue, nil), newMessage())
	var got []*notify.Delivery
	if err == nil {
		got, err = queue.Driver().Fetch(ctx, notify.FetchRequest{Queue: "default", Max: 1, Lease: time.Minute})
	}
	if err == nil {
		_, err = queue.Driver().Ack(ctx, got)
	}
	return errors.Join(err, queue.Close())
}

// rabbit is the shared broker.
func (b *benchmark) rabbit(ctx context.Context) (*testenv.Server, error) {
	server, err := b.server(ctx, "rabbitmq", testenv.RabbitMQ)
	if err != nil {
		return nil, err
	}
	conn, err := amqp.Dial(server.DSN)
	if err != nil {
		return nil, err
	}
	version, _ := conn.Properties["version"].(string)
	b.version("rabbitmq", version)
	return server, conn.Close()
}

func onChannel(url string, f func(*amqp.Channel) error) error {
	conn, err := amqp.Dial(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		return err
	}
	return f(channel)
}

func deleteQueues(url string, names ...string) error {
	return onChannel(url, func(channel *amqp.Channel) error {
		for _, name := range names {
			if _, err := channel.QueueDelete(name, false, false, false); err != nil {
				return err
			}
		}
		return nil
	})
}

func countMessages(url, name string) (n int64, err error) {
	err = onChannel(url, func(channel *amqp.Channel) error {
		q, err := channel.QueueDeclarePassive(name, true, false, false, false, nil)
		n = int64(q.Messages)
		return err
	})
	return n, err
}

func (b *benchmark) oursInMemory() system {
	return system{"ours", func(context.Context) (*running, error) {
		o := options()
		return ours(memqueue.Open(&o), 800_000, func() error { return nil }), nil
	}}
}

// otpVerify checks right codes: each is used once and issued before.
func (b *benchmark) otpVerify() peer.Case {
	return peer.Case{Name: "otp-verify", Callers: []int{1, 64}, Subjects: []peer.Subject{{
		Name: "ours", Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
			client, err := b.redis(ctx, codesDB)
			if err != nil {
				return peer.Sample{}, err
			}
			sample, err := verifyCodes(ctx, client, load)
			return peer.Sample{Sample: sample, RoundTrips: -1}, errors.Join(err, client.Close())
		},
	}}}
}

// otpTargets is how many codes are out; guesses go round them, at most 100 times.
const otpTargets = 8192

func verifyCodes(ctx context.Context, client *redis.Client, load bench.Load) (bench.Sample, error) {
	store, err := redisotp.New(client, nil)
	if err != nil {
		return bench.Sample{}, err
	}
	codes, err := otp.New(store, &otp.Options{
		Pepper: []byte("0123456789abcdef"), Attempts: 100, TTL: time.Hour,
		GuessesPerTarget: otp.Limit{Max: 100_000_000, Window: time.Hour}, GuessesPerIP: otp.Limit{Max: 100_000_000, Window: time.Hour},
		SendsPerIP: otp.Limit{Max: -1},
	})
	if err != nil {
		return bench.Sample{}, err
	}
	guesses := make([]otp.Attempt, otpTargets)
	for i := range guesses {
		target := fmt.Sprintf("+86138%08d", i)
		code, err := codes.Issue(ctx, otp.Request{Purpose: "login", Target: target, IP: "192.0.2.1"})
		if err != nil {
			return bench.Sample{}, err
		}
		wrong := []byte(code.Value)
		wrong[0] = '0' + (wrong[0]-'0'+1)%10
		guesses[i] = otp.Attempt{Purpose: "login", Target: target, IP: fmt.Sprintf("192.0.2.%d", i%200), Code: string(wrong)}
	}
	var next atomic.Int64
	return bench.Run(ctx, load, func(ctx context.Context, _ int) error {
		// A wrong guess takes every step that a right one does, and can be repeated.
		err := codes.Verify(ctx, guesses[next.Add(1)%otpTargets])
		if !errors.Is(err, otp.ErrMismatch) {
			return fmt.Errorf("a wrong code was answered with %w", err)
		}
		return nil
	})
}
