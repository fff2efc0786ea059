package email_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"io"
	"math/big"
	"mime/quotedprintable"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// smtpServer speaks enough of RFC 5321, 3207 and 4954 for a client to deliver to it.
type smtpServer struct {
	addr     string
	tls      *tls.Config // nil: none
	implicit bool        // TLS from the first byte
	user     string      // not empty: authentication is required
	password string
	answers  map[string]string // by verb: answered instead
	hang     string            // a verb that is never answered
	drop     bool              // hang up right after the message was taken

	connections atomic.Int32

	mu   sync.Mutex
	mail []received
	open []net.Conn
}

// hangUp closes all connections, as a server does with idle ones.
func (s *smtpServer) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.open {
		_ = conn.Close()
	}
}

type received struct {
	from      string
	to        []string
	data      string
	encrypted bool
}

func (s *smtpServer) start(t *testing.T) *smtpServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = listener.Addr().String()
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			s.mu.Lock()
			s.open = append(s.open, conn)
			s.mu.Unlock()
			group.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	return s
}

func (s *smtpServer) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mail...)
}

func (s *smtpServer) serve(conn net.Conn) {
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	reader := bufio.NewReader(conn)
	say := func(lines string) { _, _ = io.WriteString(conn, lines+"\r\n") }
	say("220 test ESMTP")
	var mail received
	authenticated := s.user == ""
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb := strings.ToUpper(strings.SplitN(line, " ", 2)[0])
		if verb == s.hang {
			_, _ = io.Copy(io.Discard, reader)
			return
		}
		if answer, ok := s.answers[verb]; ok {
			say(answer)
			continue
		}
		switch {
		case verb == "EHLO" || verb == "HELO":
			if s.tls != nil && !encrypted {
				say("250-test\r\n250 STARTTLS")
			} else {
				say("250-test\r\n250 AUTH PLAIN")
			}
		case verb == "STARTTLS":
			say("220 go ahead")
			conn = tls.Server(conn, s.tls)
			reader, encrypted = bufio.NewReader(conn), true
		case verb == "AUTH":
			want := base64.StdEncoding.EncodeToString([]byte("\x00" + s.user + "\x00" + s.password))
			if authenticated = line == "AUTH PLAIN "+want; authenticated {
				say("235 welcome")
			} else {
				say("535 no")
			}
		case !authenticated && verb == "MAIL":
			say("530 authenticate first")
		case verb == "MAIL":
			mail = received{from: line, encrypted: encrypted}
			say("250 ok")
		case verb == "RSET":
			mail = received{}
			say("250 ok")
		case verb == "RCPT" && strings.Contains(line, "nobody@"):
			say("550 no such user")
		case verb == "RCPT":
			mail.to = append(mail.to, line)
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			for {
				text, err := reader.ReadString('\n')
				if err != nil {
					return
				}
				if text == ".\r\n" {
					break
				}
				mail.data += strings.TrimPrefix(text, ".") // dot-stuffing, RFC 5321, 4.5.2
			}
			s.mu.Lock()
			s.mail = append(s.mail, mail)
			s.mu.Unlock()
			say("250 taken")
			if s.drop {
				return
			}
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// certificate is one for 127.0.0.1 and a pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, pool
}

// decoder undoes a transfer encoding.
func decoder(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}
