package rabbitqueue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/seed82d84382/commerce/internal/pause"
	"github.com/seed82d84382/commerce/notify"
)

// dialTimeout bounds connecting to one node, handshake included.
const dialTimeout = 10 * time.Second

// Pauses between attempts to connect.
const (
	minPause = 50 * time.Millisecond
	maxPause = 2 * time.Second
)

// dialer opens connections to any node that answers.
type dialer struct {
	urls    []string
	options *Options
	life    context.Context // ends when the driver is closed
	young   *young
}

// dial tries every node once, from a random one on.
func (d *dialer) dial(ctx context.Context, purpose string) (conn *amqp.Connection, corked *corkedConn, err error) {
	properties := amqp.NewConnectionProperties()
	properties.SetClientConnectionName(filepath.Base(os.Args[0]) + " " + purpose)
	first := rand.IntN(len(d.urls))
	for i := range d.urls {
		config := amqp.Config{
			Heartbeat: d.options.Heartbeat, Locale: "en_US", Properties: properties, TLSClientConfig: d.options.TLS,
			Dial: func(network, addr string) (net.Conn, error) {
				dialing := net.Dialer{Timeout: dialTimeout}
				raw, err := dialing.DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				corked = &corkedConn{Conn: raw, patience: d.options.Wait}
				return corked, raw.SetDeadline(time.Now().Add(dialTimeout))
			},
		}
		conn, err = amqp.DialConfig(d.urls[(first+i)%len(d.urls)], config)
		if err == nil {
			return conn, corked, nil
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
	}
	return nil, nil, fmt.Errorf("rabbitqueue: connect: %w", err)
}

// insist dials until it succeeds, ctx ends or the driver is closed. The error is the last attempt's.
func (d *dialer) insist(ctx context.Context, purpose string) (*amqp.Connection, *corkedConn, error) {
	dialing, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	for rest := minPause; ; rest = min(2*rest, maxPause) {
		conn, corked, err := d.dial(dialing, purpose)
		if err == nil {
			return conn, corked, nil
		}
		if d.life.Err() != nil {
			return nil, nil, notify.ErrClosed
		}
		d.options.Logger.Warn("rabbitqueue: cannot connect", "purpose", purpose, "error", err)
		switch ended := wait(ctx, d.life, minPause+rand.N(rest)); {
		case ended == nil:
		case errors.Is(ended, notify.ErrClosed):
			return nil, nil, ended
		default:
			return nil, nil, fmt.Errorf("%w (%w)", ended, err)
		}
	}
}

// wait returns nil after d, ctx.Err() when ctx ends first, and notify.ErrClosed when the queue is closed first.
func wait(ctx, life context.Context, d time.Duration) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(life, cancel)()
	err := pause.For(waiting, d)
	if err != nil && ctx.Err() == nil {
		return notify.ErrClosed
	}
	return err
}

// corkedConn gathers what is written between cork and uncork, so that many small
// messages cost one system call.
type corkedConn struct {
	net.Conn
	patience time.Duration // with a peer that does not read

	mu     sync.Mutex
	corks  int
	buffer []byte
}

// corkSize is how much is gathered at most.
const corkSize = 128 << 10

func (c *corkedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corks == 0 {
		return c.write(p)
	}
	c.buffer = append(c.buffer, p...)
	if len(c.buffer) < corkSize {
		return len(p), nil
	}
	return len(p), c.flush()
}

func (c *corkedConn) flush() error {
	if len(c.buffer) == 0 {
		return nil
	}
	_, err := c.write(c.buffer)
	c.buffer = c.buffer[:0]
	if cap(c.buffer) > 4*corkSize {
		c.buffer = nil
	}
	return err
}

func (c *corkedConn) write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

func (c *corkedConn) cork() {
	c.mu.Lock()
	c.corks++
	c.mu.Unlock()
}

// uncork sends what was gathered, once everybody has uncorked.
func (c *corkedConn) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corks--; c.corks > 0 {
		return nil
	}
	return c.flush()
}
