package notify

import (
	"errors"
	"fmt"
	"time"
)

// The sentinels of this package. Test for them with errors.Is.
var (
	// ErrInvalid marks bad input; see InvalidError for the field and the reason.
	ErrInvalid = errors.New("notify: invalid")
	// ErrTooLarge marks a payload above the limit; see TooLargeError.
	ErrTooLarge = errors.New("notify: payload too large")
	// ErrClosed is returned once the queue was closed.
	ErrClosed = errors.New("notify: closed")
	// ErrLeaseLost is the cause of a handler's context when its job was given to another worker.
	ErrLeaseLost = errors.New("notify: lease lost")
	// ErrStopping is the cause of a handler's context when the worker's StopTimeout has passed.
	ErrStopping = errors.New("notify: worker stopping")
	// ErrStopTimeout is returned by Worker.Run when handlers ignored their cancelled context and were left behind.
	ErrStopTimeout = errors.New("notify: handlers still running after the stop timeout")
)

// InvalidError names the field that was refused and why. It Is ErrInvalid.
type InvalidError struct {
	Field, Reason string
}

func (e *InvalidError) Error() string { return "notify: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// TooLargeError is returned by Enqueue for a payload above ClientOptions.MaxPayload, or
// above what the backend takes.
// It Is ErrTooLarge and ErrInvalid.
type TooLargeError struct {
	Kind      string
	Size, Max int // bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("notify: payload of %s is %d bytes, at most %d are allowed", e.Kind, e.Size, e.Max)
}

// Is reports whether target is ErrTooLarge or ErrInvalid.
func (e *TooLargeError) Is(target error) bool { return target == ErrTooLarge || target == ErrInvalid }

// PanicError is the error of a handler that panicked.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine that panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("notify: handler panicked: %v", e.Value) }

// Unwrap returns the value the handler panicked with, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as final: the job is not retried and becomes a dead
// letter at once. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err was marked with Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanentError](err)
	return ok
}

type retryAfterError struct {
	delay time.Duration
	err   error
}

func (e *retryAfterError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("notify: retry after %s", e.delay)
	}
	return e.err.Error()
}
func (e *retryAfterError) Unwrap() error { return e.err }

// RetryAfter asks for the next attempt after exactly delay instead of the
// task's backoff, as a provider's Retry-After header would. A negative delay
// counts as zero; err is the reason and may be nil. The attempt counts.
func RetryAfter(delay time.Duration, err error) error {
	return &retryAfterError{max(delay, 0), err}
}

// RetryDelay returns the delay that was asked for with RetryAfter.
func RetryDelay(err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*retryAfterError](err); ok {
		return e.delay, true
	}
	return 0, false
}

type snoozeError struct{ delay time.Duration }

func (e *snoozeError) Error() string { return fmt.Sprintf("notify: not before %s", e.delay) }

// Snooze gives the job back for delay, at most a year, without counting the attempt: it is not the time for
// it yet. A negative delay counts as zero.
func Snooze(delay time.Duration) error {
	return &snoozeError{min(max(delay, 0), 366*24*time.Hour)}
}

func unsupported(operation string) error {
	return fmt.Errorf("notify: %s: this backend cannot: %w", operation, errors.ErrUnsupported)
}
