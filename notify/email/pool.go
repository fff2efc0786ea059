package email

import (
	"net"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// maxPerConnection bounds the messages of one connection, as many servers do.
const maxPerConnection = 100

// connection is a dialogue with a server.
type connection struct {
	mail    *gomail.Client
	smtp    *smtp.Client
	conn    net.Conn
	dialled func() bool // ends the watch over the dialling; false when it has struck
	sent    int
	broken  bool
	idle    *time.Timer // hangs up
}

func (c *connection) hangUp() { _ = c.conn.Close() }

// pool keeps idle connections. The last one used is the next one taken, so that
// those that are not needed come to their end.
type pool struct {
	max  int
	keep time.Duration

	mu   sync.Mutex
	idle []*connection
}

func (p *pool) take() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	c := p.idle[n-1]
	p.idle = p.idle[:n-1]
	c.idle.Stop()
	return c
}

// put keeps a connection that is good for another message, and hangs up otherwise.
func (p *pool) put(c *connection, good bool) {
	c.sent++
	p.mu.Lock()
	keep := good && !c.broken && c.sent < maxPerConnection && len(p.idle) < p.max
	if keep {
		p.idle = append(p.idle, c)
		c.idle = time.AfterFunc(p.keep, func() { p.expire(c) })
	}
	p.mu.Unlock()
	if keep {
		return
	}
	if good && !c.broken {
		_ = c.smtp.Quit()
	}
	c.hangUp()
}

// expire hangs up a connection that is still idle.
func (p *pool) expire(c *connection) {
	p.mu.Lock()
	found := false
	for i, other := range p.idle {
		if other == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			found = true
			break
		}
	}
	p.mu.Unlock()
	if found {
		c.hangUp()
	}
}

func (p *pool) close() {
	for c := p.take(); c != nil; c = p.take() {
		_ = c.smtp.UpdateDeadline(time.Second)
		_ = c.smtp.Quit()
		c.hangUp()
	}
}
