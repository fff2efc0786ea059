package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
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

// touch says when a read notes the time of use, by whoever has the secret of that
// digest.
func (m *Manager) touch(secret []byte) Touch {
	t := Touch{Now: m.now(), Min: time.Second, Max: 5 * time.Minute, Offset: secretOffset, Match: secret}
	if m.opts.JSON {
		t.Offset, t.Match = len(jsonSecretPrefix), jsonSecret(secret)
	}
	if m.opts.TouchEvery != 0 {
		t.Min, t.Max = m.opts.TouchEvery, m.opts.TouchEvery
	}
	return t
}

// now is to the microsecond, as it is stored.
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
	content content
}

func (s *session) clone() *session {
	copied := *s
	copied.content.values, copied.content.stored = maps.Clone(s.content.all()), nil
	return &copied
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
	if m.opts.JSON {
		var err error
		r.Data, err = s.content.encodeJSON()
		return r, err
	}
	r.Data = s.content.encode()
	return r, nil
}

// fetch loads a record, and has a touch that is due done on the way if touching
// and the driver can.
func (m *Manager) fetch(ctx context.Context, id string, touch Touch, touching bool) (Record, error) {
	if loader, ok := m.driver.(TouchLoader); ok && touching {
		return loader.LoadTouch(ctx, id, touch)
	}
	return m.driver.Load(ctx, id)
}

// load returns the live session that the digest of a token's secret proves the
// right to; previous says that the token is the one before the last renewal.
func (m *Manager) load(ctx context.Context, id string, given digest, touch Touch, touching bool) (s *session, previous bool, err error) {
	ctx, end := m.start(ctx, "load")
	defer func() { end(err) }()
	r, err := m.fetch(ctx, id, touch, touching)
	if err != nil {
		return nil, false, driverError("load", err)
	}
	return m.admit(r, given, touch.Now)
}

// admit is the session of a record, if it is live and the secret its own.
func (m *Manager) admit(r Record, given digest, now time.Time) (s *session, previous bool, err error) {
	s, err = m.decode(r)
	if err != nil {
		return nil, false, err
	}
	if !now.Before(s.record.Expires()) {
		return nil, false, fmt.Errorf("%w: it has expired", ErrNotFound)
	}
	switch {
	case s.content.secret.equal(given):
		return s, false, nil
	case s.content.previous != digest{} && s.content.previous.equal(given) && now.Before(s.content.previousUntil):
		return s, true, nil
	}
	return nil, false, fmt.Errorf("%w: the token is not its own", ErrNotFound)
}
