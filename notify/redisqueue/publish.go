package redisqueue

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// Bounds of one script, so that it does not keep the server from others for long.
const (
	scriptJobs  = 500
	scriptBytes = 4 << 20
)

// overlap keeps the server busy while answers are on their way.
const overlap = 4

func (d *driver) Overlap() int { return overlap }

func (d *driver) Publish(ctx context.Context, envelopes []*notify.Envelope) error {
	_, err := d.publish(ctx, envelopes, false)
	return err
}

func (d *driver) PublishUnique(ctx context.Context, envelopes []*notify.Envelope) ([]string, error) {
	return d.publish(ctx, envelopes, true)
}

func (d *driver) publish(ctx context.Context, envelopes []*notify.Envelope, unique bool) ([]string, error) {
	ids := make([]string, len(envelopes))
	err := byQueue(envelopes, func(e *notify.Envelope) string { return e.Queue }, func(name string, places []int) error {
		q, err := d.queue(ctx, name)
		if err != nil {
			return err
		}
		if !unique {
			if places, err = d.addDue(ctx, q, envelopes, places, ids); err != nil {
				return err
			}
		}
		for len(places) > 0 {
			n, err := d.publishSome(ctx, q, envelopes, places, ids, unique)
			if err != nil {
				return err
			}
			places = places[n:]
		}
		return nil
	})
	return ids, err
}

// addDue stores those of the envelopes at places that are due, in the shortest way, and
// returns the other places.
func (d *driver) addDue(ctx context.Context, q *queue, envelopes []*notify.Envelope, places []int, ids []string) ([]int, error) {
	now := d.options.Now()
	var due [levels][]int
	var others []int
	for _, place := range places {
		if e := envelopes[place]; delay(e, now) == 0 {
			due[level(e.Priority)] = append(due[level(e.Priority)], place)
			ids[place] = e.ID
		} else {
			others = append(others, place)
		}
	}
	for level, places := range due {
		for len(places) > 0 {
			n, err := d.addSome(ctx, q, level, envelopes, places)
			if err != nil {
				return nil, err
			}
			places = places[n:]
		}
	}
	return others, nil
}

// addSome adds the first of the envelopes at places, of one level, in one script, and returns how many.
func (d *driver) addSome(ctx context.Context, q *queue, level int, envelopes []*notify.Envelope, places []int) (int, error) {
	slot := d.slots.take()
	defer d.slots.give(slot)
	slot.call++
	args := append(make([]any, 0, 2+min(len(places), scriptJobs)), slot.call, level)
	n, size := 0, 0
	for n < min(len(places), scriptJobs) && size < scriptBytes {
		body, err := envelopes[places[n]].MarshalBinary()
		if err != nil {
			return 0, err
		}
		args = append(args, body)
		size += len(body)
		n++
	}
	if err := d.store(ctx, addScript, d.slotKeys(q, slot), args).Err(); err != nil {
		return 0, fail(ctx, "publish", err)
	}
	return n, nil
}

// slotKeys are the keys of a script that publishes.
func (d *driver) slotKeys(q *queue, s *slot) []string {
	return append(q.keys[:len(q.keys):len(q.keys)], q.tag+"slot:"+d.instance+":"+strconv.Itoa(s.number))
}

// publishSome stores the first of the envelopes at places in one script, and returns how many.
func (d *driver) publishSome(ctx context.Context, q *queue, envelopes []*notify.Envelope, places []int, ids []string, unique bool) (int, error) {
	slot := d.slots.take()
	defer d.slots.give(slot)
	slot.call++
	keys := d.slotKeys(q, slot)
	args := append(make([]any, 0, 1+6*min(len(places), scriptJobs)), slot.call)
	now := d.options.Now()
	n, size := 0, 0
	for n < min(len(places), scriptJobs) && size < scriptBytes {
		e := envelopes[places[n]]
		body, err := e.MarshalBinary()
		if err != nil {
			return 0, err
		}
		keyPlace, window := 0, time.Duration(0)
		if unique && e.UniqueKey != "" {
			keys = append(keys, q.tag+"unique:"+e.UniqueKey)
			keyPlace, window = len(keys), max(e.UniqueFor, time.Millisecond)
		}
		args = append(args, e.ID, level(e.Priority), delay(e, now), keyPlace, window.Milliseconds(), body)
		size += len(body)
		n++
	}
	held, err := d.store(ctx, publishScript, keys, args).StringSlice()
	if err != nil {
		return 0, fail(ctx, "publish", err)
	}
	for i, place := range places[:n] {
		ids[place] = held[i]
	}
	return n, nil
}

// delay is how far a job is from being due, in µs; negative for one that was tried before.
func delay(e *notify.Envelope, now time.Time) int64 {
	wait := max(e.RunAt.Sub(now), 0)
	if wait == 0 {
		return 0
	}
	micros := int64((wait + time.Microsecond - 1) / time.Microsecond)
	if e.Attempt > 0 {
		return -micros
	}
	return micros
}

// byQueue calls each with the places of the items of every queue, in order.
func byQueue[V any](items []V, name func(V) string, each func(name string, places []int) error) error {
	places := make(map[string][]int, 1)
	var names []string
	for i, item := range items {
		n := name(item)
		if places[n] == nil {
			names = append(names, n)
		}
		places[n] = append(places[n], i)
	}
	for _, n := range names {
		if err := each(n, places[n]); err != nil {
			return err
		}
	}
	return nil
}

// slots number the calls that publish. When an answer is lost the client sends
// a call again; the server knows the last number of each slot and stores nothing twice.
// There are as many slots as calls at once, so the server need not remember every call.
type slots struct {
	mu   sync.Mutex
	free []*slot
	made int
}

type slot struct {
	number int
	call   uint64
}

func (s *slots) take() *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		last := s.free[n-1]
		s.free = s.free[:n-1]
		return last
	}
	s.made++
	return &slot{number: s.made}
}

func (s *slots) give(used *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, used)
}
