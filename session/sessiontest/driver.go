package sessiontest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

var driverTests = []test{
	{"RoundTrip", driverRoundTrip},
	{"OddBytes", driverOddBytes},
	{"CreateExisting", driverCreateExisting},
	{"SaveComparesVersions", driverSaveCompares},
	{"SaveNeverCreates", driverSaveNeverCreates},
	{"Touch", driverTouch},
	{"LoadTouch", driverLoadTouch},
	{"Delete", driverDelete},
	{"KeepsNoSlices", driverKeepsNoSlices},
	{"ConcurrentSaves", driverConcurrentSaves},
	{"DeleteAgainstSaves", driverDeleteAgainstSaves},
	{"Linearizable", driverLinearizable},
	{"CancelledContext", driverCancelled},
	{"ListUser", driverListUser},
	{"DeleteUser", driverDeleteUser},
	{"UserChanges", driverUserChanges},
	{"ManySessionsOfOneUser", driverManySessions},
	{"Sweep", driverSweep},
}

func newRecord(id, user string) session.Record {
	now := time.Now().Truncate(time.Microsecond)
	return session.Record{
		ID: id, UserID: user, Version: 1, Seen: now, Idle: 30 * time.Minute,
		Deadline: now.Add(12 * time.Hour), Data: []byte("data of " + id),
	}
}

func requireRecord(t *testing.T, want, got session.Record) {
	t.Helper()
	require.Equal(t, want.ID, got.ID, "ID")
	require.Equal(t, want.UserID, got.UserID, "UserID")
	require.Equal(t, want.Version, got.Version, "Version")
	require.Truef(t, want.Seen.Equal(got.Seen), "Seen: want %v, got %v", want.Seen, got.Seen)
	require.Equal(t, want.Idle, got.Idle, "Idle")
	require.Truef(t, want.Deadline.Equal(got.Deadline), "Deadline: want %v, got %v", want.Deadline, got.Deadline)
	require.True(t, bytes.Equal(want.Data, got.Data), "Data differs")
}

func requireStored(t *testing.T, d session.Driver, want session.Record) {
	t.Helper()
	got, err := d.Load(t.Context(), want.ID)
	require.NoError(t, err)
	requireRecord(t, want, got)
}

func driverRoundTrip(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	_, err := d.Load(t.Context(), "absent")
	require.ErrorIs(t, err, session.ErrNotFound)

	was := newRecord("a", "")
	require.NoError(t, d.Create(t.Context(), was))
	requireStored(t, peer, was)

	next := newRecord("a", "user")
	next.Version = 77 // not to be believed
	next.Seen, next.Idle, next.Deadline = was.Seen.Add(time.Minute), 0, was.Deadline.Add(time.Hour)
	next.Data = []byte("changed")
	require.NoError(t, peer.Save(t.Context(), was, next))
	next.Version = 2
	requireStored(t, d, next)
}

func driverOddBytes(t *testing.T, h Harness) {
	d := h.Open(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for i, r := range []session.Record{
		newRecord(strings.Repeat("Zz09-_", 10)+"Long", "\x00"),
		newRecord("b", string(all)),
		newRecord("c", "{slot}:*?[a]'\"; DROP TABLE session_sessions; --"),
		newRecord("d", "用户"),
		newRecord("e", strings.Repeat("u", 512)),
	} {
		r.Data = bytes.Repeat(all, 1+i*1000) // up to 1 MB
		if i == 1 {
			r.Data = nil
		}
		require.NoError(t, d.Create(t.Context(), r))
		requireStored(t, d, r)
	}
}

func driverCreateExisting(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	was := newRecord("a", "one")
	require.NoError(t, d.Create(t.Context(), was))
	require.ErrorIs(t, peer.Create(t.Context(), newRecord("a", "two")), session.ErrExists)
	requireStored(t, d, was)
}

func driverSaveCompares(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	first := newRecord("a", "")
	require.NoError(t, d.Create(t.Context(), first))
	second := first
	second.Data = []byte("second")
	require.NoError(t, d.Save(t.Context(), first, second))
	late := first
	late.Data = []byte("late")
	require.ErrorIs(t, peer.Save(t.Context(), first, late), session.ErrConflict)
	second.Version = 2
	requireStored(t, d, second)
}

func driverSaveNeverCreates(t *testing.T, h Harness) {
	d := h.Open(t)
	r := newRecord("a", "user")
	require.ErrorIs(t, d.Save(t.Context(), r, r), session.ErrNotFound)
	require.ErrorIs(t, d.Touch(t.Context(), r), session.ErrNotFound)
	_, err := d.Load(t.Context(), "a")
	require.ErrorIs(t, err, session.ErrNotFound)
}

func driverTouch(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	r := newRecord("a", "user")
	require.NoError(t, d.Create(t.Context(), r))
	touched := r
	touched.Seen = r.Seen.Add(time.Minute)
	touched.Data, touched.UserID = nil, "ignored"
	require.NoError(t, peer.Touch(t.Context(), touched))
	r.Seen = touched.Seen
	requireStored(t, d, r)

	next := r
	next.Deadline = r.Seen.Add(time.Minute) // shortened by somebody
	require.NoError(t, d.Save(t.Context(), r, next))
	touched.Seen = r.Seen.Add(time.Hour)
	require.ErrorIs(t, peer.Touch(t.Context(), touched), session.ErrConflict)
	next.Version = 2
	requireStored(t, d, next)
}

// driverLoadTouch asks every driver that touches while it loads to do so when,
// and only when, session.Touch.Wants says so.
func driverLoadTouch(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	loader, ok := ability[session.TouchLoader](t, d)
	if !ok {
		return
	}
	always := session.Touch{Max: 5 * time.Minute, Min: time.Second}
	_, err := loader.LoadTouch(t.Context(), "absent", always)
	require.ErrorIs(t, err, session.ErrNotFound)
	for i, c := range []struct {
		name    string
		idle    time.Duration
		after   time.Duration
		match   string
		offset  int
		touched bool
	}{
		{"not due", 30 * time.Minute, 3*time.Minute - time.Microsecond, "", 0, false},
		{"due after a tenth of the idle limit", 30 * time.Minute, 3 * time.Minute, "", 0, true},
		{"due after the longest time", 10 * time.Hour, 5 * time.Minute, "", 0, true},
		{"not due before the shortest time", time.Second, 999 * time.Millisecond, "", 0, false},
		{"no idle limit, not due", 0, 5*time.Minute - time.Microsecond, "", 0, false},
		{"no idle limit, due", 0, 5 * time.Minute, "", 0, true},
		{"idled out", 30 * time.Minute, 30 * time.Minute, "", 0, false},
		{"past the deadline", 0, 12 * time.Hour, "", 0, false},
		{"the secret matches", 30 * time.Minute, 10 * time.Minute, "of", 5, true},
		{"the secret does not match", 30 * time.Minute, 10 * time.Minute, "OF", 5, false},
		{"the data is too short", 30 * time.Minute, 10 * time.Minute, "of", 500, false},
	} {
		r := newRecord(fmt.Sprintf("touch%d", i), strings.Repeat("u", i))
		r.Idle = c.idle
		require.NoError(t, d.Create(t.Context(), r))
		touch := always
		touch.Now, touch.Match, touch.Offset = r.Seen.Add(c.after), []byte(c.match), c.offset
		require.Equal(t, c.touched, touch.Wants(r), c.name)
		got, err := loader.LoadTouch(t.Context(), r.ID, touch)
		require.NoError(t, err, c.name)
		if c.touched {
			r.Seen = touch.Now
		}
		requireRecord(t, r, got)
		requireStored(t, peer, r)
		got, err = loader.LoadTouch(t.Context(), r.ID, touch)
		require.NoError(t, err, c.name)
		requireRecord(t, r, got)
	}
}

func driverDelete(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	require.NoError(t, d.Delete(t.Context(), "absent"))
	r := newRecord("a", "user")
	require.NoError(t, d.Create(t.Context(), r))
	require.NoError(t, peer.Delete(t.Context(), "a"))
	require.NoError(t, peer.Delete(t.Context(), "a"))
	_, err := d.Load(t.Context(), "a")
	require.ErrorIs(t, err, session.ErrNotFound)
	require.ErrorIs(t, d.Save(t.Context(), r, r), session.ErrNotFound)
}

func driverKeepsNoSlices(t *testing.T, h Harness) {
	d := h.Open(t)
	r := newRecord("a", "user")
	r.Data = []byte("unchanged")
	require.NoError(t, d.Create(t.Context(), r))
	r.Data[0] = 'X'
	got, err := d.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "unchanged", string(got.Data))
	got.Data[0] = 'Y'
	got, err = d.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "unchanged", string(got.Data))
}

func driverConcurrentSaves(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	r := newRecord("a", "")
	r.Data = []byte{0}
	require.NoError(t, d.Create(t.Context(), r))
	const writers, each = 8, 5
	parallel(t, writers, func(i int) error {
		mine := []session.Driver{d, peer}[i%2]
		for n := 0; n < each; {
			was, err := mine.Load(t.Context(), "a")
			if err != nil {
				return err
			}
			next := was
			next.Data = []byte{was.Data[0] + 1}
			switch err := mine.Save(t.Context(), was, next); {
			case err == nil:
				n++
			case !errors.Is(err, session.ErrConflict):
				return err
			}
		}
		return nil
	})
	got, err := d.Load(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, byte(writers*each), got.Data[0])
	require.Equal(t, int64(writers*each+1), got.Version)
}

func driverDeleteAgainstSaves(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	for round := range 5 {
		r := newRecord(fmt.Sprintf("r%d", round), "user")
		require.NoError(t, d.Create(t.Context(), r))
		var deleted sync.WaitGroup
		deleted.Add(1)
		parallel(t, 4, func(i int) error {
			if i == 0 {
				defer deleted.Done()
				return peer.Delete(t.Context(), r.ID)
			}
			was := r
			for {
				next := was
				next.Seen = was.Seen.Add(time.Second)
				err := d.Save(t.Context(), was, next)
				switch {
				case errors.Is(err, session.ErrNotFound):
					return nil
				case err == nil:
					was.Version++
				case errors.Is(err, session.ErrConflict):
					if was, err = d.Load(t.Context(), r.ID); errors.Is(err, session.ErrNotFound) {
						return nil
					} else if err != nil {
						return err
					}
				default:
					return err
				}
			}
		})
		deleted.Wait()
		_, err := d.Load(t.Context(), r.ID)
		require.ErrorIs(t, err, session.ErrNotFound)
	}
}

func driverCancelled(t *testing.T, h Harness) {
	d := h.Open(t)
	r := newRecord("a", "user")
	require.NoError(t, d.Create(t.Context(), r))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Load(ctx, "a")
	require.Error(t, err)
	require.NotErrorIs(t, err, session.ErrNotFound)
	require.Error(t, d.Create(ctx, newRecord("b", "")))
	require.Error(t, d.Save(ctx, r, r))
	require.Error(t, d.Touch(ctx, r))
	require.Error(t, d.Delete(ctx, "a"))
	requireStored(t, d, r)
	_, err = d.Load(t.Context(), "b")
	require.ErrorIs(t, err, session.ErrNotFound)
}

// ability returns the driver as T, or ends the test: without it there is
// nothing to ask of the driver, and managerUnsupported asks the Manager.
func ability[T any](t *testing.T, d session.Driver) (able T, ok bool) {
	t.Helper()
	able, ok = d.(T)
	if !ok {
		t.Logf("%T does not implement %T", d, (*T)(nil))
	}
	return able, ok
}

func ids(records []session.Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.ID)
	}
	return all
}

func driverSweep(t *testing.T, h Harness) {
	d := h.Open(t)
	sweeper, ok := ability[session.Sweeper](t, d)
	if !ok {
		return
	}
	now := time.Now()
	for i := range 5 {
		idle := newRecord(fmt.Sprintf("idle%d", i), "user")
		idle.Idle = time.Minute
		require.NoError(t, d.Create(t.Context(), idle))
	}
	live := newRecord("live", "user")
	require.NoError(t, d.Create(t.Context(), live))
	touched := newRecord("touched", "user")
	touched.Idle = time.Minute
	require.NoError(t, d.Create(t.Context(), touched))
	touched.Seen = touched.Seen.Add(5 * time.Minute)
	require.NoError(t, d.Touch(t.Context(), touched))

	later := now.Add(3 * time.Minute)
	n, err := sweeper.Sweep(t.Context(), later, 3)
	require.NoError(t, err)
	require.Equal(t, 3, n, "no more than the limit")
	n, err = sweeper.Sweep(t.Context(), later, 3)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = sweeper.Sweep(t.Context(), later, 3)
	require.NoError(t, err)
	require.Zero(t, n)
	requireStored(t, d, live)
	requireStored(t, d, touched)
	n, err = sweeper.Sweep(t.Context(), now.Add(13*time.Hour), 100)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	if lister, ok := d.(session.UserLister); ok {
		found, err := lister.ListUser(t.Context(), "user", 10)
		require.NoError(t, err)
		require.Empty(t, found, "the index is swept too")
	}
}

// parallel runs n functions at once and fails the test on the first error.
func parallel(t *testing.T, n int, run func(i int) error) {
	t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = run(i) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
}
