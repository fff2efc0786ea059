package testenv

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// redisDatabases is how many numbered databases a server has. Number 0 stays
// free for clients that choose none, and counts the others.
const redisDatabases = 4096

var redisKind = kind{
	name:    "redis",
	program: "redis-server",
	debian:  "redis-server",
	args: func(_, data string, port int) []string {
		return []string{
			"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", data,
			"--appendonly", "yes", "--save", "", "--databases", strconv.Itoa(redisDatabases),
		}
	},
	dsn:         func(addr string) string { return "redis://" + addr + "/0" },
	ready:       redisReady,
	portTaken:   [][]byte{[]byte("Address already in use")},
	newDatabase: newRedisDatabase,
}

// Redis starts a Redis server with an append-only file. DSN is a URL, as
// redis://127.0.0.1:6379/0.
//
// As Redis has it by default, the file is synced every second, and a kill may
// lose what it has acknowledged in the last one or two. Where a test counts on
// every write, it adds the Args "--appendfsync", "always".
//
// It returns an [UnavailableError] when redis-server is not installed.
func Redis(ctx context.Context, opts *Options) (*Server, error) { return start(ctx, redisKind, opts) }

// RedisAt is a Redis server that runs already, at host:port. It cannot be
// paused, killed or restarted.
func RedisAt(addr string) *Server {
	return &Server{Addr: addr, DSN: redisKind.dsn(addr), kind: redisKind}
}

func redisReady(ctx context.Context, s *Server) error {
	if _, err := redisCommand(ctx, s.Addr, "PING"); err != nil { // an error while it loads its data
		return err
	}
	info, err := redisCommand(ctx, s.Addr, "INFO server")
	if err != nil {
		return err
	}
	if want := "process_id:" + strconv.Itoa(s.cmd.Process.Pid) + "\r\n"; !strings.Contains(info, want) {
		return fmt.Errorf("another server answers on %s", s.Addr)
	}
	return nil
}

func newRedisDatabase(ctx context.Context, s *Server) (string, func(context.Context) error, error) {
	answer, err := redisCommand(ctx, s.Addr, "INCR commerce-testenv-databases")
	if err != nil {
		return "", nil, err
	}
	count, err := strconv.Atoi(answer)
	if err != nil {
		return "", nil, err
	}
	number := strconv.Itoa(1 + count%(redisDatabases-1))
	flush := func(ctx context.Context) error {
		_, err := redisCommand(ctx, s.Addr, "SELECT "+number, "FLUSHDB")
		return err
	}
	return "redis://" + s.Addr + "/" + number, flush, flush(ctx)
}

// redisCommand sends inline commands over one connection and returns the last
// answer, a simple string, number or bulk string. No client library, so that
// users of this package link none.
//
// Protocol: https://redis.io/docs/latest/develop/reference/protocol-spec/
func redisCommand(ctx context.Context, addr string, commands ...string) (string, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(startTimeout)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	in := bufio.NewReader(io.LimitReader(conn, 1<<20))
	var answer string
	for _, command := range commands {
		if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
			return "", err
		}
		if answer, err = redisAnswer(in); err != nil {
			return "", fmt.Errorf("%s: %w", command, err)
		}
	}
	return answer, nil
}

func redisAnswer(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("empty answer")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '$':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 || n > 1<<20 {
			return "", fmt.Errorf("unexpected answer %q", line)
		}
		bulk := make([]byte, n+2)
		if _, err := io.ReadFull(in, bulk); err != nil {
			return "", err
		}
		return string(bulk[:n]), nil
	default:
		return "", fmt.Errorf("answer %q", line)
	}
}
