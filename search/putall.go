package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"
)

// PutAllOptions configure [Index.PutAll]. The zero value and nil are the defaults.
type PutAllOptions struct {
	BatchSize int // documents written at once; default 1000
	// Progress is told after each batch, by the goroutine that called PutAll.
	Progress func(Progress)
}

const (
	defaultPutBatch = 1000
	// batchesAtOnce is how many batches of PutAll are written at the same time: an engine waits for its disk or
	// its network for a part of each.
	batchesAtOnce = 2
)

// PutAll puts all documents of source, in batches: the next one is read and analysed while
// two others are written. A later document with the same ID replaces an earlier one. A document whose version is not above the stored one is left out.
//
// It ends at the first error: that of the source, that of a document which does not fit the schema, or one of the
// engine. written is how many documents at the beginning of source are durable; some after them may be too.
// [ErrClosed] when Close ends it.
func (ix *Index) PutAll(ctx context.Context, source iter.Seq2[Document, error], opts *PutAllOptions) (written int, err error) {
	done, err := ix.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ix.lifetime, func() { cancel(ErrClosed) })()
	ctx, end := ix.options.start(ctx, "search.putall")
	defer func() { end(err, slog.Int("documents", written)) }()

	p := putAll{ix: ix, size: defaultPutBatch, started: time.Now()}
	if opts != nil {
		p.progress = opts.Progress
		if opts.BatchSize > 0 {
			p.size = opts.BatchSize
		}
	}
	if p.size > ix.options.Limits.Batch {
		return 0, invalid("BatchSize", "%d is more than %d", p.size, ix.options.Limits.Batch)
	}
	err = p.read(ctx, source)
	for len(p.flying) > 0 {
		if late := p.land(); err == nil {
			err = late
		}
	}
	if err != nil && errors.Is(err, context.Canceled) && ctx.Err() != nil { // also when the engine noticed first
		err = context.Cause(ctx)
	}
	return p.written, err
}

// putAll is a PutAll under way.
type putAll struct {
	ix       *Index
	size     int
	progress func(Progress)
	started  time.Time
	flying   []flight // the oldest first
	written  int
	failed   bool // a batch was not written: what comes after it does not count
}

// flight is a batch being written.
type flight struct {
	changes []change
	ids     map[string]bool
	done    chan error
}

func (p *putAll) read(ctx context.Context, source iter.Seq2[Document, error]) error {
	var batch []change
	read := 0
	for doc, err := range source {
		if err != nil {
			return fmt.Errorf("search: read source after %d documents: %w", read, err)
		}
		read++
		if batch = append(batch, change{doc: doc}); len(batch) < p.size {
			continue
		}
		if err := p.launch(ctx, batch); err != nil {
			return err
		}
		batch = nil
	}
	return p.launch(ctx, batch)
}

// launch begins to write a batch, when others have made room. One with an ID that is being written waits for it.
func (p *putAll) launch(ctx context.Context, batch []change) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(batch) == 0 {
		return nil
	}
	prepared, err := p.ix.schema.prepareAll(batch)
	if err != nil {
		return err
	}
	ops := lastOfEach(prepared)
	f := flight{changes: batch, ids: make(map[string]bool, len(ops)), done: make(chan error, 1)}
	for _, op := range ops {
		f.ids[op.ID] = true
	}
	for len(p.flying) >= batchesAtOnce || slices.ContainsFunc(p.flying, f.meets) {
		if err := p.land(); err != nil {
			return err
		}
	}
	p.flying = append(p.flying, f)
	go func() { f.done <- p.ix.writes.apply(ctx, p.ix.driver, ops, false) }()
	return nil
}

// meets says whether both write a document of the same ID.
func (f flight) meets(other flight) bool {
	for id := range f.ids {
		if other.ids[id] {
			return true
		}
	}
	return false
}

// land waits for the oldest batch.
func (p *putAll) land() error {
	f := p.flying[0]
	p.flying = p.flying[1:]
	refused, err := asBatch(<-f.done)
	refused = slices.DeleteFunc(refused, func(d DocumentError) bool { return errors.Is(d.Err, ErrConflict) })
	if err == nil {
		err = batchError(refused)
	}
	if p.failed = p.failed || err != nil; p.failed {
		return err
	}
	p.written += len(f.changes)
	if p.progress != nil {
		elapsed := time.Since(p.started)
		p.progress(Progress{Documents: p.written, Elapsed: elapsed, Last: f.changes[len(f.changes)-1].doc.ID,
			Rate: float64(p.written) / max(elapsed.Seconds(), 1e-9)})
	}
	return nil
}
