package testenv

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	proxyChunk = 32 << 10 // read at once
	proxyLine  = 256      // chunks on their way in one direction, at most
)

// Proxy stands between clients and a server on TCP and makes a network that
// fails: slow ([Proxy.SetDelay]), cut ([Proxy.Cut]) or silent
// ([Proxy.HalfOpen]), until [Proxy.Heal]. Its methods are safe for concurrent
// use.
type Proxy struct {
	target string
	addr   string

	port *heldPort

	mu       sync.Mutex
	listener net.Listener // nil while cut
	links    map[*link]struct{}
	delay    time.Duration
	silent   bool
	closed   bool
	running  sync.WaitGroup
}

// NewProxy listens on a free loopback port and passes every connection on to
// target, a host:port.
func NewProxy(target string) (*Proxy, error) {
	port, err := holdPort()
	if err != nil {
		return nil, fmt.Errorf("testenv: proxy: %w", err)
	}
	l, err := port.listen()
	if err != nil {
		return nil, fmt.Errorf("testenv: proxy: %w", errors.Join(err, port.release()))
	}
	p := &Proxy{target: target, addr: port.addr, port: port, links: make(map[*link]struct{})}
	p.serve(l)
	return p, nil
}

// Addr is where clients connect, a host:port. It stays the same over
// [Proxy.Cut] and [Proxy.Heal], and nobody else can take it.
func (p *Proxy) Addr() string { return p.addr }

// SetDelay makes every byte arrive d later than it would, in each direction,
// so that a round trip takes 2d longer. It is a delay line, as a long cable:
// throughput stays. It holds for what is sent from now on, on open
// connections too. Zero or less means none.
func (p *Proxy) SetDelay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = max(d, 0)
}

// Cut resets all connections (RST) and refuses new ones.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for l := range p.links {
		l.reset()
	}
}

// HalfOpen keeps connections open and swallows silently what is sent in
// either direction, as a host that was unplugged or a firewall that forgot the
// connection; even a close is not passed on. New connections are accepted and
// find the same silence.
func (p *Proxy) HalfOpen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
}

// Heal ends [Proxy.Cut] and [Proxy.HalfOpen]; the delay stays. Connections
// that were open during half-open are reset, for what was sent on them is
// lost.
func (p *Proxy) Heal() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return fmt.Errorf("testenv: proxy: heal: %w", net.ErrClosed)
	}
	if p.silent {
		p.silent = false
		for l := range p.links {
			l.reset()
		}
	}
	if p.listener == nil {
		l, err := p.port.listen()
		if err != nil {
			return fmt.Errorf("testenv: proxy: heal: %w", err)
		}
		p.serve(l)
	}
	return nil
}

// Close resets all connections and stops listening. It is idempotent.
func (p *Proxy) Close() error {
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	p.mu.Unlock()
	p.Cut()
	p.running.Wait()
	if closed {
		return nil
	}
	return p.port.release()
}

// serve is called with p.mu held, or before anybody knows p.
func (p *Proxy) serve(l net.Listener) {
	p.listener = l
	p.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				if errors.Is(err, net.ErrClosed) {
					return
				}
				continue // one connection failed before it began
			}
			p.connect(l, conn.(*net.TCPConn))
		}
	})
}

// connect begins a link for a connection that came in at listener l.
func (p *Proxy) connect(l net.Listener, client *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	link := &link{proxy: p, client: client, done: make(chan struct{})}
	if p.listener != l { // cut meanwhile
		link.reset()
		return
	}
	p.links[link] = struct{}{}
	p.running.Go(func() {
		link.run()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.links, link)
	})
}

// settings are what the proxy does right now.
func (p *Proxy) settings() (delay time.Duration, silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay, p.silent
}

// A link is one client's connection through the proxy.
type link struct {
	proxy  *Proxy
	client *net.TCPConn

	mu     sync.Mutex
	server *net.TCPConn // nil until connected
	done   chan struct{}
	ended  bool
}

// reset drops both connections at once (RST).
func (l *link) reset() { l.end(true) }

// end closes both connections. Only the first call counts.
func (l *link) end(reset bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended = true
	close(l.done)
	for _, conn := range []*net.TCPConn{l.client, l.server} {
		if conn != nil {
			if reset {
				_ = conn.SetLinger(0)
			}
			_ = conn.Close()
		}
	}
}

func (l *link) run() {
	server, err := net.Dial("tcp", l.proxy.target)
	if err != nil {
		l.reset() // the client sees a reset, as from a server that is down
		return
	}
	l.mu.Lock()
	l.server = server.(*net.TCPConn)
	ended := l.ended
	l.mu.Unlock()
	if ended {
		_ = server.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { l.pass(l.client, l.server) })
	both.Go(func() { l.pass(l.server, l.client) })
	both.Wait()
	l.end(false)
}

// A parcel is on its way until due.
type parcel struct {
	data []byte // nil is the end of the stream
	due  time.Time
}

// pass moves one direction. The reader stamps what it reads with the time at
// which it is due and reads on; the writer waits for each one's time.
func (l *link) pass(from, to *net.TCPConn) {
	line := make(chan parcel, proxyLine)
	var writer sync.WaitGroup
	writer.Go(func() { l.deliver(line, to) })
	defer writer.Wait()
	defer close(line)
	for {
		buffer := make([]byte, proxyChunk)
		n, err := from.Read(buffer)
		delay, silent := l.proxy.settings()
		due := time.Now().Add(delay)
		if silent && err != nil {
			<-l.done // the other side must not learn of it
			return
		}
		if n > 0 && !silent && !l.send(line, parcel{buffer[:n], due}) {
			return
		}
		switch {
		case errors.Is(err, io.EOF):
			l.send(line, parcel{nil, due})
			return
		case err != nil:
			l.reset()
			return
		}
	}
}

func (l *link) send(line chan<- parcel, p parcel) bool {
	select {
	case line <- p:
		return true
	case <-l.done:
		return false
	}
}

func (l *link) deliver(line <-chan parcel, to *net.TCPConn) {
	for p := range line {
		if wait := time.Until(p.due); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-l.done:
				timer.Stop()
				return
			}
		}
		if _, silent := l.proxy.settings(); silent {
			continue // swallowed on its way
		}
		if p.data == nil {
			_ = to.CloseWrite()
			return
		}
		if _, err := to.Write(p.data); err != nil {
			l.reset()
			return
		}
	}
}
