// Package webhook sends events to addresses that customers give, and checks those that
// arrive, in the form of Standard Webhooks (standardwebhooks.com): the
// headers Webhook-Id, Webhook-Timestamp and Webhook-Signature, the signature
// being HMAC-SHA256 over "ID.TIMESTAMP.BODY".
//
//	sender, err := webhook.NewSender(&webhook.SenderOptions{Secret: secret})
//	err = sender.Send(ctx, &webhook.Event{ID: job.ID, URL: customer.URL, Body: body})
//
//	verifier, err := webhook.NewVerifier(&webhook.VerifierOptions{Secrets: [][]byte{secret}})
//	body, id, err := verifier.Verify(r) // in the receiver's handler
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// ErrInvalid marks an event or an option that cannot be used; see InvalidError.
var ErrInvalid = errors.New("webhook: invalid")

// InvalidError names the field that was refused and why. It Is ErrInvalid.
type InvalidError struct {
	Field, Reason string
}

func (e *InvalidError) Error() string { return "webhook: invalid " + e.Field + ": " + e.Reason }

// Is reports whether target is ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// maxBody bounds a body in bytes, sent or received.
const maxBody = 1 << 20

// Event is what is sent.
type Event struct {
	ID   string // the same for every attempt, so that receivers can tell a repeat; required
	URL  string
	Body []byte // JSON; at most 1 MiB
	// Secret overrides the sender's: each customer should have one of their own.
	Secret []byte
}

// SenderOptions configure a Sender. Zero means the default.
type SenderOptions struct {
	// Secret signs events that have none of their own, at least 24 bytes.
	Secret []byte
	// AllowPrivate lets addresses of customers lead to this machine and to private networks.
	// Default: refused, as somebody else's address should not reach what only we can reach.
	AllowPrivate bool
	// Timeout bounds one request. Default 10 seconds.
	Timeout time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Sender sends events. It is safe for concurrent use.
type Sender struct {
	options SenderOptions
	client  *http.Client
}

// NewSender makes a sender. Wrong options are an *InvalidError.
func NewSender(o *SenderOptions) (*Sender, error) {
	s := &Sender{}
	if o != nil {
		s.options = *o
	}
	if s.options.Timeout == 0 {
		s.options.Timeout = 10 * time.Second
	}
	if s.options.Now == nil {
		s.options.Now = time.Now
	}
	if len(s.options.Secret) > 0 && len(s.options.Secret) < 24 {
		return nil, &InvalidError{"Secret", "must be at least 24 bytes"}
	}
	dialer := &net.Dialer{}
	if !s.options.AllowPrivate {
		dialer.Control = refusePrivate // after names were resolved, so that no name leads around it
	}
	s.client = &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Close drops idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

var errPrivate = errors.New("webhook: the address is not a public one")

// shared are address blocks that are not private by name and not public either.
var shared = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96")}

func refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errPrivate
	}
	ip := at.Addr().Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return errPrivate
	}
	for _, block := range shared {
		if block.Contains(ip) {
			return errPrivate
		}
	}
	return nil
}

// StatusError is a receiver's refusal.
type StatusError struct{ Status int }

func (e *StatusError) Error() string {
	return fmt.Sprintf("webhook: the receiver answered %d", e.Status)
}

// Send sends an event once. 2xx is taken; 410 (the receiver wants no more) and what is wrong with
// the event are marked with notify.Permanent; all else is worth another attempt.
func (s *Sender) Send(ctx context.Context, e *Event) error {
	secret := e.Secret
	if secret == nil {
		secret = s.options.Secret
	}
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return notify.Permanent(&InvalidError{"URL", "must be an http or https address"})
	case !validID(e.ID):
		return notify.Permanent(&InvalidError{"ID", "must be 1 to 100 bytes without dots, spaces or line breaks"})
	case len(e.Body) > maxBody:
		return notify.Permanent(&InvalidError{"Body", fmt.Sprintf("must be at most %d bytes", maxBody)})
	case len(secret) < 24:
		return notify.Permanent(&InvalidError{"Secret", "must be at least 24 bytes"})
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(e.Body))
	if err != nil {
		return notify.Permanent(&InvalidError{"URL", "cannot be requested"})
	}
	timestamp := strconv.FormatInt(s.options.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Webhook-Id", e.ID)
	request.Header.Set("Webhook-Timestamp", timestamp)
	request.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(sign(secret, e.ID, timestamp, e.Body)))
	response, err := s.client.Do(request)
	if err != nil {
		if errors.Is(err, errPrivate) {
			return notify.Permanent(errPrivate)
		}
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the address may hold a key
		}
		return fmt.Errorf("webhook: send: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)) // so that the connection can be used again
	switch {
	case response.StatusCode >= 200 && response.StatusCode < 300:
		return nil
	case response.StatusCode == http.StatusGone:
		return notify.Permanent(&StatusError{response.StatusCode})
	}
	return &StatusError{response.StatusCode}
}

func validID(id string) bool {
	return id != "" && len(id) <= 100 && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || r == '.' })
}

func sign(secret []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// VerifierOptions configure a Verifier. Zero means the default, except for Secrets.
type VerifierOptions struct {
	// Secrets are accepted, each at least 24 bytes: two of them while one takes the other's place.
	Secrets [][]byte
	// Tolerance is how old or early an event may be. Default 5 minutes.
	Tolerance time.Duration
	// Seen notes an ID for ttl and reports whether it was noted before, over all
	// processes. Default: in the memory of this one, 100,000 at most.
	Seen func(id string, ttl time.Duration) (bool, error)
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// The reasons for which Verify refuses a request.
var (
	ErrSignature = errors.New("webhook: wrong signature")
	ErrTooOld    = errors.New("webhook: too old, or from the future")
	ErrReplayed  = errors.New("webhook: received before")
)

// Verifier checks events that arrive. It is safe for concurrent use.
type Verifier struct {
	options VerifierOptions

	mu   sync.Mutex
	seen map[string]time.Time // until when it is remembered
}

// NewVerifier makes a verifier. Wrong options are an *InvalidError.
func NewVerifier(o *VerifierOptions) (*Verifier, error) {
	v := &Verifier{seen: make(map[string]time.Time)}
	if o != nil {
		v.options = *o
	}
	if v.options.Tolerance == 0 {
		v.options.Tolerance = 5 * time.Minute
	}
	if v.options.Now == nil {
		v.options.Now = time.Now
	}
	if v.options.Seen == nil {
		v.options.Seen = v.remember
	}
	if len(v.options.Secrets) == 0 {
		return nil, &InvalidError{"Secrets", "at least one is needed"}
	}
	for _, secret := range v.options.Secrets {
		if len(secret) < 24 {
			return nil, &InvalidError{"Secrets", "must be at least 24 bytes each"}
		}
	}
	return v, nil
}

// Verify reads a request and returns its body and ID. The signature is compared in
// constant time. Errors: ErrSignature, ErrTooOld, ErrReplayed (answer 2xx: it was handled), or those of reading.
func (v *Verifier) Verify(r *http.Request) (body []byte, id string, err error) {
	body, err = io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return nil, "", fmt.Errorf("webhook: read: %w", err)
	}
	id, timestamp := r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !validID(id) || !v.signed(r.Header.Get("Webhook-Signature"), id, timestamp, body) {
		return nil, "", ErrSignature
	}
	if age := v.options.Now().Sub(time.Unix(seconds, 0)); age > v.options.Tolerance || age < -v.options.Tolerance {
		return nil, "", ErrTooOld
	}
	again, err := v.options.Seen(id, 2*v.options.Tolerance)
	if err != nil {
		return nil, "", fmt.Errorf("webhook: %w", err)
	}
	if again {
		return nil, id, ErrReplayed
	}
	return body, id, nil
}

// signed tries every signature given with every secret.
func (v *Verifier) signed(header, id, timestamp string, body []byte) bool {
	ok := false
	for i, part := range strings.Fields(header) {
		encoded, v1 := strings.CutPrefix(part, "v1,")
		given, err := base64.StdEncoding.DecodeString(encoded)
		if !v1 || err != nil || i >= 10 {
			continue
		}
		for _, secret := range v.options.Secrets {
			ok = hmac.Equal(given, sign(secret, id, timestamp, body)) || ok
		}
	}
	return ok
}

const maxSeen = 100_000

func (v *Verifier) remember(id string, ttl time.Duration) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.options.Now()
	if until, ok := v.seen[id]; ok && now.Before(until) {
		return true, nil
	}
	if len(v.seen) >= maxSeen {
		for id, until := range v.seen {
			if !now.Before(until) {
				delete(v.seen, id)
			}
		}
		if len(v.seen) >= maxSeen {
			return false, errors.New("too many events at once to tell repeats")
		}
	}
	v.seen[id] = now.Add(ttl)
	return false, nil
}
