package blevesearch

import (
	"context"
	"fmt"
	"math"
	"math/bits"

	index "github.com/blevesearch/bleve_index_api"
)

// fieldStatistics are what BM25 knows of a field.
type fieldStatistics struct {
	documents uint64  // that have it
	average   float64 // length
}

// lengthSample bounds how many documents the average length is taken from.
const lengthSample = 50_000

// statistics returns those of a text field. The average is computed anew when the
// number of documents has changed by more than a hundredth.
func (sn *snapshot) statistics(field string) (fieldStatistics, error) {
	if known, ok := sn.fields[field]; ok {
		return known, nil
	}
	postings, err := sn.reader.TermFieldReader(sn.ctx, []byte(liveTerm), field, false, false, false)
	if err != nil {
		return fieldStatistics{}, fmt.Errorf("search: measure lengths: %w", err)
	}
	now := fieldStatistics{documents: postings.Count()}
	if err := postings.Close(); err != nil {
		return fieldStatistics{}, fmt.Errorf("search: measure lengths: %w", err)
	}
	s := sn.store
	s.measuring.Lock()
	defer s.measuring.Unlock()
	last, ok := s.measured[field]
	if change := math.Abs(float64(now.documents) - float64(last.documents)); ok && change*100 <= float64(last.documents) {
		now.average = last.average
	} else {
		if now.average, err = averageLength(sn.reader, field); err != nil {
			return fieldStatistics{}, err
		}
		s.measured[field] = now
	}
	if sn.fields == nil {
		sn.fields = map[string]fieldStatistics{}
	}
	sn.fields[field] = now
	return now, nil
}

func averageLength(reader index.IndexReader, field string) (float64, error) {
	postings, err := reader.TermFieldReader(context.Background(), []byte(liveTerm), field, true, true, false)
	if err != nil {
		return 0, fmt.Errorf("search: measure lengths: %w", err)
	}
	defer postings.Close()
	var doc index.TermFieldDoc
	sum, n := 0.0, 0
	for ; n < lengthSample; n++ {
		next, err := postings.Next(&doc)
		if err != nil {
			return 0, fmt.Errorf("search: measure lengths: %w", err)
		}
		if next == nil {
			break
		}
		sum += exactLength(next.Norm)
	}
	if n == 0 {
		return 1, nil
	}
	return sum / float64(n), nil
}

// exactLength undoes how Bleve hands out a field's length.
func exactLength(norm float64) float64 {
	if norm <= 0 {
		return 1
	}
	return math.Round(1 / (norm * norm))
}

// fieldLength is the length that scores are computed from.
func fieldLength(norm float64) float64 {
	return float64(roundLength(uint64(exactLength(norm))))
}

// roundLength rounds down as Lucene does to keep a length in one byte
// (org.apache.lucene.util.SmallFloat): 24 small values, then four significant bits.
func roundLength(length uint64) uint64 {
	const free = 24
	if length < free {
		return length
	}
	length -= free
	if shift := bits.Len64(length) - 4; shift > 0 {
		length = length >> shift << shift
	}
	return free + length
}
