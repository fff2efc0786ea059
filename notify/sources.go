package notify

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// readAhead bounds how much work is fetched beyond what handlers can start
// at once: as much as they finish in this time at their recent speed. Slow
// handlers hoard nothing that an idle worker elsewhere could do; quick ones
// never wait for a round trip.
const (
	readAhead    = 5 * time.Millisecond
	maxReadAhead = 256
)

// sources holds the fetched jobs of every queue and decides which is next.
type sources struct {
	mu       sync.Mutex
	work     sync.Cond // a job may have become startable
	all      []*source
	gates    map[string]*gate // of limited tasks, by kind
	stopping bool
}

// source is one named queue.
type source struct {
	name    string
	options QueueOptions
	limiter *rate.Limiter // nil: no rate
	space   sync.Cond     // there may be room for more

	buffer   []*Delivery
	running  int
	credit   int           // smooth weighted round robin, as nginx balances upstreams
	took     time.Duration // moving average of a handler
	throttle bool          // a timer is set for the limiter's next token
	gathered sync.Cond     // jobs came in, which a batch may wait for
	hungry   int           // how many jobs batches wait for
	crowded  bool          // too many jobs of limited tasks: a pause is under way
}

func newSources(o *WorkerOptions) *sources {
	s := &sources{gates: make(map[string]*gate)}
	s.work.L = &s.mu
	for name, q := range o.Queues {
		src := &source{name: name, options: q, took: time.Second}
		src.options.Concurrency = min(q.Concurrency, o.Concurrency)
		src.space.L, src.gathered.L = &s.mu, &s.mu
		if q.Rate > 0 {
			src.limiter = rate.NewLimiter(rate.Limit(q.Rate), q.Burst)
		}
		s.all = append(s.all, src)
	}
	return s
}

// room waits until jobs of the queue are wanted and returns how many; 0 when stopping.
func (s *sources) room(src *source) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.stopping {
		if n := src.wants(len(s.all) > 1); n > 0 {
			return n
		}
		src.space.Wait()
	}
	return 0
}

// wants is how many jobs to fetch. Where queues compete one is kept at hand even while
// all handlers are busy: weights can only choose among jobs that are here.
func (src *source) wants(competing bool) int {
	limit := src.options.Concurrency
	if src.limiter != nil {
		limit = min(limit, src.options.Burst)
	} else if src.took < readAhead {
		limit += min(maxReadAhead, int(int64(limit)*int64(readAhead)/int64(max(src.took, time.Microsecond))))
	}
	if src.crowded {
		return 0
	}
	room := limit + src.hungry - src.running - len(src.buffer)
	if competing {
		room = max(room, 1-len(src.buffer))
	}
	return room
}

// crowdedPause is how long no jobs are fetched from a queue that held more of a limited
// task than a worker can hold back.
const crowdedPause = 500 * time.Millisecond

// add offers fetched jobs to the handlers and returns those that are to be given
// back: all when stopping, else those of limited tasks that wait in too great a number.
func (s *sources) add(src *source, deliveries []*Delivery) (rest []*Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return deliveries
	}
	for _, d := range deliveries {
		if g := s.gates[d.Kind]; g != nil && d.Err == nil {
			if !s.park(g, src, d) {
				rest = append(rest, d)
			}
			continue
		}
		src.buffer = append(src.buffer, d)
		s.work.Signal()
	}
	if src.hungry > 0 {
		src.gathered.Broadcast()
	}
	if len(rest) > 0 && !src.crowded {
		src.crowded = true
		time.AfterFunc(crowdedPause, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			src.crowded = false
			src.space.Broadcast()
		})
	}
	return rest
}

// gather takes further jobs of a kind for a batch, up to n of them, until deadline.
func (s *sources) gather(src *source, kind string, n int, deadline time.Time) []*Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	alarm := time.AfterFunc(time.Until(deadline), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		src.gathered.Broadcast()
	})
	defer alarm.Stop()
	var batch []*Delivery
	for {
		kept := src.buffer[:0]
		for _, d := range src.buffer {
			if d.Kind == kind && d.Err == nil && len(batch) < n {
				batch = append(batch, d)
			} else {
				kept = append(kept, d)
			}
		}
		clear(src.buffer[len(kept):])
		src.buffer = kept
		missing := n - len(batch)
		if missing <= 0 || s.stopping || !time.Now().Before(deadline) {
			src.space.Broadcast()
			return batch
		}
		src.hungry += missing
		src.space.Broadcast()
		src.gathered.Wait()
		src.hungry -= missing
	}
}

// endedJobs are what a handler has done last, until next is told.
type endedJobs struct {
	source *source
	took   time.Duration
	jobs   []*Delivery // nil: told
}

// next frees what the jobs before occupied, and waits for a job to start; nil when stopping.
func (s *sources) next(before *endedJobs) (*source, *Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(before)
	for !s.stopping {
		if src := s.pick(); src != nil {
			d := src.buffer[0]
			src.buffer[0] = nil
			src.buffer = src.buffer[1:]
			src.running++
			src.space.Signal()
			s.stir(src)
			s.stir(before.source) // another handler may start what now has room
			before.source = nil
			return src, d
		}
		s.work.Wait()
	}
	return nil, nil
}

// pick chooses among the queues that could start a job now, by weight.
func (s *sources) pick() *source {
	var best *source
	total := 0
	for _, src := range s.all {
		if len(src.buffer) == 0 || src.running >= src.options.Concurrency || src.throttle {
			continue
		}
		total += src.options.Weight
		src.credit += src.options.Weight
		if best == nil || src.credit > best.credit {
			best = src
		}
	}
	if best == nil {
		return nil
	}
	best.credit -= total
	if !s.allowed(best) {
		return s.pick()
	}
	return best
}

// allowed takes a token of the queue's rate, or sets the alarm for the next one.
func (s *sources) allowed(src *source) bool {
	if src.limiter == nil {
		return true
	}
	reservation := src.limiter.Reserve()
	delay := reservation.Delay()
	if delay == 0 {
		return true
	}
	reservation.Cancel()
	src.throttle = true
	time.AfterFunc(delay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		src.throttle = false
		s.work.Signal()
	})
	return false
}

// finished frees what jobs occupied, for a handler that takes no other.
func (s *sources) finished(ended *endedJobs) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(ended)
	s.stir(ended.source)
}

func (s *sources) free(ended *endedJobs) {
	if ended.jobs == nil {
		return
	}
	for _, d := range ended.jobs {
		s.passed(d)
	}
	ended.jobs = nil
	if src := ended.source; src != nil { // Drain has none
		src.running--
		src.took += (ended.took - src.took) / 8
		src.space.Signal()
	}
}

// stir wakes a handler for what a source has.
func (s *sources) stir(src *source) {
	if src != nil && len(src.buffer) > 0 {
		s.work.Signal()
	}
}

func (s *sources) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	s.work.Broadcast()
	for _, src := range s.all {
		src.space.Broadcast()
		src.gathered.Broadcast()
	}
}

// drain returns what was never started.
func (s *sources) drain() []*Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rest []*Delivery
	for _, src := range s.all {
		rest = append(rest, src.buffer...)
		src.buffer = nil
	}
	for _, g := range s.gates {
		for _, p := range g.parked {
			rest = append(rest, p.delivery)
		}
		g.parked = nil
	}
	return rest
}
