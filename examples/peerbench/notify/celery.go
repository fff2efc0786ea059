package notify

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
)

//go:embed celerybench.py
var celeryScript []byte

const (
	celeryVersion   = "5.7.0"
	celeryProcesses = 2 // of the worker
	celeryRate      = 2500
	celeryQueue     = "celery"
)

// The board that the worker's processes count on, as in celerybench.py.
const (
	boardProcesses = 16
	boardRing      = 8192
	boardBlock     = 1 + boardRing
)

// celery is an installed Celery.
type celery struct {
	bin, dir string // of the virtual environment, and of the script
}

// install makes a virtual environment with Celery, in the user's cache, unless it is there.
func (b *benchmark) install(ctx context.Context) (*celery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.celery != nil {
		return b.celery, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "commerce-peerbench", "celery-"+celeryVersion)
	c := &celery{bin: filepath.Join(dir, "bin"), dir: dir}
	complete := filepath.Join(dir, "complete")
	if _, err := os.Stat(complete); err != nil {
		for _, command := range [][]string{
			{"python3", "-m", "venv", dir},
			{filepath.Join(c.bin, "pip"), "install", "--quiet", "celery[redis]==" + celeryVersion},
		} {
			if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("celery: %s: %w\n%s", strings.Join(command, " "), err, out)
			}
		}
		if err := os.WriteFile(complete, nil, 0o644); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "celerybench.py"), celeryScript, 0o644); err != nil {
		return nil, err
	}
	b.celery = c
	b.environment.Versions["celery"] = celeryVersion
	return c, nil
}

// celerySubject measures Celery on a broker.
func (b *benchmark) celerySubject(broker, act string) peer.Subject {
	return peer.Subject{Name: "celery", Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
		installed, err := b.install(ctx)
		if err != nil {
			return peer.Sample{}, err
		}
		s := &celerySite{celery: installed}
		if err := s.prepare(ctx, b, broker); err != nil {
			return peer.Sample{}, err
		}
		var sample bench.Sample
		switch act {
		case "enqueue":
			sample, err = s.enqueue(ctx, load)
		case "process":
			sample, err = s.process(ctx, load)
		case "end-to-end":
			sample, err = s.handled(ctx, load, "--window", strconv.Itoa(window))
		case "idle-latency":
			load.Callers = 1
			sample, err = s.handled(ctx, load, "--pause", strconv.FormatFloat(idlePause.Seconds(), 'f', -1, 64))
		}
		return peer.Sample{Sample: sample, RoundTrips: -1}, errors.Join(err, s.clean(ctx))
	}}
}

// celerySite is Celery on an empty broker.
type celerySite struct {
	*celery
	broker string
	board  string // the file
	stored func(ctx context.Context) (int64, error)
	clean  func(ctx context.Context) error
}

func (s *celerySite) prepare(ctx context.Context, b *benchmark, broker string) error {
	board, err := os.CreateTemp("", "commerce-celery-*.board")
	if err != nil {
		return err
	}
	s.board = board.Name()
	err = errors.Join(board.Truncate(8*boardProcesses*boardBlock), board.Close())
	if err != nil {
		return err
	}
	switch broker {
	case "redis":
		var client *redis.Client
		if client, err = b.redis(ctx, celeryDB); err != nil {
			return err
		}
		s.broker = fmt.Sprintf("redis://%s/%d", client.Options().Addr, celeryDB)
		s.stored = func(ctx context.Context) (int64, error) { return client.LLen(ctx, celeryQueue).Result() }
		s.clean = func(ctx context.Context) error {
			return errors.Join(client.FlushDB(ctx).Err(), client.Close(), os.Remove(s.board))
		}
	case "rabbitmq":
		server, err := b.rabbit(ctx)
		if err != nil {
			return err
		}
		s.broker = server.DSN
		s.stored = func(context.Context) (int64, error) { return countMessages(server.DSN, celeryQueue) }
		s.clean = func(context.Context) error {
			return errors.Join(deleteQueues(server.DSN, celeryQueue), os.Remove(s.board))
		}
	}
	return err
}

func (s *celerySite) environment() []string {
	return append(os.Environ(), "BENCH_BROKER="+s.broker, "BENCH_BOARD="+s.board)
}

// produced is what the script answers.
type produced struct {
	Ops       int64   `json:"ops"`
	Total     int64   `json:"total"`
	Elapsed   float64 `json:"elapsed"`
	Latencies []int64 `json:"latencies"`
}

func (s *celerySite) script(ctx context.Context, args ...string) (produced, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "python"), append([]string{"celerybench.py"}, args...)...)
	cmd.Dir, cmd.Env = s.dir, s.environment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return produced{}, fmt.Errorf("celery: %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	var p produced
	err = json.Unmarshal(out, &p)
	return p, err
}

func produceArgs(load bench.Load, more ...string) []string {
	return append([]string{
		"produce", "--size", strconv.Itoa(messageSize), "--callers", strconv.Itoa(load.Callers),
		"--duration", strconv.FormatFloat(load.Duration.Seconds(), 'f', -1, 64),
		"--warmup", strconv.FormatFloat(load.Warmup.Seconds(), 'f', -1, 64),
	}, more...)
}

func (s *celerySite) enqueue(ctx context.Context, load bench.Load) (bench.Sample, error) {
	p, err := s.script(ctx, produceArgs(load)...)
	if err != nil {
		return bench.Sample{}, err
	}
	sample := bench.Sample{Ops: p.Ops, Elapsed: time.Duration(p.Elapsed * float64(time.Second)), Latencies: new(bench.Latencies)}
	for _, ns := range p.Latencies {
		sample.Latencies.Add(time.Duration(ns))
	}
	n, err := s.stored(ctx)
	if err == nil && n != p.Total {
		err = fmt.Errorf("celery: %w: %d enqueued, %d stored", errLost, p.Total, n)
	}
	return sample, err
}

// start runs a worker.
func (s *celerySite) start(ctx context.Context) (stop func() error, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "celery"), "-A", "celerybench", "worker",
		"--concurrency", strconv.Itoa(celeryProcesses), "--loglevel", "ERROR", "--without-gossip", "--without-mingle")
	cmd.Dir, cmd.Env = s.dir, append(s.environment(), "C_FORCE_ROOT=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait() // killed, so never a success
		return err
	}, nil
}

// counts reads how much was handled, and the latest latencies.
func (s *celerySite) counts() (total int64, latencies *bench.Latencies, err error) {
	content, err := os.ReadFile(s.board)
	if err != nil {
		return 0, nil, err
	}
	at := func(i int) int64 { return int64(binary.NativeEndian.Uint64(content[8*i:])) }
	latencies = new(bench.Latencies)
	for p := range boardProcesses {
		n := at(p * boardBlock)
		total += n
		for i := range min(n, boardRing) {
			latencies.Add(time.Duration(at(p*boardBlock + 1 + int(i))))
		}
	}
	return total, latencies, nil
}

// reset sets the counts to nought, in the memory that the processes share.
func (s *celerySite) reset() error {
	f, err := os.OpenFile(s.board, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, 8*boardProcesses*boardBlock), 0)
	return errors.Join(err, f.Close())
}

// reaches waits until so much was handled.
func (s *celerySite) reaches(ctx context.Context, want int64, patience time.Duration) (int64, error) {
	for deadline := time.Now().Add(patience); ; pause(ctx, 2*time.Millisecond) {
		n, _, err := s.counts()
		if err != nil || n >= want || time.Now().After(deadline) || ctx.Err() != nil {
			return n, errors.Join(err, ctx.Err())
		}
	}
}

func (s *celerySite) process(ctx context.Context, load bench.Load) (sample bench.Sample, err error) {
	n := int64(max(celeryRate*load.Duration.Seconds(), 200))
	if _, err := s.script(ctx, "fill", "--size", strconv.Itoa(messageSize), "--count", strconv.FormatInt(n, 10)); err != nil {
		return sample, err
	}
	stop, err := s.start(ctx)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	first, err := s.reaches(ctx, 1, patience) // after it has started up
	start := time.Now()
	if err != nil || first == 0 {
		return sample, errors.Join(err, errLost)
	}
	last, err := s.reaches(ctx, n, max(load.Duration, time.Second))
	return bench.Sample{Ops: last - first, Elapsed: time.Since(start), Latencies: new(bench.Latencies)}, err
}

// handled measures a worker while a producer goes on.
func (s *celerySite) handled(ctx context.Context, load bench.Load, more ...string) (sample bench.Sample, err error) {
	if _, err := s.script(ctx, "fill", "--size", strconv.Itoa(messageSize), "--count", "1"); err != nil {
		return sample, err
	}
	stop, err := s.start(ctx)
	if err != nil {
		return sample, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ready, err := s.reaches(ctx, 1, patience)
	if err != nil || ready == 0 {
		return sample, errors.Join(err, errLost)
	}
	if err := s.reset(); err != nil { // the first one waited for the worker to start
		return sample, err
	}
	done := make(chan error, 1)
	var p produced
	go func() {
		var err error
		p, err = s.script(ctx, produceArgs(load, more...)...)
		done <- err
	}()
	if _, err := s.reaches(ctx, 1, patience); err != nil {
		return sample, err
	}
	pause(ctx, load.Warmup)
	before, _, err := s.counts()
	if err != nil {
		return sample, err
	}
	start := time.Now()
	pause(ctx, load.Duration-50*time.Millisecond) // within the producer's time
	after, latencies, err := s.counts()
	elapsed := time.Since(start)
	if err = errors.Join(err, <-done); err != nil {
		return sample, err
	}
	total, err := s.reaches(ctx, p.Total, patience)
	if err == nil && total != p.Total {
		err = fmt.Errorf("celery: %w: %d enqueued, %d handled", errLost, p.Total, total)
	}
	return bench.Sample{Ops: after - before, Elapsed: elapsed, Latencies: latencies}, err
}
