package shop

import "errors"

var (
	// ErrNotFound says that there is no such account, product or order, or that it is another person's.
	ErrNotFound = errors.New("shop: not found")
	// ErrExpired says that an order's time to pay has passed and its stock went back.
	ErrExpired = errors.New("shop: order expired")
	// ErrEmptyCart says that there is nothing to check out.
	ErrEmptyCart = errors.New("shop: empty cart")
	// ErrWrongPassword says that a log-in failed; it does not say why.
	ErrWrongPassword = errors.New("shop: wrong phone number or password")
	// ErrInvalid is what every *InvalidError is.
	ErrInvalid = errors.New("shop: invalid input")
)

// InvalidError names the form field that cannot be taken. Reason is a key of the
// message tables, so that the page says it in the reader's language.
type InvalidError struct{ Field, Reason string }

func (e *InvalidError) Error() string        { return "shop: " + e.Field + ": " + e.Reason }
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }
