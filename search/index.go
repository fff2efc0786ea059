package search

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
)

// Index is a searchable set of documents. All methods may be called at the same time.
type Index struct {
	driver  Driver
	schema  *schema
	given   Schema
	options Options

	synonyms atomic.Pointer[synonymSet]
	rules    atomic.Pointer[[]Rule]
	signals  atomic.Pointer[[]Signal]
	settings sync.Mutex // orders those who set them

	writes writeGate

	gate       sync.Mutex // guards closed, and that no operation begins after it is set
	closed     bool
	operations sync.WaitGroup
	lifetime   context.Context // ends when Close begins
	end        context.CancelFunc
	closing    sync.Once
	failed     error
}

// New makes an index of a driver. Backends call it in their Open; call it
// yourself for a driver of your own. The Index closes the driver.
func New(driver Driver, s Schema, opts *Options) (*Index, error) {
	if driver == nil {
		return nil, invalid("driver", "is nil")
	}
	checked, err := s.check()
	if err != nil {
		return nil, err
	}
	ix := &Index{driver: driver, schema: checked, given: s, options: opts.WithDefaults()}
	ix.lifetime, ix.end = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(ix.lifetime, loadTimeout)
	defer cancel()
	kept, err := ix.kept(ctx)
	if err == nil {
		err = ix.use(ctx, kept)
	}
	if err == nil {
		err = ix.resumeRebuild(ctx, kept)
	}
	if err != nil {
		ix.end()
		return nil, err
	}
	return ix, nil
}

// Schema returns the schema the index was opened with.
func (ix *Index) Schema() Schema { return ix.given }

// begin guards an operation against Close; done must be called when err is nil.
func (ix *Index) begin() (done func(), err error) {
	ix.gate.Lock()
	defer ix.gate.Unlock()
	if ix.closed {
		return nil, ErrClosed
	}
	ix.operations.Add(1)
	return ix.operations.Done, nil
}

// Close stops a rebuild, waits for the operations under way and closes the
// driver. Later calls return the same error.
func (ix *Index) Close() error {
	ix.closing.Do(func() {
		ix.gate.Lock()
		ix.closed = true
		ix.gate.Unlock()
		ix.end()
		ix.operations.Wait()
		ix.failed = errors.Join(ix.leave(), ix.driver.Close())
	})
	return ix.failed
}

// As finds the first driver in the chain that target points to, as errors.As
// does: var d *mydriver.Driver; ok := index.As(&d). Only drivers that export a
// type can be found.
func (ix *Index) As(target any) bool {
	if d, ok := ix.driver.(interface{ As(any) bool }); ok {
		return d.As(target)
	}
	return false
}

// WriteOptions say how a batch is written.
type WriteOptions struct {
	// Visible waits until searches find the change, on engines that show writes
	// late (Elasticsearch, about a second). On Bleve every write is visible at once.
	Visible bool
}

// Batch is a set of changes that are written together. The last change of an
// ID wins. The zero Batch is empty; it must not be used by two goroutines.
type Batch struct {
	changes []change
}

type change struct {
	doc    Document
	delete bool
}

// Put adds or replaces a document.
func (b *Batch) Put(docs ...Document) {
	for _, d := range docs {
		b.changes = append(b.changes, change{doc: d})
	}
}

// Delete removes documents.
func (b *Batch) Delete(ids ...string) {
	for _, id := range ids {
		b.changes = append(b.changes, change{doc: Document{ID: id}, delete: true})
	}
}

// DeleteVersion removes a document unless the index holds it in the same or a newer version.
func (b *Batch) DeleteVersion(id string, version int64) {
	b.changes = append(b.changes, change{doc: Document{ID: id, Version: version}, delete: true})
}

// Len returns the number of changes.
func (b *Batch) Len() int { return len(b.changes) }

// Put adds documents, or replaces those with the same ID. All are checked
// before any is written. Durable when it returns.
func (ix *Index) Put(ctx context.Context, docs ...Document) error {
	var b Batch
	b.Put(docs...)
	return ix.write(ctx, "search.put", &b, nil)
}

// Delete removes documents. It is no error when they are not there.
func (ix *Index) Delete(ctx context.Context, ids ...string) error {
	var b Batch
	b.Delete(ids...)
	return ix.write(ctx, "search.delete", &b, nil)
}

// Write writes a batch. When a document does not fit the schema, nothing is
// written. What single documents an engine refuses, for their version
// ([ErrConflict]), is told by a [*BatchError]; the others are written.
func (ix *Index) Write(ctx context.Context, b *Batch, opts *WriteOptions) error {
	return ix.write(ctx, "search.write", b, opts)
}

func (ix *Index) write(ctx context.Context, operation string, b *Batch, opts *WriteOptions) (err error) {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	ctx, end := ix.options.start(ctx, operation, slog.Int("documents", b.Len()))
	defer func() { end(err) }()

	ops, err := ix.prepare(b)
	if err != nil || len(ops) == 0 {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ix.writes.apply(ctx, ix.driver, ops, opts != nil && opts.Visible)
}

// prepare checks and analyses a batch; of changes to one ID it keeps the last.
func (ix *Index) prepare(b *Batch) ([]Op, error) {
	if len(b.changes) > ix.options.Limits.Batch {
		return nil, invalid("Batch", "has %d changes, more than %d", len(b.changes), ix.options.Limits.Batch)
	}
	prepared, err := ix.schema.prepareAll(b.changes)
	if err != nil {
		return nil, err
	}
	return lastOfEach(prepared), nil
}

// lastOfEach drops the ops that a later one of the same ID overtakes.
func lastOfEach(ops []Op) []Op {
	last := make(map[string]int, len(ops))
	for i, op := range ops {
		last[op.ID] = i
	}
	kept := make([]Op, 0, len(last))
	for i, op := range ops {
		if last[op.ID] == i {
			kept = append(kept, op)
		}
	}
	return kept
}

// Get returns a document with its stored fields, or [ErrNotFound].
func (ix *Index) Get(ctx context.Context, id string) (doc Document, err error) {
	done, err := ix.begin()
	if err != nil {
		return Document{}, err
	}
	defer done()
	ctx, end := ix.options.start(ctx, "search.get")
	defer func() { end(err) }()

	stored, err := ix.driver.Get(ctx, []string{id})
	if err != nil {
		return Document{}, err
	}
	if len(stored) == 0 {
		return Document{}, ErrNotFound
	}
	fields, err := ix.schema.decode(stored[0].Source, nil)
	return Document{ID: id, Fields: fields, Version: stored[0].Version}, err
}

// Count returns the number of documents.
func (ix *Index) Count(ctx context.Context) (int, error) {
	done, err := ix.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	return ix.driver.Count(ctx)
}

// Refresh makes all writes that have returned visible to searches. On an engine
// where they always are it does nothing.
func (ix *Index) Refresh(ctx context.Context) error {
	done, err := ix.begin()
	if err != nil {
		return err
	}
	defer done()
	if r, ok := ix.driver.(Refresher); ok {
		return r.Refresh(ctx)
	}
	return nil
}
