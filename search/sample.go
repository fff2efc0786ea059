package search

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// sample holds some of the documents that a rebuild wrote, each equally likely
// (reservoir sampling, Vitter's algorithm R), to compare them with what the new index gives back.
type sample struct {
	seen   int
	ids    []string
	hashes map[string]*[sha256.Size]byte // nil: deleted since
}

// offer considers a document of the source.
func (s *sample) offer(op Op, size int) {
	if s.hashes == nil {
		s.hashes = map[string]*[sha256.Size]byte{}
	}
	s.seen++
	if _, in := s.hashes[op.ID]; in { // a second time in the source
		s.change(op)
		return
	}
	at := len(s.ids)
	if at < size {
		s.ids = append(s.ids, op.ID)
	} else if at = rand.IntN(s.seen); at >= size {
		return
	} else {
		delete(s.hashes, s.ids[at])
		s.ids[at] = op.ID
	}
	s.hashes[op.ID] = nil
	s.change(op)
}

// change follows what is written to a document of the sample.
func (s *sample) change(op Op) {
	if _, in := s.hashes[op.ID]; !in {
		return
	}
	if op.Entry == nil {
		s.hashes[op.ID] = nil
		return
	}
	sum := sha256.Sum256(op.Entry.Source)
	s.hashes[op.ID] = &sum
}

const sampleBatch = 100 // documents read back at once

func (s *sample) verify(ctx context.Context, g Generation) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(s.hashes)), sampleBatch) {
		found, err := g.Get(ctx, ids)
		if err != nil {
			return err
		}
		have := make(map[string][]byte, len(found))
		for _, f := range found {
			have[f.ID] = f.Source
		}
		for _, id := range ids {
			source, there := have[id]
			want := s.hashes[id]
			sum := sha256.Sum256(source)
			if there != (want != nil) || there && !bytes.Equal(sum[:], want[:]) {
				return fmt.Errorf("the new index does not hold document %q as it was written", clip(id))
			}
		}
	}
	return nil
}
