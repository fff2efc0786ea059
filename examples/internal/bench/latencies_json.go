package bench

import (
	"encoding/json"
	"errors"
	"time"
)

// sparse is a histogram between processes: most buckets are empty.
type sparse struct {
	Counts map[int]int64 `json:"counts"`
	Max    time.Duration `json:"max"`
}

// MarshalJSON writes the buckets that are not empty, exactly.
func (l *Latencies) MarshalJSON() ([]byte, error) {
	s := sparse{Counts: map[int]int64{}, Max: l.max}
	for bucket, count := range l.counts {
		if count != 0 {
			s.Counts[bucket] = count
		}
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Latencies) UnmarshalJSON(text []byte) error {
	var s sparse
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	*l = Latencies{max: s.Max}
	for bucket, count := range s.Counts {
		if bucket < 0 || bucket >= len(l.counts) || count < 0 {
			return errors.New("bench: latencies: a bucket is out of range")
		}
		l.counts[bucket] = count
		l.total += count
	}
	return nil
}
