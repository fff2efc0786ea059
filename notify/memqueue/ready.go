package memqueue

import "container/heap"

// levels are the priorities, 0 to 9.
const levels = 10

// readyJobs holds what is due, in order of priority, due time and enqueueing. Most jobs
// of a level come in that order and go into a line, where putting and taking cost the same
// however many there are; those that come late in time go into a heap beside it.
type readyJobs struct {
	levels [levels]level
	n      int // in all
}

type level struct {
	line jobLine
	heap jobHeap
}

// level returns that of a job; strange priorities of foreign envelopes count as the nearest.
func (r *readyJobs) level(j *job) *level {
	return &r.levels[min(max(j.envelope.Priority, 0), levels-1)]
}

func (r *readyJobs) push(j *job) {
	l := r.level(j)
	r.n++
	if last := l.line.last(); last == nil || byDue(last, j) {
		l.line.push(j)
		return
	}
	l.heap.less = byDue
	heap.Push(&l.heap, j)
}

// pop takes the first of all; nil without any.
func (r *readyJobs) pop() *job {
	for i := levels - 1; i >= 0; i-- {
		l := &r.levels[i]
		first, other := l.line.first(), l.heap.first()
		switch {
		case first == nil && other == nil:
			continue
		case other == nil || first != nil && byDue(first, other):
			l.line.pop()
			r.n--
			return first
		}
		r.n--
		return heap.Pop(&l.heap).(*job)
	}
	return nil
}

func (r *readyJobs) remove(j *job) {
	l := r.level(j)
	r.n--
	if j.lined {
		l.line.remove(j)
		return
	}
	heap.Remove(&l.heap, j.index)
}

// jobLine is a queue in order. What is removed from its middle leaves a gap, which is
// skipped when it comes to the front.
type jobLine struct {
	jobs  []*job
	start int // the first that is not a gap, if there is one
	gone  int // how many were taken or removed before jobs[0] since the beginning
}

func (l *jobLine) first() *job {
	if l.start == len(l.jobs) {
		return nil
	}
	return l.jobs[l.start]
}

func (l *jobLine) last() *job {
	if l.start == len(l.jobs) {
		return nil
	}
	return l.jobs[len(l.jobs)-1]
}

func (l *jobLine) push(j *job) {
	if l.start > 1024 && l.start > len(l.jobs)/2 { // half of it is behind us
		n := copy(l.jobs, l.jobs[l.start:])
		clear(l.jobs[n:])
		l.jobs, l.gone, l.start = l.jobs[:n], l.gone+l.start, 0
	}
	j.index, j.lined = l.gone+len(l.jobs), true
	l.jobs = append(l.jobs, j)
}

func (l *jobLine) pop() {
	j := l.jobs[l.start]
	l.jobs[l.start] = nil
	j.index, j.lined = -1, false
	l.start++
	l.tidy()
}

func (l *jobLine) remove(j *job) {
	l.jobs[j.index-l.gone] = nil
	j.index, j.lined = -1, false
	l.tidy()
}

// tidy keeps gaps from the front and from the end, so that first and last are jobs.
func (l *jobLine) tidy() {
	for l.start < len(l.jobs) && l.jobs[l.start] == nil {
		l.start++
	}
	for len(l.jobs) > l.start && l.jobs[len(l.jobs)-1] == nil {
		l.jobs = l.jobs[:len(l.jobs)-1]
	}
}
