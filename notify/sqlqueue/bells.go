package sqlqueue

import (
	"context"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// Listener hears what a database tells of by itself, so that nobody needs to poll: see
// package notify/sqlqueue/pglisten.
type Listener interface {
	// Listen calls heard after every notification of the channel until ctx ends or the
	// connection is lost. It calls ready once it hears.
	Listen(ctx context.Context, channel string, ready, heard func()) error
}

// channel is the name that notifications go by.
const channel = "notify_jobs"

// Pauses of listening and ringing.
const (
	relisten   = time.Second
	ringPeriod = 5 * time.Millisecond // a notification serializes commits in PostgreSQL, so not each publish sends one
)

// hear starts to listen, with the first Fetch: who only enqueues needs no connection for it.
func (d *driver) hear() {
	if d.listener == nil {
		return
	}
	d.listen.Do(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.closed {
			return
		}
		d.deaf = true
		d.services.Go(d.hearAll)
	})
}

func (d *driver) hearAll() {
	for d.running.Err() == nil {
		err := d.listener.Listen(d.running, channel, func() { d.setDeaf(false); d.wake() }, d.wake)
		d.setDeaf(true)
		if d.running.Err() != nil {
			return
		}
		d.log.Warn("notify: sqlqueue: lost the connection that listens; polling meanwhile", "error", err)
		_ = pause.For(d.running, relisten)
	}
}

func (d *driver) setDeaf(deaf bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaf = deaf
}

// idlePoll is how long an idle queue waits before it looks by itself.
func (d *driver) idlePoll() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil && !d.deaf {
		return max(d.poll, hearingPoll)
	}
	return d.poll
}

// hearingPoll is enough where news are heard; it only finds what a lost connection hid.
const hearingPoll = time.Second

// bells tell other processes of new jobs, by PostgreSQL's NOTIFY.
type bells struct {
	driver *driver
	mu     sync.Mutex
	rung   time.Time
	alarm  *time.Timer // rings for what came within the period
	ending sync.WaitGroup
}

// ring tells of jobs that are committed.
func (b *bells) ring() {
	if b.driver.dialect != postgres {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alarm != nil {
		return
	}
	// The first rings at once; what follows within the period rings together at its end.
	wait := max(0, ringPeriod-time.Since(b.rung))
	b.ending.Add(1)
	b.alarm = time.AfterFunc(wait, func() {
		defer b.ending.Done()
		b.mu.Lock()
		b.alarm, b.rung = nil, time.Now()
		b.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := b.driver.notify(ctx, b.driver.db); err != nil {
			if _, closed := b.driver.look(); closed == nil {
				b.driver.log.Warn("notify: sqlqueue: cannot tell other processes of new jobs; they find them by polling", "error", err)
			}
		}
	})
}

// stop rings no more, except for what is waiting.
func (b *bells) stop() {
	b.mu.Lock()
	pending := b.alarm != nil && b.alarm.Stop()
	b.mu.Unlock()
	if !pending {
		b.ending.Wait()
		return
	}
	b.ending.Done()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = b.driver.notify(ctx, b.driver.db) // else they find them by polling
}

// notify rings with the commit of q, or at once.
func (d *driver) notify(ctx context.Context, q sqldb.Querier) error {
	_, err := q.ExecContext(ctx, "SELECT pg_notify($1, '')", channel)
	return err
}
