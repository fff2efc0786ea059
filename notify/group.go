package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// ErrNoGroup is returned for a group that was never enqueued, or is gone after its TTL.
var ErrNoGroup = errors.New("notify: no such group")

// maxMembers bounds a group, since its record has two bits for each member.
const maxMembers = 100_000

// GroupOptions configure a Group. Zero means the default.
type GroupOptions struct {
	// TTL is how long the group is known, from Enqueue on. Members that end later count
	// for nothing. Default 7 days; at least a minute, at most 366 days.
	TTL time.Duration
}

// Group is jobs of any tasks, and a job that is enqueued when all of them have
// ended, well or as dead letters:
//
//	g := notify.NewGroup(client, nil)
//	for _, p := range products {
//		Resize.AddTo(g, p)
//	}
//	Publish.Then(g, Catalogue{ID: id})
//	err := g.Enqueue(ctx)
//
// The backend needs StateStore. A Group is used by one goroutine.
type Group struct {
	client  *Client
	id      string
	options GroupOptions
	members []*Envelope
	then    *Envelope
	err     error
}

// NewGroup makes an empty group. What is wrong with it is returned by Enqueue.
func NewGroup(c *Client, o *GroupOptions) *Group {
	g := &Group{client: c, id: newID(c.queue.options.Now())}
	if o != nil {
		g.options = *o
	}
	setDefault(&g.options.TTL, 7*24*time.Hour)
	if g.options.TTL < time.Minute || g.options.TTL > 366*24*time.Hour {
		g.err = &InvalidError{"TTL", "must be between a minute and 366 days"}
	}
	return g
}

// ID names the group, for Queue.Group.
func (g *Group) ID() string { return g.id }

// AddTo adds a job to a group. It cannot be Unique: a duplicate would never end.
func (t *Task[T]) AddTo(g *Group, args T, options ...Option) {
	e, err := t.envelope(g.client, args, options)
	switch {
	case g.err != nil:
		return
	case err != nil:
		g.err = fmt.Errorf("notify: member %d: %w", len(g.members), err)
		return
	case e.UniqueKey != "":
		g.err = &InvalidError{"Unique", "is not for members of a group"}
		return
	case len(g.members) == maxMembers:
		g.err = &InvalidError{"members", fmt.Sprintf("more than %d", maxMembers)}
		return
	}
	e.Group, e.Member = g.id, len(g.members)
	g.members = append(g.members, e)
}

// Then sets the job that is enqueued when all members have ended. Its handler
// finds the group by JobInfo.Group. Like every job it can run twice.
func (t *Task[T]) Then(g *Group, args T, options ...Option) {
	e, err := t.envelope(g.client, args, options)
	switch {
	case g.err != nil:
		return
	case err != nil:
		g.err = err
		return
	case g.then != nil:
		g.err = &InvalidError{"Then", "was set twice"}
		return
	case e.UniqueKey != "":
		g.err = &InvalidError{"Unique", "is not for jobs of a group"}
		return
	}
	e.Group, e.Member = g.id, notMember
	g.then = e
}

// notMember is the Member of the job that follows a group.
const notMember = -1

// Enqueue stores the group and its jobs, and returns when all are durable. After an
// error some may be stored and run; calling it again is safe on backends that keep one of each ID.
func (g *Group) Enqueue(ctx context.Context) error {
	q := g.client.queue
	state := q.state()
	switch {
	case g.err != nil:
		return g.err
	case state == nil:
		return unsupported("groups")
	}
	record := groupRecord{
		Total: len(g.members), Ended: newBitmap(len(g.members)), Failed: newBitmap(len(g.members)),
		Until: q.options.Now().Add(g.options.TTL),
	}
	if g.then != nil {
		if err := g.client.ready(ctx, g.then); err != nil {
			return err
		}
		var err error
		if record.Then, err = g.then.MarshalBinary(); err != nil {
			return err
		}
	}
	value, err := json.Marshal(&record)
	if err != nil {
		return err
	}
	if err := q.open(); err != nil {
		return err
	}
	if _, err := state.SwapState(ctx, []StateChange{{Key: groupKey(g.id), Value: value, TTL: g.options.TTL}}); err != nil {
		return err // one that is there already is ours, from an earlier call
	}
	if len(g.members) == 0 {
		return endMembers(ctx, q, g.id, nil)
	}
	for chunk := range slices.Chunk(g.members, maxBatch) {
		envelopes := make([]*Envelope, len(chunk))
		for i, e := range chunk { // the driver owns what it is given, and we may have to give it again
			copied := *e
			envelopes[i] = &copied
		}
		if _, err := g.client.publish(ctx, envelopes); err != nil {
			return err
		}
	}
	return nil
}

func groupKey(id string) string { return "group/" + id }

// groupRecord is a group as kept.
type groupRecord struct {
	Total  int       `json:"total"`
	Ended  bitmap    `json:"ended"`
	Failed bitmap    `json:"failed"` // those of Ended that became dead letters
	Then   []byte    `json:"then,omitempty"`
	Fired  bool      `json:"fired,omitempty"` // Then was enqueued
	Until  time.Time `json:"until"`
}

// ending is a member that has ended.
type ending struct {
	member int
	failed bool
}

// endMembers notes what has ended, and enqueues what follows when that was the last. A
// crash in between is made up for by the next delivery of the last member, which was not acknowledged.
func endMembers(ctx context.Context, q *Queue, id string, ended []ending) error {
	if q.state() == nil {
		return unsupported("groups")
	}
	var then []byte
	complete := false
	err := swapGroup(ctx, q, id, func(g *groupRecord) {
		for _, e := range ended {
			if e.member >= 0 && e.member < g.Total && !g.Ended.has(e.member) {
				g.Ended.set(e.member)
				if e.failed {
					g.Failed.set(e.member)
				}
			}
		}
		complete = g.Ended.count() == g.Total && !g.Fired
		then = g.Then
	})
	if err != nil || !complete {
		return err
	}
	if then != nil {
		e := new(Envelope)
		if err := e.UnmarshalBinary(then); err != nil {
			return err
		}
		if now := q.options.Now().UTC(); e.RunAt.Before(now) {
			e.RunAt = now
		}
		if err := q.driver.Publish(ctx, []*Envelope{e}); err != nil {
			return err
		}
	}
	return swapGroup(ctx, q, id, func(g *groupRecord) { g.Fired = true })
}

// swapGroup changes a group that is still known, and leaves the end of its time where it is.
func swapGroup(ctx context.Context, q *Queue, id string, change func(*groupRecord)) error {
	return swapJSON(ctx, q.state(), groupKey(id), func(g *groupRecord, found bool) time.Duration {
		if !found {
			return 0
		}
		change(g)
		return g.Until.Sub(q.options.Now())
	})
}

// GroupStatus tells how far a group is.
type GroupStatus struct {
	ID     string
	Total  int
	Ended  int   // well or as dead letters
	Failed []int // the numbers of the members that became dead letters, in the order of AddTo
	Done   bool  // all have ended, and what follows was enqueued
}

// Group tells how far a group is. Errors: ErrNoGroup, errors.ErrUnsupported, or the backend's.
func (q *Queue) Group(ctx context.Context, id string) (*GroupStatus, error) {
	if err := q.check(id); err != nil {
		return nil, err
	}
	state := q.state()
	if state == nil {
		return nil, unsupported("groups")
	}
	entries, err := state.LoadState(ctx, []string{groupKey(id)})
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, ErrNoGroup
	}
	var g groupRecord
	if err := json.Unmarshal(entries[0].Value, &g); err != nil {
		return nil, fmt.Errorf("notify: group %s: %w", id, err)
	}
	s := &GroupStatus{ID: id, Total: g.Total, Ended: g.Ended.count(), Done: g.Fired}
	for i := range g.Total {
		if g.Failed.has(i) {
			s.Failed = append(s.Failed, i)
		}
	}
	return s, nil
}

// bitmap is a set of small numbers.
type bitmap []byte

func newBitmap(n int) bitmap    { return make(bitmap, (n+7)/8) }
func (b bitmap) has(i int) bool { return i/8 < len(b) && b[i/8]>>(i%8)&1 == 1 }
func (b bitmap) set(i int)      { b[i/8] |= 1 << (i % 8) }
func (b bitmap) count() (total int) {
	for _, v := range b {
		total += bits.OnesCount8(v)
	}
	return total
}
