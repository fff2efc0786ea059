package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// One session as its clients see it: whose it is, what it counts, and the token
// that is its own. A Login gives it another token and, as it is another user's,
// begins to count anew; the token before sees nothing from then on. What has ended has
// ended for good.
type accountState struct {
	alive bool
	token string
	user  string
	n     int
}

type accountInput struct{ op, token, user string }

type accountOutput struct {
	none  bool // the token saw no session
	user  string
	n     int
	token string
	err   error // nil or one of the sentinels
}

// account is the model. Only logout leaves a choice: a request that saw its
// session ends it even if another has logged in to it meanwhile.
var account = porcupine.NondeterministicModel{
	Init: func() []any { return []any{accountState{}} },
	Step: func(state, input, output any) []any {
		s, in, out := state.(accountState), input.(accountInput), output.(accountOutput)
		own := s.alive && s.token == in.token
		same, none := []any{s}, []any(nil)
		switch in.op {
		case "begin":
			return []any{accountState{alive: true, token: out.token, user: in.user}}
		case "logout":
			ended := s
			ended.alive = false
			if own {
				return []any{ended}
			}
			return []any{s, ended}
		}
		switch {
		case out.none, errors.Is(out.err, session.ErrEnded), errors.Is(out.err, session.ErrRenewed):
			if own {
				return none
			}
			return same
		case !own:
			return none
		}
		switch in.op {
		case "read":
			if out.user == s.user && out.n == s.n {
				return same
			}
		case "update":
			s.n++
			if out.n == s.n {
				return []any{s}
			}
		case "login":
			return []any{accountState{alive: true, token: out.token, user: in.user}}
		}
		return none
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v → %+v", input, output) },
}

// managerLinearizable lets clients of one session read, update, log in and log
// out at once, on two servers, and asks whether some order of that explains every
// answer. It does so with many sessions, as each ends soon.
func managerLinearizable(t *testing.T, h Harness) {
	d, peer := h.drivers(t)
	s := open(t, d, nil)
	other := openAt(t, peer, s.clock, nil)
	for round := range 8 {
		start := time.Now()
		ctx := Context(t, s.Manager, session.User{ID: "first"}, nil)
		begun, err := s.Token(ctx)
		require.NoError(t, err)
		var mu sync.Mutex
		latest := begun
		history := []porcupine.Operation{{Input: accountInput{op: "begin", user: "first"}, Output: accountOutput{token: begun}, Return: 1}}
		parallel(t, 4, func(client int) error {
			on := []*site{s, other}[client%2]
			random := rand.New(rand.NewPCG(uint64(client), uint64(round)))
			for i := range 10 {
				mu.Lock()
				in := accountInput{op: []string{"read", "read", "update", "update", "update", "login", "logout"}[random.IntN(7)], token: latest}
				mu.Unlock()
				if in.op == "logout" && i < 5 {
					in.op = "update" // let there be something to end
				}
				in.user = fmt.Sprintf("user-%d-%d", client, i)
				call := max(2, time.Since(start).Nanoseconds())
				out, err := on.account(t.Context(), in)
				if err != nil {
					return err
				}
				done := max(call, time.Since(start).Nanoseconds())
				mu.Lock()
				if out.token != "" {
					latest = out.token
				}
				history = append(history, porcupine.Operation{ClientId: client + 1, Input: in, Call: call, Output: out, Return: done})
				mu.Unlock()
			}
			return nil
		})
		result := porcupine.CheckOperationsTimeout(account.ToModel(), history, 20*time.Second)
		require.Equal(t, porcupine.Ok, result)
	}
}

// account does one operation as a request of its own would. Only errors that
// the model does not know are returned.
func (s *site) account(ctx context.Context, in accountInput) (out accountOutput, err error) {
	ctx = s.Attach(ctx, in.token)
	if err := s.Load(ctx); err != nil {
		return out, err
	}
	user, ok := s.User(ctx)
	if out.none = !ok; out.none && in.op != "logout" {
		return out, nil // to update or log in now would begin another session
	}
	switch in.op {
	case "read":
		out.user, out.n = user.ID, s.GetInt(ctx, "n")
	case "update":
		out.err = s.Update(ctx, func(v *session.Values) error {
			out.n = v.Int("n") + 1
			v.Set("n", out.n)
			return nil
		})
	case "login":
		before, _ := s.Current(ctx)
		out.err = s.Login(ctx, session.User{ID: in.user}, nil)
		if after, _ := s.Current(ctx); out.err == nil && after.ID != before.ID {
			out.none = true // the session had ended, and another has begun
			return out, s.Logout(ctx)
		}
		if out.err == nil {
			out.token, err = s.Token(ctx)
		}
	case "logout":
		return out, s.Logout(ctx)
	}
	if errors.Is(out.err, session.ErrEnded) || errors.Is(out.err, session.ErrRenewed) {
		return out, err
	}
	return out, errors.Join(out.err, err)
}
