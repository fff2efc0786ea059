package search

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

// Change is one entry of a feed of changes.
type Change struct {
	Document Document // of a delete, only ID and Version count
	Delete   bool
	// Position is what a feed is given to go on after this change: a sequence number of an
	// outbox, the time and key of a row, an offset of a log. At most 1 KiB.
	Position string
}

// Feed yields the changes after a position in their order, from the beginning for "". It ends
// when there are no more for now. It is called again and again.
type Feed func(ctx context.Context, after string) iter.Seq2[Change, error]

// SyncOptions configure [Index.Sync]. The zero value and nil are the defaults.
type SyncOptions struct {
	// Name tells several feeds of one index apart: a-z, 0-9 and "-", at most 64 bytes. Default "default".
	Name string
	// BatchSize is the number of changes written at once; default 500.
	BatchSize int
	// Poll is how long Sync waits when the feed has no more changes, and at first when something fails. Default 1 s.
	Poll time.Duration
	// Once ends Sync without error as soon as the feed has no more changes.
	Once bool
	// Written is called after each batch is durably written, with its last position: delete the rows of
	// an outbox here. What it returns is handled as an error of the feed.
	Written func(ctx context.Context, position string) error
	// Invalid is called for a change that does not fit the schema. When it returns nil the change is
	// left out; without it, and with an error, Sync ends with that error.
	Invalid func(ctx context.Context, change Change, err error) error
}

const (
	maxPositionText = 1 << 10
	maxSyncPause    = 30 * time.Second
)

// Sync follows a feed of changes, such as an outbox that the shop's transactions write to, until ctx ends or the
// index is closed ([ErrClosed]). Each change is applied at least once, in order; the position is
// kept with the index after each batch, so that the next Sync of that name goes on there. Give the documents
// versions when anything else writes them too: an older one then changes nothing.
//
// A failing feed or engine is tried again after a pause that doubles up to 30 s, with a warning in
// the log; with Once it ends Sync. errors.ErrUnsupported when the engine cannot keep positions.
func (ix *Index) Sync(ctx context.Context, feed Feed, opts *SyncOptions) error {
	s, err := ix.newSync(feed, opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ix.lifetime, func() { cancel(ErrClosed) })()
	rest := s.options.Poll
	for {
		n, err := s.round(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && (s.options.Once || errors.Is(err, ErrInvalid) || errors.Is(err, ErrClosed)):
			return err
		case err != nil:
			ix.options.Logger.WarnContext(ctx, "search: sync failed, it is tried again", "feed", s.options.Name, "pause", rest, "error", err)
			if pause.For(ctx, rest) != nil {
				return context.Cause(ctx)
			}
			rest = min(2*rest, maxSyncPause)
			continue
		case n == 0 && s.options.Once:
			return nil
		}
		rest = s.options.Poll
		if n == 0 && pause.For(ctx, rest) != nil {
			return context.Cause(ctx)
		}
	}
}

type syncing struct {
	ix      *Index
	feed    Feed
	options SyncOptions
	keeper  Keeper
	after   string
	known   bool // after was read
}

func (ix *Index) newSync(feed Feed, opts *SyncOptions) (*syncing, error) {
	s := &syncing{ix: ix, feed: feed}
	if opts != nil {
		s.options = *opts
	}
	if s.options.Name == "" {
		s.options.Name = "default"
	}
	if s.options.BatchSize <= 0 {
		s.options.BatchSize = 500
	}
	if s.options.Poll <= 0 {
		s.options.Poll = time.Second
	}
	if feed == nil {
		return nil, invalid("feed", "is nil")
	}
	for i := range len(s.options.Name) {
		if c := s.options.Name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' || i >= maxName {
			return nil, invalid("Name", "must have 1 to %d of a-z, 0-9 and -", maxName)
		}
	}
	if s.options.BatchSize > ix.options.Limits.Batch {
		return nil, invalid("BatchSize", "%d is more than %d", s.options.BatchSize, ix.options.Limits.Batch)
	}
	var ok bool
	if s.keeper, ok = ix.driver.(Keeper); !ok {
		return nil, fmt.Errorf("search: sync: %w", errors.ErrUnsupported)
	}
	return s, nil
}

func (s *syncing) key() string { return "sync:" + s.options.Name }

// round applies the changes that the feed has now, and returns how many there were.
func (s *syncing) round(ctx context.Context) (n int, err error) {
	done, err := s.ix.begin()
	if err != nil {
		return 0, err
	}
	defer done()
	ctx, end := s.ix.options.start(ctx, "search.sync", slog.String("feed", s.options.Name))
	defer func() { end(err, slog.Int("changes", n)) }()
	if !s.known {
		kept, err := s.keeper.Kept(ctx)
		if err != nil {
			return 0, fmt.Errorf("search: sync: read position: %w", err)
		}
		s.after, s.known = string(kept[s.key()]), true
	}
	batch := make([]Change, 0, s.options.BatchSize)
	for c, err := range s.feed(ctx, s.after) {
		if err != nil {
			return n, errors.Join(fmt.Errorf("search: sync: read feed: %w", err), s.apply(ctx, batch))
		}
		if len(c.Position) > maxPositionText {
			return n, invalid("Position", "has %d bytes, more than %d", len(c.Position), maxPositionText)
		}
		n++
		if batch = append(batch, c); len(batch) == cap(batch) {
			if err := s.apply(ctx, batch); err != nil {
				return n, err
			}
			batch = batch[:0]
		}
		if ctx.Err() != nil {
			return n, ctx.Err()
		}
	}
	return n, s.apply(ctx, batch)
}

func (s *syncing) apply(ctx context.Context, batch []Change) error {
	if len(batch) == 0 {
		return nil
	}
	ops := make([]Op, 0, len(batch))
	for _, c := range batch {
		op, err := s.ix.schema.op(change{doc: c.Document, delete: c.Delete})
		if err != nil && s.options.Invalid != nil {
			if err = s.options.Invalid(ctx, c, err); err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("search: sync: %w", err)
		}
		ops = append(ops, op)
	}
	if ops = lastOfEach(withoutOlder(ops)); len(ops) > 0 {
		failed, err := asBatch(s.ix.writes.apply(ctx, s.ix.driver, ops, false))
		for _, f := range failed {
			if !errors.Is(f.Err, ErrConflict) { // the index has a newer one
				err = errors.Join(err, f.Err)
			}
		}
		if err != nil {
			return fmt.Errorf("search: sync: %w", err)
		}
	}
	position := batch[len(batch)-1].Position
	if err := s.keeper.Keep(ctx, s.key(), []byte(position)); err != nil {
		return fmt.Errorf("search: sync: keep position: %w", err)
	}
	s.after = position
	if s.options.Written != nil {
		if err := s.options.Written(ctx, position); err != nil {
			return fmt.Errorf("search: sync: %w", err)
		}
	}
	return nil
}

// withoutOlder drops the ops whose version is not above that of an earlier one of the same ID.
func withoutOlder(ops []Op) []Op {
	newest := make(map[string]int64, len(ops))
	return slices.DeleteFunc(ops, func(op Op) bool {
		if op.Version > 0 && op.Version <= newest[op.ID] {
			return true
		}
		newest[op.ID] = max(newest[op.ID], op.Version)
		return false
	})
}
