package memqueue

import (
	"slices"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

const keptMinutes = 60

// minute returns the counts of the current minute.
func (q *queue) minute(now time.Time) *notify.MinuteStats {
	if n := len(q.minutes); n == 0 || now.Sub(q.minutes[n-1].Start) >= time.Minute {
		q.minutes = append(q.minutes, notify.MinuteStats{Start: now.UTC().Truncate(time.Minute)})
		if len(q.minutes) > keptMinutes {
			q.minutes = q.minutes[1:]
		}
	}
	return &q.minutes[len(q.minutes)-1]
}

func (q *queue) stats(now time.Time) notify.QueueStats {
	s := notify.QueueStats{Queue: q.name, Paused: q.paused, Counts: make(map[notify.State]int)}
	for j := range q.jobs.all() {
		state := j.seen(now)
		s.Counts[state]++
		if due := j.envelope.RunAt; state == notify.Available && (s.Oldest.IsZero() || due.Before(s.Oldest)) {
			s.Oldest = due
		}
	}
	hour := now.Add(-keptMinutes * time.Minute)
	s.Minutes = slices.DeleteFunc(slices.Clone(q.minutes), func(m notify.MinuteStats) bool { return m.Start.Before(hour) })
	return s
}
