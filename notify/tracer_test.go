package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
)

// spans records operations and how they ended.
type spans struct{ ended []string }

type spanKey struct{}

func (s *spans) Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return context.WithValue(ctx, spanKey{}, operation), func(err error, _ ...slog.Attr) {
		line := operation
		for _, a := range attributes {
			if a.Key == "kind" || a.Key == "attempt" {
				line += " " + a.Value.String()
			}
		}
		if err != nil {
			line += ": " + err.Error()
		}
		s.ended = append(s.ended, line)
	}
}

func TestTracerSeesEachOperationOnce(t *testing.T) {
	t.Parallel()
	var s spans
	q := memqueue.Open(&notify.Options{Tracer: &s, Logger: slog.New(slog.DiscardHandler)})
	defer q.Close()
	client := notify.NewClient(q, nil)
	_, err := number.Enqueue(t.Context(), client, 1, notify.MaxAttempts(1))
	require.NoError(t, err)
	w := notify.NewWorker(q, nil)
	number.Handle(w, func(ctx context.Context, _ *notify.Job[int]) error {
		require.Equal(t, "handle", ctx.Value(spanKey{}), "the handler runs inside the span")
		return errors.New("no")
	})
	notifytest.Drain(t, w)
	require.Equal(t, []string{"enqueue test.number", "handle test.number 1: no"}, s.ended)
}
