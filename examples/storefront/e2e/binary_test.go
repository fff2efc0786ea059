package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is the storefront, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "storefront-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "storefront")
		build := exec.Command("go", "build", "-o", binary, "..")
		if output, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build the storefront: %v\n%s", err, output)
			return 1
		}
		return m.Run()
	}())
}

const adminPassword = "correct horse battery"

// process is a running storefront.
type process struct {
	URL  string
	Data string

	command *exec.Cmd
	ended   chan struct{} // closed when it has
	output  *transcript
}

// transcript keeps what a process prints.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// open starts a storefront on a data directory and returns when it is ready.
// It is stopped, and must stop well, at the end of the test.
func open(t *testing.T, data string, args ...string) *process {
	t.Helper()
	p := &process{Data: data, ended: make(chan struct{}), output: &transcript{}}
	p.command = exec.Command(binary, append([]string{
		"-addr", "127.0.0.1:0", "-data", data, "-admin-password", adminPassword, "-login-limit", "100000",
	}, args...)...)
	p.command.Stderr = p.output
	p.command.SysProcAttr = childDies()
	stdout, err := p.command.StdoutPipe()
	require.NoError(t, err)
	// The child dies with the thread that made it, so that must live on.
	started, ready := make(chan error, 1), make(chan string, 1)
	go func() {
		runtime.LockOSThread()
		if err := p.command.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		p.read(stdout, ready)
		_ = p.command.Wait() // how it ended is asked of ProcessState
		close(p.ended)
	}()
	require.NoError(t, <-started)
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("the storefront said:\n%s", p.output)
		}
	})
	select {
	case p.URL = <-ready:
	case <-p.ended:
		t.Fatalf("the storefront ended before it was ready:\n%s", p.output)
	case <-time.After(3 * time.Minute):
		t.Fatalf("the storefront is not ready:\n%s", p.output)
	}
	return p
}

var readyLine = regexp.MustCompile(`^storefront ready on (http://\S+)$`)

func (p *process) read(stdout io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(io.TeeReader(stdout, p.output))
	for lines.Scan() {
		if m := readyLine.FindStringSubmatch(lines.Text()); m != nil {
			ready <- m[1]
		}
	}
}

// kill ends the process as a power cut would.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.command.Process.Kill())
	<-p.ended
}

// stop asks the process to end, and requires that it does so well. One that
// has ended already is left alone.
func (p *process) stop(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
		return
	default:
	}
	require.NoError(t, p.command.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.ended:
		require.True(t, p.command.ProcessState.Success(), "the storefront stopped with %v:\n%s", p.command.ProcessState, p.output)
	case <-time.After(30 * time.Second):
		require.NoError(t, p.command.Process.Kill())
		t.Error("the storefront did not stop within 30 seconds")
	}
}

var codeDigits = regexp.MustCompile(`\b\d{6}\b`)

// code returns the newest verification code that the shop sent to a phone
// number, as the development outbox shows it, other than the one given.
func (p *process) code(ctx context.Context, phone, other string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		page, err := p.get(ctx, "/dev/outbox")
		if err != nil {
			return "", fmt.Errorf("no code for %s: %w", phone, err)
		}
		for message := range strings.SplitSeq(page, "</li>") {
			_, body, ok := strings.Cut(message, "<pre>")
			if !ok || !strings.Contains(message, phone) && !strings.Contains(message, strings.Replace(phone, "+", "&#43;", 1)) {
				continue
			}
			if code := codeDigits.FindString(body); code != "" && code != other {
				return code, nil
			}
			break
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no code for %s: %w", phone, ctx.Err())
		case <-ticker.C:
		}
	}
}

func (p *process) get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %s", path, answer.Status)
	}
	return string(body), err
}
