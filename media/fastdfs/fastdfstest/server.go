package fastdfstest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/media/fastdfs"
)

const (
	headerSize = 10
	answerByte = 100

	ok       = 0
	notFound = 2
	exists   = 17
	invalid  = 22
	full     = 28
)

// Server is a tracker or a storage of a cluster.
type Server struct {
	cluster *Cluster
	address string
	session session

	requests atomic.Int64
	accepted atomic.Int64

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	resumed  chan struct{} // closed when the server is not paused
	stopped  chan struct{}
	running  sync.WaitGroup
}

// session answers requests.
type session interface {
	// buffer is the size up to which a request is taken in before it is decided; larger ones are streamed.
	buffer() int
	// answer decides about a request whose body, or what of it fits the buffer, is in first; rest gives what follows.
	answer(r *requestIn) reply
}

// requestIn is a request. rest gives the part of the body that did not fit the buffer.
type requestIn struct {
	command fastdfs.Command
	status  byte
	length  int64
	first   []byte
	rest    io.Reader
	broken  bool // the rest did not come
}

type reply struct {
	status byte
	body   []byte
	length int64 // what the header says when it is not len(body)
	close  bool
	silent bool
}

func refuse(status byte) reply { return reply{status: status} }

func (c *Cluster) serve(s session) (*Server, error) {
	server := &Server{cluster: c, session: s, address: "127.0.0.1:0"}
	if err := server.Start(); err != nil {
		return nil, err
	}
	return server, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.address }

// Requests counts the requests that the server has begun to answer.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Accepted counts the connections that have been made.
func (s *Server) Accepted() int64 { return s.accepted.Load() }

// Open counts the connections that are open.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Start runs a server that was stopped, at the same address and with what it knew.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	s.listener, s.conns, s.stopped = listener, map[net.Conn]bool{}, make(chan struct{})
	s.resumed = make(chan struct{})
	close(s.resumed)
	s.running.Go(func() { s.accept(listener) })
	return nil
}

// Stop ends a server and cuts its connections, as if its process was killed. Idempotent.
func (s *Server) Stop() {
	s.mu.Lock()
	if s.listener != nil {
		_ = s.listener.Close()
		s.listener = nil
		close(s.stopped)
		for conn := range s.conns {
			_ = conn.Close()
		}
	}
	s.mu.Unlock()
	s.running.Wait()
}

// Cut closes the connections that there are; new ones can be made.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

// Pause lets a server hang: it accepts connections and reads nothing until Resume.
func (s *Server) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.resumed:
		s.resumed = make(chan struct{})
	default:
	}
}

// Resume ends a Pause.
func (s *Server) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.resumed:
	default:
		close(s.resumed)
	}
}

// wait ends when the server is not paused; false when it has been stopped.
func (s *Server) wait() bool {
	s.mu.Lock()
	resumed, stopped := s.resumed, s.stopped
	s.mu.Unlock()
	select {
	case <-stopped:
		return false
	default:
	}
	select {
	case <-resumed:
		return true
	case <-stopped:
		return false
	}
}

// sleep waits for d; false when the server has been stopped.
func (s *Server) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stopped:
		return false
	}
}

func (s *Server) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		s.accepted.Add(1)
		s.mu.Lock()
		if s.listener != listener {
			s.mu.Unlock()
			_ = conn.Close()
			return
		}
		s.conns[conn] = true
		s.running.Go(func() {
			s.talk(conn)
			_ = conn.Close()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
		})
		s.mu.Unlock()
	}
}

// talk answers the requests of a connection until it ends.
func (s *Server) talk(conn net.Conn) {
	in := bufio.NewReaderSize(conn, 32<<10)
	for s.exchange(conn, in) {
	}
}

func (s *Server) exchange(conn net.Conn, in *bufio.Reader) bool {
	var header [headerSize]byte
	if _, err := io.ReadFull(in, header[:]); err != nil || !s.wait() {
		return false
	}
	s.requests.Add(1)
	r := &requestIn{length: int64(binary.BigEndian.Uint64(header[:])), command: fastdfs.Command(header[8]), status: header[9]}
	if _, isTracker := s.session.(*trackerSession); isTracker {
		r.length = int64(int32(r.length)) // as there, the upper half is lost
	}
	if r.length < 0 || r.command == fastdfs.CommandQuit {
		return false
	}
	fault := s.cluster.fault(s, r.command)
	if !fault.take(s, conn, in, r) {
		return false
	}
	inBuffer := min(r.length, int64(s.session.buffer()-headerSize))
	r.first = make([]byte, inBuffer)
	if _, err := io.ReadFull(in, r.first); err != nil {
		return false
	}
	rest := &io.LimitedReader{R: in, N: r.length - inBuffer}
	r.rest = rest
	var answer reply
	if fault != nil && fault.Status != 0 {
		answer = refuse(fault.Status)
	} else {
		answer = s.session.answer(r)
	}
	if r.broken {
		return false
	}
	if _, isStorage := s.session.(*storageSession); isStorage && answer.status == invalid {
		answer.close = true
	}
	if answer.silent {
		return false
	}
	if !fault.give(s, conn, answer.bytes()) {
		return false
	}
	if answer.close {
		lingerClose(conn)
		return false
	}
	if _, isStorage := s.session.(*storageSession); isStorage && in.Buffered() > 0 && rest.N == 0 {
		// What came in one piece with a request is looked at only when more comes.
		if _, err := in.Peek(in.Buffered() + 1); err != nil {
			return false
		}
	}
	return true
}

// lingerClose makes sure that the answer is not lost by a reset, when the client is still sending.
func lingerClose(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
		_ = tcp.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, _ = io.CopyN(io.Discard, tcp, 64<<10)
	}
}

func (a reply) bytes() []byte {
	length := a.length
	if length == 0 {
		length = int64(len(a.body))
	}
	out := make([]byte, headerSize, headerSize+len(a.body))
	binary.BigEndian.PutUint64(out, uint64(length))
	out[8], out[9] = answerByte, a.status
	return append(out, a.body...)
}

// message takes a request's body apart. Running out of it sets short.
type message struct {
	b     []byte
	short bool
}

func (m *message) take(n int) []byte {
	if n < 0 || len(m.b) < n {
		m.short = true
		m.b = nil
		return make([]byte, max(n, 0)%4096)
	}
	part := m.b[:n]
	m.b = m.b[n:]
	return part
}

func (m *message) int64() int64 {
	part := m.take(8)
	return int64(binary.BigEndian.Uint64(part))
}

func (m *message) byte() byte { return m.take(1)[0] }

func (m *message) text(n int) string { return cut(m.take(n)) }

func cut(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// answerOut is a body on its way out.
type answerOut []byte

func (a answerOut) int64(v int64) answerOut { return binary.BigEndian.AppendUint64(a, uint64(v)) }

func (a answerOut) int32(v int32) answerOut { return binary.BigEndian.AppendUint32(a, uint32(v)) }

func (a answerOut) text(s string, size int) answerOut {
	a = append(a, s...)
	return append(a, make([]byte, size-len(s))...)
}
