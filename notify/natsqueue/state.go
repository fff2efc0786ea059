package natsqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/seed82d84382/commerce/notify"
)

// removedHeader marks a value that is no longer there; the mark itself goes after a second.
const (
	removedHeader = "Notify-Removed"
	ttlHeader     = "Nats-TTL"
	expectHeader  = "Nats-Expected-Last-Subject-Sequence"
)

// The error codes of a compare-and-set that finds another value, the second where another
// change is just under way in a cluster.
const (
	wrongLastSequence    = 10071
	changingLastSequence = 10164
)

// stateStream is the stream of shared values: the last message of each subject is the value.
type stateStream struct {
	mu     sync.Mutex
	stream jetstream.Stream // nil: not used yet
}

func (d *driver) values(ctx context.Context) (jetstream.Stream, error) {
	if d.life.Err() != nil {
		return nil, notify.ErrClosed
	}
	d.state.mu.Lock()
	defer d.state.mu.Unlock()
	if d.state.stream != nil {
		return d.state.stream, nil
	}
	err := d.insist(ctx, "make state", func(ctx context.Context) (err error) {
		// Not AllowDirect: a replica may not know yet what was just written.
		d.state.stream, err = d.makeStream(ctx, jetstream.StreamConfig{
			Name: d.names.state(), Subjects: []string{d.names.state() + ".>"}, Storage: jetstream.FileStorage,
			MaxMsgsPerSubject: 1, Replicas: d.options.Replicas, Duplicates: d.options.Duplicates, AllowMsgTTL: true,
		})
		return err
	})
	if err != nil {
		d.state.stream = nil
	}
	return d.state.stream, err
}

func (d *driver) LoadState(ctx context.Context, keys []string) ([]notify.StateEntry, error) {
	stream, err := d.values(ctx)
	if err != nil {
		return nil, err
	}
	found := make([]*notify.StateEntry, len(keys))
	errs := make([]error, len(keys))
	var group sync.WaitGroup
	turns := make(chan struct{}, 32)
	for i, key := range keys {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			errs[i] = d.insist(ctx, "load state", func(ctx context.Context) error {
				m, err := stream.GetLastMsgForSubject(ctx, d.value(key))
				if errors.Is(err, jetstream.ErrMsgNotFound) {
					return nil
				}
				if err == nil && m.Header.Get(removedHeader) == "" {
					found[i] = &notify.StateEntry{Key: key, Value: m.Data, Version: int64(m.Sequence)}
				}
				return err
			})
		})
	}
	group.Wait()
	var entries []notify.StateEntry
	for _, entry := range found {
		if entry != nil {
			entries = append(entries, *entry)
		}
	}
	return entries, errors.Join(errs...)
}

func (d *driver) SwapState(ctx context.Context, changes []notify.StateChange) ([]bool, error) {
	stream, err := d.values(ctx)
	if err != nil {
		return nil, err
	}
	done := make([]bool, len(changes))
	errs := make([]error, len(changes))
	var group sync.WaitGroup
	turns := make(chan struct{}, 32)
	for i, change := range changes {
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			done[i], errs[i] = d.swap(ctx, stream, change)
		})
	}
	group.Wait()
	return done, errors.Join(errs...)
}

// swap makes one change. A value that ended, or whose mark of removal is still there, counts as none.
func (d *driver) swap(ctx context.Context, stream jetstream.Stream, c notify.StateChange) (bool, error) {
	m := &nats.Msg{Subject: d.value(c.Key), Data: c.Value, Header: nats.Header{
		ttlHeader: {strconv.FormatInt(int64((max(c.TTL, 1)+time.Second-1)/time.Second), 10)}, // a second is the least
		idHeader:  {rand.Text()},                                                             // so that it can be sent again
	}}
	if c.Value == nil {
		m.Header[removedHeader], m.Header[ttlHeader] = []string{"1"}, []string{"1"}
	}
	if c.Version != notify.AnyVersion {
		m.Header[expectHeader] = []string{strconv.FormatInt(c.Version, 10)}
	}
	done, err := d.store(ctx, m)
	if done || err != nil || c.Version != 0 {
		return done, err
	}
	last, err := stream.GetLastMsgForSubject(ctx, m.Subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return d.store(ctx, m)
	}
	if err != nil {
		return false, fail(ctx, "swap state", err)
	}
	if last.Header.Get(removedHeader) == "" {
		return false, nil
	}
	m.Header[expectHeader] = []string{strconv.FormatUint(last.Sequence, 10)}
	m.Header[idHeader] = []string{rand.Text()}
	return d.store(ctx, m)
}

// store writes a value, and tells whether the version was the one that was there.
func (d *driver) store(ctx context.Context, m *nats.Msg) (done bool, err error) {
	err = d.insist(ctx, "swap state", func(ctx context.Context) error {
		_, err := d.js.PublishMsg(ctx, m)
		if refusal, ok := errors.AsType[*jetstream.APIError](err); ok && (refusal.ErrorCode == wrongLastSequence || refusal.ErrorCode == changingLastSequence) {
			return nil
		}
		done = err == nil
		return err
	})
	return done, err
}

func (d *driver) ScanState(ctx context.Context, prefix, after string, limit int) ([]notify.StateEntry, error) {
	stream, err := d.values(ctx)
	if err != nil {
		return nil, err
	}
	before, _, _ := strings.Cut(prefix, "/")
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(d.names.state()+"."+stateEscape.Replace(before)+".>"))
	if err != nil {
		return nil, fail(ctx, "scan state", err)
	}
	var keys []string
	for subject := range maps.Keys(info.State.Subjects) {
		if key := d.key(subject); key > after && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var entries []notify.StateEntry
	for chunk := range slices.Chunk(keys, max(limit, 1)) {
		if len(entries) >= limit {
			break
		}
		loaded, err := d.LoadState(ctx, chunk) // without those removed
		if err != nil {
			return nil, err
		}
		entries = append(entries, loaded...)
	}
	return entries[:min(limit, len(entries))], nil
}
