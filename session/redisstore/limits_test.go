package redisstore_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// One user with 10,000 sessions is listed in part and logged out as a whole, and
// others are left alone.
func TestTenThousandSessionsOfOneUser(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	d := driver(t, c)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	other := sessiontest.Context(t, m, session.User{ID: "other"}, nil)
	const many, writers = 10_000, 16
	errs := make([]error, writers)
	var running sync.WaitGroup
	for w := range writers {
		running.Go(func() {
			for i := w; i < many; i += writers {
				now := time.Now()
				errs[w] = errors.Join(errs[w], d.Create(t.Context(), session.Record{
					ID: fmt.Sprintf("r%d", i), UserID: "42", Seen: now, Deadline: now.Add(time.Hour),
				}))
			}
		})
	}
	running.Wait()
	require.NoError(t, errors.Join(errs...))
	records, err := d.(session.UserLister).ListUser(t.Context(), "42", 1000)
	require.NoError(t, err)
	require.Len(t, records, 1000)
	n, err := m.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
	require.Equal(t, many, n)
	for i := 0; i < many; i += 997 {
		_, err := d.Load(t.Context(), fmt.Sprintf("r%d", i))
		require.ErrorIs(t, err, session.ErrNotFound, "ended is ended, removed or not")
	}
	records, err = d.(session.UserLister).ListUser(t.Context(), "42", 1000)
	require.NoError(t, err)
	require.Empty(t, records)
	_, ok := m.User(other)
	require.True(t, ok)
	require.Eventually(t, func() bool {
		keys, err := c.DBSize(t.Context()).Result()
		return err == nil && keys == 2 // the other's record and index
	}, 10*time.Second, time.Millisecond)
}

// The values at the limit are kept, and one byte more is refused before anything
// is written.
func TestValuesAtTheLimit(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	const limit = 1 << 20
	m, err := session.New(driver(t, c), &session.Options{MaxBytes: limit})
	require.NoError(t, err)
	defer m.Close()
	ctx := sessiontest.Context(t, m, session.User{ID: "\x00{}\xff"}, nil)
	token, err := m.Token(ctx)
	require.NoError(t, err)
	put := func(n int) error {
		return m.Update(ctx, func(v *session.Values) error { v.Set("k", strings.Repeat("x", n)); return nil })
	}
	overhead := len("k") + len(`""`) + 4
	require.NoError(t, put(limit-overhead))
	require.ErrorIs(t, put(limit-overhead+1), session.ErrInvalid)
	again := m.Attach(t.Context(), token)
	require.Len(t, m.GetString(again, "k"), limit-overhead)
	user, ok := m.User(again)
	require.True(t, ok)
	require.Equal(t, "\x00{}\xff", user.ID)
}

// The rights the package documentation asks for are enough, with a prefix for
// the keys too.
func TestLeastRights(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer admin.Close()
	rights := "on >secret resetkeys ~session:* -@all +hello +eval +evalsha +script|load +get +mget +getrange +setrange +set +del" +
		" +pexpireat +pttl +time +zadd +zrem +zrange +zscore +zcard +rename"
	args := []any{"acl", "setuser", "shop"}
	for right := range strings.FieldsSeq(rights) {
		args = append(args, right)
	}
	require.NoError(t, admin.Do(t.Context(), args...).Err())
	c := redis.NewClient(&redis.Options{Addr: server.Addr, Username: "shop", Password: "secret"})
	defer c.Close()
	d := driver(t, c)
	redisstore.EndInOneStep(d, 1, time.Millisecond)
	m, err := session.New(d, nil)
	require.NoError(t, err)
	defer m.Close()
	ctx := sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	token, err := m.Token(ctx)
	require.NoError(t, err)
	require.NoError(t, m.Update(ctx, func(v *session.Values) error { v.Set("k", 1); return nil }))
	require.NoError(t, m.Login(ctx, session.User{ID: "43"}, nil))
	require.NoError(t, m.Load(m.Attach(t.Context(), token)))
	list, err := m.List(t.Context(), "43")
	require.NoError(t, err)
	require.Len(t, list, 1)
	n, err := m.LogoutAll(t.Context(), "43")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, m.Logout(sessiontest.Context(t, m, session.User{ID: "42"}, nil)))
	for range 5 {
		sessiontest.Context(t, m, session.User{ID: "42"}, nil)
	}
	n, err = m.LogoutAll(t.Context(), "42")
	require.NoError(t, err)
	require.Equal(t, 5, n)
	require.Eventually(t, func() bool {
		keys, err := admin.DBSize(t.Context()).Result()
		return err == nil && keys == 0
	}, 10*time.Second, time.Millisecond)
}

// Servers of one site whose clocks differ, from each other and from Redis, by less
// than the five minutes allowed for: nobody is logged out early, and nobody
// stays beyond the limits by the clock of the server that is asked.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	ahead := time.Duration(0)
	at := func(off time.Duration) *session.Manager {
		m, err := session.New(driver(t, c), &session.Options{
			Idle: 10 * time.Minute, Absolute: time.Hour, Now: func() time.Time { return time.Now().Add(off + ahead) },
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, m.Close()) })
		return m
	}
	fast, slow := at(4*time.Minute), at(-4*time.Minute)
	for _, first := range []*session.Manager{fast, slow} {
		ahead = 0
		token, err := first.Token(sessiontest.Context(t, first, session.User{ID: "42"}, nil))
		require.NoError(t, err)
		who := func(m *session.Manager) string {
			user, _ := m.User(m.Attach(t.Context(), token))
			return user.ID
		}
		for range 5 {
			require.Equal(t, "42", who(slow))
			require.Equal(t, "42", who(fast))
			require.NoError(t, slow.Update(slow.Attach(t.Context(), token), func(v *session.Values) error { v.Set("n", v.Int("n")+1); return nil }))
			ahead += 90 * time.Second
		}
		require.Equal(t, 5, fast.GetInt(fast.Attach(t.Context(), token), "n"))
		ahead = time.Hour + 5*time.Minute
		require.Empty(t, who(slow))
		require.Empty(t, who(fast))
	}
	// The clock of Redis is ahead of the slow server's by more than the whole session.
	short, err := session.New(driver(t, c), &session.Options{Idle: time.Minute, Now: func() time.Time { return time.Now().Add(-4 * time.Minute) }})
	require.NoError(t, err)
	defer short.Close()
	token, err := short.Token(sessiontest.Context(t, short, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	_, ok := short.User(short.Attach(t.Context(), token))
	require.True(t, ok)
}

// A record as an older version of this package has left it in Redis is found,
// used and saved. Only its times are moved to today, as Redis forgets by the real
// clock.
func TestRecordOfAnOlderVersion(t *testing.T) {
	t.Parallel()
	value, err := os.ReadFile("testdata/record-v1.bin")
	require.NoError(t, err)
	now := time.Now()
	binary.BigEndian.PutUint64(value[9:], uint64(now.UnixMicro()))
	binary.BigEndian.PutUint64(value[25:], uint64(now.Add(time.Hour).UnixMicro()))
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	const id, secret = "0123456789abcdefghijkl", "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	require.NoError(t, c.Set(t.Context(), "session:{"+id+"}", value, 0).Err())
	m, err := session.New(driver(t, c), nil)
	require.NoError(t, err)
	defer m.Close()
	ctx := m.Attach(t.Context(), id+"."+secret)
	user, ok := m.User(ctx)
	require.True(t, ok)
	require.Equal(t, "42", user.ID)
	require.Equal(t, 7, m.GetInt(ctx, "n"))
	require.NoError(t, m.Update(ctx, func(v *session.Values) error { v.Set("n", 8); return nil }))
	require.Equal(t, 8, m.GetInt(m.Attach(t.Context(), id+"."+secret), "n"))
	shown, ok := m.Current(ctx)
	require.True(t, ok)
	require.Equal(t, "Telefon für Bücher", shown.Device)
}
