// Package otp issues and checks short verification codes, as sent by text
// message or mail.
//
//	codes, err := otp.New(otp.NewMemoryStore(nil), &otp.Options{Pepper: pepper})
//	code, err := codes.Issue(ctx, otp.Request{Purpose: "login", Target: phone, IP: ip})
//	// send code.Value; never store or log it
//	err = codes.Verify(ctx, otp.Attempt{Purpose: "login", Target: phone, IP: ip, Code: typed})
//
// At rest there is only HMAC-SHA256(pepper, purpose, target, code). A code is
// used once, lives for TTL, and survives a limited number of wrong guesses;
// issuing another voids it. A cooldown and limits per target and per IP bound
// what an attacker can send and guess, and each decision is one atomic step of
// the store, so that parallel guesses are counted one by one.
package otp

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Options configure Codes. Zero means the default, except for Pepper.
type Options struct {
	// Pepper is the secret key of the stored HMACs, at least 16 bytes, required. It lives
	// outside the store: who reads the store alone cannot try out codes.
	Pepper []byte
	// Length is how many decimal digits a code has, 4 to 10. Default 6.
	Length int
	// TTL is how long a code is valid. Default 10 minutes.
	TTL time.Duration
	// Attempts is how many guesses are compared for one code. Default 5.
	Attempts int
	// Cooldown is the least time between two codes to one target for one purpose. Default 60 seconds; -1 none.
	Cooldown time.Duration
	// SendsPerTarget and SendsPerIP bound the codes issued, over all purposes.
	// Defaults 5 in an hour and 20 in an hour; Max -1 means no bound.
	SendsPerTarget, SendsPerIP Limit
	// GuessesPerTarget and GuessesPerIP bound the guesses compared, over all codes.
	// Defaults 20 in an hour and 50 in an hour; Max -1 means no bound.
	GuessesPerTarget, GuessesPerIP Limit
}

// Limit is at most Max events within Window, counted in a window that starts with the first.
type Limit struct {
	Max    int
	Window time.Duration
}

// Request asks for a code.
type Request struct {
	Purpose string // what it is good for: "login", "change-phone"; a code of one purpose fails for another
	Target  string // where it goes, in one normal form: +8613800138000, a@example.com
	IP      string // of the caller; empty skips the limits per IP
}

// Code is an issued code.
type Code struct {
	Value     string // the digits, in clear: send it, and keep it nowhere
	ExpiresAt time.Time
	ResendAt  time.Time // when another may be asked for
}

// Attempt is a guess.
type Attempt struct {
	Purpose, Target, IP string // as in Request
	Code                string // as typed; spaces and dashes are ignored
}

// Codes issues and verifies. It is safe for concurrent use.
type Codes struct {
	store   Store
	options Options
}

// New makes Codes on a store. Wrong options are an *InvalidError.
func New(store Store, o *Options) (*Codes, error) {
	c := &Codes{store: store}
	if o != nil {
		c.options = *o
	}
	if err := c.options.fill(); err != nil {
		return nil, err
	}
	return c, nil
}

func (o *Options) fill() error {
	setDefault(&o.Length, 6)
	setDefault(&o.TTL, 10*time.Minute)
	setDefault(&o.Attempts, 5)
	setDefault(&o.Cooldown, time.Minute)
	setDefault(&o.SendsPerTarget, Limit{5, time.Hour})
	setDefault(&o.SendsPerIP, Limit{20, time.Hour})
	setDefault(&o.GuessesPerTarget, Limit{20, time.Hour})
	setDefault(&o.GuessesPerIP, Limit{50, time.Hour})
	switch {
	case len(o.Pepper) < 16:
		return &InvalidError{"Pepper", "must be at least 16 bytes"}
	case o.Length < 4 || o.Length > 10:
		return &InvalidError{"Length", "must be between 4 and 10 digits"}
	case o.TTL < time.Second || o.TTL > 24*time.Hour:
		return &InvalidError{"TTL", "must be between 1 second and 24 hours"}
	case o.Attempts < 1 || o.Attempts > 100:
		return &InvalidError{"Attempts", "must be between 1 and 100"}
	case o.Cooldown < -1:
		return &InvalidError{"Cooldown", "must not be negative (-1 means none)"}
	}
	for field, l := range map[string]Limit{
		"SendsPerTarget": o.SendsPerTarget, "SendsPerIP": o.SendsPerIP,
		"GuessesPerTarget": o.GuessesPerTarget, "GuessesPerIP": o.GuessesPerIP,
	} {
		if l.Max != -1 && (l.Max < 1 || l.Window < time.Second) {
			return &InvalidError{field, "needs Max of at least 1 and Window of at least 1 second (Max -1 means no bound)"}
		}
	}
	o.Pepper = bytes.Clone(o.Pepper)
	return nil
}

func setDefault[V comparable](v *V, def V) {
	var zero V
	if *v == zero {
		*v = def
	}
}

// Issue makes a code, voids the one before, and counts it.
// Errors: *InvalidError, *LimitError (too early, or too many), or the store's.
func (c *Codes) Issue(ctx context.Context, r Request) (*Code, error) {
	if err := check(r.Purpose, r.Target, r.IP); err != nil {
		return nil, err
	}
	value, err := digits(c.options.Length)
	if err != nil {
		return nil, fmt.Errorf("otp: issue: %w", err)
	}
	cooldown := max(c.options.Cooldown, 0)
	result, err := c.store.Issue(ctx, IssueStep{
		Key: c.key("code", r.Purpose, r.Target), MAC: c.mac(r.Purpose, r.Target, value),
		TTL: c.options.TTL, Attempts: c.options.Attempts, Cooldown: cooldown,
		Counters: c.counters("sends", r.Target, r.IP, c.options.SendsPerTarget, c.options.SendsPerIP),
	})
	if err != nil {
		return nil, fmt.Errorf("otp: issue: %w", err)
	}
	if result.Refused != "" {
		return nil, &LimitError{Scope: result.Refused, RetryAfter: result.RetryAfter}
	}
	return &Code{Value: value, ExpiresAt: result.Now.Add(c.options.TTL), ResendAt: result.Now.Add(cooldown)}, nil
}

// Verify compares a guess and uses the code up when it is right.
// Errors: *MismatchError, ErrNoCode (none was issued, or it has expired, was
// used, was voided, or was guessed at too often), *LimitError, *InvalidError, or
// the store's.
func (c *Codes) Verify(ctx context.Context, a Attempt) error {
	if err := check(a.Purpose, a.Target, a.IP); err != nil {
		return err
	}
	code, err := normalize(a.Code, c.options.Length)
	if err != nil {
		return err
	}
	result, err := c.store.Verify(ctx, VerifyStep{
		Key: c.key("code", a.Purpose, a.Target), MAC: c.mac(a.Purpose, a.Target, code),
		Counters: c.counters("guesses", a.Target, a.IP, c.options.GuessesPerTarget, c.options.GuessesPerIP),
	})
	switch {
	case err != nil:
		return fmt.Errorf("otp: verify: %w", err)
	case result.Refused != "":
		return &LimitError{Scope: result.Refused, RetryAfter: result.RetryAfter}
	case !result.Found:
		return ErrNoCode
	case !result.Match:
		return &MismatchError{Remaining: result.Remaining}
	}
	return nil
}

// Cancel voids the current code of a purpose and target, if there is one.
func (c *Codes) Cancel(ctx context.Context, purpose, target string) error {
	if err := check(purpose, target, ""); err != nil {
		return err
	}
	if err := c.store.Delete(ctx, c.key("code", purpose, target)); err != nil {
		return fmt.Errorf("otp: cancel: %w", err)
	}
	return nil
}
