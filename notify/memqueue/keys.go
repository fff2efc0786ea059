package memqueue

import (
	"slices"
	"time"
)

// keyLine is the jobs of one key in order; only the first is in a heap.
type keyLine struct {
	jobs []*job
}

// join lines a job up behind others of its key, and reports whether it is its turn.
func (q *queue) join(j *job) bool {
	key := j.envelope.Key
	if key == "" {
		return true
	}
	line := q.keys[key]
	if line == nil {
		line = &keyLine{}
		q.keys[key] = line
	}
	line.jobs = append(line.jobs, j)
	return len(line.jobs) == 1
}

// leave takes a finished, deleted or dead job out of its line and lets the next one have its turn.
func (q *queue) leave(j *job, now time.Time) {
	line := q.keys[j.envelope.Key]
	if line == nil {
		return
	}
	i := slices.Index(line.jobs, j)
	if i < 0 {
		return
	}
	line.jobs = slices.Delete(line.jobs, i, i+1)
	switch {
	case len(line.jobs) == 0:
		delete(q.keys, j.envelope.Key)
	case i == 0:
		q.place(line.jobs[0], now)
	}
}
