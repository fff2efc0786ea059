package rabbitqueue

import (
	"context"
	"errors"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/notify"
)

// How long a Fetch that gets nothing waits before it asks for more at once, and how long
// jobs stay with us while nobody fetches them.
const (
	growAfter   = 5 * time.Millisecond
	keepAtMost  = time.Second
	giveBackFor = 10 * time.Second // bounds one giving back
)

// maxPrefetch is the most AMQP can ask for.
const maxPrefetch = 1<<16 - 1

// session is one queue as we consume it, on channels of its own. It ends with any of them.
//
// The broker sends as many jobs as a Fetch has asked for, and one more for each that is
// settled. So jobs do not pile up here while other workers have nothing to do, and the
// next ones are here before they are asked for.
type session struct {
	driver  *driver
	queue   string
	streams [levels]*stream

	subscribing chan struct{} // held while consuming begins or ends
	down        chan struct{}
	ending      sync.Once

	mu      sync.Mutex
	demand  int           // of the Fetch calls that wait
	waiting int           // Fetch calls
	changed chan struct{} // closed and replaced when jobs arrive
	idle    *time.Timer   // gives back what nobody fetches
}

func newSession(d *driver, queue string) *session {
	s := &session{
		driver: d, queue: queue, subscribing: make(chan struct{}, 1),
		down: make(chan struct{}), changed: make(chan struct{}),
	}
	s.idle = time.AfterFunc(time.Hour, s.rest)
	s.idle.Stop()
	return s
}

func (s *session) up() bool {
	select {
	case <-s.down:
		return false
	default:
		return true
	}
}

// fail ends the session: its jobs belong to whoever the broker gives them to next.
func (s *session) fail() {
	s.ending.Do(func() {
		close(s.down)
		s.idle.Stop()
	})
}

// close ends the session in peace.
func (s *session) close() {
	for _, st := range s.streams {
		st.flush()
	}
	s.fail()
}

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	d.use(r.Queue)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := d.consumer.session(ctx, r.Queue)
		if err == nil {
			var found []arrival
			if found, err = s.fetch(ctx, r.Max); err == nil {
				if deliveries := d.receive(ctx, s, found); len(deliveries) > 0 {
					return deliveries, nil
				}
				continue
			}
		}
		if !errors.Is(err, errDown) {
			if ctx.Err() != nil && d.life.Err() == nil {
				err = ctx.Err()
			}
			return nil, err
		}
	}
}

// arrival is a message that came over a stream.
type arrival struct {
	stream *stream
	amqp.Delivery
}

// fetch waits for messages.
func (s *session) fetch(ctx context.Context, most int) ([]arrival, error) {
	s.mu.Lock()
	s.demand += most
	s.waiting++
	s.idle.Stop()
	s.mu.Unlock()
	defer s.leave(ctx, most)

	if err := s.subscribe(ctx, false); err != nil {
		return nil, err
	}
	hungry := time.NewTimer(growAfter)
	defer hungry.Stop()
	for {
		found, changed := s.take(most)
		if len(found) > 0 {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.driver.life.Done():
			return nil, notify.ErrClosed
		case <-s.down:
			return nil, errDown
		case <-hungry.C:
			if err := s.subscribe(ctx, true); err != nil {
				return nil, err
			}
		}
	}
}

// leave ends a Fetch. The last one that was given up leaves nothing here for others to miss.
func (s *session) leave(ctx context.Context, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demand -= most
	s.waiting--
	switch {
	case s.waiting > 0 || !s.up():
	case ctx.Err() != nil:
		s.idle.Reset(0)
	case s.holds():
		s.idle.Reset(keepAtMost)
	}
}

// holds tells whether messages wait here.
func (s *session) holds() bool {
	for _, st := range s.streams {
		if len(st.buffer) > 0 {
			return true
		}
	}
	return false
}

// arrived wakes those who wait.
func (s *session) arrived() {
	close(s.changed)
	s.changed = make(chan struct{})
	if s.waiting == 0 {
		s.idle.Reset(keepAtMost)
	}
}

// take takes messages that have arrived, high priorities first.
func (s *session) take(most int) ([]arrival, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []arrival
	for level := levels - 1; level >= 0; level-- {
		st := s.streams[level]
		n := min(most-len(found), len(st.buffer))
		for i, m := range st.buffer[:n] {
			found = append(found, arrival{st, m})
			st.buffer[i] = amqp.Delivery{}
		}
		st.buffer = st.buffer[n:]
	}
	return found, s.changed
}

// subscribe asks the broker for as many jobs as are wanted, if that is far more than
// it was asked for before, or if it is more and there were none for a moment.
func (s *session) subscribe(ctx context.Context, hungry bool) error {
	for level := levels - 1; level >= 0; level-- {
		if s.wanted(s.streams[level], hungry) == 0 {
			continue
		}
		if err := s.resubscribe(ctx, s.streams[level], hungry); err != nil {
			return err
		}
	}
	return nil
}

// wanted is how many jobs to ask for; 0 when that need not change.
func (s *session) wanted(st *stream, hungry bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	need := min(st.held()+s.demand, maxPrefetch)
	if st.prefetch == 0 || need > 2*st.prefetch || hungry && need > st.prefetch {
		return need
	}
	return 0
}

func (s *session) resubscribe(ctx context.Context, st *stream, hungry bool) error {
	select {
	case s.subscribing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	done := make(chan error, 1)
	go func() { // the library's calls cannot be given up
		defer func() { <-s.subscribing }()
		n := s.wanted(st, hungry)
		if n == 0 {
			done <- nil
			return
		}
		st.stop()
		done <- st.start(n)
	}()
	select {
	case err := <-done:
		if err != nil {
			s.fail()
			return errDown
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// rest stops consuming and gives back what nobody has fetched.
func (s *session) rest() {
	s.subscribing <- struct{}{}
	defer func() { <-s.subscribing }()
	s.mu.Lock()
	wanted := s.waiting > 0
	s.mu.Unlock()
	if wanted || !s.up() {
		return
	}
	for _, st := range s.streams {
		st.stop()
	}
	s.mu.Lock()
	var left []arrival
	for _, st := range s.streams {
		for _, m := range st.buffer {
			left = append(left, arrival{st, m})
		}
		st.buffer = nil
	}
	s.mu.Unlock()
	if len(left) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(s.driver.life, giveBackFor)
	defer cancel()
	if err := s.driver.forward(ctx, left); err != nil && s.driver.life.Err() == nil {
		s.driver.options.Logger.Warn("rabbitqueue: cannot give jobs back", "queue", s.queue, "jobs", len(left), "error", err)
		s.fail() // the broker gives them to others then
	}
}
