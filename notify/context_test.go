package notify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestHandlerContextIsOneOfTheStandardLibrary compares every way to end and to look with
// what the standard library's own contexts answer.
func TestHandlerContextIsOneOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	type key struct{}
	for name, end := range map[string]func(parent context.CancelCauseFunc, own func(error)){
		"nothing":    func(context.CancelCauseFunc, func(error)) {},
		"over":       func(_ context.CancelCauseFunc, own func(error)) { own(nil) },
		"lease lost": func(_ context.CancelCauseFunc, own func(error)) { own(ErrLeaseLost); own(nil) },
		"stopping":   func(parent context.CancelCauseFunc, _ func(error)) { parent(ErrStopping) },
		"timeout":    func(context.CancelCauseFunc, func(error)) { <-time.After(2 * time.Second) },
		"stopping, then lost": func(parent context.CancelCauseFunc, own func(error)) {
			parent(ErrStopping)
			own(ErrLeaseLost)
		},
	} {
		for asked, ask := range map[string]func(context.Context){
			"never":   func(context.Context) {},
			"done":    func(ctx context.Context) { ctx.Done() },
			"err":     func(ctx context.Context) { _ = ctx.Err() },
			"derived": func(ctx context.Context) { _, cancel := context.WithCancel(ctx); cancel() },
		} {
			t.Run(name+", asked before: "+asked, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					parent, stop := context.WithCancelCause(context.WithValue(context.Background(), key{}, "value"))
					defer stop(nil)
					ours := new(handlerContext)
					ours.within(parent, time.Now(), time.Second)
					inner, cancel := context.WithCancelCause(parent)
					theirs, release := context.WithDeadlineCause(inner, time.Now().Add(time.Second), errTimeout)
					defer release()
					ask(ours)
					end(stop, func(cause error) { ours.end(cause); cancel(cause) })

					require.Equal(t, context.Cause(theirs), context.Cause(ours))
					require.Equal(t, theirs.Err(), ours.Err())
					require.Equal(t, "value", ours.Value(key{}))
					wanted, _ := theirs.Deadline()
					deadline, ok := ours.Deadline()
					require.True(t, ok)
					require.Equal(t, wanted, deadline)
					child, cancelChild := context.WithCancel(ours)
					defer cancelChild()
					require.Equal(t, context.Cause(theirs), context.Cause(child))
					if theirs.Err() != nil {
						<-ours.Done()
						<-child.Done()
					}
					ours.end(nil)
					<-ours.Done()
				})
			})
		}
	}
}

func TestHandlerContextWithoutTimeoutHasTheParentsDeadline(t *testing.T) {
	t.Parallel()
	ours := new(handlerContext)
	ours.within(context.Background(), time.Now(), -1)
	_, ok := ours.Deadline()
	require.False(t, ok)
	require.NoError(t, ours.Err())
	soon, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Hour))
	defer cancel()
	ours.within(soon, time.Now(), 2*time.Hour)
	deadline, ok := ours.Deadline()
	wanted, _ := soon.Deadline()
	require.True(t, ok)
	require.Equal(t, wanted, deadline)
}
