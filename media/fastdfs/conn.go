package fastdfs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// conn is a connection to a server, for one exchange at a time. Any failure, and every answer after which the
// server may read on in the wrong place, poisons it: it is closed instead of being used again.
type conn struct {
	net  net.Conn
	pool *pool

	buf      []byte // what has been read ahead is buf[r:w]
	r, w     int
	poisoned bool
	reused   bool
	// idleSince is when the pool took it.
	idleSince time.Time

	ctx  context.Context
	stop func() bool
	// interrupted is set by an answer that came before the request had been sent whole.
	interrupted atomic.Bool
}

// readAhead holds an answer with a small file in one read.
const readAhead = 16 << 10

// step is how many bytes are moved before the time limit begins anew.
const step = 1 << 20

var longAgo = time.Unix(1, 0)

func newConn(network net.Conn, p *pool) *conn {
	return &conn{net: network, pool: p, buf: make([]byte, readAhead)}
}

func (c *conn) close() { _ = c.net.Close() }

// quit closes an idle connection and tells the server so.
func (c *conn) quit() {
	_ = c.net.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	_, _ = c.net.Write(newRequest(CommandQuit, 0).end(0))
	c.close()
}

// release gives the connection back to its pool.
func (c *conn) release() { c.pool.put(c) }

// usable reports whether a connection out of the pool still works. One that has not yet been used twice
// or has rested for long is asked; for others it is enough that the server has neither closed it nor said anything.
func (c *conn) usable(ctx context.Context) bool {
	rested := time.Since(c.idleSince)
	if rested >= c.pool.config.IdleTimeout || !quiet(c.net) {
		return false
	}
	if c.reused && rested < trustIdle {
		return true
	}
	c.reused = true
	_, err := c.roundTrip(ctx, newRequest(CommandActiveTest, 0).end(0))
	return err == nil && !c.poisoned
}

// begin binds the connection to ctx for one exchange.
func (c *conn) begin(ctx context.Context) {
	c.ctx = ctx
	c.interrupted.Store(false)
	c.extend()
	if ctx.Done() != nil {
		c.stop = context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(longAgo) })
	}
}

// finish ends what begin began.
func (c *conn) finish() {
	if c.stop != nil && !c.stop() {
		c.poisoned = true // the deadline may be set at any time from now on
	}
	c.stop = nil
}

// extend lets the time limit begin anew.
func (c *conn) extend() {
	_ = c.net.SetDeadline(time.Now().Add(c.pool.config.Timeout))
	if c.ctx.Err() != nil {
		_ = c.net.SetDeadline(longAgo)
	}
	if c.interrupted.Load() {
		_ = c.net.SetWriteDeadline(longAgo)
	}
}

// lost turns a failure of the connection into what the caller has to know.
func (c *conn) lost(command Command, outcomeUnknown bool, err error) error {
	c.poisoned = true
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.ErrUnexpectedEOF
	}
	if c.ctx.Err() != nil {
		err = context.Cause(c.ctx)
	}
	if outcomeUnknown {
		return fmt.Errorf("%s at %s: %w: %w", command, c.pool.address, ErrOutcomeUnknown, err)
	}
	return fmt.Errorf("%s at %s: %w", command, c.pool.address, err)
}

// roundTrip sends a request and returns the body of its answer.
func (c *conn) roundTrip(ctx context.Context, req request) ([]byte, error) {
	c.begin(ctx)
	defer c.finish()
	if err := c.send(req); err != nil {
		return nil, err
	}
	h, err := c.answer(req.command())
	if err != nil {
		return nil, err
	}
	return c.body(req.command(), h)
}

// send writes a request that fits the server's buffer.
func (c *conn) send(req request) error {
	n, err := c.net.Write(req)
	if err == nil {
		return nil
	}
	if n == 0 || c.ctx.Err() != nil {
		return c.lost(req.command(), false, err)
	}
	// A server that refuses may close at once; what it said is more use than a broken pipe.
	c.poisoned = true
	_ = c.net.SetReadDeadline(time.Now().Add(time.Second))
	if h, readErr := c.readHeader(); readErr == nil {
		if refusal := c.check(req.command(), h); refusal != nil {
			return refusal
		}
	}
	return c.lost(req.command(), false, err) // of half a request that fits its buffer a server does nothing
}

// answer reads the header of an answer to a request that has been sent whole.
func (c *conn) answer(command Command) (header, error) {
	h, err := c.readHeader()
	if err != nil {
		return h, c.lost(command, command.mutates(), err)
	}
	return h, c.check(command, h)
}

// check turns a refusal into an error. Nothing may follow one: some refusals announce
// a body that never comes, and after some the server closes.
func (c *conn) check(command Command, h header) error {
	if h.status == 0 {
		return nil
	}
	if h.length != 0 || h.status == statusInvalid || c.w != c.r {
		c.poisoned = true
	}
	return &StatusError{command, h.status, c.pool.address}
}

func (c *conn) readHeader() (header, error) {
	for c.w-c.r < headerSize {
		if err := c.fill(); err != nil {
			return header{}, err
		}
	}
	h, err := parseHeader(c.buf[c.r:c.w])
	if err != nil {
		return h, err
	}
	c.r += headerSize
	return h, nil
}

// fill reads ahead once.
func (c *conn) fill() error {
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	if c.r > 0 {
		c.w = copy(c.buf, c.buf[c.r:c.w])
		c.r = 0
	}
	n, err := c.net.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// body reads what is to be held in memory. What the server claims costs nothing until it sends it.
func (c *conn) body(command Command, h header) ([]byte, error) {
	if h.length > maxAnswer {
		return nil, c.lost(command, command.mutates(), protocolError("answer of %d bytes", h.length))
	}
	var body []byte
	for int64(len(body)) < h.length {
		if c.r == c.w {
			if err := c.fill(); err != nil {
				return nil, c.lost(command, command.mutates(), err)
			}
		}
		n := min(int(h.length)-len(body), c.w-c.r)
		body = append(body, c.buf[c.r:c.r+n]...)
		c.r += n
	}
	if c.r != c.w {
		c.poisoned = true // nobody asked for more
	}
	return body, nil
}

// stream sends a request with a body larger than the server's buffer. The server may refuse it long before its end, and
// then would take the rest for further requests; so an answer that comes early stops the transfer at once, and the connection is given up.
func (c *conn) stream(ctx context.Context, req request, content *source, size int64) ([]byte, error) {
	c.begin(ctx)
	defer c.finish()
	command := req.command()
	type result struct {
		header header
		err    error
	}
	answered := make(chan result, 1)
	go func() {
		h, err := c.readHeader()
		c.interrupted.Store(true)
		_ = c.net.SetWriteDeadline(longAgo)
		answered <- result{h, err}
	}()
	sent, err := c.sendContent(req, content, size)
	if err != nil || sent < size {
		c.poisoned = true
		if content.err == nil && c.ctx.Err() == nil {
			_ = c.net.SetReadDeadline(time.Now().Add(time.Second))
		} else {
			_ = c.net.SetReadDeadline(longAgo)
		}
		early := <-answered
		if content.err != nil {
			return nil, content.err
		}
		if early.err == nil {
			if err := c.check(command, early.header); err != nil {
				return nil, err
			}
			err = protocolError("answered after %d of %d bytes", sent, size)
		}
		return nil, c.lost(command, command.writesInPlace(), err)
	}
	end := <-answered
	if end.err != nil {
		return nil, c.lost(command, command.mutates(), end.err)
	}
	if err := c.check(command, end.header); err != nil {
		c.poisoned = true // it may have come early and only been read late
		return nil, err
	}
	return c.body(command, end.header)
}

// sendContent writes a request and size bytes of content.
func (c *conn) sendContent(req request, content *source, size int64) (sent int64, err error) {
	if file := content.file(); file != nil { // the kernel can move the bytes
		if _, err := c.net.Write(req); err != nil {
			return 0, err
		}
		for sent < size {
			c.extend()
			n, err := io.Copy(c.net, io.LimitReader(file, min(step, size-sent)))
			sent += n
			if err != nil {
				return sent, err
			}
			if n == 0 {
				content.err = io.ErrUnexpectedEOF
				return sent, content.err
			}
		}
		return sent, nil
	}
	p := pieces.Get().(*piece)
	defer p.free()
	buf := p.buf
	head := copy(buf, req)
	for sent < size {
		n, err := content.full(buf[head:min(int64(len(buf)), int64(head)+size-sent)])
		if err != nil {
			return sent, err
		}
		c.extend()
		if _, err := c.net.Write(buf[:head+n]); err != nil {
			return sent, err
		}
		sent += int64(n)
		head = 0
	}
	return sent, nil
}
