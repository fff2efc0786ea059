package natsqueue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify"
)

// grace is how much longer the server waits than the lease lasts for its holder: it
// covers the way of a message from one to the other.
const grace = 500 * time.Millisecond

// maxPending bounds the jobs of one level that are leased at once, over all workers.
const maxPending = 100_000

// answerTimeout bounds one attempt to get an answer from the server.
const answerTimeout = 5 * time.Second

// maxInFlight bounds publishes without an answer.
const maxInFlight = 64 << 10

// Pauses between attempts.
const (
	minPause = 20 * time.Millisecond
	maxPause = time.Second
)

// driver keeps no jobs, but for those that arrived and were not fetched yet.
type driver struct {
	names
	nc      *nats.Conn
	js      jetstream.JetStream
	api     string // prefix of the server's own subjects
	options *Options
	life    context.Context
	end     context.CancelFunc
	work    sync.WaitGroup
	clock   clock
	counts  counts
	state   stateStream
	closing sync.Once

	mu       sync.Mutex
	made     map[string]*queue
	sessions map[string]*session
}

// queue is a stream that this process has made sure of, with its consumers if it fetches.
type queue struct {
	name    string
	ackWait [levels]time.Duration // zero: not made sure of
}

func newDriver(nc *nats.Conn, o *Options) (*driver, error) {
	life, end := context.WithCancel(context.Background())
	d := &driver{
		names: names{o.Prefix}, nc: nc, options: o, life: life, end: end, api: "$JS.API.",
		made: make(map[string]*queue), sessions: make(map[string]*session),
	}
	async := []jetstream.JetStreamOpt{jetstream.WithPublishAsyncMaxPending(maxInFlight), jetstream.WithPublishAsyncTimeout(answerTimeout)}
	var err error
	if o.Domain == "" {
		d.js, err = jetstream.New(nc, async...)
	} else {
		d.js, err = jetstream.NewWithDomain(nc, o.Domain, async...)
		d.api = "$JS." + o.Domain + ".API."
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("natsqueue: %w", err)
	}
	d.counts.start(d)
	d.work.Go(d.watch)
	return d, nil
}

// watch asks again for what a lost connection may have taken with it.
func (d *driver) watch() {
	changed := d.nc.StatusChanged(nats.CONNECTED)
	defer d.nc.RemoveStatusListener(changed)
	for {
		select {
		case <-d.life.Done():
			return
		case _, ok := <-changed:
			if !ok {
				return
			}
			for _, s := range d.open() {
				s.restart()
			}
		}
	}
}

// open are the sessions.
func (d *driver) open() []*session {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*session
	for _, s := range d.sessions {
		all = append(all, s)
	}
	return all
}

func (d *driver) Close() error {
	d.closing.Do(func() {
		d.counts.stop()
		d.end()
		for _, s := range d.open() {
			s.close()
		}
		d.work.Wait()
		d.js.CleanupPublisher()
	})
	return nil
}

// queue makes sure that a queue's stream is there, and its consumers unless lease is 0. The first to
// make them says how long leases are.
func (d *driver) queue(ctx context.Context, name string, lease time.Duration) (*queue, error) {
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	d.mu.Lock()
	q := d.made[name]
	d.mu.Unlock()
	if q != nil && (lease == 0 || q.ackWait[0] > 0) {
		return q, nil
	}
	q = &queue{name: name}
	err := d.insist(ctx, "make queue", func(ctx context.Context) error {
		stream, err := d.makeStream(ctx, jetstream.StreamConfig{
			Name: d.stream(name), Subjects: []string{d.everything(name)}, Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
			Replicas: d.options.Replicas, Duplicates: d.options.Duplicates, AllowDirect: true, AllowRollup: true, AllowMsgSchedules: true,
		})
		if err != nil {
			return err
		}
		for level := range levels {
			if lease == 0 {
				break
			}
			consumer, err := makeConsumer(ctx, stream, jetstream.ConsumerConfig{
				Durable: consumerName(level), FilterSubject: d.ready(name, level), AckPolicy: jetstream.AckExplicitPolicy,
				AckWait: lease + grace, MaxDeliver: -1, MaxAckPending: maxPending, MaxWaiting: 4096,
			})
			if err != nil {
				return err
			}
			q.ackWait[level] = consumer.CachedInfo().Config.AckWait
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.made[name] = q
	return q, nil
}

// forget makes sure of a queue anew when it is next used.
func (d *driver) forget(queue string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.made, queue)
}

// makeStream returns a stream, after making it where need be.
func (d *driver) makeStream(ctx context.Context, config jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := d.js.Stream(ctx, config.Name)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return stream, err
	}
	stream, err = d.js.CreateStream(ctx, config)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // by another process, just now
		return d.js.Stream(ctx, config.Name)
	}
	return stream, err
}

func makeConsumer(ctx context.Context, stream jetstream.Stream, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	consumer, err := stream.Consumer(ctx, config.Durable)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return consumer, err
	}
	consumer, err = stream.CreateConsumer(ctx, config)
	if errors.Is(err, jetstream.ErrConsumerExists) {
		return stream.Consumer(ctx, config.Durable)
	}
	return consumer, err
}

// insist repeats a call while the server is away, for as long as Options.Wait.
func (d *driver) insist(ctx context.Context, operation string, call func(ctx context.Context) error) error {
	waiting, cancel := context.WithTimeout(ctx, d.options.Wait)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	for rest := minPause; ; rest = min(2*rest, maxPause) {
		attempt, done := context.WithTimeout(waiting, answerTimeout)
		err := call(attempt)
		done()
		switch {
		case err == nil:
			return nil
		case d.life.Err() != nil:
			return notify.ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		case waiting.Err() != nil || !passing(err):
			return fmt.Errorf("natsqueue: %s: %w", operation, err)
		}
		_ = pause.For(waiting, rest)
	}
}

// stillAtWork is the error code for a message whose ID a cluster has not agreed on yet.
const stillAtWork = 10158

// passing tells errors that may be over when the call is made again.
func passing(err error) bool {
	if refusal, ok := errors.AsType[*jetstream.APIError](err); ok {
		// No leader, or one that is just starting, or that is still at work on the first attempt.
		return refusal.Code == 503 || refusal.Code == 500 || refusal.ErrorCode == stillAtWork
	}
	for _, final := range []error{nats.ErrConnectionClosed, nats.ErrAuthorization, nats.ErrPermissionViolation, nats.ErrMaxPayload} {
		if errors.Is(err, final) {
			return false
		}
	}
	return true
}

// clock tells the server's time by how far it is from ours.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
	set    time.Time
}

// checked is how long a reading of the server's clock holds.
const checked = time.Minute

// serverTime is the time at the leader of a queue's stream, which runs the schedules.
func (d *driver) serverTime(ctx context.Context, queue string) (time.Time, error) {
	c := &d.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.set) > checked {
		begun := time.Now()
		stream, err := d.js.Stream(ctx, d.stream(queue))
		if err != nil {
			return time.Time{}, err
		}
		now := time.Now()
		c.set = now
		c.offset = 0
		if theirs := stream.CachedInfo().TimeStamp; !theirs.IsZero() {
			c.offset = theirs.Sub(begun.Add(now.Sub(begun) / 2))
		}
	}
	return time.Now().Add(c.offset), nil
}
