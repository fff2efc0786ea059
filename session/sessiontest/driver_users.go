package sessiontest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

func driverListUser(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	lister, ok := ability[session.UserLister](t, d)
	if !ok {
		return
	}
	found, err := lister.ListUser(t.Context(), "user", 10)
	require.NoError(t, err)
	require.Empty(t, found)
	for i := range 5 {
		r := newRecord(fmt.Sprintf("r%d", i), "user")
		r.Seen = r.Seen.Add(time.Duration(i) * time.Minute)
		require.NoError(t, peer.Create(t.Context(), r))
	}
	require.NoError(t, d.Create(t.Context(), newRecord("anonymous", "")))
	require.NoError(t, d.Create(t.Context(), newRecord("other", "user2")))
	odd := "\x00{x}\xff"
	require.NoError(t, d.Create(t.Context(), newRecord("odd", odd)))

	found, err = lister.ListUser(t.Context(), "user", 10)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"r0", "r1", "r2", "r3", "r4"}, ids(found))
	require.Equal(t, "data of "+found[0].ID, string(found[0].Data))
	found, err = lister.ListUser(t.Context(), "user", 2)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"r3", "r4"}, ids(found), "the most recently seen")
	found, err = lister.ListUser(t.Context(), odd, 10)
	require.NoError(t, err)
	require.Equal(t, []string{"odd"}, ids(found))
	found, err = lister.ListUser(t.Context(), "", 10)
	require.NoError(t, err)
	require.Empty(t, found, "nobody is not a user")
}

func driverDeleteUser(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	deleter, ok := ability[session.UserDeleter](t, d)
	if !ok {
		return
	}
	for _, id := range []string{"a", "b", "c"} {
		require.NoError(t, peer.Create(t.Context(), newRecord(id, "user")))
	}
	require.NoError(t, d.Create(t.Context(), newRecord("anonymous", "")))
	require.NoError(t, d.Create(t.Context(), newRecord("other", "user2")))

	n, err := deleter.DeleteUser(t.Context(), "user", "b")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	_, err = d.Load(t.Context(), "b")
	require.NoError(t, err)
	n, err = deleter.DeleteUser(t.Context(), "user", "")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = deleter.DeleteUser(t.Context(), "user", "")
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = deleter.DeleteUser(t.Context(), "", "")
	require.NoError(t, err)
	require.Zero(t, n, "nobody is not a user")
	for _, id := range []string{"a", "b", "c"} {
		_, err := peer.Load(t.Context(), id)
		require.ErrorIs(t, err, session.ErrNotFound)
	}
	for _, id := range []string{"anonymous", "other"} {
		_, err := peer.Load(t.Context(), id)
		require.NoError(t, err)
	}
}

func driverUserChanges(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	lister, ok := ability[session.UserLister](t, d)
	if !ok {
		return
	}
	r := newRecord("a", "")
	require.NoError(t, d.Create(t.Context(), r))
	for _, user := range []string{"one", "two", "", "one"} {
		next := r
		next.UserID = user
		require.NoError(t, peer.Save(t.Context(), r, next))
		next.Version = r.Version + 1
		r = next
		for _, each := range []string{"one", "two"} {
			found, err := lister.ListUser(t.Context(), each, 10)
			require.NoError(t, err)
			if each == user {
				require.Equal(t, []string{"a"}, ids(found))
			} else {
				require.Empty(t, found)
			}
		}
	}
	require.NoError(t, d.Delete(t.Context(), "a"))
	found, err := lister.ListUser(t.Context(), "one", 10)
	require.NoError(t, err)
	require.Empty(t, found)
}

func driverManySessions(t *testing.T, h Harness) {
	d := h.Open(t)
	lister, canList := ability[session.UserLister](t, d)
	deleter, canDelete := ability[session.UserDeleter](t, d)
	if !canList || !canDelete {
		return
	}
	const many = 1100 // more than one batch of any kind
	parallel(t, 4, func(i int) error {
		for n := i; n < many; n += 4 {
			if err := d.Create(t.Context(), newRecord(fmt.Sprintf("r%d", n), "user")); err != nil {
				return err
			}
		}
		return nil
	})
	found, err := lister.ListUser(t.Context(), "user", 1000)
	require.NoError(t, err)
	require.Len(t, found, 1000)
	unique := ids(found)
	slices.Sort(unique)
	require.Len(t, slices.Compact(unique), 1000)
	n, err := deleter.DeleteUser(t.Context(), "user", "r7")
	require.NoError(t, err)
	require.Equal(t, many-1, n)
	found, err = lister.ListUser(t.Context(), "user", 1000)
	require.NoError(t, err)
	require.Equal(t, []string{"r7"}, ids(found))
}
