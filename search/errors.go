package search

import (
	"errors"
	"fmt"
	"strings"
)

// The sentinels of this package. Match them with [errors.Is].
var (
	// ErrInvalid is bad input: always an [*InvalidError], which names the field and the reason.
	ErrInvalid = errors.New("search: invalid")
	// ErrNotFound is returned for a document that is not in the index.
	ErrNotFound = errors.New("search: document not found")
	// ErrConflict means that the index holds the document in the same or a newer version.
	ErrConflict = errors.New("search: version conflict")
	// ErrSchema means that the stored index was built with another schema: rebuild it.
	ErrSchema = errors.New("search: schema differs from the stored index: rebuild it")
	// ErrInUse means that another process, or another Index of this one, has the index open.
	ErrInUse = errors.New("search: index is in use")
	// ErrRebuilding means that a rebuild is already under way.
	ErrRebuilding = errors.New("search: rebuild already under way")
	// ErrUnavailable means that the engine's server cannot be reached, or is too busy or too
	// damaged to answer. A write may have been done or not: writing the same again is safe.
	ErrUnavailable = errors.New("search: engine is unavailable")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("search: index is closed")
)

// InvalidError is bad input. It matches [ErrInvalid].
type InvalidError struct {
	Document string // the document's ID, when one is at fault
	Field    string // the schema field, or the field of the query or options
	Reason   string
}

func (e *InvalidError) Error() string {
	var b strings.Builder
	b.WriteString("search: invalid")
	if e.Document != "" {
		fmt.Fprintf(&b, " document %q:", clip(e.Document))
	}
	if e.Field != "" {
		fmt.Fprintf(&b, " %s:", clip(e.Field))
	}
	return b.String() + " " + e.Reason
}

// Is reports whether target is [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// BatchError names the documents of a batch that an engine did not take; all
// others were written. It unwraps to the single errors.
type BatchError struct {
	Failed []DocumentError
}

// DocumentError is why one document was not written.
type DocumentError struct {
	ID  string
	Err error
}

func (e *BatchError) Error() string {
	first := e.Failed[0]
	return fmt.Sprintf("search: %d documents not written, the first %q: %v", len(e.Failed), clip(first.ID), first.Err)
}

// Unwrap returns the errors of the single documents.
func (e *BatchError) Unwrap() []error {
	errs := make([]error, len(e.Failed))
	for i, f := range e.Failed {
		errs[i] = f.Err
	}
	return errs
}

// batchError makes an error of the single refusals, or nil.
func batchError(failed []DocumentError) error {
	if len(failed) == 0 {
		return nil
	}
	return &BatchError{Failed: failed}
}

// asBatch splits an error of a write into the refusals of single documents and everything else.
func asBatch(err error) ([]DocumentError, error) {
	if batch, ok := errors.AsType[*BatchError](err); ok {
		return batch.Failed, nil
	}
	return nil, err
}

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: clip(field), Reason: fmt.Sprintf(format, args...)}
}

// clip bounds what a caller's string adds to a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
