package memqueue

import (
	"hash/maphash"
	"iter"
)

// index finds jobs by ID. Its map's keys are hashes, which take less time and room than
// strings; jobs of one hash are chained.
type index struct {
	hash  func(id string) uint64
	heads map[uint64]*job
	n     int
}

func newIndex() index {
	seed := maphash.MakeSeed() // so that nobody can choose IDs of one hash
	return index{hash: func(id string) uint64 { return maphash.String(seed, id) }, heads: make(map[uint64]*job)}
}

func (x *index) find(id string) *job {
	j := x.heads[x.hash(id)]
	for j != nil && j.envelope.ID != id {
		j = j.chained
	}
	return j
}

// add takes a job in, and reports whether it is the first of its ID.
func (x *index) add(j *job) bool {
	h := x.hash(j.envelope.ID)
	head := x.heads[h]
	for other := head; other != nil; other = other.chained {
		if other.envelope.ID == j.envelope.ID {
			return false
		}
	}
	j.hash, j.chained = h, head
	x.heads[h] = j
	x.n++
	return true
}

// remove takes out a job that is in.
func (x *index) remove(j *job) {
	x.n--
	if head := x.heads[j.hash]; head != j {
		for head.chained != j {
			head = head.chained
		}
		head.chained = j.chained
	} else if j.chained != nil {
		x.heads[j.hash] = j.chained
	} else {
		delete(x.heads, j.hash)
	}
	j.chained = nil
}

// all goes through the jobs in any order.
func (x *index) all() iter.Seq[*job] {
	return func(yield func(*job) bool) {
		for _, j := range x.heads {
			for ; j != nil; j = j.chained {
				if !yield(j) {
					return
				}
			}
		}
	}
}
