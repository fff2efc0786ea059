package inventory

import (
	"errors"
	"fmt"
)

var (
	// ErrInvalid is the kind of every [InvalidError].
	ErrInvalid = errors.New("invalid argument")
	// ErrInsufficient is the kind of every [InsufficientError].
	ErrInsufficient = errors.New("insufficient stock")
	// ErrNotFound reports a reservation or a level that does not exist.
	ErrNotFound = errors.New("not found")
	// ErrUnknownSKU is the kind of every [UnknownSKUError]. Such an error is also ErrNotFound.
	ErrUnknownSKU = errors.New("unknown SKU")
	// ErrConflict is the kind of every [ConflictError]: an idempotency key used again with other arguments.
	ErrConflict = errors.New("idempotency key was used with other arguments")
	// ErrExpired reports a reservation whose time is over; see [StateError].
	ErrExpired = errors.New("reservation expired")
	// ErrSettled reports a reservation already committed or released; see [StateError].
	ErrSettled = errors.New("reservation already settled")
	// ErrChanged is the kind of every [ChangedError].
	ErrChanged = errors.New("stock has changed")
	// ErrOutcomeUnknown reports that the connection was lost while the change was being committed and could not be
	// asked again. It may or may not have happened. Repeating the call with the same key is safe and finds out.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrContention reports that a change was given up, with nothing done, after Options.Retries deadlocks or lost races.
	ErrContention = errors.New("too much contention")
	// ErrSchema reports a database whose tables are missing, or older or newer than the program knows.
	ErrSchema = errors.New("database schema does not fit this program")
	// ErrUnavailable reports a database that could not be reached when it was to be opened: a wrong data source name, no
	// such server, user or database. What the driver says is wrapped.
	ErrUnavailable = errors.New("database cannot be reached")
	// ErrServer is the kind of every [ServerError].
	ErrServer = errors.New("database server cannot be used")
	// ErrReadOnly reports a database that takes no changes now: a replica, or a server set to read only. Nothing was done.
	ErrReadOnly = errors.New("database is read only")
	// ErrFull reports a database without room for the change: its disk is full, or a bound it was given. Nothing was done.
	ErrFull = errors.New("database is full")
	// ErrClosed reports a call after Close.
	ErrClosed = errors.New("inventory is closed")
)

// InvalidError names a bad argument. It is [ErrInvalid].
type InvalidError struct {
	// Field is the argument's name, such as "Lines[2].Quantity".
	Field string
	// Reason says what is wrong with it. It never repeats the value.
	Reason string
}

func (e *InvalidError) Error() string        { return e.Field + " " + e.Reason }
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// ServerError reports a database server that is too old. It is [ErrServer].
type ServerError struct {
	// Server is what was found, Needs the oldest version that will do.
	Server, Needs string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("%v: it is %s, needed is %s or later", ErrServer, e.Server, e.Needs)
}
func (e *ServerError) Is(target error) bool { return target == ErrServer }

// InsufficientError names the first line, in order of SKU and location, that cannot be had. It is [ErrInsufficient].
type InsufficientError struct {
	SKU, Location string
	// Want is the quantity asked for, Available what could have been taken. Both are in units.
	Want, Available int64
}

func (e *InsufficientError) Error() string {
	return fmt.Sprintf("insufficient stock of %q at %q: want %d, available %d", e.SKU, e.Location, e.Want, e.Available)
}
func (e *InsufficientError) Is(target error) bool { return target == ErrInsufficient }

// UnknownSKUError names a level that was never received or imported. It is [ErrUnknownSKU] and [ErrNotFound].
type UnknownSKUError struct{ SKU, Location string }

func (e *UnknownSKUError) Error() string {
	return fmt.Sprintf("unknown SKU %q at %q", e.SKU, e.Location)
}
func (e *UnknownSKUError) Is(target error) bool {
	return target == ErrUnknownSKU || target == ErrNotFound
}

// ConflictError names an idempotency key that was used before with other arguments. It is [ErrConflict].
type ConflictError struct{ Key string }

func (e *ConflictError) Error() string        { return fmt.Sprintf("%v: %q", ErrConflict, e.Key) }
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

// StateError reports a reservation that is in no state for the operation.
// It is [ErrExpired] when its time is over, and [ErrSettled] when it was committed or released.
type StateError struct {
	Key   string
	State State
}

func (e *StateError) Error() string { return fmt.Sprintf("reservation %q is %s", e.Key, e.State) }

// Is reports whether target is the sentinel of the reservation's state.
func (e *StateError) Is(target error) bool {
	switch e.State {
	case Expired:
		return target == ErrExpired
	case Committed, Released:
		return target == ErrSettled
	}
	return false
}

// ChangedError reports that a [Count] expected another quantity on hand. It is [ErrChanged].
type ChangedError struct {
	SKU, Location string
	// Expected is the quantity the caller believed to be on hand, OnHand the true one.
	Expected, OnHand int64
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("stock of %q at %q has changed: expected %d on hand, found %d", e.SKU, e.Location, e.Expected, e.OnHand)
}
func (e *ChangedError) Is(target error) bool { return target == ErrChanged }
