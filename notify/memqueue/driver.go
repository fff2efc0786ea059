package memqueue

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// driver keeps every queue under one lock; nothing it does under it waits.
type driver struct {
	now func() time.Time

	mu     sync.Mutex
	queues map[string]*queue
	unique map[string]uniqueEntry
	closed bool
	seq    uint64

	stateMu    sync.Mutex
	state      map[string]*value
	stateSeq   int64
	stateSweep int // how many values there are when those that have ended are looked for
}

type uniqueEntry struct {
	id    string
	until time.Time
}

func newDriver(now func() time.Time) *driver {
	return &driver{now: now, queues: make(map[string]*queue), unique: make(map[string]uniqueEntry), state: make(map[string]*value)}
}

func (d *driver) queue(name string) *queue {
	q := d.queues[name]
	if q == nil {
		q = newQueue(name)
		d.queues[name] = q
	}
	return q
}

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j, now := new(job), d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return notify.ErrClosed
	}
	for i, e := range envelopes {
		if i > 0 {
			j = new(job)
		}
		d.store(j, e, now)
	}
	return nil
}

func (d *driver) PublishUnique(ctx context.Context, envelopes []*notify.Envelope) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, notify.ErrClosed
	}
	now := d.now()
	ids := make([]string, len(envelopes))
	for i, e := range envelopes {
		ids[i] = e.ID
		if e.UniqueKey != "" {
			if held, ok := d.unique[e.UniqueKey]; ok && now.Before(held.until) && held.id != e.ID {
				ids[i] = held.id
				continue
			}
			d.forget(now)
			d.unique[e.UniqueKey] = uniqueEntry{e.ID, now.Add(e.UniqueFor)}
		}
		d.store(new(job), e, now)
	}
	return ids, nil
}

// store takes an envelope in as j, unless it was published before: again after an unclear answer.
func (d *driver) store(j *job, e *notify.Envelope, now time.Time) {
	j.queue, j.envelope = d.queue(e.Queue), e
	if !j.queue.jobs.add(j) {
		return
	}
	d.seq++
	j.seq = d.seq
	j.queue.insert(j, now)
}

// forget drops ended windows now and then, so that the map stays as large as what is held.
func (d *driver) forget(now time.Time) {
	if n := len(d.unique); n < 1024 || n&(n-1) != 0 {
		return
	}
	for key, held := range d.unique {
		if !now.Before(held.until) {
			delete(d.unique, key)
		}
	}
}

func (d *driver) Fetch(ctx context.Context, r notify.FetchRequest) ([]*notify.Delivery, error) {
	for {
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			return nil, notify.ErrClosed
		}
		if err := ctx.Err(); err != nil {
			d.mu.Unlock()
			return nil, err
		}
		q := d.queue(r.Queue)
		deliveries, next := q.fetch(d.now(), r.Max, r.Lease)
		changed := q.changed
		d.mu.Unlock()
		if len(deliveries) > 0 {
			return deliveries, nil
		}
		wait(ctx, changed, next)
	}
}

// wait returns when something changed, at the latest after d; d < 0 is forever.
func wait(ctx context.Context, changed <-chan struct{}, d time.Duration) {
	var alarm <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-ctx.Done():
	case <-changed:
	case <-alarm:
	}
}

func (d *driver) Ack(_ context.Context, deliveries []*notify.Delivery) ([]*notify.Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	var lost []*notify.Delivery
	for _, delivery := range deliveries {
		j := leased(delivery)
		if j == nil {
			lost = append(lost, delivery)
			continue
		}
		j.queue.remove(j, now)
		j.queue.minute(now).Handled++
	}
	return lost, nil
}

func (d *driver) Nack(_ context.Context, nacks []notify.Nack) ([]*notify.Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	var lost []*notify.Delivery
	for _, n := range nacks {
		j := leased(n.Delivery)
		if j == nil {
			lost = append(lost, n.Delivery)
			continue
		}
		e := *n.Envelope
		if n.Delay > 0 {
			e.RunAt = now.Add(n.Delay).UTC()
		}
		j.envelope, j.crashes = &e, 0
		j.queue.giveBack(j, n.Dead, now)
		if n.Failed {
			j.queue.minute(now).Failed++
		}
	}
	return lost, nil
}

func (d *driver) Extend(_ context.Context, deliveries []*notify.Delivery, lease time.Duration) ([]*notify.Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	until := d.now().Add(lease)
	var lost []*notify.Delivery
	for _, delivery := range deliveries {
		if j := leased(delivery); j != nil {
			j.queue.extend(j, until)
		} else {
			lost = append(lost, delivery)
		}
	}
	return lost, nil
}

// leased returns the job of a delivery that still holds its lease. A lease
// that ended but was given to nobody else yet still counts.
func leased(delivery *notify.Delivery) *job {
	g, ok := delivery.Receipt.(*grant)
	if !ok || g.job.state != notify.Running || g.job.grant != g {
		return nil
	}
	return g.job
}

func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, q := range d.queues {
		q.wake()
	}
	return nil
}

// Overlap lets every caller store its own jobs: taking a lock costs less than waiting for who leads a batch.
func (d *driver) Overlap() int { return math.MaxInt }

func (d *driver) SerializesKeys() bool { return true }

func (d *driver) SetPaused(_ context.Context, name string, paused bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := d.queue(name)
	q.paused = paused
	q.wake()
	return nil
}

func (d *driver) Replay(_ context.Context, name string, ids []string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	now := d.now()
	q := d.queue(name)
	for _, id := range ids {
		if j := q.jobs.find(id); j != nil && q.replay(j, now) {
			n++
		}
	}
	return n, nil
}

func (d *driver) Delete(_ context.Context, name string, ids []string) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	now := d.now()
	q := d.queue(name)
	for _, id := range ids {
		if j := q.jobs.find(id); j != nil && j.state != notify.Running {
			q.remove(j, now)
			n++
		}
	}
	return n, nil
}

func (d *driver) Stats(context.Context) ([]notify.QueueStats, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	var all []notify.QueueStats
	for _, q := range d.queues {
		if s := q.stats(now); q.jobs.n > 0 || q.paused || len(s.Minutes) > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b notify.QueueStats) int { return strings.Compare(a.Queue, b.Queue) })
	return all, nil
}

func (d *driver) List(_ context.Context, f notify.Filter) ([]*notify.Record, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	var all []*notify.Record
	for name, q := range d.queues {
		if f.Queue != "" && f.Queue != name {
			continue
		}
		for j := range q.jobs.all() {
			state := j.seen(now)
			if f.State != "" && f.State != state || f.Kind != "" && f.Kind != j.envelope.Kind || f.ID != "" && f.ID != j.envelope.ID {
				continue
			}
			e := *j.envelope
			record := &notify.Record{Envelope: &e, State: state}
			if state == notify.Running {
				record.LeaseUntil = j.until
			}
			all = append(all, record)
		}
	}
	slices.SortFunc(all, func(a, b *notify.Record) int {
		if c := b.RunAt.Compare(a.RunAt); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	all = all[min(f.Offset, len(all)):]
	return all[:min(f.Limit, len(all))], nil
}
