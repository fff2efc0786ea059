package media

import (
	"context"
	"log/slog"
)

// Tracer observes operations. Start is called before one; the function it returns is called exactly once when it ends.
type Tracer interface {
	Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(err error, attributes ...slog.Attr))
}

type noTracer struct{}

func (noTracer) Start(ctx context.Context, _ string, _ ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	return ctx, func(error, ...slog.Attr) {}
}
