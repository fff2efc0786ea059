package redisstore

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/session"
)

// ServerError is an error the server answered with, for errors.As. The Manager's
// error around it is session.ErrUnavailable: nothing was read, and whether
// something was written is known only if Code says so.
type ServerError struct {
	// Code is the first word of the answer: OOM (memory is full), READONLY (a
	// replica), LOADING (it is starting), NOAUTH, WRONGPASS, NOPERM (credentials),
	// CLUSTERDOWN, MOVED, ASK (the client's redirects went on and on), MASTERDOWN,
	// BUSY, NOREPLICAS. Nothing was written with any of these.
	Code string
	Err  error // of the client
}

// Error returns the server's answer.
func (e *ServerError) Error() string { return "redis: " + e.Err.Error() }

// Unwrap returns Err.
func (e *ServerError) Unwrap() error { return e.Err }

// serverError gives an answer of the server its type. A key that is no string
// is not one of ours.
func serverError(err error) error { return recordError("", err) }

// recordError is serverError for what concerns one record.
func recordError(id string, err error) error {
	answered, ok := errors.AsType[redis.Error](err)
	if !ok || errors.Is(err, redis.Nil) {
		return err
	}
	code, _, _ := strings.Cut(answered.Error(), " ")
	switch {
	case code == "WRONGTYPE":
		return &session.CorruptError{ID: id, Reason: "key holds another type"}
	case strings.Contains(answered.Error(), "unauthenticated"): // what a command of more than ten words is told
		code = "NOAUTH"
	}
	return &ServerError{Code: code, Err: err}
}
