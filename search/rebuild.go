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

	"github.com/seed82d84382/commerce/internal/pause"
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
	// Sample is how many documents, picked at random, are read back from the new index and
	// compared with what was written, before it becomes live. 0 is 200, -1 none.
	Sample int
}

// Progress is how far a rebuild, or [Index.PutAll], has come.
type Progress struct {
	Documents int     // read from the source, before an interruption too; of PutAll those that are durable
	Rate      float64 // documents a second, on average, since it began or was resumed
	Elapsed   time.Duration
	Last      string // ID of the last document of the source that the index holds
}

const defaultSample = 200

// Rebuild fills a new index from source and then puts it in the place of the old one.
//
// Searches are answered by the old index until then. Documents that are put or
// deleted meanwhile go to both, and win over what source says of them: source may
// be a snapshot. The new index becomes live, atomically and durably, only after
// its number of documents and a sample of them were found to be right; on any error, and after a crash,
// the old one stays. Only the writes of this process are seen: when several write
// to one Elasticsearch, they must give their documents versions.
//
// [ErrRebuilding] when one is under way, [ErrClosed] when Close ends it, errors.ErrUnsupported when the engine cannot.
func (ix *Index) Rebuild(ctx context.Context, source iter.Seq2[Document, error], opts *RebuildOptions) error {
	return ix.rebuild(ctx, opts, false, func(string) iter.Seq2[Document, error] { return source })
}

// RebuildFrom is [Index.Rebuild] for a source that can go on after a document. A rebuild that fails,
// or that ends with the process, is not thrown away: writes go on to both indexes, also
// after the next Open, and the next RebuildFrom takes up where it stopped. source is
// called once, with the ID of the last document that the new index holds, or with "" at the beginning;
// it must yield the documents in the same order each time.
//
// [Index.Rebuild], and [Index.AbandonRebuild], give up what was left.
// errors.ErrUnsupported when the engine cannot keep a half-filled index.
func (ix *Index) RebuildFrom(ctx context.Context, source func(after string) iter.Seq2[Document, error], opts *RebuildOptions) error {
	return ix.rebuild(ctx, opts, true, source)
}

func (ix *Index) rebuild(ctx context.Context, opts *RebuildOptions, resumable bool, source func(string) iter.Seq2[Document, error]) (err error) {
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

	o, err := ix.rebuildOptions(opts)
	if err != nil {
		return err
	}
	r, err := ix.beginRebuild(ctx, o, resumable)
	if err != nil {
		return err
	}
	if err = r.fill(ctx, source(r.last)); err == nil {
		err = r.promote(ctx)
	}
	read = r.read
	if err == nil {
		ix.writes.endRebuild()
		return nil
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil { // also when the engine noticed first
		err = context.Cause(ctx)
	}
	if resumable && !r.isBroken() {
		r.pause()
		return fmt.Errorf("search: rebuild: %w", err)
	}
	ix.writes.endRebuild()
	r.discard(ctx)
	return fmt.Errorf("search: rebuild: %w", err)
}

func (ix *Index) rebuildOptions(opts *RebuildOptions) (RebuildOptions, error) {
	var o RebuildOptions
	if opts != nil {
		o = *opts
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 500
	}
	if o.BatchSize > ix.options.Limits.Batch {
		return o, invalid("BatchSize", "%d is more than %d", o.BatchSize, ix.options.Limits.Batch)
	}
	switch {
	case o.Sample == 0:
		o.Sample = defaultSample
	case o.Sample < 0:
		o.Sample = 0
	}
	return o, nil
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
	if g.rebuild != nil && !g.rebuild.paused {
		return ErrRebuilding
	}
	return do()
}

func (g *writeGate) endRebuild() {
	g.Lock()
	defer g.Unlock()
	g.rebuild = nil
}

// rebuild is one that is under way, or paused. IDs are kept as 64-bit hashes: a catalogue
// of a million documents takes some ten megabytes.
type rebuild struct {
	ix         *Index
	options    RebuildOptions
	resumable  bool
	paused     bool // guarded by the writeGate
	generation Generation
	started    time.Time
	seed       maphash.Seed

	mu      sync.Mutex // orders writes, so that both indexes see them in the same order
	broken  error      // a write reached the old index but not the new one
	over    bool
	live    map[uint64]bool // in the new index
	touched map[uint64]bool // changed since the beginning: the source is behind on them
	sample  sample
	read    int
	resumed int    // of read, before the rebuild was resumed
	last    string // ID of the last document of the source that is written
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
			op.Changed = r.resumable
			accepted = append(accepted, op)
		}
	}
	for _, op := range accepted {
		r.sample.change(op)
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
			return fmt.Errorf("read source after %d documents: %w", r.read+len(batch), err)
		}
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
	if len(batch) == 0 {
		return nil
	}
	ops, err := r.ix.schema.prepareAll(batch)
	if err != nil {
		return err
	}
	if err := r.writeSource(ctx, lastOfEach(ops)); err != nil {
		return err
	}
	r.last = batch[len(batch)-1].doc.ID
	r.read += len(batch)
	if err := r.checkpoint(ctx); err != nil {
		return err
	}
	elapsed := time.Since(r.started)
	if r.options.Progress != nil {
		r.options.Progress(Progress{Documents: r.read, Elapsed: elapsed, Last: r.last, Rate: float64(r.read-r.resumed) / max(elapsed.Seconds(), 1e-9)})
	}
	if r.options.Rate <= 0 {
		return nil
	}
	ahead := time.Duration(float64(r.read-r.resumed)/float64(r.options.Rate)*float64(time.Second)) - elapsed
	if ahead <= 0 {
		return nil
	}
	if pause.For(ctx, ahead) != nil {
		return context.Cause(ctx)
	}
	return nil
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
		r.sample.offer(op, r.options.Sample)
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
	if err := r.sample.verify(ctx, r.generation); err != nil {
		return err
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
	r.forget(ctx)
	return nil
}
