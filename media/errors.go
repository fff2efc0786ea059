package media

import (
	"errors"
	"fmt"
)

// The errors of this package and of every driver, for errors.Is. An ability
// that a backend lacks is reported with errors.ErrUnsupported.
var (
	// ErrNotFound: there is no file of this name.
	ErrNotFound = errors.New("file not found")
	// ErrExists: the name is taken, and the caller asked not to replace it.
	ErrExists = errors.New("file exists already")
	// ErrInvalid: the input breaks a rule; the *InvalidError says which.
	ErrInvalid = errors.New("invalid input")
	// ErrTooLarge: the content has more bytes or pixels than allowed. Such an error also is ErrInvalid.
	ErrTooLarge = errors.New("too large")
	// ErrType: the content is of a type that is not allowed here, or is not
	// what its name says. Such an error also is ErrInvalid.
	ErrType = errors.New("type not allowed")
	// ErrSignature: a signed address is forged, damaged or expired.
	ErrSignature = errors.New("signature not valid")
	// ErrChanged: the file was replaced while it was read; opening it again reads the new content.
	ErrChanged = errors.New("file has been replaced while it was read")
	// ErrFull: the backend has no room for the file.
	ErrFull = errors.New("no room left")
	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("store is closed")
)

// InvalidError tells which input broke which rule. It Is ErrInvalid, and where
// that applies ErrTooLarge or ErrType.
type InvalidError struct {
	Field  string // "name", "content", "size", "pixels", "type", "metadata", "variant", "options"
	Reason string // readable by a person, never the input itself at full length

	kind error // ErrTooLarge, ErrType or nil
}

func (e *InvalidError) Error() string { return e.Field + " " + e.Reason }

// Is reports whether target is ErrInvalid or the narrower sentinel of this error.
func (e *InvalidError) Is(target error) bool {
	return target == ErrInvalid || (e.kind != nil && target == e.kind)
}

func invalid(field, format string, args ...any) *InvalidError {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

func tooLarge(field, format string, args ...any) *InvalidError {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...), kind: ErrTooLarge}
}

func wrongType(format string, args ...any) *InvalidError {
	return &InvalidError{Field: "type", Reason: fmt.Sprintf(format, args...), kind: ErrType}
}
