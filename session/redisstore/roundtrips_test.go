package redisstore_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// trips counts the round trips of a client: a command, or a pipeline of them.
type trips struct {
	n    atomic.Int64
	wait chan struct{} // when set, each round trip waits for a token
}

func (c *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *trips) trip(ctx context.Context, first redis.Cmder) {
	if name := first.Name(); name == "hello" || name == "client" || name == "select" {
		return // of a new connection
	}
	c.n.Add(1)
	if c.wait != nil {
		select {
		case <-c.wait:
		case <-ctx.Done():
		}
	}
}

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.trip(ctx, cmd)
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.trip(ctx, cmds[0])
		return next(ctx, cmds)
	}
}

// What a request costs when nobody else is there.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	now := time.Now()
	d := driver(t, c)
	m, err := session.New(d, &session.Options{Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer m.Close()
	warm := sessiontest.Context(t, m, session.User{ID: "warm"}, nil) // the server knows the scripts from now on
	require.NoError(t, m.Put(warm, "k", 1))
	require.NoError(t, m.Commit(warm))
	token, err := m.Token(warm)
	require.NoError(t, err)
	another, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer another.Close()
	require.NoError(t, another.Load(another.Attach(t.Context(), token)))
	require.NoError(t, another.Logout(sessiontest.Context(t, another, session.User{ID: "other"}, nil)))
	count := &trips{}
	c.AddHook(count)

	request := func(token string, handle func(ctx context.Context) error) int64 {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if token != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-session", Value: token})
		}
		w := httptest.NewRecorder()
		before := count.n.Load()
		m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, handle(r.Context()))
			fmt.Fprint(w, "done")
		})).ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		return count.n.Load() - before
	}
	read := func(ctx context.Context) error { _, err := m.Token(ctx); m.User(ctx); return err }
	put := func(ctx context.Context) error { return m.Put(ctx, "n", 1) }
	login := func(ctx context.Context) error { return m.Login(ctx, session.User{ID: "warm"}, nil) }

	require.Zero(t, request(token, func(context.Context) error { return nil }), "untouched")
	require.EqualValues(t, 1, request(token, read), "first read of this process")
	require.EqualValues(t, 1, request(token, read), "read")
	now = now.Add(4 * time.Minute)
	require.EqualValues(t, 1, request(token, read), "read with the touch inside")
	now = now.Add(28 * time.Minute)
	require.EqualValues(t, 1, request(token, read), "and it was stored: the session has not idled out")
	require.EqualValues(t, 2, request(token, put), "read and write")
	require.EqualValues(t, 1, request("", login), "login of a new visitor")
	anonymous := m.Attach(t.Context(), "")
	require.NoError(t, m.Put(anonymous, "cart", 1))
	require.NoError(t, m.Commit(anonymous))
	visitor, err := m.Token(anonymous)
	require.NoError(t, err)
	require.EqualValues(t, 2, request(visitor, login), "login of a visitor with a cart")
	tokens := []string{"", "forged", token}
	for range 100 {
		token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "many"}, nil))
		require.NoError(t, err)
		tokens = append(tokens, token)
	}
	before := count.n.Load()
	contexts, err := m.Prefetch(t.Context(), tokens)
	require.NoError(t, err)
	for i, ctx := range contexts {
		user, _ := m.User(ctx)
		require.Equal(t, []string{"", "", "warm", "many"}[min(i, 3)], user.ID)
	}
	require.EqualValues(t, 1, count.n.Load()-before, "prefetch of a hundred")
	require.LessOrEqual(t, request(token, m.Logout), int64(3), "logout")
	redisstore.EndInOneStep(d, 10, time.Hour)
	redisstore.Stop(d) // what follows is not of the request
	for _, user := range []string{"another", "many"} {
		for range 11 {
			sessiontest.Context(t, m, session.User{ID: user}, nil)
		}
		before = count.n.Load()
		n, err := m.LogoutAll(t.Context(), user)
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, 11)
	}
	require.EqualValues(t, 2, count.n.Load()-before, "logout everywhere of more than go at once")
}

// Commands that find two round trips under way wait and go out together.
func TestCommandsAreJoined(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	d := driver(t, c)
	const records = 64
	for i := range records {
		require.NoError(t, d.Create(t.Context(), session.Record{
			ID: fmt.Sprintf("r%d", i), Seen: time.Now(), Deadline: time.Now().Add(time.Hour), Data: []byte{byte(i)},
		}))
	}
	count := &trips{wait: make(chan struct{})}
	c.AddHook(count)
	var callers sync.WaitGroup
	var wrong atomic.Int64
	start := func(ctx context.Context, i int, want error) {
		callers.Go(func() {
			r, err := d.Load(ctx, fmt.Sprintf("r%d", i))
			if want == nil && (err != nil || r.Data[0] != byte(i)) || want != nil && err == nil {
				wrong.Add(1)
			}
		})
	}
	start(t.Context(), 0, nil)
	start(t.Context(), 1, nil)
	require.Eventually(t, func() bool { return count.n.Load() == 2 }, 10*time.Second, time.Millisecond)
	gone, leave := context.WithCancel(t.Context())
	for i := 2; i < records; i++ {
		start(t.Context(), i, nil)
	}
	start(gone, 5, context.Canceled)
	require.Eventually(t, func() bool { return redisstore.Waiting(d) == records-2+1 }, 10*time.Second, time.Millisecond)
	require.EqualValues(t, 2, count.n.Load(), "no more than two at once")
	leave()
	close(count.wait)
	callers.Wait()
	require.Zero(t, wrong.Load())
	require.EqualValues(t, 3, count.n.Load(), "the rest went in one")
}

// One answer of many that is an error is that caller's alone.
func TestJoinedErrorsStayApart(t *testing.T) {
	t.Parallel()
	c := client(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
	d := driver(t, c)
	require.NoError(t, c.HSet(t.Context(), "session:{corrupt}", "a", "b").Err())
	require.NoError(t, d.Create(t.Context(), session.Record{ID: "good", Seen: time.Now(), Deadline: time.Now().Add(time.Hour)}))
	var callers sync.WaitGroup
	var wrong atomic.Int64
	for i := range 300 {
		id := []string{"good", "absent", "corrupt"}[i%3]
		want := []error{nil, session.ErrNotFound, session.ErrCorrupt}[i%3]
		callers.Go(func() {
			for range 20 {
				if _, err := d.Load(t.Context(), id); !is(err, want) {
					wrong.Add(1)
				}
			}
		})
	}
	callers.Wait()
	require.Zero(t, wrong.Load())
}
