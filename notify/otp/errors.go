package otp

import (
	"errors"
	"fmt"
	"time"
)

// The sentinels of this package. Test for them with errors.Is.
var (
	ErrInvalid  = errors.New("otp: invalid")
	ErrNoCode   = errors.New("otp: no valid code")
	ErrMismatch = errors.New("otp: wrong code")
	ErrLimited  = errors.New("otp: limited")
)

// InvalidError names the field that was refused and why. It Is ErrInvalid.
type InvalidError struct {
	Field, Reason string
}

func (e *InvalidError) Error() string { return "otp: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// MismatchError is a wrong guess. It Is ErrMismatch.
type MismatchError struct {
	Remaining int // guesses left for this code; at 0 it is void
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("otp: wrong code, %d guesses left", e.Remaining)
}

// Is reports whether target is ErrMismatch.
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }

// Scope says which bound a LimitError ran into.
type Scope string

// The bounds.
const (
	ScopeCooldown Scope = "cooldown" // another code for this purpose and target was just sent
	ScopeTarget   Scope = "target"   // too many for this phone number or address
	ScopeIP       Scope = "ip"       // too many from this IP
)

// LimitError refuses a request or a guess that came too early or once too often. It Is ErrLimited.
type LimitError struct {
	Scope      Scope
	RetryAfter time.Duration
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("otp: limited by %s, retry in %s", e.Scope, e.RetryAfter.Round(time.Second))
}

// Is reports whether target is ErrLimited.
func (e *LimitError) Is(target error) bool { return target == ErrLimited }
