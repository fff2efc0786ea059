package fastdfs

import (
	"errors"
	"fmt"

	"github.com/seed82d84382/commerce/media"
)

// The errors of this package, for errors.Is. With them come those of media: a
// *StatusError Is media.ErrNotFound (status 2), ErrExists (17), ErrInvalid (22) or
// ErrFull (28), and input that breaks a rule is a *media.InvalidError.
var (
	// ErrOutcomeUnknown: the connection was lost after a request had been sent that
	// changes something, and before its answer came. It may have been done or not.
	ErrOutcomeUnknown = errors.New("answer lost, outcome unknown")
	// ErrProtocol: a server's answer breaks the protocol.
	ErrProtocol = errors.New("answer breaks the protocol")
	// ErrCorrupt: the content is not what the checksum in the file's name says.
	ErrCorrupt = errors.New("content does not match the checksum of its name")
	// ErrUnreachable: no connection to a server that could do it. Nothing has been sent.
	ErrUnreachable = errors.New("no server can be reached")
	// ErrUntrusted: the content is larger than the server's buffer and cannot be sent in pieces; see UploadOptions.Trusted.
	ErrUntrusted = errors.New("untrusted content is larger than the server's buffer")
)

// StatusError is a server's refusal.
type StatusError struct {
	Command Command
	Status  uint8  // a Linux errno number, whatever the client runs on
	Server  string // its address
}

var statusTexts = map[uint8]string{
	1: "not allowed", statusNotFound: "not found", statusIO: "input/output error", 12: "out of memory", 16: "busy", statusExists: "exists already",
	statusInvalid: "invalid", 24: "too many open files", statusFull: "no space left", 95: "not supported",
}

func (e *StatusError) Error() string {
	text := statusTexts[e.Status]
	if text == "" {
		text = "failed"
	}
	return fmt.Sprintf("%s: %s (status %d from %s)", e.Command, text, e.Status, e.Server)
}

// Is maps the status to the errors of media.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case statusNotFound:
		return target == media.ErrNotFound
	case statusExists:
		return target == media.ErrExists
	case statusInvalid:
		return target == media.ErrInvalid
	case statusFull:
		return target == media.ErrFull
	}
	return false
}

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

func invalid(field, format string, args ...any) error {
	return &media.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// hasStatus reports whether err is a server's refusal with this status.
func hasStatus(err error, status uint8) bool {
	e, ok := errors.AsType[*StatusError](err)
	return ok && e.Status == status
}

// refused reports whether err is a server's answer, and not a failure to get one.
func refused(err error) bool {
	_, ok := errors.AsType[*StatusError](err)
	return ok
}

// named puts the operation before an error that reaches the caller.
func named(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("fastdfs: %s: %w", operation, err)
}
