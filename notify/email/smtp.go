package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/seed82d84382/commerce/notify"
	gomail "github.com/wneessen/go-mail"
)

// TLSPolicy says how a connection is encrypted.
type TLSPolicy string

// The policies.
const (
	// StartTLS requires STARTTLS after connecting in clear. The default.
	StartTLS TLSPolicy = "starttls"
	// ImplicitTLS speaks TLS from the first byte (port 465).
	ImplicitTLS TLSPolicy = "implicit"
	// Plain never encrypts: for a server on this machine only. With it a
	// password is sent to loopback addresses only.
	Plain TLSPolicy = "plain"
)

// SMTPOptions configure NewSMTP. Zero means the default.
type SMTPOptions struct {
	Username, Password string // empty: no authentication
	TLS                TLSPolicy
	TLSConfig          *tls.Config // default: verifies the server's name
	// Timeout bounds connecting and each step of the dialogue. Default 15 seconds.
	Timeout time.Duration
	// Hello is the name told to the server. Default: this machine's.
	Hello string
	// MaxIdle is how many connections are kept while nothing is sent. Default 4; -1 none.
	MaxIdle int
	// IdleTimeout is how long one is kept: less than servers wait, many of them half a minute. Default 15 seconds.
	IdleTimeout time.Duration
	// Now is the clock of the Date header. Default time.Now.
	Now func() time.Time
}

// NewSMTP makes a sender that delivers to the server at addr ("host:port").
// Nothing is dialled before the first message. Connections are kept for further messages, MaxIdle of them for
// IdleTimeout; Close hangs up.
func NewSMTP(addr string, o *SMTPOptions) (*SMTP, error) {
	s := &SMTP{now: time.Now}
	if o == nil {
		o = &SMTPOptions{}
	}
	if o.Now != nil {
		s.now = o.Now
	}
	host, port, err := net.SplitHostPort(addr)
	number, numberErr := strconv.Atoi(port)
	if err != nil || numberErr != nil || host == "" {
		return nil, &InvalidError{"addr", "must be host:port"}
	}
	timeout := o.Timeout
	if timeout == 0 {
		timeout = 15 * time.Second
	}
	s.options = []gomail.Option{gomail.WithPort(number), gomail.WithTimeout(timeout)}
	s.host, s.timeout = host, timeout
	s.pool = pool{max: o.MaxIdle, keep: o.IdleTimeout}
	if s.pool.max == 0 {
		s.pool.max = 4
	}
	if s.pool.keep == 0 {
		s.pool.keep = 15 * time.Second
	}
	switch o.TLS {
	case "", StartTLS:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case ImplicitTLS:
		s.options = append(s.options, gomail.WithSSL())
		s.implicit = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
		if o.TLSConfig != nil {
			s.implicit = o.TLSConfig.Clone()
		}
		if s.implicit.ServerName == "" {
			s.implicit.ServerName = host
		}
	case Plain:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, &InvalidError{"TLS", "is none of the policies"}
	}
	if o.TLSConfig != nil {
		s.options = append(s.options, gomail.WithTLSConfig(o.TLSConfig))
	}
	if o.Hello != "" {
		s.options = append(s.options, gomail.WithHELO(o.Hello))
	}
	if o.Username != "" {
		auth, err := authentication(o.TLS, host)
		if err != nil {
			return nil, err
		}
		s.options = append(s.options, gomail.WithUsername(o.Username), gomail.WithPassword(o.Password), auth)
	}
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, &InvalidError{"options", err.Error()}
	}
	return s, nil
}

// authentication picks the mechanisms that a policy allows.
func authentication(policy TLSPolicy, host string) (gomail.Option, error) {
	switch policy {
	case Plain:
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, &InvalidError{"TLS", "a password is not sent unencrypted over a network"}
		}
		return gomail.WithSMTPAuth(gomail.SMTPAuthPlainNoEnc), nil
	case ImplicitTLS:
		// go-mail cannot see that our dialer encrypts and would discover no mechanism.
		return gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1,
			gomail.SMTPAuthPlain, gomail.SMTPAuthLogin), nil
	}
	return gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), nil
}

// SMTP is a Sender.
type SMTP struct {
	host     string
	options  []gomail.Option
	implicit *tls.Config // nil: connections begin in clear
	timeout  time.Duration
	now      func() time.Time
	pool     pool
}

// Close hangs up what is idle. Messages being sent go on, and later ones dial anew.
func (s *SMTP) Close() error {
	s.pool.close()
	return nil
}

// Send sends a message over a connection that is idle, or a new one.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	msg, err := m.build(s.now())
	if err != nil {
		return notify.Permanent(err)
	}
	c, err := s.connect(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("email: send: %w", context.Cause(ctx))
		}
		return classify(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() }) // go-mail does not look at the context any more
	err = c.mail.SendWithSMTPClient(c.smtp, msg)
	if !stop() {
		c.broken = true
	}
	if err == nil || msg.IsDelivered() {
		s.pool.put(c, err == nil)
		return nil // the server has it; a connection that ends badly after that must not send it twice
	}
	if ctx.Err() != nil {
		s.pool.put(c, false)
		return fmt.Errorf("email: send: %w", context.Cause(ctx))
	}
	failed := classify(err)
	_, refused := errors.AsType[*RejectedError](failed)
	s.pool.put(c, refused) // it answered, so it is good for the next one
	return failed
}

// connect takes an idle connection that still answers, or dials.
func (s *SMTP) connect(ctx context.Context) (*connection, error) {
	for c := s.pool.take(); c != nil; c = s.pool.take() {
		stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
		err := c.smtp.UpdateDeadline(s.timeout)
		if err == nil {
			err = c.smtp.Reset()
		}
		if stop() && err == nil {
			return c, nil
		}
		c.hangUp()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	c := &connection{}
	mail, err := gomail.NewClient(s.host, append(s.options[:len(s.options):len(s.options)], gomail.WithDialContextFunc(s.dial(ctx, c)))...)
	if err != nil {
		return nil, err
	}
	c.mail = mail
	if c.smtp, err = mail.DialToSMTPClientWithContext(ctx); err != nil {
		if c.conn != nil {
			_ = c.conn.Close()
		}
		return nil, err
	}
	if !c.dialled() { // the context ended meanwhile
		c.hangUp()
		return nil, context.Cause(ctx)
	}
	return c, nil
}

// dial connects, and cuts the connection when the caller's context ends before the
// dialogue has begun. go-mail leaves TLS from the first byte to its dialer.
func (s *SMTP) dial(dialling context.Context, c *connection) gomail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		c.conn, c.dialled = conn, context.AfterFunc(dialling, func() { _ = conn.Close() })
		if s.implicit == nil {
			return conn, nil
		}
		secure := tls.Client(conn, s.implicit)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return secure, nil
	}
}

// RejectedError is a server's refusal of a message. It holds no addresses.
type RejectedError struct {
	Code int // of RFC 5321; 4xx is temporary
}

func (e *RejectedError) Error() string {
	return fmt.Sprintf("email: the server refused the message with %d", e.Code)
}

// classify keeps the server's code and drops its words, which repeat addresses.
func classify(err error) error {
	refused, ok := errors.AsType[*gomail.SendError](err)
	if !ok || refused.ErrorCode() == 0 {
		return fmt.Errorf("email: send: %w", err)
	}
	rejected := &RejectedError{Code: refused.ErrorCode()}
	if rejected.Code >= 500 {
		return notify.Permanent(rejected)
	}
	return rejected
}
