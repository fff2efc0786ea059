package memqueue

// jobHeap is a container/heap of jobs that know their place in it.
type jobHeap struct {
	jobs []*job
	less func(a, b *job) bool
}

func byDue(a, b *job) bool {
	if c := a.envelope.RunAt.Compare(b.envelope.RunAt); c != 0 {
		return c < 0
	}
	return a.seq < b.seq
}

func byLease(a, b *job) bool { return a.until.Before(b.until) }

func (h *jobHeap) first() *job {
	if len(h.jobs) == 0 {
		return nil
	}
	return h.jobs[0]
}

func (h *jobHeap) Len() int           { return len(h.jobs) }
func (h *jobHeap) Less(i, j int) bool { return h.less(h.jobs[i], h.jobs[j]) }
func (h *jobHeap) Swap(i, j int) {
	h.jobs[i], h.jobs[j] = h.jobs[j], h.jobs[i]
	h.jobs[i].index, h.jobs[j].index = i, j
}

func (h *jobHeap) Push(x any) {
	j := x.(*job)
	j.index = len(h.jobs)
	h.jobs = append(h.jobs, j)
}

func (h *jobHeap) Pop() any {
	last := len(h.jobs) - 1
	j := h.jobs[last]
	h.jobs[last] = nil
	h.jobs = h.jobs[:last]
	j.index = -1
	return j
}
