package shop

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/search"
)

// Indexer builds the search index from the products, in the background when the
// admin asks for it, and knows how far it is. It is safe for concurrent use.
type Indexer struct {
	products *catalogue.Table
	index    *search.Index
	log      *slog.Logger
	ctx      context.Context // ends at Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	progress Progress
}

// Progress is how far the last build came.
type Progress struct {
	Running     bool
	Done, Total int // products
	Took        time.Duration
	Err         error // why it failed
}

// NewIndexer makes an indexer. Close ends it. What fails in the background goes to log.
func NewIndexer(products *catalogue.Table, index *search.Index, log *slog.Logger) *Indexer {
	ctx, cancel := context.WithCancel(context.Background())
	return &Indexer{products: products, index: index, log: log, ctx: ctx, cancel: cancel}
}

// Progress returns how far the build under way is, or how the last one ended.
func (i *Indexer) Progress() Progress {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.progress
}

// Count returns how many products can be found.
func (i *Indexer) Count(ctx context.Context) (int, error) { return i.index.Count(ctx) }

// Whole reports whether every product can be found, as far as their numbers tell.
func (i *Indexer) Whole(ctx context.Context) (bool, error) {
	products, err := i.products.Count(ctx, "")
	if err != nil {
		return false, err
	}
	indexed, err := i.index.Count(ctx)
	return indexed == products, err
}

// Start builds a new index in the background. It reports false when one is
// being built already, or after Close.
func (i *Indexer) Start() bool {
	if !i.begin() {
		return false
	}
	i.running.Go(func() {
		if err := i.build(i.ctx, nil); err != nil {
			i.log.Error("reindex failed", "error", err)
		}
	})
	return true
}

// Run builds a new index and waits for it. Report, if not nil, is told how far it is.
func (i *Indexer) Run(ctx context.Context, report func(done, total int)) error {
	if !i.begin() {
		return search.ErrRebuilding
	}
	return i.build(ctx, report)
}

func (i *Indexer) begin() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.progress.Running || i.closed {
		return false
	}
	i.progress = Progress{Running: true}
	return true
}

func (i *Indexer) build(ctx context.Context, report func(done, total int)) error {
	began := time.Now()
	total, err := i.products.Count(ctx, "")
	i.update(func(p *Progress) { p.Total = total })
	if err == nil {
		err = i.index.Rebuild(ctx, Documents(ctx, i.products), &search.RebuildOptions{BatchSize: 1000, Progress: func(made search.Progress) {
			i.update(func(p *Progress) { p.Done = made.Documents })
			if report != nil {
				report(made.Documents, total)
			}
		}})
	}
	i.update(func(p *Progress) { p.Running, p.Took, p.Err = false, time.Since(began), err })
	return err
}

func (i *Indexer) update(change func(*Progress)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.progress)
}

// Documents yields every product as the search index holds it.
func Documents(ctx context.Context, products *catalogue.Table) iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		for p, err := range products.All(ctx) {
			if err != nil {
				yield(search.Document{}, err)
				return
			}
			if !yield(catalogue.Document(&p), nil) {
				return
			}
		}
	}
}

// Close stops a build under way and waits until it has stopped. The old index stays.
func (i *Indexer) Close() error {
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.cancel()
	i.running.Wait()
	return nil
}
