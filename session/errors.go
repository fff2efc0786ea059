package session

import (
	"errors"
	"fmt"
)

// The sentinels of this package, for errors.Is. Abilities a driver does not
// have give errors that wrap errors.ErrUnsupported; other errors of a driver
// wrap ErrUnavailable.
var (
	// ErrInvalid is bad input; the error is an *InvalidError.
	ErrInvalid = errors.New("session: invalid")
	// ErrNotFound means that there is no such session.
	ErrNotFound = errors.New("session: not found")
	// ErrExists is a driver's answer to Create with an id in use.
	ErrExists = errors.New("session: exists")
	// ErrConflict means that others kept changing the session: nothing was saved.
	ErrConflict = errors.New("session: conflict")
	// ErrNoSession means that the context has not passed this Manager's
	// Middleware or Attach.
	ErrNoSession = errors.New("session: no session in context")
	// ErrNoUser means that nobody is logged in.
	ErrNoUser = errors.New("session: nobody is logged in")
	// ErrEnded means that the session was ended (logged out, revoked) while this
	// request was under way: nothing was saved.
	ErrEnded = errors.New("session: ended meanwhile")
	// ErrRenewed means that the session's token was renewed while this request
	// was under way, so that this request may only read: nothing was saved.
	ErrRenewed = errors.New("session: token was renewed meanwhile")
	// ErrCommitted means that the response has begun, so that a value or a cookie
	// can no longer be saved with it. Update still works on an existing session.
	ErrCommitted = errors.New("session: response has begun")
	// ErrCorrupt means that stored bytes cannot be read; the error is a
	// *CorruptError.
	ErrCorrupt = errors.New("session: corrupt")
	// ErrUnavailable means that the store failed.
	ErrUnavailable = errors.New("session: store unavailable")
)

// InvalidError says which input is bad and why. It Is ErrInvalid.
type InvalidError struct {
	Field  string // such as "user id"
	Reason string // such as "is empty"
}

// Error returns "session: invalid <field>: <reason>".
func (e *InvalidError) Error() string { return "session: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// CorruptError says why stored bytes cannot be read. It Is ErrCorrupt. The
// bytes are left in the store: a newer version of the program may read them.
type CorruptError struct {
	ID     string // the session's public id, empty if it is not known
	Reason string // such as "unknown version 9"
}

// Error returns "session: corrupt: <reason>".
func (e *CorruptError) Error() string { return "session: corrupt: " + e.Reason }

// Is reports whether target is ErrCorrupt.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// driverError names the operation and marks everything a driver may not answer
// as an outage.
func driverError(operation string, err error) error {
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrExists) || errors.Is(err, ErrConflict) || errors.Is(err, ErrCorrupt) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, operation, err)
}

func unsupported(ability string) error {
	return fmt.Errorf("session: %s: the driver cannot: %w", ability, errors.ErrUnsupported)
}
