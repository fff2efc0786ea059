package search

import (
	"context"
	"log/slog"
	"time"
)

// Options configure an [Index]. The zero value, and nil, are the documented defaults.
type Options struct {
	// Synonyms apply to queries, so that a change needs no new index.
	// [Index.SetSynonyms] replaces them, for good on an engine that keeps settings.
	Synonyms []Synonym
	// Rules pin, hide, boost and redirect. [Index.SetRules] replaces them.
	Rules []Rule
	// Signals lift documents by their popularity, age and stock. [Index.SetSignals] replaces them.
	Signals []Signal

	// QueryLog is called once after each [Index.Search] that was answered, by the
	// goroutine that searched: it should be quick. Suggestions, similar documents and
	// what a search asks the engine besides (facets, corrections, counts) are not told.
	QueryLog func(ctx context.Context, event QueryEvent)

	// FewHits is the number of hits below which a query is helped: fewer of its
	// words are required, and below 3 its spelling is corrected. 0 is 10, -1 never.
	// [Query.Exact] turns it off for one query.
	FewHits int

	Limits Limits

	Tracer Tracer
	Now    func() time.Time // default [time.Now]
	Logger *slog.Logger     // default [slog.Default]
}

// Limits bound what one call may ask for. Zero is the default.
type Limits struct {
	PageSize   int // of [Query.Limit]; default 1,000
	Depth      int // of Offset plus Limit; default 10,000. Cursors have no such bound.
	Filters    int // default 64
	Values     int // in one filter; default 1,024
	Facets     int // default 32
	FacetSize  int // default 1,000
	FacetRange int // intervals in one facet; default 64
	Batch      int // documents of one Put or Batch; default 10,000. Larger ones are refused.
}

// Fixed limits.
const (
	maxQueryText = 4 << 10 // bytes
	maxWords     = 32      // of a query that are looked at
	maxSorts     = 8
	defaultLimit = 20
)

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit *int
		value int
	}{
		{&l.PageSize, 1000}, {&l.Depth, 10_000}, {&l.Filters, 64}, {&l.Values, 1024},
		{&l.Facets, 32}, {&l.FacetSize, 1000}, {&l.FacetRange, 64}, {&l.Batch, 10_000},
	} {
		if *d.limit <= 0 {
			*d.limit = d.value
		}
	}
	return l
}

// WithDefaults returns the options with every default filled in. o may be nil.
func (o *Options) WithDefaults() Options {
	var full Options
	if o != nil {
		full = *o
	}
	if full.FewHits == 0 {
		full.FewHits = 10
	}
	full.Limits = full.Limits.withDefaults()
	if full.Now == nil {
		full.Now = time.Now
	}
	if full.Logger == nil {
		full.Logger = slog.Default()
	}
	return full
}

// Tracer observes operations. Start is called before one; the function it
// returns is called exactly once when it ends. Query texts are not passed on.
type Tracer interface {
	Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(err error, attributes ...slog.Attr))
}

func (o *Options) start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(error, ...slog.Attr)) {
	if o.Tracer == nil {
		return ctx, func(error, ...slog.Attr) {}
	}
	return o.Tracer.Start(ctx, operation, attributes...)
}
