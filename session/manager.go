package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Manager runs the sessions of one site. New makes one.
type Manager struct {
	driver Driver
	opts   Options
	stop   context.CancelFunc
	done   sync.WaitGroup
	close  func() error
}

// New returns a Manager that keeps its sessions in driver. Close ends it. A
// wrong option gives an *InvalidError.
func New(driver Driver, options *Options) (*Manager, error) {
	if driver == nil {
		return nil, &InvalidError{"driver", "is nil"}
	}
	opts, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &Manager{driver: driver, opts: opts, stop: stop}
	m.close = sync.OnceValue(m.closeOnce)
	if sweeper, ok := driver.(Sweeper); ok && opts.SweepEvery > 0 {
		m.done.Go(func() { m.sweepLoop(ctx, sweeper) })
	}
	return m, nil
}

// Close stops the background work and closes the driver if it is an io.Closer.
// It does not close clients or databases that were passed to a backend. More
// calls return the first answer.
func (m *Manager) Close() error { return m.close() }

func (m *Manager) closeOnce() error {
	m.stop()
	m.done.Wait()
	if closer, ok := m.driver.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Driver returns the driver given to New.
func (m *Manager) Driver() Driver { return m.driver }

const sweepBatch = 1000

// Sweep removes all expired sessions now, and returns how many. It is done in
// the background too. Stores that forget by themselves have nothing to do:
// the error wraps errors.ErrUnsupported.
func (m *Manager) Sweep(ctx context.Context) (int, error) {
	sweeper, ok := m.driver.(Sweeper)
	if !ok {
		return 0, unsupported("sweep")
	}
	return m.sweep(ctx, sweeper)
}

func (m *Manager) sweep(ctx context.Context, sweeper Sweeper) (total int, err error) {
	ctx, end := m.start(ctx, "sweep")
	defer func() { end(err, slog.Int("removed", total)) }()
	for {
		n, err := sweeper.Sweep(ctx, m.now(), sweepBatch)
		total += n
		if err != nil {
			return total, driverError("sweep", err)
		}
		if n < sweepBatch {
			return total, nil
		}
	}
}

func (m *Manager) sweepLoop(ctx context.Context, sweeper Sweeper) {
	ticker := time.NewTicker(m.opts.SweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if _, err := m.sweep(ctx, sweeper); err != nil && ctx.Err() == nil {
				m.opts.Logger.Warn("session: sweep failed", "error", err)
			}
		}
	}
}

// now is to the microsecond, as it is stored.
// touchEvery is how long a session of an idle limit is not touched again.
func (m *Manager) touchEvery(idle time.Duration) time.Duration {
	if m.opts.TouchEvery != 0 {
		return m.opts.TouchEvery
	}
	if idle <= 0 {
		return 5 * time.Minute
	}
	return min(max(idle/10, time.Second), 5*time.Minute)
}

func (m *Manager) now() time.Time { return m.opts.Now().Truncate(time.Microsecond) }

func (m *Manager) start(ctx context.Context, operation string) (context.Context, func(error, ...slog.Attr)) {
	if m.opts.Tracer == nil {
		return ctx, func(error, ...slog.Attr) {}
	}
	return m.opts.Tracer.Start(ctx, "session."+operation)
}

// session is one decoded record. It is never changed once others can see it.
type session struct {
	record  Record
	content *content
}

func (s *session) clone() *session {
	copied := &session{record: s.record}
	content := *s.content
	content.values = make(map[string][]byte, len(s.content.values))
	for key, raw := range s.content.values {
		content.values[key] = raw
	}
	copied.content = &content
	return copied
}

func (m *Manager) decode(r Record) (*session, error) {
	content, err := decodeContent(r.Data)
	if corrupt, ok := errors.AsType[*CorruptError](err); ok {
		corrupt.ID = r.ID
	}
	if err != nil {
		return nil, err
	}
	r.Data = nil
	return &session{record: r, content: content}, nil
}

// encode makes the record to store, checked against the limits.
func (m *Manager) encode(s *session) (Record, error) {
	if n := s.content.valueBytes(); n > m.opts.MaxBytes {
		return Record{}, &InvalidError{"values", fmt.Sprintf("take %d bytes, more than %d", n, m.opts.MaxBytes)}
	}
	r := s.record
	r.Data = s.content.encode()
	return r, nil
}

// load returns the live session a token proves the right to; previous says that
// the token is the one before the last renewal.
func (m *Manager) load(ctx context.Context, t token) (s *session, previous bool, err error) {
	ctx, end := m.start(ctx, "load")
	defer func() { end(err) }()
	r, err := m.driver.Load(ctx, t.id)
	if err != nil {
		return nil, false, driverError("load", err)
	}
	s, err = m.decode(r)
	if err != nil {
		return nil, false, err
	}
	now := m.now()
	if !now.Before(s.record.Expires()) {
		return nil, false, fmt.Errorf("%w: it has expired", ErrNotFound)
	}
	given := t.digest()
	switch {
	case s.content.secret.equal(given):
		return s, false, nil
	case s.content.previous != digest{} && s.content.previous.equal(given) && now.Before(s.content.previousUntil):
		return s, true, nil
	}
	return nil, false, fmt.Errorf("%w: the token is not its own", ErrNotFound)
}
