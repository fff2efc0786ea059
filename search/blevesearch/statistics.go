package blevesearch

import (
	"math"
	"math/bits"

	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// BM25's usual parameters, as Lucene has them.
const (
	k1 = 1.2
	b  = 0.75
)

// fieldStatistics are what BM25 knows of a field.
type fieldStatistics struct {
	documents uint64  // that have it
	average   float64 // length
	// damping is k1 × (1 - b + b × length/average) by length, of those that are usual.
	damping [256]float64
}

// lengthSample bounds how many documents the average length is taken from.
const lengthSample = 50_000

// statistics returns those of a text field. The average is computed anew when the
// number of documents has changed by more than a hundredth.
func (sn *snapshot) statistics(field string) (*fieldStatistics, error) {
	sn.mu.Lock()
	known := sn.fields[field]
	sn.mu.Unlock()
	if known != nil {
		return known, nil
	}
	live, err := sn.read(field, liveTerm)
	if err != nil {
		return nil, err
	}
	defer sn.release(live)
	now := &fieldStatistics{documents: live.count}
	s := sn.store
	s.measuring.Lock()
	last, ok := s.measured[field]
	s.measuring.Unlock()
	if change := math.Abs(float64(now.documents) - float64(last.documents)); ok && change*100 <= float64(last.documents) {
		now.average = last.average
	} else {
		if now.average, err = averageLength(live); err != nil {
			return nil, err
		}
		s.measuring.Lock()
		s.measured[field] = measured{now.documents, now.average}
		s.measuring.Unlock()
	}
	for i := range now.damping {
		now.damping[i] = now.dampingOf(uint64(i))
	}
	sn.mu.Lock()
	sn.fields[field] = now
	sn.mu.Unlock()
	return now, nil
}

// measured is an average length, and of how many documents it was computed.
type measured struct {
	documents uint64
	average   float64
}

func averageLength(live *postings) (float64, error) {
	sum, n := 0.0, 0
	for least := uint64(0); n < lengthSample; n++ {
		doc, err := live.next(least)
		if err != nil {
			return 0, err
		}
		if doc == end {
			break
		}
		sum += float64(max(1, exactLength(live.posting)))
		least = doc + 1
	}
	if n == 0 {
		return 1, nil
	}
	return sum / float64(n), nil
}

// inverseFrequency is BM25's idf of a term in count of all documents that have its field.
func (f *fieldStatistics) inverseFrequency(count uint64) float64 {
	n := math.Min(float64(count), float64(f.documents))
	return math.Log(1 + (float64(f.documents)-n+0.5)/(n+0.5))
}

func (f *fieldStatistics) saturation(frequency float64, length uint64) float64 {
	if length < uint64(len(f.damping)) {
		return frequency / (frequency + f.damping[length])
	}
	return frequency / (frequency + f.dampingOf(length))
}

func (f *fieldStatistics) dampingOf(length uint64) float64 {
	return k1 * (1 - b + b*float64(length)/f.average)
}

// exactLength is the length of a field. Bleve hands it out as the root of its reciprocal, and its segments as it is too.
func exactLength(posting segment.Posting) uint64 {
	if exact, ok := posting.(interface{ NormUint64() uint64 }); ok {
		return exact.NormUint64()
	}
	norm := posting.Norm()
	if norm <= 0 {
		return 1
	}
	return uint64(math.Round(1 / (norm * norm)))
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
