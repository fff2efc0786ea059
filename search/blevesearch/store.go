package blevesearch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/index/scorch/mergeplan"
	index "github.com/blevesearch/bleve_index_api"
	zap "github.com/blevesearch/zapx/v17"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/seed82d84382/commerce/search"
)

// store is one generation: a Bleve index in a directory.
type store struct {
	schema search.Schema
	layout *layout
	index  index.Index
	queue  *index.AnalysisQueue

	versions sync.Mutex // orders the writes that compare versions

	latest  atomic.Pointer[state] // of the search that saw the newest state
	columns columnCache

	measuring sync.Mutex
	measured  map[string]measured // by field
}

// lockTimeout is how long an index that another process holds is waited for.
const lockTimeout = 500 * time.Millisecond

// analysers are Bleve's goroutines for our analysed documents: there is nothing left for them to do.
const analysers = 1

func openStore(dir string, schema search.Schema, temporary bool) (*store, error) {
	config := map[string]any{
		"path":         dir,
		"bolt_timeout": lockTimeout.String(),
		"unsafe_batch": temporary, // nothing needs to outlive the process

		"forceSegmentType":    segmentType,
		"forceSegmentVersion": int(zap.Version),

		// Fewer segments than Bleve's own 10: each repeats its words, and a search reads every one.
		"scorchMergePlanOptions": map[string]any{"MaxSegmentsPerTier": 4, "SegmentsPerMergeTask": 4},
	}
	queue := index.NewAnalysisQueue(analysers)
	idx, err := scorch.NewScorch(scorch.Name, config, queue)
	if err == nil {
		err = idx.Open()
	}
	if err != nil {
		queue.Close()
		if errors.Is(err, bolterrors.ErrTimeout) {
			return nil, search.ErrInUse
		}
		return nil, fmt.Errorf("search: open index: %w", err)
	}
	return &store{schema: schema, layout: newLayout(schema), measured: map[string]measured{}, index: idx, queue: queue}, nil
}

// merge puts everything into one segment, as it is best searched, and removes the others' files.
func (s *store) merge(ctx context.Context) error {
	merger, ok := s.index.(interface {
		ForceMerge(context.Context, *mergeplan.MergePlanOptions) error
	})
	if !ok {
		return nil
	}
	if err := merger.ForceMerge(ctx, &mergeplan.SingleSegmentMergePlanOptions); err != nil {
		return fmt.Errorf("search: merge: %w", err)
	}
	return s.flush() // what is written next lets the old files go
}

func (s *store) close() error {
	err := s.index.Close()
	for range analysers {
		s.queue.Close()
	}
	return err
}

// flush waits until all that was written is in files. The batches of a temporary store do
// not, and what is not there yet is lost when it is closed.
func (s *store) flush() error {
	done := make(chan error, 1)
	batch := index.NewBatch()
	batch.SetInternal([]byte("flushed"), []byte{1})
	batch.SetPersistedCallback(func(err error) {
		select {
		case done <- err:
		default: // answered already
		}
	})
	if err := s.index.Batch(batch); err != nil {
		return fmt.Errorf("search: write: %w", err)
	}
	return <-done
}

func (s *store) write(ctx context.Context, ops []search.Op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	versioned := false
	for _, op := range ops {
		versioned = versioned || op.Version > 0
	}
	var failed []search.DocumentError
	if versioned {
		s.versions.Lock()
		defer s.versions.Unlock()
		var err error
		if ops, failed, err = s.newer(ops); err != nil {
			return err
		}
	}
	if len(ops) > 0 {
		batch := index.NewBatch()
		for i, op := range ops {
			if op.Entry == nil && op.Version == 0 && !op.Changed {
				batch.Delete(op.ID)
				continue
			}
			batch.Update(&document{op: op, at: i, layout: s.layout})
		}
		if err := s.index.Batch(batch); err != nil {
			return fmt.Errorf("search: write: %w", err)
		}
	}
	if len(failed) > 0 {
		return &search.BatchError{Failed: failed}
	}
	return nil
}

// newer keeps the ops whose version is above the stored one, or that have none.
func (s *store) newer(ops []search.Op) (kept []search.Op, failed []search.DocumentError, err error) {
	reader, err := s.index.Reader()
	if err != nil {
		return nil, nil, fmt.Errorf("search: read: %w", err)
	}
	defer reader.Close()
	for _, op := range ops {
		if op.Version > 0 {
			stored, _, err := readStored(reader, op.ID)
			if err != nil {
				return nil, nil, err
			}
			if stored.Version >= op.Version {
				failed = append(failed, search.DocumentError{ID: op.ID, Err: search.ErrConflict})
				continue
			}
		}
		kept = append(kept, op)
	}
	return kept, failed, nil
}

// readStored reads what is stored of an ID. A tombstone has a version, but is not a document.
func readStored(reader index.IndexReader, id string) (stored search.Stored, document bool, err error) {
	doc, err := reader.Document(id)
	if err != nil {
		return stored, false, fmt.Errorf("search: read document: %w", err)
	}
	if doc == nil {
		return stored, false, nil
	}
	stored.ID = id
	doc.VisitFields(func(f index.Field) {
		switch f.Name() {
		case fieldSource:
			document = true
			stored.Source = append([]byte(nil), f.Value()...)
		case fieldVersion:
			if len(f.Value()) == 8 {
				stored.Version = int64(binary.BigEndian.Uint64(f.Value()))
			}
		}
	})
	return stored, document, nil
}

func (s *store) get(ids []string) ([]search.Stored, error) {
	reader, err := s.index.Reader()
	if err != nil {
		return nil, fmt.Errorf("search: read: %w", err)
	}
	defer reader.Close()
	var found []search.Stored
	for _, id := range ids {
		stored, document, err := readStored(reader, id)
		if err != nil {
			return nil, err
		}
		if document {
			found = append(found, stored)
		}
	}
	return found, nil
}

func (s *store) count() (int, error) {
	reader, err := s.index.Reader()
	if err != nil {
		return 0, fmt.Errorf("search: read: %w", err)
	}
	defer reader.Close()
	postings, err := reader.TermFieldReader(context.Background(), []byte(liveTerm), search.FieldText, false, false, false)
	if err != nil {
		return 0, fmt.Errorf("search: count: %w", err)
	}
	defer postings.Close()
	return int(postings.Count()), nil
}
