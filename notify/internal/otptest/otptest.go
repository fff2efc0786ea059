// Package otptest has the tests that every store of one-time codes must pass with many
// callers at once.
package otptest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/notify/otp"
)

var login = otp.Request{Purpose: "login", Target: "+8613800138000", IP: "192.0.2.1"}

// RunParallel runs them, each on an empty store.
func RunParallel(t *testing.T, open func(t *testing.T) otp.Store) {
	for name, test := range map[string]func(t *testing.T, store otp.Store){
		"wrong guesses": wrongGuesses, "right guesses": rightGuesses, "resends": resends,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// attempts is how many guesses are compared with a code.
const attempts = 5

// codes has limits out of the way, and the cooldown if it is not asked for.
func codes(t *testing.T, store otp.Store, cooldown bool) *otp.Codes {
	t.Helper()
	none := otp.Limit{Max: -1}
	o := &otp.Options{
		Pepper: []byte("0123456789abcdef0123456789abcdef"), Attempts: attempts,
		SendsPerTarget: none, SendsPerIP: none, GuessesPerTarget: none, GuessesPerIP: none,
	}
	if !cooldown {
		o.Cooldown = -1
	}
	c, err := otp.New(store, o)
	require.NoError(t, err)
	return c
}

// comparing counts what a store compared.
type comparing struct {
	otp.Store
	compared atomic.Int32
}

func (s *comparing) Verify(ctx context.Context, step otp.VerifyStep) (otp.VerifyResult, error) {
	r, err := s.Store.Verify(ctx, step)
	if r.Found && r.Refused == "" {
		s.compared.Add(1)
	}
	return r, err
}

// atOnce calls fn from n goroutines that begin together.
func atOnce(n int, fn func()) {
	start := make(chan struct{})
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			<-start
			fn()
		})
	}
	close(start)
	group.Wait()
}

func wrongGuesses(t *testing.T, store otp.Store) {
	counting := &comparing{Store: store}
	c := codes(t, counting, false)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	wrong := string('0'+(code.Value[0]-'0'+1)%10) + code.Value[1:]
	var mismatches, void atomic.Int32
	atOnce(1000, func() {
		switch err := c.Verify(t.Context(), otp.Attempt{Purpose: login.Purpose, Target: login.Target, IP: login.IP, Code: wrong}); {
		case errors.Is(err, otp.ErrMismatch):
			mismatches.Add(1)
		case errors.Is(err, otp.ErrNoCode):
			void.Add(1)
		default:
			t.Errorf("unexpected: %v", err)
		}
	})
	require.EqualValues(t, attempts, counting.compared.Load())
	require.EqualValues(t, attempts, mismatches.Load())
	require.EqualValues(t, 1000-attempts, void.Load())
}

func rightGuesses(t *testing.T, store otp.Store) {
	c := codes(t, store, false)
	code, err := c.Issue(t.Context(), login)
	require.NoError(t, err)
	var won atomic.Int32
	atOnce(200, func() {
		err := c.Verify(t.Context(), otp.Attempt{Purpose: login.Purpose, Target: login.Target, IP: login.IP, Code: code.Value})
		if err == nil {
			won.Add(1)
		} else if !errors.Is(err, otp.ErrNoCode) {
			t.Errorf("unexpected: %v", err)
		}
	})
	require.EqualValues(t, 1, won.Load())
}

func resends(t *testing.T, store otp.Store) {
	c := codes(t, store, true)
	var sent atomic.Int32
	atOnce(10_000, func() {
		if _, err := c.Issue(t.Context(), login); err == nil {
			sent.Add(1)
		} else if !errors.Is(err, otp.ErrLimited) {
			t.Error(err)
		}
	})
	require.EqualValues(t, 1, sent.Load())
}
