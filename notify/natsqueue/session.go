package natsqueue

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify"
)

// How long the server holds a request for jobs, how long we wait for its answer, and how
// long jobs stay with us while nobody fetches them.
const (
	pullExpires = 2 * time.Second
	pullTimeout = pullExpires + time.Second
	keepAtMost  = time.Second
)

// session is one queue as we consume it, from the first Fetch on until there was none for a moment. What it asked
// for and nobody fetched goes back when it ends.
//
// The server is asked for the jobs of a high priority at once. Where there are none a request
// for one of them stays there as a bell, and those of the low one are asked for.
type session struct {
	driver *driver
	queue  *queue
	inbox  string
	sub    *nats.Subscription

	mu      sync.Mutex
	next    int
	pulls   map[string]*pull // by the last token of the inbox
	open    [levels]*pull    // one at a time, for jobs do not say which request they answer
	buffer  [levels][]arrival
	waiting int           // Fetch calls
	changed chan struct{} // closed and replaced when a pull ends
	idle    *time.Timer
	ended   bool
	refused bool // the last pull to end
}

// pull is a request for jobs.
type pull struct {
	name             string // the last token of the inbox
	level, want, got int
	asked            time.Time
	done             chan struct{} // closed when it ended
	refused          bool          // by a server that has no such consumer, or no leader for it now
}

// arrival is a message that came.
type arrival struct {
	level int
	msg   *nats.Msg
	at    time.Duration // as sinceStart tells the time
}

// session returns the open session of a queue, after opening it where need be.
func (d *driver) session(ctx context.Context, r notify.FetchRequest) (*session, error) {
	q, err := d.queue(ctx, r.Queue, r.Lease)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	if s := d.sessions[r.Queue]; s != nil && s.enter() {
		return s, nil
	}
	s := &session{
		driver: d, queue: q, inbox: d.nc.NewInbox(), pulls: make(map[string]*pull), changed: make(chan struct{}), waiting: 1,
	}
	if s.sub, err = d.nc.Subscribe(s.inbox+".*", s.arrive); err != nil {
		return nil, fail(ctx, "subscribe", err)
	}
	if err := s.sub.SetPendingLimits(-1, -1); err != nil { // what comes was asked for
		return nil, fail(ctx, "subscribe", err)
	}
	s.idle = time.AfterFunc(time.Hour, s.rest)
	s.idle.Stop()
	d.sessions[r.Queue] = s
	return s, nil
}

// enter begins a Fetch, if the session goes on.
func (s *session) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return false
	}
	s.waiting++
	s.idle.Stop()
	return true
}

// leave ends a Fetch. One that was given up leaves nothing here for others to miss.
func (s *session) leave(givenUp bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting--; s.waiting > 0 || s.ended {
		return
	}
	if givenUp {
		s.idle.Reset(0)
	} else {
		s.idle.Reset(keepAtMost)
	}
}

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := d.session(ctx, r)
		if err != nil {
			return nil, err
		}
		found, err := s.fetch(ctx, r.Max)
		s.leave(err != nil)
		switch {
		case d.life.Err() != nil:
			return nil, notify.ErrClosed
		case errors.Is(err, errRefused):
			d.forget(r.Queue)
			_ = pause.For(ctx, 4*minPause)
		case err != nil:
			return nil, err
		default:
			if deliveries := d.receive(ctx, s, found, r.Lease); len(deliveries) > 0 {
				return deliveries, nil
			}
		}
	}
}

var errRefused = errors.New("natsqueue: no leader")

// fetch waits for messages.
func (s *session) fetch(ctx context.Context, most int) ([]arrival, error) {
	for {
		found, changed := s.take(most)
		if len(found) > 0 {
			return found, nil
		}
		for level := levels - 1; level > 0; level-- {
			found, err := s.look(ctx, level, most)
			if len(found) > 0 || err != nil {
				return found, err
			}
		}
		if _, err := s.ask(0, most, pullExpires); err != nil {
			return nil, fail(ctx, "ask for jobs", err)
		}
		timer := time.NewTimer(pullTimeout)
		select {
		case <-changed:
			if s.refusedLast() {
				timer.Stop()
				return nil, errRefused
			}
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-s.driver.life.Done():
			timer.Stop()
			return nil, notify.ErrClosed
		case <-timer.C:
			s.overdue()
		}
		timer.Stop()
	}
}

// look asks for jobs of a high level, unless its bell is there. It leaves the bell when there are none.
func (s *session) look(ctx context.Context, level, most int) ([]arrival, error) {
	p, err := s.ask(level, most, 0)
	if err != nil {
		return nil, fail(ctx, "ask for jobs", err)
	}
	if p == nil {
		return nil, nil
	}
	timer := time.NewTimer(pullTimeout)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.driver.life.Done():
		return nil, notify.ErrClosed
	case <-timer.C:
		s.overdue()
	}
	if found, _ := s.take(most); len(found) > 0 {
		return found, nil
	}
	if s.wasRefused(p) {
		return nil, errRefused
	}
	if _, err = s.ask(level, 1, pullExpires); err != nil {
		err = fail(ctx, "ask for jobs", err)
	}
	return nil, err
}

func (s *session) wasRefused(p *pull) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.refused
}

// pullRequest is what the server reads.
//
// https://docs.nats.io/reference/reference-protocols/nats_api_reference
type pullRequest struct {
	Batch   int           `json:"batch"`
	NoWait  bool          `json:"no_wait"`
	Expires time.Duration `json:"expires,omitempty"`
}

// ask sends a request, unless there is one. It ends when the server has sent what there is, the first time
// that there is any; without expires also when there is none at once.
func (s *session) ask(level, want int, expires time.Duration) (*pull, error) {
	body, err := json.Marshal(pullRequest{want, true, expires})
	if err != nil {
		return nil, err
	}
	p := &pull{level: level, want: want, asked: time.Now(), done: make(chan struct{})}
	s.mu.Lock()
	if s.open[level] != nil {
		s.mu.Unlock()
		return nil, nil
	}
	s.next++
	name := strconv.Itoa(s.next)
	p.name = name
	s.pulls[name], s.open[level] = p, p
	s.mu.Unlock()
	subject := s.driver.api + "CONSUMER.MSG.NEXT." + s.driver.stream(s.queue.name) + "." + consumerName(level)
	if err := s.driver.nc.PublishRequest(subject, s.inbox+"."+name, body); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pulls[name] == p {
			s.finish(name, p)
		}
		return nil, err
	}
	return p, nil
}

// finish ends a pull.
func (s *session) finish(name string, p *pull) {
	delete(s.pulls, name)
	if s.open[p.level] == p {
		s.open[p.level] = nil
	}
	close(p.done)
	close(s.changed)
	s.changed = make(chan struct{})
}

// arrive takes what the server sends: jobs, and how requests ended.
func (s *session) arrive(m *nats.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ours := strings.CutPrefix(m.Subject, s.inbox+"."); ours {
		if p := s.pulls[name]; p != nil {
			status := m.Header.Get("Status")
			p.refused = status != "404" && status != "408"
			s.refused = p.refused
			s.finish(name, p)
		}
		return
	}
	level := 0
	if consumerOf(m.Reply) == consumerName(1) {
		level = 1
	}
	s.buffer[level] = append(s.buffer[level], arrival{level, m, sinceStart()})
	if p := s.open[level]; p != nil {
		if p.got++; p.got == p.want {
			s.finish(p.name, p)
		}
	}
}

// refusedLast tells, once, whether the last pull to end was refused.
func (s *session) refusedLast() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.refused
	s.refused = false
	return was
}

// overdue ends the pulls that the server should have ended long ago: it is another one by now.
func (s *session) overdue() { s.cancel(time.Now().Add(-pullTimeout)) }

// restart ends all pulls: the connection is a new one.
func (s *session) restart() { s.cancel(time.Now()) }

func (s *session) cancel(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, p := range s.pulls {
		if !p.asked.After(before) {
			s.finish(name, p)
		}
	}
}

// take takes messages that have arrived, high priorities first.
func (s *session) take(most int) ([]arrival, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []arrival
	for level := levels - 1; level >= 0; level-- {
		n := min(most-len(found), len(s.buffer[level]))
		found = append(found, s.buffer[level][:n]...)
		clear(s.buffer[level][:n])
		s.buffer[level] = s.buffer[level][n:]
	}
	return found, s.changed
}

// buffered is how many jobs are here and were not fetched.
func (d *driver) buffered(queue string) (n int) {
	d.mu.Lock()
	s := d.sessions[queue]
	d.mu.Unlock()
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.buffer {
		n += len(b)
	}
	return n
}

// rest ends the session when nobody fetches, and gives back what is here.
func (s *session) rest() {
	if !s.retire() {
		return
	}
	s.drain()
	left, _ := s.take(int(^uint(0) >> 1))
	if len(left) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.driver.life, answerTimeout)
	defer cancel()
	if err := s.driver.forward(ctx, left); err != nil && s.driver.life.Err() == nil {
		s.driver.options.Logger.Warn("natsqueue: cannot give jobs back; their leases end by themselves", "queue", s.queue.name, "jobs", len(left), "error", err)
	}
}

// retire makes this session one that nobody enters any more.
func (s *session) retire() bool {
	d := s.driver
	d.mu.Lock()
	defer d.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting > 0 || s.ended || d.life.Err() != nil {
		return false
	}
	s.ended = true
	if d.sessions[s.queue.name] == s {
		delete(d.sessions, s.queue.name)
	}
	d.work.Add(1)
	return true
}

// drain ends the subscription once all is here that the server had sent.
func (s *session) drain() {
	defer s.driver.work.Done()
	closed := s.sub.StatusChanged(nats.SubscriptionClosed)
	if s.sub.Drain() != nil {
		return // the connection is gone
	}
	timer := time.NewTimer(answerTimeout)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
}

// close ends the session with the driver. Its jobs come back when their leases end.
func (s *session) close() {
	s.mu.Lock()
	ended := s.ended
	s.ended = true
	s.idle.Stop()
	s.mu.Unlock()
	if !ended {
		_ = s.sub.Unsubscribe() // fails only with the connection
	}
}
