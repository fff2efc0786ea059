package memqueue

import (
	"container/heap"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// job is one stored job. Its place is told by state, which for jobs in the
// ready or later heaps is Available or Scheduled.
type job struct {
	envelope *notify.Envelope
	queue    *queue
	state    notify.State // Scheduled (in later), Available (in ready), Running (in leased) or Dead
	lined    bool         // in a line
	crashes  int
	index    int    // in its heap or line; negative: in none
	seq      uint64 // order of enqueueing
	until    time.Time
	grant    *grant // the last one; who has another has lost the lease
	hash     uint64
	chained  *job // the next of its hash
}

// grant is a delivery of a job, and its own receipt.
type grant struct {
	delivery notify.Delivery
	job      *job
}

// seen is the state as an operator sees it.
func (j *job) seen(now time.Time) notify.State {
	switch {
	case j.state != notify.Scheduled && j.state != notify.Available:
		return j.state
	case !j.envelope.RunAt.After(now):
		return notify.Available
	case j.envelope.Attempt > 0:
		return notify.Retrying
	}
	return notify.Scheduled
}

// queue is one named queue: three heaps and the dead letters.
type queue struct {
	name    string
	paused  bool
	jobs    index
	ready   readyJobs // due, by priority
	later   jobHeap   // by due time
	leased  jobHeap   // by end of lease
	keys    map[string]*keyLine
	changed chan struct{} // closed and replaced when a waiting Fetch should look again
	waiting bool
	minutes []notify.MinuteStats
}

func newQueue(name string) *queue {
	return &queue{
		name: name, jobs: newIndex(), keys: make(map[string]*keyLine), changed: make(chan struct{}),
		later: jobHeap{less: byDue}, leased: jobHeap{less: byLease},
	}
}

// wake lets waiting Fetch calls look again.
func (q *queue) wake() {
	if q.waiting {
		close(q.changed)
		q.changed = make(chan struct{})
		q.waiting = false
	}
}

// insert takes in a job that is in no line or heap.
func (q *queue) insert(j *job, now time.Time) {
	j.state, j.index = notify.Scheduled, -1
	if q.join(j) {
		q.place(j, now)
	}
}

// place puts a job that may run into the heap it belongs to.
func (q *queue) place(j *job, now time.Time) {
	if j.envelope.RunAt.After(now) {
		j.state = notify.Scheduled
		heap.Push(&q.later, j)
	} else {
		j.state = notify.Available
		q.ready.push(j)
	}
	q.wake()
}

// displace takes a job out of its heap.
func (q *queue) displace(j *job) {
	if j.index < 0 {
		return // dead, or in line behind another of its key
	}
	switch j.state {
	case notify.Available:
		q.ready.remove(j)
	case notify.Scheduled:
		heap.Remove(&q.later, j.index)
	case notify.Running:
		heap.Remove(&q.leased, j.index)
	}
}

// fetch leases due jobs. Without any it returns how long until that may
// change by itself; negative: never.
func (q *queue) fetch(now time.Time, limit int, lease time.Duration) ([]*notify.Delivery, time.Duration) {
	q.advance(now)
	if q.paused {
		q.waiting = true
		return nil, -1
	}
	var deliveries []*notify.Delivery
	if n := min(limit, q.ready.n); n > 0 {
		deliveries = make([]*notify.Delivery, 0, n)
	}
	until := now.Add(lease)
	for len(deliveries) < limit && q.ready.n > 0 {
		j := q.ready.pop()
		g := &grant{job: j, delivery: notify.Delivery{Envelope: j.envelope, Crashes: j.crashes}}
		g.delivery.Receipt = g
		j.state, j.until, j.grant = notify.Running, until, g
		heap.Push(&q.leased, j)
		deliveries = append(deliveries, &g.delivery)
	}
	if len(deliveries) > 0 {
		return deliveries, 0
	}
	q.waiting = true
	return nil, q.next(now)
}

// advance moves jobs whose time has come and jobs whose lease has ended.
func (q *queue) advance(now time.Time) {
	for j := q.later.first(); j != nil && !j.envelope.RunAt.After(now); j = q.later.first() {
		heap.Pop(&q.later)
		q.place(j, now)
	}
	for j := q.leased.first(); j != nil && !j.until.After(now); j = q.leased.first() {
		heap.Pop(&q.leased)
		j.crashes++
		q.place(j, now)
	}
}

func (q *queue) next(now time.Time) time.Duration {
	next := time.Duration(-1)
	if j := q.later.first(); j != nil {
		next = j.envelope.RunAt.Sub(now)
	}
	if j := q.leased.first(); j != nil {
		if d := j.until.Sub(now); next < 0 || d < next {
			next = d
		}
	}
	return next
}

func (q *queue) extend(j *job, until time.Time) {
	j.until = until
	heap.Fix(&q.leased, j.index)
}

// giveBack ends a lease without removing the job.
func (q *queue) giveBack(j *job, dead bool, now time.Time) {
	heap.Remove(&q.leased, j.index)
	if dead {
		j.state = notify.Dead
		q.leave(j, now)
		return
	}
	q.place(j, now)
}

// replay makes a waiting or dead job run now.
func (q *queue) replay(j *job, now time.Time) bool {
	state := j.seen(now)
	if state != notify.Scheduled && state != notify.Retrying && state != notify.Dead {
		return false
	}
	e := *j.envelope
	e.RunAt = now.UTC()
	if j.state == notify.Dead {
		e.Attempt = 0
		e.ExpiresAt = time.Time{} // the operator wants it run
		j.envelope = &e
		q.insert(j, now)
		return true
	}
	inLine := j.index < 0
	q.displace(j)
	j.envelope = &e
	if !inLine {
		q.place(j, now)
	}
	return true
}

func (q *queue) remove(j *job, now time.Time) {
	q.displace(j)
	q.jobs.remove(j)
	j.grant = nil
	if j.state != notify.Dead {
		q.leave(j, now)
	}
}
