package redisotp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest/redistest"
	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/seed82d84382/commerce/notify/otp/redisotp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var login = otp.Request{Purpose: "login", Target: "+8613800138000", IP: "192.0.2.1"}

func connect(t *testing.T) *redis.Client {
	t.Helper()
	return redistest.Connect(t, testenvtest.RedisURL(t, testenvtest.Redis(t)))
}

// options have limits out of the way and no cooldown.
func options() *otp.Options {
	none := otp.Limit{Max: -1}
	return &otp.Options{
		Pepper: []byte("0123456789abcdef0123456789abcdef"), Cooldown: -1,
		SendsPerTarget: none, SendsPerIP: none, GuessesPerTarget: none, GuessesPerIP: none,
	}
}

func open(t *testing.T, c *redis.Client, o *otp.Options) *otp.Codes {
	t.Helper()
	store, err := redisotp.New(c, nil)
	require.NoError(t, err)
	codes, err := otp.New(store, o)
	require.NoError(t, err)
	return codes
}

func issue(t *testing.T, codes *otp.Codes, r otp.Request) *otp.Code {
	t.Helper()
	code, err := codes.Issue(t.Context(), r)
	require.NoError(t, err)
	return code
}

func guess(r otp.Request, code string) otp.Attempt {
	return otp.Attempt{Purpose: r.Purpose, Target: r.Target, IP: r.IP, Code: code}
}

// wrong is a code that is not the right one.
func wrong(right string) string { return string('0'+(right[0]-'0'+1)%10) + right[1:] }

func remaining(t *testing.T, err error) int {
	t.Helper()
	mismatch, ok := errors.AsType[*otp.MismatchError](err)
	require.True(t, ok, "%v", err)
	return mismatch.Remaining
}

func TestCodes(t *testing.T) {
	t.Parallel()
	codes := open(t, connect(t), options())
	first := issue(t, codes, login)
	require.WithinDuration(t, time.Now().Add(10*time.Minute), first.ExpiresAt, 5*time.Second)
	require.Equal(t, 4, remaining(t, codes.Verify(t.Context(), guess(login, wrong(first.Value)))))
	require.NoError(t, codes.Verify(t.Context(), guess(login, first.Value)))
	require.ErrorIs(t, codes.Verify(t.Context(), guess(login, first.Value)), otp.ErrNoCode, "used")

	second := issue(t, codes, login)
	for left := 4; left >= 0; left-- {
		require.Equal(t, left, remaining(t, codes.Verify(t.Context(), guess(login, wrong(second.Value)))))
	}
	require.ErrorIs(t, codes.Verify(t.Context(), guess(login, second.Value)), otp.ErrNoCode, "guessed at too often")

	third, fourth := issue(t, codes, login), issue(t, codes, login)
	if third.Value != fourth.Value {
		require.Equal(t, 4, remaining(t, codes.Verify(t.Context(), guess(login, third.Value))), "voided by the next")
	}
	other := login
	other.Purpose = "change-phone"
	require.ErrorIs(t, codes.Verify(t.Context(), guess(other, fourth.Value)), otp.ErrNoCode)
	require.NoError(t, codes.Cancel(t.Context(), login.Purpose, login.Target))
	require.NoError(t, codes.Cancel(t.Context(), login.Purpose, login.Target))
	require.ErrorIs(t, codes.Verify(t.Context(), guess(login, fourth.Value)), otp.ErrNoCode)
}

func TestCodesExpire(t *testing.T) {
	t.Parallel()
	o := options()
	o.TTL = time.Second
	c := connect(t)
	codes := open(t, c, o)
	code := issue(t, codes, login)
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Eventually(t, func() bool {
		n, err := c.Exists(t.Context(), keys...).Result()
		return err == nil && n == 0
	}, 10*time.Second, 20*time.Millisecond)
	require.ErrorIs(t, codes.Verify(t.Context(), guess(login, code.Value)), otp.ErrNoCode)
}

func TestThousandParallelWrongGuessesAreComparedFiveTimes(t *testing.T) {
	t.Parallel()
	codes := open(t, connect(t), options())
	code := issue(t, codes, login)
	start := make(chan struct{})
	var compared, void atomic.Int32
	var group sync.WaitGroup
	for range 1000 {
		group.Go(func() {
			<-start
			switch err := codes.Verify(t.Context(), guess(login, wrong(code.Value))); {
			case errors.Is(err, otp.ErrMismatch):
				compared.Add(1)
			case errors.Is(err, otp.ErrNoCode):
				void.Add(1)
			default:
				t.Errorf("unexpected: %v", err)
			}
		})
	}
	close(start)
	group.Wait()
	require.EqualValues(t, 5, compared.Load())
	require.EqualValues(t, 995, void.Load())
}

func TestParallelRightGuessesWinOnce(t *testing.T) {
	t.Parallel()
	codes := open(t, connect(t), options())
	code := issue(t, codes, login)
	var won atomic.Int32
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if codes.Verify(t.Context(), guess(login, code.Value)) == nil {
				won.Add(1)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, won.Load())
}

func TestTenThousandResendsSendOne(t *testing.T) {
	t.Parallel()
	o := options()
	o.Cooldown = 0 // the default
	codes := open(t, connect(t), o)
	var sent atomic.Int32
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			for range 100 {
				if _, err := codes.Issue(t.Context(), login); err == nil {
					sent.Add(1)
				} else if !errors.Is(err, otp.ErrLimited) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 1, sent.Load())
}

func TestLimits(t *testing.T) {
	t.Parallel()
	o := options()
	o.SendsPerTarget, o.SendsPerIP = otp.Limit{Max: 2, Window: time.Hour}, otp.Limit{Max: 3, Window: 2 * time.Hour}
	o.GuessesPerTarget = otp.Limit{Max: 2, Window: time.Hour}
	codes := open(t, connect(t), o)
	refused := func(err error) otp.Scope {
		limit, ok := errors.AsType[*otp.LimitError](err)
		if !ok {
			require.NoError(t, err)
			return ""
		}
		require.Greater(t, limit.RetryAfter, 59*time.Minute)
		require.LessOrEqual(t, limit.RetryAfter, 2*time.Hour)
		return limit.Scope
	}
	send := func(r otp.Request) otp.Scope {
		_, err := codes.Issue(t.Context(), r)
		return refused(err)
	}
	code := issue(t, codes, login)
	require.Empty(t, send(otp.Request{Purpose: "sign-up", Target: login.Target, IP: login.IP}))
	require.Equal(t, otp.ScopeTarget, send(login), "over all purposes")
	other := otp.Request{Purpose: "login", Target: "b@example.com", IP: login.IP}
	require.Empty(t, send(other))
	require.Equal(t, otp.ScopeIP, send(other), "over all targets")
	other.IP = ""
	require.Empty(t, send(other), "what the IP refused was not counted for the target")

	for left := 4; left > 2; left-- {
		require.Equal(t, left, remaining(t, codes.Verify(t.Context(), guess(login, wrong(code.Value)))))
	}
	require.Equal(t, otp.ScopeTarget, refused(codes.Verify(t.Context(), guess(login, code.Value))))
}

// resend sends every script twice, as the client does when an answer is lost.
type resend struct{}

func (resend) DialHook(next redis.DialHook) redis.DialHook { return next }

func (resend) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (resend) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil && cmd.Name() == "evalsha" {
			err = next(ctx, cmd)
		}
		return err
	}
}

// TestRightAndWrongGuessesRunTheSameCommands compares what the server counts of each, so
// that the work for a guess, and with it the time, does not tell whether it was right.
func TestRightAndWrongGuessesRunTheSameCommands(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateRedis(t, nil)
	c := redistest.Connect(t, testenvtest.RedisURL(t, server))
	limit := otp.Limit{Max: 100, Window: time.Hour}
	set := options()
	set.GuessesPerTarget, set.GuessesPerIP = limit, limit
	codes := open(t, c, set)
	commands := func(code string) map[string]string {
		require.NoError(t, c.ConfigResetStat(t.Context()).Err())
		_ = codes.Verify(t.Context(), guess(login, code))
		stats, err := c.InfoMap(t.Context(), "commandstats").Result()
		require.NoError(t, err)
		counted := make(map[string]string)
		for command, values := range stats["Commandstats"] {
			counted[command], _, _ = strings.Cut(values, ",") // calls=N
		}
		for _, own := range []string{"cmdstat_info", "cmdstat_config|resetstat"} {
			delete(counted, own)
		}
		return counted
	}
	code := issue(t, codes, login).Value
	_ = commands(wrong(code)) // counters begin, and the script is loaded
	wrongs := commands(wrong(code))
	require.Equal(t, "calls=1", wrongs["cmdstat_evalsha"])
	require.Equal(t, wrongs, commands(code))
}

func TestLostAnswersAreHarmless(t *testing.T) {
	t.Parallel()
	c := connect(t)
	c.AddHook(resend{})
	o := options()
	o.Cooldown = 0 // the default
	o.SendsPerTarget = otp.Limit{Max: 1, Window: time.Hour}
	codes := open(t, c, o)
	code := issue(t, codes, login)
	require.Equal(t, 4, remaining(t, codes.Verify(t.Context(), guess(login, wrong(code.Value)))))
	require.Equal(t, 3, remaining(t, codes.Verify(t.Context(), guess(login, wrong(code.Value)))))
	require.NoError(t, codes.Verify(t.Context(), guess(login, code.Value)))
	require.ErrorIs(t, codes.Verify(t.Context(), guess(login, code.Value)), otp.ErrNoCode)
}

func TestKeysEndShareASlotAndTellNothing(t *testing.T) {
	t.Parallel()
	c := connect(t)
	store, err := redisotp.New(c, &redisotp.Options{Prefix: "shop:"})
	require.NoError(t, err)
	codes, err := otp.New(store, &otp.Options{Pepper: options().Pepper})
	require.NoError(t, err)
	code := issue(t, codes, login)
	require.ErrorIs(t, codes.Verify(t.Context(), guess(login, wrong(code.Value))), otp.ErrMismatch)
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 6)
	for _, key := range keys {
		require.True(t, strings.HasPrefix(key, "shop:{otp}:"), key)
		require.NotContains(t, key, login.Target)
		left, err := c.PTTL(t.Context(), key).Result()
		require.NoError(t, err)
		require.Positive(t, left)
		if fields, err := c.HGetAll(t.Context(), key).Result(); err == nil {
			require.NotContains(t, fmt.Sprint(fields), code.Value)
		}
	}
}

func TestBadOptionsAndNoServer(t *testing.T) {
	t.Parallel()
	_, err := redisotp.New(nil, nil)
	require.ErrorIs(t, err, otp.ErrInvalid)
	gone := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer gone.Close()
	_, err = redisotp.New(gone, &redisotp.Options{Prefix: "{a}"})
	require.ErrorIs(t, err, otp.ErrInvalid)
	codes := open(t, gone, options())
	_, err = codes.Issue(t.Context(), login)
	require.ErrorContains(t, err, "otp: issue: redisotp:")
	require.Error(t, codes.Verify(t.Context(), guess(login, "123456")))
	require.Error(t, codes.Cancel(t.Context(), login.Purpose, login.Target))
}

func ExampleNew() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	defer rdb.Close()
	store, err := redisotp.New(rdb, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = otp.New(store, &otp.Options{Pepper: []byte("keep this outside the store 32 b")})
	fmt.Println(err)
	// Output: <nil>
}
