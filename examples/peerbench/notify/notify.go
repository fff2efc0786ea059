// Package notify compares task queues: each system enqueues the same messages and
// hands them to a handler that does nothing, with late acknowledgement.
package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/internal/testenv"
)

// Area is the comparison.
var Area = peer.Area{Name: "notify", Open: open}

// gcPercent makes up for a heap that is far smaller than a server's: with the
// default, this program would collect its few megabytes hundreds of times a second.
const gcPercent = 400

// window is how many messages are on their way at most where callers and handlers run at once.
const window = 500

func open(_ context.Context, environment *bench.Environment) ([]peer.Case, func() error, error) {
	debug.SetGCPercent(gcPercent)
	b := &benchmark{environment: environment, servers: make(map[string]*testenv.Server)}
	build, _ := debug.ReadBuildInfo()
	for _, m := range build.Deps {
		switch m.Path {
		case "github.com/redis/go-redis/v9", "github.com/hibiken/asynq", "github.com/rabbitmq/amqp091-go", "github.com/nats-io/nats.go", "github.com/riverqueue/river", "github.com/jackc/pgx/v5":
			environment.Versions[m.Path] = m.Version
		}
	}
	for name, value := range map[string]string{
		"GOGC":         strconv.Itoa(gcPercent) + ", for all subjects in Go",
		"message":      fmt.Sprintf("%d bytes of JSON, persistent; the handler does nothing; late acknowledgement, default retries", messageSize),
		"ours":         "typed task and registry, leases, retry bookkeeping and a tracer that counts, all on",
		"redis":        "loopback, append-only file synced every second",
		"rabbitmq":     "loopback; ours and floor: quorum queue with confirms, mandatory; celery: its default classic queue without confirms",
		"nats":         "loopback; one server, files synced every two minutes as by default",
		"enqueue":      "callers that wait until each message is stored",
		"process":      "a queue filled before; callers is the number of handlers; latency is not measured",
		"end-to-end":   fmt.Sprintf("callers enqueue and as many handlers handle, at most %d messages under way; latency from the call to the handler", window),
		"idle-latency": "one message at a time into an empty queue, from the call to the handler",
		"celery":       fmt.Sprintf("worker with %d processes, task_acks_late, prefetch multiplier 64, JSON; producer: one process with a thread a caller", celeryProcesses),
		"sql":          fmt.Sprintf("ours on MySQL and on PostgreSQL, river on PostgreSQL, all as they come (durable at every commit), pools of %d connections; producers of ours have a queue of their own, so that nobody is woken within the process; river fetches as often as it can (FetchCooldown 1 ms)", connections),
		"floor redis":  "XADD of all callers that wait in one pipeline; XACK, XDEL and XREADGROUP COUNT 256 in one pipeline",
		"floor nats":   "asynchronous publishes on one connection, each caller waits for its acknowledgement; a pull of 256 at a time with all but the last acknowledged without an answer",
		"floor amqp":   "one confirm channel shared by all callers, each waits for its confirm; consumer with prefetch 500 that acknowledges each 64 together",
	} {
		environment.Settings[name] = value
	}
	return b.cases(), b.close, nil
}

// benchmark owns what the cases share. Servers start when they are first needed.
type benchmark struct {
	environment *bench.Environment

	mu      sync.Mutex
	servers map[string]*testenv.Server
	celery  *celery
}

func (b *benchmark) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, s := range b.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// starter starts a server of one kind.
type starter func(context.Context, *testenv.Options) (*testenv.Server, error)

// server returns a server that all cases share.
func (b *benchmark) server(ctx context.Context, name string, start starter) (*testenv.Server, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.servers[name]; s != nil {
		return s, nil
	}
	s, err := start(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, err
	}
	b.servers[name] = s
	return s, nil
}

func (b *benchmark) version(name, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.environment.Versions[name] = strings.TrimSpace(value)
}

// broker is what several systems run on.
type broker struct {
	name    string
	systems []system
	celery  string // which broker Celery uses; empty: it cannot use this one
}

func (b *benchmark) cases() []peer.Case {
	brokers := []broker{
		{"redis", []system{b.oursOnRedis(), b.asynq(), b.streams()}, "redis"},
		{"rabbitmq", []system{b.oursOnRabbitMQ(), b.amqp()}, "rabbitmq"},
		{"nats", []system{b.oursOnNATS(), b.jetstream()}, ""},
		{"sql", []system{b.oursOnMySQL(), b.oursOnPostgres(), b.river()}, ""},
		{"memory", []system{b.oursInMemory()}, ""},
	}
	acts := []struct {
		name    string
		callers []int
		measure func(context.Context, *running, bench.Load) (peer.Sample, error)
	}{
		{"enqueue", []int{1, 16, 64}, enqueue},
		{"process", []int{2, 10, 64}, process},
		{"end-to-end", []int{64}, endToEnd},
		{"idle-latency", []int{1}, idleLatency},
	}
	var all []peer.Case
	for _, broker := range brokers {
		for _, act := range acts {
			c := peer.Case{Name: broker.name + "-" + act.name, Callers: act.callers}
			for _, s := range broker.systems {
				c.Subjects = append(c.Subjects, peer.Subject{Name: s.name, Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
					r, err := s.open(ctx)
					if err != nil {
						return peer.Sample{}, err
					}
					sample, err := act.measure(ctx, r, load)
					return sample, errors.Join(err, r.close())
				}})
			}
			if broker.celery != "" {
				c.Subjects = append(c.Subjects, b.celerySubject(broker.celery, act.name))
			}
			all = append(all, c)
		}
	}
	return append(all, b.otpVerify())
}
