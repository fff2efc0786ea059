package otp_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed82d84382/commerce/notify/internal/otptest"
	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var pepper = []byte("0123456789abcdef0123456789abcdef")

func newCodes(t testing.TB, change func(*otp.Options)) *otp.Codes {
	t.Helper()
	o := &otp.Options{Pepper: pepper}
	if change != nil {
		change(o)
	}
	c, err := otp.New(otp.NewMemoryStore(nil), o)
	require.NoError(t, err)
	return c
}

var login = otp.Request{Purpose: "login", Target: "+8613800138000", IP: "192.0.2.1"}

func guess(r otp.Request, code string) otp.Attempt {
	return otp.Attempt{Purpose: r.Purpose, Target: r.Target, IP: r.IP, Code: code}
}

// wrong is a code that is not the right one.
func wrong(right string) string {
	if right[0] == '9' {
		return "0" + right[1:]
	}
	return string(right[0]+1) + right[1:]
}

func TestRightCodeWorksOnce(t *testing.T) {
	t.Parallel()
	c := newCodes(t, nil)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	require.Regexp(t, `^\d{6}$`, code.Value)
	require.NoError(t, c.Verify(t.Context(), guess(login, code.Value[:3]+" - "+code.Value[3:])))
	require.ErrorIs(t, c.Verify(t.Context(), guess(login, code.Value)), otp.ErrNoCode)
}

func TestFullWidthDigits(t *testing.T) {
	t.Parallel()
	c := newCodes(t, nil)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	typed := ""
	for _, r := range code.Value {
		typed += string(r - '0' + '０')
	}
	require.NoError(t, c.Verify(t.Context(), guess(login, typed)))
}

func TestCodeIsBoundToPurposeAndTarget(t *testing.T) {
	t.Parallel()
	c := newCodes(t, nil)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	for _, other := range []otp.Request{{Purpose: "change-phone", Target: login.Target}, {Purpose: login.Purpose, Target: "+8613800138001"}} {
		require.ErrorIs(t, c.Verify(t.Context(), guess(other, code.Value)), otp.ErrNoCode)
	}
	require.NoError(t, c.Verify(t.Context(), guess(login, code.Value)))
}

func TestWrongGuessesVoidTheCode(t *testing.T) {
	t.Parallel()
	c := newCodes(t, nil)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	for remaining := 4; remaining >= 0; remaining-- {
		err := c.Verify(t.Context(), guess(login, wrong(code.Value)))
		mismatch, ok := errors.AsType[*otp.MismatchError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, remaining, mismatch.Remaining)
		require.ErrorIs(t, err, otp.ErrMismatch)
		require.NotContains(t, err.Error(), code.Value)
	}
	require.ErrorIs(t, c.Verify(t.Context(), guess(login, code.Value)), otp.ErrNoCode)
}

func TestManyCallersAtOnce(t *testing.T) {
	otptest.RunParallel(t, func(*testing.T) otp.Store { return otp.NewMemoryStore(nil) })
}

func TestCooldownResendAndExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCodes(t, nil)
		first, err := c.Issue(t.Context(), login)
		require.NoError(t, err)
		require.Equal(t, time.Now().Add(10*time.Minute), first.ExpiresAt)
		require.Equal(t, time.Now().Add(time.Minute), first.ResendAt)

		<-time.After(20 * time.Second) // the bubble's time
		_, err = c.Issue(t.Context(), login)
		limit, ok := errors.AsType[*otp.LimitError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, &otp.LimitError{Scope: otp.ScopeCooldown, RetryAfter: 40 * time.Second}, limit)

		<-time.After(40 * time.Second) // the bubble's time
		second, err := c.Issue(t.Context(), login)
		require.NoError(t, err)
		if first.Value != second.Value {
			require.ErrorIs(t, c.Verify(t.Context(), guess(login, first.Value)), otp.ErrMismatch, "a resend voids the code before")
		}
		<-time.After(10 * time.Minute) // the bubble's time
		require.ErrorIs(t, c.Verify(t.Context(), guess(login, second.Value)), otp.ErrNoCode)
	})
}

func TestLimitsPerTargetAndIP(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCodes(t, func(o *otp.Options) {
			o.Cooldown = -1
			o.SendsPerTarget, o.SendsPerIP = otp.Limit{Max: 2, Window: time.Hour}, otp.Limit{Max: 3, Window: 2 * time.Hour}
			o.GuessesPerTarget = otp.Limit{Max: 3, Window: time.Hour}
			o.Attempts = 100
		})
		issue := func(r otp.Request) otp.Scope {
			_, err := c.Issue(t.Context(), r)
			if limit, ok := errors.AsType[*otp.LimitError](err); ok {
				require.Positive(t, limit.RetryAfter)
				return limit.Scope
			}
			require.NoError(t, err)
			return ""
		}
		other := otp.Request{Purpose: "login", Target: "b@example.com", IP: login.IP}
		require.Empty(t, issue(login))
		require.Empty(t, issue(otp.Request{Purpose: "sign-up", Target: login.Target, IP: login.IP}))
		require.Equal(t, otp.ScopeTarget, issue(login), "over all purposes")
		require.Empty(t, issue(other))
		require.Equal(t, otp.ScopeIP, issue(other), "over all targets")
		require.Empty(t, issue(otp.Request{Purpose: "login", Target: "b@example.com"}), "the refused one was not counted for the target")
		<-time.After(time.Hour) // the bubble's time
		require.Equal(t, otp.ScopeIP, issue(login))
		<-time.After(time.Hour) // the bubble's time
		require.Empty(t, issue(login))

		// Guesses are limited over all codes, so that a new code does not buy new guesses.
		code, err := c.Issue(t.Context(), otp.Request{Purpose: "g", Target: "c@example.com"})
		require.NoError(t, err)
		attempt := otp.Attempt{Purpose: "g", Target: "c@example.com", Code: wrong(code.Value)}
		for range 3 {
			require.ErrorIs(t, c.Verify(t.Context(), attempt), otp.ErrMismatch)
		}
		attempt.Code = code.Value
		require.ErrorIs(t, c.Verify(t.Context(), attempt), otp.ErrLimited)
	})
}

func TestCancelVoids(t *testing.T) {
	t.Parallel()
	c := newCodes(t, nil)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	require.NoError(t, c.Cancel(t.Context(), login.Purpose, login.Target))
	require.NoError(t, c.Cancel(t.Context(), login.Purpose, login.Target))
	require.ErrorIs(t, c.Verify(t.Context(), guess(login, code.Value)), otp.ErrNoCode)
}

// recording keeps what a store is given.
type recording struct {
	otp.Store
	seen string
}

func (s *recording) Issue(ctx context.Context, step otp.IssueStep) (otp.IssueResult, error) {
	s.seen += fmt.Sprintf("%s %s %+v", step.Key, step.MAC, step.Counters)
	return s.Store.Issue(ctx, step)
}

func TestStoreSeesNothingInClear(t *testing.T) {
	t.Parallel()
	store := &recording{Store: otp.NewMemoryStore(nil)}
	c, err := otp.New(store, &otp.Options{Pepper: pepper, Length: 10})
	require.NoError(t, err)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	for _, secret := range []string{code.Value, login.Target, login.IP, string(pepper)} {
		require.NotContains(t, store.seen, secret)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	c := newCodes(t, nil)
	long := string(make([]byte, 400))
	for _, r := range []otp.Request{{Target: "a"}, {Purpose: "a"}, {Purpose: long, Target: "a"}, {Purpose: "a", Target: long}, {Purpose: "a", Target: "a", IP: long}} {
		_, err := c.Issue(t.Context(), r)
		require.ErrorIs(t, err, otp.ErrInvalid)
		require.ErrorIs(t, c.Verify(t.Context(), guess(r, "123456")), otp.ErrInvalid)
	}
	for _, code := range []string{"", "12345", "1234567", "12345a", "１２３４５", long + long + long, "-1 23", "\xff\xfe\xfd123"} {
		require.ErrorIs(t, c.Verify(t.Context(), guess(login, code)), otp.ErrInvalid, "%q", code)
	}
	for name, o := range map[string]*otp.Options{
		"nil": nil, "short pepper": {Pepper: []byte("short")}, "length": {Pepper: pepper, Length: 3}, "ttl": {Pepper: pepper, TTL: -1},
		"attempts": {Pepper: pepper, Attempts: -1}, "cooldown": {Pepper: pepper, Cooldown: -2}, "limit": {Pepper: pepper, SendsPerIP: otp.Limit{Max: 3}},
	} {
		_, err := otp.New(otp.NewMemoryStore(nil), o)
		require.ErrorIs(t, err, otp.ErrInvalid, name)
	}
}

// TestAgainstModel runs random histories against a plain description of the rules.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_700_000_000, 0)
		store := otp.NewMemoryStore(&otp.MemoryStoreOptions{Now: func() time.Time { return now }})
		c, err := otp.New(store, &otp.Options{Pepper: pepper, Attempts: 2, TTL: 100 * time.Second, Cooldown: 30 * time.Second,
			SendsPerTarget: otp.Limit{Max: -1}, GuessesPerTarget: otp.Limit{Max: -1}})
		if err != nil {
			t.Fatal(err)
		}
		request := otp.Request{Purpose: "p", Target: "t"}
		var code string
		var left int
		var expires, cooldown time.Time
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				issued, err := c.Issue(t.Context(), request)
				if early := now.Before(cooldown); early != errors.Is(err, otp.ErrLimited) {
					t.Fatalf("cooling down %v, answered %v", early, err)
				}
				if err == nil {
					code, left, expires, cooldown = issued.Value, 2, now.Add(100*time.Second), now.Add(30*time.Second)
				}
			case 1, 2:
				right := rapid.Bool().Draw(t, "right")
				typed := "000000"
				if code != "" {
					if typed = code; !right {
						typed = wrong(code)
					}
				}
				err := c.Verify(t.Context(), guess(request, typed))
				switch valid := code != "" && left > 0 && now.Before(expires); {
				case !valid && !errors.Is(err, otp.ErrNoCode), valid && right && err != nil, valid && !right && !errors.Is(err, otp.ErrMismatch):
					t.Fatalf("valid %v, right %v, answered %v", valid, right, err)
				case valid && right:
					left = 0
				case valid:
					left--
				}
			case 3:
				now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "seconds")) * time.Second)
			}
		}
	})
}

func ExampleCodes() {
	codes, err := otp.New(otp.NewMemoryStore(nil), &otp.Options{Pepper: []byte("keep this outside the store 32 b")})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	request := otp.Request{Purpose: "login", Target: "+8613800138000", IP: "192.0.2.1"}
	code, _ := codes.Issue(ctx, request)
	fmt.Println(len(code.Value), "digits")

	_, err = codes.Issue(ctx, request)
	fmt.Println(errors.Is(err, otp.ErrLimited))

	attempt := otp.Attempt{Purpose: "login", Target: "+8613800138000", IP: "192.0.2.1", Code: code.Value}
	fmt.Println(codes.Verify(ctx, attempt))
	fmt.Println(codes.Verify(ctx, attempt))
	// Output:
	// 6 digits
	// true
	// <nil>
	// otp: no valid code
}
