package elasticsearch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/search"
)

const (
	maxBulkOps   = 1000             // of one request
	shardTimeout = 10 * time.Second // for which the server waits for a primary shard, at most
	opRoom       = 256              // bytes that an op may be longer than those before it, for which there is room
	versionTries = 20               // of a document that others change at the same time
)

// Write implements [search.Driver].
func (d *driver) Write(ctx context.Context, ops []search.Op, visible bool) error {
	return d.write(ctx, d.name, ops, visible)
}

// write sends ops to an alias, in parts. A part waits for one of the driver's
// workers: a server that slows one part down so slows down who writes.
func (d *driver) write(ctx context.Context, alias string, ops []search.Op, visible bool) error {
	w := &writing{driver: d, alias: alias, wait: visible && d.options.Refresh > 0}
	var parts sync.WaitGroup
	for _, part := range d.parts(ops) {
		if err := d.acquire(ctx); err != nil {
			w.fail(nil, err)
			break
		}
		parts.Go(func() {
			defer func() { <-d.workers }()
			if part[0].Version > 0 {
				w.fail(w.versioned(ctx, part))
			} else {
				failed, _, err := w.send(ctx, part, nil)
				w.fail(failed, err)
			}
		})
	}
	parts.Wait()
	if w.err == nil && visible && !w.wait {
		w.err = d.refresh(ctx, alias)
	}
	switch {
	case w.err != nil:
		return w.err
	case len(w.failed) > 0:
		return &search.BatchError{Failed: w.failed}
	}
	return nil
}

func (d *driver) acquire(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case d.workers <- struct{}{}:
		return ctx.Err()
	}
}

// parts cuts ops, those with a version apart from the others, so that no part is too large.
func (d *driver) parts(ops []search.Op) [][]search.Op {
	var parts [][]search.Op
	for _, versioned := range []bool{false, true} {
		var part []search.Op
		size := 0
		for _, op := range ops {
			if op.Version > 0 != versioned {
				continue
			}
			bytes := sizeOf(op)
			if len(part) > 0 && (len(part) == maxBulkOps || size+bytes > d.options.BatchBytes) {
				parts = append(parts, part)
				part, size = nil, 0
			}
			part, size = append(part, op), size+bytes
		}
		if len(part) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// sizeOf estimates what an op takes in the body of a request.
func sizeOf(op search.Op) int {
	size := 100 + 2*len(op.ID)
	if op.Entry == nil {
		return size
	}
	size += len(op.Entry.Source)
	for _, run := range op.Entry.Texts {
		for _, t := range run.Terms {
			size += run.Weight * (len(t) + 1)
		}
		for _, c := range run.Chars {
			size += run.Weight * (len(c) + 1)
		}
	}
	for _, list := range [][]string{op.Entry.Words, op.Entry.Phrases, op.Entry.Starts, op.Entry.Present} {
		for _, t := range list {
			size += len(t) + 3
		}
	}
	for _, values := range op.Entry.Values {
		for _, v := range values {
			size += 20
			if s, ok := v.(string); ok {
				size += 2 * len(s)
			}
		}
	}
	return size
}

// writing is one write under way.
type writing struct {
	driver *driver
	alias  string
	wait   bool // for the next refresh

	mu     sync.Mutex
	failed []search.DocumentError
	err    error

	uncertain atomic.Bool // a request had no answer: it may have been done
}

func (w *writing) fail(failed []search.DocumentError, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = append(w.failed, failed...)
	if w.err == nil {
		w.err = err
	}
}

// send writes ops, and again those that the server has no room for. It returns
// the ops that were refused, and those whose condition did not hold.
func (w *writing) send(ctx context.Context, ops []search.Op, conditions []condition) (failed []search.DocumentError, changed []search.Op, err error) {
	deadline := time.Now().Add(w.driver.options.Patience)
	for try := 1; ; try++ {
		items, err := w.bulk(ctx, ops, conditions)
		if isStatus(err, http.StatusRequestEntityTooLarge) {
			f, c, err := w.halve(ctx, ops, conditions)
			return append(failed, f...), append(changed, c...), err
		}
		if err != nil {
			return failed, changed, err
		}
		var again []search.Op
		var under []condition
		var last error
		for i, item := range items {
			switch {
			case item.done():
			case item.Status == http.StatusConflict:
				changed = append(changed, ops[i])
			case temporary(item.Status):
				again, last = append(again, ops[i]), item.Problem.error(item.Status)
				if conditions != nil {
					under = append(under, conditions[i])
				}
			default:
				failed = append(failed, search.DocumentError{ID: ops[i].ID, Err: item.refusal()})
			}
		}
		if len(again) == 0 {
			return failed, changed, nil
		}
		if w.driver.options.Patience < 0 || !time.Now().Before(deadline) {
			for _, op := range again {
				failed = append(failed, search.DocumentError{ID: op.ID, Err: last})
			}
			return failed, changed, nil
		}
		if err := pause.For(ctx, backoff(try)); err != nil {
			return failed, changed, err
		}
		ops, conditions = again, under
	}
}

// halve sends a part that is too large for the server as two.
func (w *writing) halve(ctx context.Context, ops []search.Op, conditions []condition) (failed []search.DocumentError, changed []search.Op, err error) {
	if len(ops) == 1 {
		err := &search.InvalidError{Document: ops[0].ID, Field: "document", Reason: "is larger than the server takes in one request"}
		return []search.DocumentError{{ID: ops[0].ID, Err: err}}, nil, nil
	}
	middle := len(ops) / 2
	for _, half := range [][2]int{{0, middle}, {middle, len(ops)}} {
		var under []condition
		if conditions != nil {
			under = conditions[half[0]:half[1]]
		}
		f, c, err := w.send(ctx, ops[half[0]:half[1]], under)
		failed, changed = append(failed, f...), append(changed, c...)
		if err != nil {
			return failed, changed, err
		}
	}
	return failed, changed, nil
}

// versioned writes ops whose version is above the stored one. Another writer may
// come between reading that and writing: then the server refuses, and we look again.
func (w *writing) versioned(ctx context.Context, ops []search.Op) (failed []search.DocumentError, err error) {
	w = &writing{driver: w.driver, alias: w.alias, wait: w.wait} // what is uncertain is so of this part only
	for range versionTries {
		list := make([]string, len(ops))
		for i, op := range ops {
			list[i] = op.ID
		}
		stored, err := w.driver.read(ctx, w.alias, list, true)
		if err != nil {
			return failed, err
		}
		var newer []search.Op
		var conditions []condition
		for i, op := range ops {
			doc := stored[i]
			version := int64(0)
			if doc.Found {
				version = doc.Source.Version
			}
			switch {
			case version < op.Version:
				newer = append(newer, op)
				conditions = append(conditions, condition{set: true, absent: !doc.Found, seq: doc.Seq, term: doc.Term})
			case w.uncertain.Load() && version == op.Version: // it was this write, whose answer was lost
			default:
				failed = append(failed, search.DocumentError{ID: op.ID, Err: search.ErrConflict})
			}
		}
		if len(newer) == 0 {
			return failed, nil
		}
		refused, changed, err := w.send(ctx, newer, conditions)
		failed = append(failed, refused...)
		if err != nil || len(changed) == 0 {
			return failed, err
		}
		ops = changed
	}
	for _, op := range ops {
		err := fmt.Errorf("search: document changed %d times while it was written: %w", versionTries, search.ErrUnavailable)
		failed = append(failed, search.DocumentError{ID: op.ID, Err: err})
	}
	return failed, nil
}

// bulkItem is what became of one op.
type bulkItem struct {
	Status  int
	Problem *cause
}

// bulkAnswer is what the server says to one bulk request.
type bulkAnswer []bulkItem

func (a *bulkAnswer) scan(s *scanner) {
	s.object(func(key []byte) {
		if string(key) != "items" {
			s.skip()
			return
		}
		s.array(func() {
			var item bulkItem
			s.object(func([]byte) { // the action
				s.object(func(key []byte) {
					switch string(key) {
					case "status":
						item.Status = s.int()
					case "error":
						s.decode(&item.Problem)
					default:
						s.skip()
					}
				})
			})
			*a = append(*a, item)
		})
	})
}

func (i bulkItem) done() bool {
	return i.Status/100 == 2 || i.Status == http.StatusNotFound && i.Problem == nil // deleting nothing
}

func (i bulkItem) refusal() error {
	if i.Problem == nil {
		return &Error{Status: i.Status, Type: http.StatusText(i.Status)}
	}
	if i.Problem.Type == "strict_dynamic_mapping_exception" {
		return fmt.Errorf("%w: %w", search.ErrSchema, i.Problem.error(i.Status))
	}
	return i.Problem.error(i.Status)
}

// bulk is one request. It returns an item an op.
func (w *writing) bulk(ctx context.Context, ops []search.Op, conditions []condition) ([]bulkItem, error) {
	body := make([]byte, 0, (int(w.driver.opBytes.Load())+opRoom)*len(ops))
	for i, op := range ops {
		var c condition
		if conditions != nil {
			c = conditions[i]
		}
		body = w.driver.appendOp(body, op, c)
	}
	w.driver.opBytes.Store(int64(len(body) / len(ops)))
	if w.driver.maxBody > 0 && len(body) > w.driver.maxBody {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Type: "too_large", Reason: fmt.Sprintf("a request of %d bytes", len(body))}
	}
	wait := max(min(shardTimeout, w.driver.options.Patience), time.Millisecond)
	path := "/" + w.alias + "/_bulk?require_alias=true&timeout=" + milliseconds(wait) +
		"&filter_path=items.*.status,items.*.error.type,items.*.error.reason"
	if w.wait {
		path += "&refresh=wait_for"
	}
	text, err := w.driver.client.do(ctx, call{method: http.MethodPost, path: path, body: body,
		kind: "application/x-ndjson", write: true, resent: func() { w.uncertain.Store(true) }})
	if err != nil {
		return nil, err
	}
	items := make(bulkAnswer, 0, len(ops))
	if err := scan(text, &items); err != nil || len(items) != len(ops) {
		return nil, errors.Join(fmt.Errorf("search: elasticsearch answered %d of %d writes", len(items), len(ops)), err)
	}
	return items, nil
}
