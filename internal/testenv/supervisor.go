package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 60 * time.Second        // how long a server may take to answer its first query
	stopTimeout  = 20 * time.Second        // how long a server may take to stop on SIGTERM before it is killed
	pollInterval = 20 * time.Millisecond   // between two questions whether the server is ready
	readyTimeout = 2 * time.Second         // for one such question
	portTries    = 5                       // how often a start is tried again when the port was taken meanwhile
	logTailBytes = 4 << 10                 // how much of the log an error carries
	logDirEnv    = "COMMERCE_TESTENV_LOGS" // a directory that keeps every server's log
)

// Options of a server. The zero value, and nil, mean the defaults.
type Options struct {
	// Args are added to the server's command line, after our own, so that
	// they win where the server takes the last one.
	Args []string
	// Log receives a copy of the server's log as it is written. The file at
	// LogFile has it in any case.
	Log io.Writer
	// Brief lets a server in Java compile its code quickly instead of well. One that
	// lives for minutes takes half of the processor's time then, to start and in all.
	// It is not for benchmarks. Other servers do not know it.
	Brief bool
}

// briefJava is how Options.Brief is said to every program in Java, and to those it starts.
const briefJava = "JDK_JAVA_OPTIONS=-XX:TieredStopAtLevel=1"

// A kind is what differs from one sort of server to the next.
type kind struct {
	name    string
	program string // looked up in PATH and the sbin directories
	debian  string // the package that has the program
	// find looks the program up where that is not enough; nil where it is.
	find func() (string, error)
	// unprivileged is a program that refuses to run as root.
	unprivileged bool
	// scattered is a program whose children leave its process group.
	scattered bool
	// prepare fills the empty data directory.
	prepare func(ctx context.Context, program, data string) error
	// launch is the program with what must go before it; nil means nothing.
	launch func(program string) []string
	// args is the command line, without the program.
	args func(program, data string, port int) []string
	// slow is a program that takes long to start on a busy machine.
	slow bool
	// port finds a free port where it may not be any; nil where it may.
	port func() (int, error)
	// orderly is the signal that ends it in an orderly way; zero means SIGTERM.
	orderly syscall.Signal
	// environment is added to ours at every start; nil means nothing.
	environment func(data string, port int) ([]string, error)
	// dsn is where clients connect.
	dsn func(addr string) string
	// ready asks a real query, and whether it is this server that answers:
	// another one may have taken the port.
	ready func(ctx context.Context, s *Server) error
	// portTaken recognises the log of a start that failed for its port.
	portTaken [][]byte
	// newDatabase makes an empty database and a function that drops it.
	newDatabase func(ctx context.Context, s *Server) (dsn string, drop func(context.Context) error, err error)
	// control runs the server's own command for operators; nil means that there is none.
	control func(ctx context.Context, s *Server, args []string) (output string, err error)
}

// startTimeout is how long a start may take.
func (k kind) startTimeout() time.Duration {
	if k.slow {
		return 3 * startTimeout
	}
	return startTimeout
}

func (k kind) freePort() (int, error) {
	if k.port != nil {
		return k.port()
	}
	return freePort()
}

// look finds the program.
func (k kind) look() (string, error) {
	if k.find != nil {
		return k.find()
	}
	return LookPath(k.program, k.debian)
}

// Server is a running server. Its methods are safe for concurrent use.
type Server struct {
	Addr string // host:port on loopback
	DSN  string // for clients: go-sql-driver's form, or a URL

	kind kind
	opts Options
	port int

	mu     sync.Mutex
	guard  *guard    // nil when the server is not ours
	dir    string    // of the server: data, log, temporary files
	log    string    // the log file
	cmd    *exec.Cmd // nil while the server is down
	closed bool
}

// start runs a new server of a kind.
func start(ctx context.Context, k kind, opts *Options) (*Server, error) {
	program, err := k.look()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, k.startTimeout())
	defer cancel()
	s := &Server{kind: k}
	if opts != nil {
		s.opts = *opts
	}
	if s.guard, err = newGuard(k.name); err != nil {
		return nil, fmt.Errorf("testenv: %s: %w", k.name, err)
	}
	s.dir = s.guard.dir
	if err := s.prepare(ctx, program); err != nil {
		return nil, fmt.Errorf("testenv: %s: prepare: %w", k.name, errors.Join(err, s.Close()))
	}
	for try := 1; ; try++ {
		if s.port, err = k.freePort(); err == nil {
			s.Addr = "127.0.0.1:" + strconv.Itoa(s.port)
			s.DSN = k.dsn(s.Addr)
			err = s.run(ctx, program)
		}
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errPortTaken) || try == portTries {
			kept, keepErr := s.KeepLog()
			if keepErr == nil {
				err = fmt.Errorf("%w\n(whole log: %s)", err, kept)
			}
			return nil, errors.Join(err, s.Close())
		}
	}
}

func (s *Server) prepare(ctx context.Context, program string) error {
	for _, sub := range []string{"data", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.dir, sub), 0o700); err != nil {
			return err
		}
	}
	s.log = filepath.Join(s.dir, s.kind.name+".log")
	if dir := os.Getenv(logDirEnv); dir != "" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		s.log = filepath.Join(dir, filepath.Base(s.dir)+".log")
	}
	if s.kind.prepare != nil {
		if err := s.kind.prepare(ctx, program, s.data()); err != nil {
			return err
		}
	}
	if s.kind.unprivileged {
		return handOver(s.dir)
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

var errPortTaken = errors.New("port taken")

// run starts the process and returns when it answers. On an error nothing
// runs.
func (s *Server) run(ctx context.Context, program string) error {
	logFile, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("testenv: %s: %w", s.kind.name, err)
	}
	defer logFile.Close() // the process has its own
	before, err := logFile.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("testenv: %s: %w", s.kind.name, err)
	}
	cmd, err := s.command(program)
	if err != nil {
		return fmt.Errorf("testenv: %s: %w", s.kind.name, err)
	}
	cmd.Stdout = logFile
	if s.opts.Log != nil {
		// The process writes to a pipe then, and a goroutine lives as long as it.
		mine, err := os.OpenFile(s.log, os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("testenv: %s: %w", s.kind.name, err)
		}
		cmd.Stdout = &teeFile{file: mine, copy: s.opts.Log}
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("testenv: %s: %w", s.kind.name, err)
	}
	s.cmd = cmd
	if err := s.waitReady(ctx); err != nil {
		err = errors.Join(err, s.stop(syscall.SIGKILL))
		text := s.logSince(before)
		if s.isPortTaken(text) {
			err = errors.Join(errPortTaken, err)
		}
		return fmt.Errorf("testenv: %s on %s did not start: %w\nlog:\n%s", s.kind.name, s.Addr, err, tail(text))
	}
	return nil
}

// command is the server's process, not started yet.
func (s *Server) command(program string) (*exec.Cmd, error) {
	launch := []string{program}
	if s.kind.launch != nil {
		launch = s.kind.launch(program)
	}
	cmd := s.guard.command(launch[0], slices.Concat(launch[1:], s.kind.args(program, s.data(), s.port), s.opts.Args)...)
	if s.kind.unprivileged {
		drop(cmd)
	}
	cmd.Dir = s.data()
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(s.dir, "tmp"))
	if s.kind.environment != nil {
		more, err := s.kind.environment(s.data(), s.port)
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, more...)
	}
	if s.opts.Brief {
		cmd.Env = append(cmd.Env, briefJava)
	}
	return cmd, nil
}

func (s *Server) isPortTaken(log []byte) bool {
	for _, sign := range s.kind.portTaken {
		if bytes.Contains(log, sign) {
			return true
		}
	}
	return false
}

func (s *Server) waitReady(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, readyTimeout)
		err := s.kind.ready(ask, s)
		cancel()
		if err == nil {
			return nil
		}
		if s.exited() {
			return errors.New("the process ended")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last answer: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// exited reports whether the process has ended by itself. There is no
// goroutine that waits for it: a server shared by a whole test binary would
// look like a leak.
func (s *Server) exited() bool {
	var status syscall.WaitStatus
	pid, err := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WNOHANG, nil)
	return err == nil && pid == s.cmd.Process.Pid && (status.Exited() || status.Signaled())
}

// stop sends a signal to the process group, waits until the process is gone
// and reports only what keeps it from being gone.
func (s *Server) stop(signal syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	cmd, pid := s.cmd, s.cmd.Process.Pid
	s.cmd = nil
	var orphans []int
	if signal == syscall.SIGKILL {
		orphans = s.signalAll(pid, signal)
	} else {
		s.signal(pid, signal)
		s.signalAll(pid, syscall.SIGCONT) // a paused server would not see it
		force := time.AfterFunc(stopTimeout, func() { s.signalAll(pid, syscall.SIGKILL) })
		defer force.Stop()
	}
	_ = cmd.Wait() // killed, so never a success
	waitGone(orphans)
	if tee, ok := cmd.Stdout.(*teeFile); ok {
		_ = tee.file.Close()
	}
	return s.guard.forget()
}

func (s *Server) signal(pid int, signal syscall.Signal) {
	_ = syscall.Kill(-pid, signal) // gone already is fine
}

// Kill ends the server as kill -9 does: at once, in the middle of what it was
// doing. Its data stays for [Server.Restart]. A server that is down already
// stays down.
func (s *Server) Kill() error {
	return s.locked("kill", func() error { return s.stop(syscall.SIGKILL) })
}

// Restart starts the server again on the same port and data. One that still
// runs is stopped in an orderly way (SIGTERM) first.
func (s *Server) Restart(ctx context.Context) error {
	return s.locked("restart", func() error {
		program, err := s.kind.look()
		if err != nil {
			return err
		}
		orderly := s.kind.orderly
		if orderly == 0 {
			orderly = syscall.SIGTERM
		}
		if err := s.stop(orderly); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, s.kind.startTimeout())
		defer cancel()
		return s.run(ctx, program)
	})
}

// Pause stops the server in its tracks (SIGSTOP): connections stay open and
// nothing answers. When Pause returns the server stands still.
func (s *Server) Pause() error {
	return s.locked("pause", func() error {
		if s.cmd == nil {
			return errors.New("the server is down")
		}
		pid := s.cmd.Process.Pid
		s.signalAll(pid, syscall.SIGSTOP)
		for {
			var status syscall.WaitStatus
			_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
			switch {
			case errors.Is(err, syscall.EINTR):
			case err != nil:
				return err
			case status.Stopped():
				return nil
			default:
				return errors.Join(errors.New("the server ended"), s.stop(syscall.SIGKILL))
			}
		}
	})
}

// Resume lets a paused server go on.
func (s *Server) Resume() error {
	return s.locked("resume", func() error {
		if s.cmd == nil {
			return errors.New("the server is down")
		}
		s.signalAll(s.cmd.Process.Pid, syscall.SIGCONT)
		return nil
	})
}

// locked runs an act on a server of ours.
func (s *Server) locked(act string, f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	switch {
	case s.guard == nil:
		err = fmt.Errorf("the server was not started here: %w", errors.ErrUnsupported)
	case s.closed:
		err = os.ErrClosed
	default:
		err = f()
	}
	if err != nil {
		return fmt.Errorf("testenv: %s: %s: %w", s.kind.name, act, err)
	}
	return nil
}

// Close kills the server and removes its directory. It is idempotent, and
// does nothing to a server that was not started here.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.guard == nil {
		return nil
	}
	s.closed = true
	err := errors.Join(s.stop(syscall.SIGKILL), s.guard.close())
	if err != nil {
		return fmt.Errorf("testenv: %s: close: %w", s.kind.name, err)
	}
	return nil
}

// NewDatabase makes an empty database that nobody else uses (on Redis: a
// numbered logical database) and returns where to find it and the function
// that drops it.
func (s *Server) NewDatabase(ctx context.Context) (dsn string, drop func(context.Context) error, err error) {
	dsn, drop, err = s.kind.newDatabase(ctx, s)
	if err != nil {
		return "", nil, fmt.Errorf("testenv: %s: new database: %w", s.kind.name, err)
	}
	return dsn, drop, nil
}

// Control runs the server's own command for operators (of RabbitMQ: rabbitmqctl)
// and returns what it prints.
func (s *Server) Control(ctx context.Context, args ...string) (string, error) {
	if s.kind.control == nil || s.guard == nil {
		return "", fmt.Errorf("testenv: %s: control: %w", s.kind.name, errors.ErrUnsupported)
	}
	out, err := s.kind.control(ctx, s, args)
	if err != nil {
		return "", fmt.Errorf("testenv: %s: control: %w", s.kind.name, err)
	}
	return out, nil
}
