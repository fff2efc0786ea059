package fastdfstest

import (
	"bufio"
	"io"
	"net"
	"time"

	"github.com/seed82d84382/commerce/media/fastdfs"
)

// Fault disturbs exchanges. The zero value of each field leaves that alone.
type Fault struct {
	Server  *Server         // nil: all
	Command fastdfs.Command // 0: all
	Times   int             // how many exchanges; 0: all until removed

	// Status is the answer, in place of doing anything. A request larger than the buffer is refused when that is full, and the rest
	// of it then read as further requests, as the real servers do.
	Status byte
	// Delay is how long the server waits before it reads the body.
	Delay time.Duration
	// CutRequest closes the connection after so many bytes of the body have been read; -1 before the first.
	CutRequest int64
	// CutAnswer does what was asked and closes the connection after so many bytes of the answer; -1 before the first.
	CutAnswer int
	// Rewrite changes an answer, header included: into one of another width, or anything else.
	Rewrite func(answer []byte) []byte
	// Slow sends answers in pieces of 1 KiB with so much time between them.
	Slow time.Duration
}

// Inject adds a fault and returns a function that removes it.
func (c *Cluster) Inject(fault Fault) (remove func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	added := &fault
	c.faults = append(c.faults, added)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.removeFault(added)
	}
}

func (c *Cluster) removeFault(fault *Fault) {
	for i, f := range c.faults {
		if f == fault {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
			return
		}
	}
}

// fault returns the first that applies, or nil.
func (c *Cluster) fault(s *Server, command fastdfs.Command) *Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults {
		if f.Server != nil && f.Server != s || f.Command != 0 && f.Command != command {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				c.removeFault(f)
			}
		}
		return f
	}
	return nil
}

// take disturbs the way in; false ends the connection.
func (f *Fault) take(s *Server, conn net.Conn, in *bufio.Reader, r *requestIn) bool {
	if f == nil {
		return true
	}
	if !s.sleep(f.Delay) {
		return false
	}
	if f.CutRequest != 0 {
		_, _ = io.CopyN(io.Discard, in, min(max(f.CutRequest, 0), r.length))
		reset(conn)
		return false
	}
	return true
}

// give disturbs the way out; false ends the connection.
func (f *Fault) give(s *Server, conn net.Conn, answer []byte) bool {
	if f == nil {
		_, err := conn.Write(answer)
		return err == nil
	}
	if f.Rewrite != nil {
		answer = f.Rewrite(answer)
	}
	cut := f.CutAnswer != 0
	if cut {
		answer = answer[:min(max(f.CutAnswer, 0), len(answer))]
	}
	for f.Slow > 0 && len(answer) > 1024 {
		if _, err := conn.Write(answer[:1024]); err != nil || !s.sleep(f.Slow) {
			return false
		}
		answer = answer[1024:]
	}
	_, err := conn.Write(answer)
	return err == nil && !cut
}

// reset closes a connection as a crash does.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
