package fastdfs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/media"
)

// pool keeps the connections to one server.
type pool struct {
	config  *Config
	address string
	slots   chan struct{} // one taken for every open connection that is in use

	mu      sync.Mutex
	idle    []*conn // the one used last is at the end
	reaper  *time.Timer
	closed  bool
	failed  time.Time     // when dialling failed last
	backOff time.Duration // how long after that to leave the server alone
}

const (
	firstBackOff = time.Second
	maxBackOff   = 30 * time.Second
	// trustIdle is how long a connection may rest and still be used without asking the server.
	trustIdle = 10 * time.Second
)

func newPool(config *Config, address string) *pool {
	return &pool{config: config, address: address, slots: make(chan struct{}, config.MaxOpen)}
}

// get returns a connection that is known to have been alive a moment ago. An
// error means that nothing has been sent.
func (p *pool) get(ctx context.Context) (*conn, error) {
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	c, err := p.connect(ctx)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

func (p *pool) connect(ctx context.Context) (*conn, error) {
	for {
		c, err := p.pop()
		if err != nil {
			return nil, err
		}
		if c == nil {
			return p.dial(ctx)
		}
		if c.usable(ctx) {
			return c, nil
		}
		c.close()
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// pop takes the idle connection that was used last, or none.
func (p *pool) pop() (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, media.ErrClosed
	}
	if len(p.idle) == 0 {
		return nil, nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle[len(p.idle)-1] = nil
	p.idle = p.idle[:len(p.idle)-1]
	return c, nil
}

func (p *pool) dial(ctx context.Context) (*conn, error) {
	dialing, cancel := context.WithTimeout(ctx, p.config.DialTimeout)
	defer cancel()
	network, err := p.config.Dial(dialing, "tcp", p.address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p.markDown()
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	p.markUp()
	return newConn(network, p), nil
}

func (p *pool) markDown() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = time.Now()
	p.backOff = min(max(2*p.backOff, firstBackOff), maxBackOff)
}

func (p *pool) markUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed, p.backOff = time.Time{}, 0
}

// downUntil is when a server that failed deserves another try; zero if it did not fail.
func (p *pool) downUntil() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed.IsZero() {
		return time.Time{}
	}
	return p.failed.Add(p.backOff)
}

func (p *pool) isDown() bool { return time.Now().Before(p.downUntil()) }

// put takes back a connection, or closes it if anything about it is doubtful.
func (p *pool) put(c *conn) {
	defer func() { <-p.slots }()
	if c.poisoned {
		c.close()
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.config.MaxIdle {
		c.quit()
		return
	}
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(p.config.IdleTimeout, p.reap)
	}
}

// reap closes what has rested too long, and comes back while anything rests.
func (p *pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	oldest := time.Now().Add(-p.config.IdleTimeout)
	n := 0
	for n < len(p.idle) && !p.idle[n].idleSince.After(oldest) {
		p.idle[n].quit()
		n++
	}
	p.idle = append(p.idle[:0], p.idle[n:]...)
	clear(p.idle[len(p.idle):cap(p.idle)])
	if len(p.idle) > 0 && !p.closed {
		p.reaper = time.AfterFunc(max(time.Until(p.idle[0].idleSince.Add(p.config.IdleTimeout)), time.Millisecond), p.reap)
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.quit()
	}
	p.idle = nil
	if p.reaper != nil {
		p.reaper.Stop()
	}
}

// unused reports whether the pool holds nothing that would be lost with it.
func (p *pool) unused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle) == 0 && len(p.slots) == 0
}
