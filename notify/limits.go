package notify

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"
)

// How a limited task's jobs wait for their turn.
const (
	// maxParked bounds how many of them a worker holds back; more are given back to the queue.
	maxParked = 64
	// limitPause is how long to wait, at least, before asking again for what others hold.
	limitPause = 50 * time.Millisecond
	// permitTerm is how long permits are ours without renewal: after a crash they come free when it ends.
	permitTerm = 15 * time.Second
)

// gate lets the jobs of one limited task through. Its fields are guarded by sources.mu.
type gate struct {
	kind    string
	options *TaskOptions
	wake    chan struct{}

	parked  []parkedJob
	running int // let through and not finished
	permits int // how many may run here
	tokens  int // starts paid for
}

type parkedJob struct {
	source   *source
	delivery *Delivery
}

// semaphore is who may run how many jobs of a task, as kept for all workers.
type semaphore struct {
	Holders map[string]permits `json:"holders"`
}

type permits struct {
	N     int       `json:"n"`
	Until time.Time `json:"until"`
}

// meter is a rate as kept for all workers, by the generic cell rate algorithm (ITU-T I.371):
// the time at which the next start would be due if there had been no pauses.
type meter struct {
	Due time.Time `json:"due"`
}

// take pays for up to want starts and returns how many, or how long to wait for the next one.
func (m *meter) take(now time.Time, rate float64, burst, want int) (int, time.Duration) {
	interval := time.Duration(float64(time.Second) / rate)
	earliest := now.Add(-time.Duration(burst-1) * interval)
	if m.Due.Before(earliest) {
		m.Due = earliest
	}
	if m.Due.After(now) {
		return 0, m.Due.Sub(now)
	}
	n := min(want, int(now.Sub(m.Due)/interval)+1)
	m.Due = m.Due.Add(time.Duration(n) * interval)
	return n, 0
}

// hold sets how many permits a worker has: as many as it wants, if others leave them.
func (s *semaphore) hold(now time.Time, holder string, limit, want int) int {
	free := limit
	for name, p := range s.Holders {
		switch {
		case !now.Before(p.Until):
			delete(s.Holders, name)
		case name != holder:
			free -= p.N
		}
	}
	n := max(0, min(want, free))
	if n == 0 {
		delete(s.Holders, holder)
		return 0
	}
	if s.Holders == nil {
		s.Holders = make(map[string]permits)
	}
	s.Holders[holder] = permits{n, now.Add(permitTerm)}
	return n
}

// limiter gets permits and tokens for one gate: from the shared values, or within
// this worker when the backend has none.
type limiter struct {
	*gate
	sources *sources
	state   StateStore // nil: for this worker alone
	holder  string
	queue   *Queue
	log     *slog.Logger

	semaphore semaphore // without state
	meter     meter
	renewed   time.Time // when permits were last held for a full term
}

// run serves the gate until ctx ends. Then it gives its permits back.
func (l *limiter) run(ctx context.Context) {
	for {
		pause := l.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	if l.options.Concurrency > 0 {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		l.sources.mu.Lock()
		still := l.running
		l.sources.mu.Unlock()
		if _, err := l.hold(ending, still); err != nil {
			l.log.Warn("notify: cannot give permits back; they end by themselves", "kind", l.kind, "error", err)
		}
	}
}

// serve gets what is wanted, lets jobs through, and returns when to look again.
func (l *limiter) serve(ctx context.Context) time.Duration {
	l.sources.mu.Lock()
	parked, running, held, tokens := len(l.parked), l.running, l.permits, l.tokens
	l.sources.mu.Unlock()
	pause := permitTerm / 3
	retry := limitPause + rand.N(limitPause)

	if limit := l.options.Concurrency; limit > 0 {
		want := min(running+parked, limit)
		if want != held || want > 0 && l.now(ctx).Sub(l.renewed) >= permitTerm/3 {
			n, err := l.hold(ctx, want)
			if err != nil {
				l.failed(ctx, err)
				n = held
				if l.now(ctx).Sub(l.renewed) >= permitTerm { // somebody else may have them by now
					n = 0
				}
			} else {
				l.renewed = l.now(ctx)
			}
			if n < want {
				pause = retry
			}
			held = n
		}
	}
	if l.options.Rate > 0 && parked > tokens {
		n, wait, err := l.take(ctx, parked-tokens)
		switch {
		case err != nil:
			l.failed(ctx, err)
			pause = min(pause, retry)
		case n == 0:
			pause = min(pause, wait)
		case n < parked-tokens:
			pause = min(pause, time.Duration(float64(time.Second)/l.options.Rate))
		}
		tokens = n
	} else {
		tokens = 0
	}
	l.sources.mu.Lock()
	l.permits = held
	l.tokens += tokens
	l.sources.pump(l.gate)
	l.sources.mu.Unlock()
	return max(pause, time.Millisecond)
}

func (l *limiter) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		l.log.Warn("notify: cannot read the limits", "kind", l.kind, "error", err)
	}
}

// now is the time by the clock of who keeps the limits.
func (l *limiter) now(ctx context.Context) time.Time { return l.queue.now(ctx, l.state) }

func (l *limiter) hold(ctx context.Context, want int) (n int, err error) {
	now := l.now(ctx)
	if l.state == nil {
		return l.semaphore.hold(now, l.holder, l.options.Concurrency, want), nil
	}
	err = swapJSON(ctx, l.state, "limit/"+l.kind, func(s *semaphore, _ bool) time.Duration {
		before := s.Holders[l.holder]
		n = s.hold(now, l.holder, l.options.Concurrency, want)
		if n == before.N && (n == 0 || before.Until.Sub(now) > permitTerm*2/3) {
			return 0
		}
		return 2 * permitTerm
	})
	return n, err
}

func (l *limiter) take(ctx context.Context, want int) (n int, wait time.Duration, err error) {
	now := l.now(ctx)
	if l.state == nil {
		n, wait = l.meter.take(now, l.options.Rate, l.options.Burst, want)
		return n, wait, nil
	}
	err = swapJSON(ctx, l.state, "rate/"+l.kind, func(m *meter, _ bool) time.Duration {
		if n, wait = m.take(now, l.options.Rate, l.options.Burst, want); n == 0 {
			return 0
		}
		full := time.Duration(float64(l.options.Burst) * float64(time.Second) / l.options.Rate)
		return full + time.Minute // afterwards it is as if it had never been used
	})
	return n, wait, err
}

// park takes in a job of a limited task; false when there are too many already.
// The caller holds mu.
func (s *sources) park(g *gate, src *source, d *Delivery) bool {
	if len(g.parked) >= maxParked {
		return false
	}
	g.parked = append(g.parked, parkedJob{src, d})
	s.pump(g)
	g.signal()
	return true
}

// pump lets through what may start now. The caller holds mu.
func (s *sources) pump(g *gate) {
	for len(g.parked) > 0 {
		if g.options.Concurrency > 0 && g.running >= g.permits || g.options.Rate > 0 && g.tokens == 0 {
			return
		}
		if g.options.Rate > 0 {
			g.tokens--
		}
		g.running++
		next := g.parked[0]
		g.parked[0] = parkedJob{}
		g.parked = g.parked[1:]
		next.source.buffer = append(next.source.buffer, next.delivery)
		s.work.Signal()
	}
}

// passed notes that a job has ended, which may be of a limited task. The caller holds mu.
func (s *sources) passed(d *Delivery) {
	g := s.gates[d.Kind]
	if g == nil || d.Err != nil {
		return
	}
	g.running--
	s.pump(g)
	g.signal()
}

// pass is passed for who does not hold mu.
func (s *sources) pass(d *Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.passed(d)
}

func (g *gate) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
