package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
)

// system is something that messages go through.
type system struct {
	name string
	open func(ctx context.Context) (*running, error) // with an empty queue
}

// running is an opened system.
type running struct {
	// enqueue returns when the message is stored.
	enqueue func(ctx context.Context, m message) error
	// fill stores many messages quickly.
	fill func(ctx context.Context, messages []message) error
	// work hands messages to handled, from that many handlers, until stop is called.
	work func(ctx context.Context, handlers int, handled func(message)) (stop func() error, err error)
	// stored counts the messages that wait; nil if that cannot be told.
	stored func(ctx context.Context) (int64, error)
	// rate is about how many messages a second are handled; a process case fills that many a second.
	rate  int
	close func() error
}

// message is what a shop sends when a code is to go out. Its JSON has messageSize bytes.
type message struct {
	Stamp  int64  `json:"stamp"` // when it was enqueued, in ns
	To     string `json:"to"`
	Locale string `json:"locale"`
	Text   string `json:"text"`
}

const messageSize = 210

var filler = strings.Repeat("Your code is 123456. It is valid for ten minutes. ", 4)

// newMessage is stamped with the time.
func newMessage() message {
	m := message{Stamp: time.Now().UnixNano(), To: "+8613800138000", Locale: "zh-CN"}
	m.Text = filler[:messageSize-len(`{"stamp":1700000000000000000,"to":"+8613800138000","locale":"zh-CN","text":""}`)]
	return m
}

func (m message) json() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // it has nothing that cannot be encoded
	}
	return b
}

var errLost = errors.New("messages were lost or doubled")

// patience bounds what must come when the measuring is over.
const patience = 30 * time.Second

// enqueue measures callers that store messages.
func enqueue(ctx context.Context, r *running, load bench.Load) (peer.Sample, error) {
	var total atomic.Int64
	sample, err := bench.Run(ctx, load, func(ctx context.Context, _ int) error {
		total.Add(1)
		return r.enqueue(ctx, newMessage())
	})
	if err == nil && r.stored != nil && sample.Errors == 0 {
		var n int64
		if n, err = r.stored(ctx); err == nil && n != total.Load() {
			err = fmt.Errorf("%w: %d enqueued, %d stored", errLost, total.Load(), n)
		}
	}
	return peer.Sample{Sample: sample, RoundTrips: -1}, err
}

// process measures handlers that empty a queue.
func process(ctx context.Context, r *running, load bench.Load) (peer.Sample, error) {
	n := int(float64(r.rate) * load.Duration.Seconds())
	messages := make([]message, max(n, 100))
	for i := range messages {
		messages[i] = newMessage()
	}
	if err := r.fill(ctx, messages); err != nil {
		return peer.Sample{}, err
	}
	var handled atomic.Int64
	all := make(chan struct{})
	start := time.Now()
	stop, err := r.work(ctx, load.Callers, func(message) {
		if handled.Add(1) == int64(len(messages)) {
			close(all)
		}
	})
	if err != nil {
		return peer.Sample{}, err
	}
	timer := time.NewTimer(max(load.Duration, time.Second))
	defer timer.Stop()
	select {
	case <-all:
	case <-timer.C:
	case <-ctx.Done():
	}
	sample := bench.Sample{Ops: handled.Load(), Elapsed: time.Since(start), Latencies: new(bench.Latencies)}
	return peer.Sample{Sample: sample, RoundTrips: -1}, errors.Join(stop(), ctx.Err())
}

// endToEnd measures callers and handlers at once, both of them under a window.
func endToEnd(ctx context.Context, r *running, load bench.Load) (peer.Sample, error) {
	slots := make(chan struct{}, window)
	var sent, handled atomic.Int64
	var measuring atomic.Bool
	samples := newRecorder()
	stop, err := r.work(ctx, load.Callers, func(m message) {
		if measuring.Load() {
			samples.add(time.Since(time.Unix(0, m.Stamp)))
		}
		handled.Add(1)
		select {
		case <-slots:
		default: // handled twice, which the counts tell
		}
	})
	if err != nil {
		return peer.Sample{}, err
	}
	producing, cancel := context.WithCancel(ctx)
	var producers sync.WaitGroup
	var failed atomic.Pointer[error]
	for range load.Callers {
		producers.Go(func() {
			for producing.Err() == nil {
				slots <- struct{}{}
				if err := r.enqueue(ctx, newMessage()); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				sent.Add(1)
			}
		})
	}
	pause(ctx, load.Warmup)
	measuring.Store(true)
	start := time.Now()
	pause(ctx, load.Duration)
	sample := samples.sample(time.Since(start))
	measuring.Store(false)
	cancel()
	producers.Wait()
	for deadline := time.Now().Add(patience); handled.Load() < sent.Load() && time.Now().Before(deadline) && ctx.Err() == nil; {
		pause(ctx, 5*time.Millisecond)
	}
	err = errors.Join(stop(), ctx.Err())
	if e := failed.Load(); e != nil {
		err = errors.Join(err, *e)
	}
	if err == nil && handled.Load() != sent.Load() {
		err = fmt.Errorf("%w: %d enqueued, %d handled", errLost, sent.Load(), handled.Load())
	}
	return peer.Sample{Sample: sample, RoundTrips: -1}, err
}

// idlePause is how long the queue stays empty between two messages.
const idlePause = 20 * time.Millisecond

// idleLatency measures single messages into an empty queue. Of several callers
// each waits for a message of its own.
func idleLatency(ctx context.Context, r *running, load bench.Load) (peer.Sample, error) {
	arrived := make(chan time.Duration, load.Callers)
	stop, err := r.work(ctx, load.Callers, func(m message) { arrived <- time.Since(time.Unix(0, m.Stamp)) })
	if err != nil {
		return peer.Sample{}, err
	}
	samples := newRecorder()
	send := func(count bool) error {
		pause(ctx, idlePause)
		if err := r.enqueue(ctx, newMessage()); err != nil {
			return err
		}
		select {
		case took := <-arrived:
			if count {
				samples.add(took)
			}
			return nil
		case <-time.After(patience):
			return errLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err = send(false) // connections, and the first lease
	start := time.Now()
	for err == nil && time.Since(start) < load.Duration {
		err = send(true)
	}
	sample := samples.sample(time.Since(start))
	return peer.Sample{Sample: sample, RoundTrips: -1}, errors.Join(err, stop())
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// recorder gathers latencies from many goroutines.
type recorder struct {
	shards [16]struct {
		mu        sync.Mutex
		latencies bench.Latencies
	}
	next atomic.Uint32
}

func newRecorder() *recorder { return new(recorder) }

func (r *recorder) add(d time.Duration) {
	s := &r.shards[r.next.Add(1)%uint32(len(r.shards))]
	s.mu.Lock()
	s.latencies.Add(d)
	s.mu.Unlock()
}

func (r *recorder) sample(elapsed time.Duration) bench.Sample {
	all := new(bench.Latencies)
	for i := range r.shards {
		s := &r.shards[i]
		s.mu.Lock()
		all.Merge(&s.latencies)
		s.mu.Unlock()
	}
	return bench.Sample{Ops: all.Count(), Elapsed: elapsed, Latencies: all}
}
