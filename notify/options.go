package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Option changes one Enqueue.
type Option func(*enqueueOptions) error

type enqueueOptions struct {
	envelope    *Envelope
	now         time.Time
	unique      bool
	expireAfter time.Duration
}

// After delays the job. It must not be negative.
func After(delay time.Duration) Option {
	return func(o *enqueueOptions) error {
		if delay < 0 {
			return &InvalidError{"After", "must not be negative"}
		}
		o.envelope.RunAt = o.now.Add(delay)
		return nil
	}
}

// At runs the job at a time; one in the past means now.
func At(t time.Time) Option {
	return func(o *enqueueOptions) error {
		if t.After(o.now) {
			o.envelope.RunAt = t.UTC()
		}
		return nil
	}
}

// Unique refuses a second job with the same kind, queue and arguments for
// window after this one was enqueued, whether it has run by then or not. Enqueue
// then answers with the first one and Duplicate set. window must be between one
// millisecond and 366 days. The backend needs UniquePublisher.
func Unique(window time.Duration) Option {
	return func(o *enqueueOptions) error {
		if window < time.Millisecond || window > 366*24*time.Hour {
			return &InvalidError{"Unique", "window must be between 1 ms and 366 days"}
		}
		o.envelope.UniqueFor, o.unique = window, true
		return nil
	}
}

// UniqueKey is Unique by a key of the caller's instead of by the arguments:
// one job of this kind and queue with this key within window.
func UniqueKey(key string, window time.Duration) Option {
	return func(o *enqueueOptions) error {
		if err := validText("UniqueKey", key, 255); err != nil {
			return err
		}
		o.envelope.UniqueKey = key
		return Unique(window)(o)
	}
}

// Priority lets the job overtake lower ones of its queue. From 0 (the
// default) to 9 (first).
func Priority(level int) Option {
	return func(o *enqueueOptions) error {
		if level < 0 || level > 9 {
			return &InvalidError{"Priority", "must be between 0 and 9"}
		}
		o.envelope.Priority = level
		return nil
	}
}

// InQueue puts the job into another named queue than the task's.
func InQueue(name string) Option {
	return func(o *enqueueOptions) error {
		o.envelope.Queue = name
		return validName("InQueue", name)
	}
}

// Key runs jobs with the same key in the same queue one at a time, in the
// order they were enqueued: one that is delayed or being retried holds back
// those behind it. The backend needs KeySerializer.
func Key(key string) Option {
	return func(o *enqueueOptions) error {
		o.envelope.Key = key
		return validText("Key", key, 255)
	}
}

// Header adds a value that travels with the job, outside its arguments: a
// locale, a trace. At most 64 of them, 255 bytes the name and 4 KiB the value.
func Header(name, value string) Option {
	return func(o *enqueueOptions) error {
		if err := validText("Header", name, 255); err != nil {
			return err
		}
		if len(value) > 4<<10 || !utf8.ValidString(value) {
			return &InvalidError{"Header", "value must be UTF-8 of at most 4 KiB"}
		}
		if o.envelope.Headers == nil {
			o.envelope.Headers = make(map[string]string)
		}
		o.envelope.Headers[name] = value
		if len(o.envelope.Headers) > maxHeaders {
			return &InvalidError{"Header", fmt.Sprintf("more than %d", maxHeaders)}
		}
		return nil
	}
}

// MaxAttempts overrides the task's, for this job.
func MaxAttempts(n int) Option {
	return func(o *enqueueOptions) error {
		if n < 1 || n > 1000 {
			return &InvalidError{"MaxAttempts", "must be between 1 and 1000"}
		}
		o.envelope.MaxAttempts = n
		return nil
	}
}

// ExpireAfter drops the job unrun when no worker got to it in time, counted
// from when it is due: a login code that is no longer valid is better not sent.
func ExpireAfter(d time.Duration) Option {
	return func(o *enqueueOptions) error {
		if d <= 0 {
			return &InvalidError{"ExpireAfter", "must be positive"}
		}
		o.expireAfter = d
		return nil
	}
}

func validText(field, s string, max int) error {
	if s == "" || len(s) > max || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return &InvalidError{field, fmt.Sprintf("must be UTF-8 of 1 to %d bytes, none of them zero", max)}
	}
	return nil
}
