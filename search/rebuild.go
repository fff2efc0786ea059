package search

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// RebuildOptions configure [Index.Rebuild]. The zero value and nil are the defaults.
type RebuildOptions struct {
	BatchSize int // documents written at once; default 500
	// Rate bounds the documents a second, so that searches stay quick; 0 is no bound.
	Rate int
	// Progress is told after each batch, by the goroutine that called Rebuild.
	Progress func(Progress)
	// Keep keeps the old index, for [Index.Rollback], until the next rebuild.
	Keep bool
	// AllowEmpty lets a source without any document replace an index that has
	// some. Without it that is an error, because it is mostly an accident.
	AllowEmpty bool
}

// Progress is how far a rebuild has come.
type Progress struct {
	Documents int     // read from the source
	Rate      float64 // documents a second, on average
	Elapsed   time.Duration
}

// Rebuild fills a new index from source and then puts it in the place of the old one.
//
// Searches are answered by the old index until then. Documents that are put or
// deleted meanwhile go to both, and win over what source says of them: source may
// be a snapshot. The new index becomes live, atomically and durably, only after
// its number of documents was found to be right; on any error, and after a crash,
// the old one stays. Only the writes of this process are seen: when several write
// to one Elasticsearch, they must give their documents versions.
//
// [ErrRebuilding] when one is under way, [ErrClosed] when Close ends it, errors.ErrUnsupported when the engine cannot.
func (ix *Index) Rebuild(ctx context.Context, source iter.Seq2[Document, error], opts *RebuildOptions) (err error) {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ix.lifetime, func() { cancel(ErrClosed) })()
	ctx, end := ix.options.start(ctx, "search.rebuild")
	read := 0
	defer func() { end(err, slog.Int("documents", read)) }()

	rebuilder, ok := ix.driver.(Rebuilder)
	if !ok {
		return fmt.Errorf("search: rebuild: %w", errors.ErrUnsupported)
	}
	var o RebuildOptions
	if opts != nil {
		o = *opts
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 500
	}
	if o.BatchSize > ix.options.Limits.Batch {
		return invalid("BatchSize", "%d is more than %d", o.BatchSize, ix.options.Limits.Batch)
	}
	r := &rebuild{ix: ix, options: o, started: time.Now(), live: map[uint64]bool{}, touched: map[uint64]bool{}, seed: maphash.MakeSeed()}
	if err := ix.writes.beginRebuild(ctx, r, rebuilder); err != nil {
		return err
	}
	defer ix.writes.endRebuild()
	if err = r.fill(ctx, source); err == nil {
		err = r.promote(ctx)
	}
	read = r.read
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // also when the engine noticed first
		err = context.Cause(ctx)
	}
	// The old index stays; what was filled must go even when ctx has ended.
	if discard := r.generation.Discard(context.WithoutCancel(ctx)); discard != nil {
		ix.options.Logger.WarnContext(ctx, "search: remove abandoned rebuild", "error", discard)
	}
	return fmt.Errorf("search: rebuild: %w", err)
}

// Rollback returns to the index that the last Rebuild with Keep replaced.
// Writes since then are not in it. [ErrNotFound] when none was kept.
func (ix *Index) Rollback(ctx context.Context) (err error) {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.rollback")
	defer func() { end(err) }()
	r, ok := ix.driver.(Rollbacker)
	if !ok {
		return fmt.Errorf("search: rollback: %w", errors.ErrUnsupported)
	}
	return ix.writes.alone(func() error { return r.Rollback(ctx) })
}

// writeGate lets writes pass side by side, and through one by one, to both
// indexes, while a rebuild is under way.
type writeGate struct {
	sync.RWMutex
	rebuild *rebuild
}

func (g *writeGate) apply(ctx context.Context, driver Driver, ops []Op, visible bool) error {
	g.RLock()
	defer g.RUnlock()
	if g.rebuild == nil {
		return driver.Write(ctx, ops, visible)
	}
	return g.rebuild.write(ctx, driver, ops, visible)
}

func (g *writeGate) alone(do func() error) error {
	g.Lock()
	defer g.Unlock()
	if g.rebuild != nil {
		return ErrRebuilding
	}
	return do()
}

func (g *writeGate) beginRebuild(ctx context.Context, r *rebuild, rebuilder Rebuilder) error {
	return g.alone(func() error {
		generation, err := rebuilder.Begin(ctx)
		if err != nil {
			return fmt.Errorf("search: rebuild: %w", err)
		}
		r.generation = generation
		g.rebuild = r
		return nil
	})
}

func (g *writeGate) endRebuild() {
	g.Lock()
	defer g.Unlock()
	g.rebuild = nil
}

// rebuild is one that is under way. IDs are kept as 64-bit hashes: a catalogue
// of a million documents takes some ten megabytes.
type rebuild struct {
	ix         *Index
	options    RebuildOptions
	generation Generation
	started    time.Time
	seed       maphash.Seed

	mu      sync.Mutex // orders writes, so that both indexes see them in the same order
	broken  error      // a write reached the old index but not the new one
	over    bool
	live    map[uint64]bool // in the new index
	touched map[uint64]bool // changed since the beginning: the source is behind on them
	read    int
}

func (r *rebuild) key(id string) uint64 { return maphash.String(r.seed, id) }

// write passes a change to both indexes. The caller is told of the old one,
// which is live; when only the new one fails, the rebuild does.
func (r *rebuild) write(ctx context.Context, driver Driver, ops []Op, visible bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed, err := asBatch(driver.Write(ctx, ops, visible))
	if r.over {
		return errors.Join(err, batchError(failed))
	}
	if err != nil {
		// Perhaps written, perhaps not: the new index cannot know.
		r.broken = fmt.Errorf("a write to the live index failed: %w", err)
		return err
	}
	refused := make(map[string]bool, len(failed))
	for _, f := range failed {
		refused[f.ID] = true
	}
	accepted := make([]Op, 0, len(ops))
	for _, op := range ops {
		if !refused[op.ID] {
			accepted = append(accepted, op)
		}
	}
	for _, op := range accepted {
		r.touched[r.key(op.ID)] = true
		if op.Entry != nil {
			r.live[r.key(op.ID)] = true
		} else {
			delete(r.live, r.key(op.ID))
		}
	}
	// The live write counts: it must reach the new index even if ctx ends now.
	if len(accepted) > 0 && r.broken == nil {
		r.broken = r.fillWith(context.WithoutCancel(ctx), accepted)
	}
	return batchError(failed)
}

// fillWith writes to the new index. A version conflict is no failure: the new
// index then holds a newer document already.
func (r *rebuild) fillWith(ctx context.Context, ops []Op) error {
	failed, err := asBatch(r.generation.Write(ctx, ops, false))
	failed = slices.DeleteFunc(failed, func(f DocumentError) bool { return errors.Is(f.Err, ErrConflict) })
	return errors.Join(err, batchError(failed))
}

func (r *rebuild) fill(ctx context.Context, source iter.Seq2[Document, error]) error {
	batch := make([]change, 0, r.options.BatchSize)
	for doc, err := range source {
		if err != nil {
			return fmt.Errorf("read source after %d documents: %w", r.read, err)
		}
		r.read++
		batch = append(batch, change{doc: doc})
		if len(batch) == cap(batch) {
			if err := r.flush(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return r.flush(ctx, batch)
}

// flush writes a batch of the source, without the documents that were changed meanwhile.
func (r *rebuild) flush(ctx context.Context, batch []change) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ops, err := r.ix.schema.prepareAll(batch)
	if err != nil {
		return err
	}
	if err := r.writeSource(ctx, lastOfEach(ops)); err != nil {
		return err
	}
	elapsed := time.Since(r.started)
	if r.options.Progress != nil {
		r.options.Progress(Progress{Documents: r.read, Elapsed: elapsed, Rate: float64(r.read) / max(elapsed.Seconds(), 1e-9)})
	}
	if r.options.Rate <= 0 {
		return nil
	}
	ahead := time.Duration(float64(r.read)/float64(r.options.Rate)*float64(time.Second)) - elapsed
	if ahead <= 0 {
		return nil
	}
	pause := time.NewTimer(ahead)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-pause.C:
		return nil
	}
}

func (r *rebuild) writeSource(ctx context.Context, ops []Op) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	current := slices.DeleteFunc(ops, func(op Op) bool { return r.touched[r.key(op.ID)] })
	for _, op := range current {
		r.live[r.key(op.ID)] = true
	}
	if len(current) == 0 {
		return nil
	}
	return r.fillWith(ctx, current)
}

// promote compares the counts and swaps, with writes waiting.
func (r *rebuild) promote(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.broken != nil {
		return r.broken
	}
	count, err := r.generation.Count(ctx)
	if err != nil {
		return err
	}
	if count != len(r.live) {
		return fmt.Errorf("the new index holds %d documents, not %d", count, len(r.live))
	}
	if count == 0 && !r.options.AllowEmpty {
		if old, err := r.ix.driver.Count(ctx); err != nil {
			return err
		} else if old > 0 {
			return invalid("source", "has no documents; AllowEmpty lets it replace the index of %d", old)
		}
	}
	if err := r.generation.Promote(ctx, r.options.Keep); err != nil {
		return err
	}
	r.over = true
	return nil
}
