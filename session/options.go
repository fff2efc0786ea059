package session

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// OutagePolicy says what happens to a request whose session cannot be loaded
// or saved because the store is down. A request that does not use its session
// never notices.
type OutagePolicy int

const (
	// FailClosed, the default, answers with Options.ErrorHandler (503) instead of
	// what the handler wrote.
	FailClosed OutagePolicy = iota
	// Anonymous lets the handler's answer through: it saw an empty anonymous
	// session, and what it put there is lost, with a warning in the log.
	Anonymous
)

// Options of a Manager. The zero value means the defaults named; a duration of
// -1 means none.
type Options struct {
	// Idle ends a session that is not used for so long. Default 30 minutes.
	Idle time.Duration
	// Absolute ends a session so long after it began or its user logged in,
	// however much it is used. Default 12 hours.
	Absolute time.Duration
	// RememberIdle and RememberAbsolute are the limits of sessions with
	// LoginOptions.Remember. Defaults: none, and 30 days.
	RememberIdle     time.Duration
	RememberAbsolute time.Duration
	// TouchEvery is how often at most a mere read stores the time of use.
	// Default: a tenth of the session's idle limit, within 1 second and 5 minutes.
	TouchEvery time.Duration
	// Grace is how long after a renewal requests with the token before may still
	// read. Default 10 seconds.
	Grace time.Duration
	// MaxBytes limits the encoded values of one session. Default 64 KiB, at most 16 MiB.
	MaxBytes int
	// JSON stores sessions as JSON, for other programs and people to read. It takes more
	// bytes, and has no checksum. What is stored is read in either form whatever JSON says,
	// and written in the chosen one when it is saved next, so that it may be switched on
	// and off at any time. Keys of values must be UTF-8 then.
	JSON bool
	// MaxAttempts limits how often a conflicting save is tried. Default 20.
	MaxAttempts int
	// SweepEvery is how often expired records are removed where the store does
	// not do that itself. Default 1 minute.
	SweepEvery time.Duration

	// Cookie carries the token.
	Cookie CookieOptions

	// TokenHeader, if set, is a header for clients without cookies, such as
	// "X-Session-Token". A request that has it, even empty, does not use the cookie: its
	// token is the header's value, and the answer tells a new token in the same header.
	// A browser does not send it on its own, so that no other site can forge one.
	TokenHeader string

	// AuthHash, if set, returns the current authentication hash of a user, such
	// as the password's hash, or an error that wraps ErrNotFound if there is no
	// such user any more. It is asked at most once a request, by User; a session
	// that was begun under another hash is ended. Other errors count as an outage.
	AuthHash func(ctx context.Context, userID string) (string, error)
	// Audit keeps the audit trail of LoginAs, LogoutAs, and a Logout in between: it is
	// called before each of them. An error refuses the first two. LoginAs needs it.
	Audit func(ctx context.Context, entry Acting) error
	// ClientIP returns the address to show in a list of devices. Default: the host
	// of RemoteAddr. Behind a proxy you trust, read its header here.
	ClientIP func(*http.Request) string

	// Outage is what happens to requests when the store is down; WithOutage says it
	// for some of them.
	Outage OutagePolicy
	// ErrorHandler answers a request whose session could not be loaded or saved.
	// Default: a plain 503, or 500 if the store is not to blame.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)

	Tracer Tracer
	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default slog.Default()
}

// CookieOptions of the cookie that carries the token. It is always HttpOnly.
type CookieOptions struct {
	// Name without prefix. Default "session". The cookie is named
	// "__Host-<name>", or "__Secure-<name>" with a Domain or Path, or just
	// "<name>" if Insecure.
	Name string
	// Domain widens the cookie to subdomains. Leave it empty if you can.
	Domain string
	// Path narrows the cookie. Default "/".
	Path string
	// SameSite defaults to Lax.
	SameSite http.SameSite
	// Partitioned keeps a separate cookie for each embedding site (CHIPS).
	Partitioned bool
	// Insecure allows plain HTTP, for development on a loopback address: the
	// cookie is Secure only where the request came over TLS. Anyone on the path
	// between browser and server can read such a cookie.
	Insecure bool
}

// Tracer observes operations. Start is called before one; the function it
// returns is called exactly once when it ends.
type Tracer interface {
	Start(ctx context.Context, operation string, attributes ...slog.Attr) (context.Context, func(err error, attributes ...slog.Attr))
}

const (
	maxUserID  = 512
	maxDevice  = 256
	maxIP      = 64
	maxKey     = 256
	maxListed  = 1000
	maxMaxSize = 16 << 20
)

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	for _, d := range []struct {
		field    string
		value    *time.Duration
		standard time.Duration
	}{
		{"Idle", &c.Idle, 30 * time.Minute},
		{"Absolute", &c.Absolute, 12 * time.Hour},
		{"RememberIdle", &c.RememberIdle, -1},
		{"RememberAbsolute", &c.RememberAbsolute, 30 * 24 * time.Hour},
		{"TouchEvery", &c.TouchEvery, 0},
		{"Grace", &c.Grace, 10 * time.Second},
		{"SweepEvery", &c.SweepEvery, time.Minute},
	} {
		switch {
		case *d.value == 0:
			*d.value = d.standard
		case !validLimit(*d.value):
			return c, &InvalidError{d.field, limitReason}
		}
	}
	if c.Absolute == -1 {
		c.Absolute = forever
	}
	if c.RememberAbsolute == -1 {
		c.RememberAbsolute = forever
	}
	if c.TouchEvery == -1 {
		c.TouchEvery = forever
	}
	for _, n := range []struct {
		field         string
		value         *int
		standard, max int
	}{
		{"MaxBytes", &c.MaxBytes, 64 << 10, maxMaxSize},
		{"MaxAttempts", &c.MaxAttempts, 20, 1000},
	} {
		switch {
		case *n.value == 0:
			*n.value = n.standard
		case *n.value < 0:
			return c, &InvalidError{n.field, "is negative"}
		case *n.value > n.max:
			return c, &InvalidError{n.field, "is too large"}
		}
	}
	if c.Outage != FailClosed && c.Outage != Anonymous {
		return c, &InvalidError{"Outage", "is no known policy"}
	}
	if err := c.Cookie.complete(); err != nil {
		return c, err
	}
	if strings.ContainsFunc(c.TokenHeader, func(r rune) bool { return r != '-' && !isText(string(r)) }) {
		return c, &InvalidError{"TokenHeader", "is no name of a header"}
	}
	c.TokenHeader = http.CanonicalHeaderKey(c.TokenHeader)
	if c.ClientIP == nil {
		c.ClientIP = remoteHost
	}
	if c.ErrorHandler == nil {
		c.ErrorHandler = answerError
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

const limitReason = "is not -1, 0, or from 1 ms to 100 years"

func validLimit(d time.Duration) bool {
	return d == -1 || d == 0 || time.Millisecond <= d && d <= forever
}

// forever stands for no limit: far away, and safe to add to any time.
const forever = 100 * 365 * 24 * time.Hour

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
