package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// books notes how jobs ended, for results and groups, before they are
// acknowledged: a job whose outcome is not noted yet would be lost to them. As the
// settler does, it notes what has gathered while the round before was under way.
type books struct {
	queue   *Queue
	leases  *leases
	settler *settler
	log     *slog.Logger
	wake    chan struct{}

	mu       sync.Mutex
	ended    []*endedJob
	stopping bool
}

// endedJob is a job that is to be settled once it was noted.
type endedJob struct {
	delivery *Delivery
	nack     *Nack // of a dead letter; nil: handled
	result   []byte
	ttl      time.Duration // of the result; not positive: not kept
	expired  bool          // never ran
}

func newBooks(q *Queue, l *leases, s *settler, log *slog.Logger) *books {
	return &books{queue: q, leases: l, settler: s, log: log, wake: make(chan struct{}, 1)}
}

// end settles a job for good, at once or when it was noted.
func (b *books) end(j endedJob) {
	if j.ttl <= 0 && (j.delivery.Group == "" || j.delivery.Member == notMember) {
		b.settle(&j)
		return
	}
	b.mu.Lock()
	b.ended = append(b.ended, &j)
	b.mu.Unlock()
	b.signal()
}

func (b *books) settle(j *endedJob) {
	if j.nack != nil {
		b.settler.nack(*j.nack)
	} else {
		b.settler.ack(j.delivery)
	}
}

func (b *books) stop() {
	b.mu.Lock()
	b.stopping = true
	b.mu.Unlock()
	b.signal()
}

func (b *books) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// run notes until stop was called and nothing is left.
func (b *books) run() {
	for {
		b.mu.Lock()
		ended, stopping := b.ended, b.stopping
		b.ended = nil
		b.mu.Unlock()
		if len(ended) == 0 {
			if stopping {
				return
			}
			<-b.wake
			continue
		}
		b.note(ended)
	}
}

// note tries until the backend answers or the leases have ended.
func (b *books) note(ended []*endedJob) {
	for failures := 0; ; {
		if ended = held(b.leases, ended, func(j *endedJob) *Delivery { return j.delivery }); len(ended) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), settleTimeout)
		err := b.write(ctx, ended)
		cancel()
		if err == nil {
			for _, j := range ended {
				b.settle(j)
			}
			return
		}
		if b.queue.open() != nil {
			return
		}
		failures++
		pause := fullJitter(50*time.Millisecond, 5*time.Second, failures)
		b.log.Warn("notify: cannot note results", "jobs", len(ended), "error", err, "retry_in", pause)
		time.Sleep(pause)
	}
}

func (b *books) write(ctx context.Context, ended []*endedJob) error {
	var changes []StateChange
	groups := make(map[string][]ending)
	for _, j := range ended {
		if j.ttl > 0 {
			var failure *Failure
			if j.nack != nil {
				failure = j.nack.Envelope.Failure
			}
			value, err := b.queue.encodeOutcome(j.delivery.ID, j.result, failure)
			if err != nil {
				return err
			}
			changes = append(changes, StateChange{Key: resultKey(j.delivery.ID), Value: value, Version: AnyVersion, TTL: j.ttl})
		}
		if id := j.delivery.Group; id != "" && j.delivery.Member != notMember {
			groups[id] = append(groups[id], ending{j.delivery.Member, j.nack != nil || j.expired})
		}
	}
	if len(changes) > 0 {
		state := b.queue.State()
		if state == nil {
			return unsupported("results")
		}
		if _, err := state.SwapState(ctx, changes); err != nil {
			return err
		}
	}
	for id, members := range groups {
		if err := endMembers(ctx, b.queue, id, members); err != nil {
			return err
		}
	}
	return nil
}
