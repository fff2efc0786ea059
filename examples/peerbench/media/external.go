package media

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/peerbench/peer"
)

//go:embed py3fdfs.py
var py3fdfs []byte

//go:embed Tobato.java
var tobato []byte

// The environment variables that name the runtimes of clients in other languages: a Python that has py3Fdfs, and the
// class path of tobato's fastdfs-client with all it needs. What is not there is left out.
const (
	pythonEnv = "PEERBENCH_PYTHON"
	tobatoEnv = "PEERBENCH_TOBATO_CLASSPATH"
)

// external is a client in another language: a program that drives itself, a process a caller.
type external struct {
	name    string
	command []string
	threads bool // one process drives all callers
}

// externals finds the clients in other languages that can run here.
func externals(ctx context.Context, dir string) ([]external, error) {
	var all []external
	script := filepath.Join(dir, "py3fdfs.py")
	if err := os.WriteFile(script, py3fdfs, 0o600); err != nil {
		return nil, err
	}
	python := os.Getenv(pythonEnv)
	if python == "" {
		python = "python3"
	}
	if exec.CommandContext(ctx, python, "-c", "import fdfs_client.client").Run() == nil {
		all = append(all, external{name: "py3fdfs", command: []string{python, script}})
	}
	if path := os.Getenv(tobatoEnv); path != "" {
		source := filepath.Join(dir, "Tobato.java")
		if err := os.WriteFile(source, tobato, 0o600); err != nil {
			return nil, err
		}
		all = append(all, external{name: "tobato", command: []string{"java", "--add-opens", "java.base/java.lang=ALL-UNNAMED", "-cp", path, source}, threads: true})
	}
	return all, nil
}

// measured is what such a program prints.
type measured struct {
	Latencies []time.Duration `json:"latencies"`
	Elapsed   float64         `json:"elapsed"` // seconds
	Made      []string        `json:"made"`    // ids of files to be removed
}

// externalSubjects are the clients in other languages at one operation. ids are the files to read.
func (b *bed) externalSubjects(operation string, size int, ids []string) []peer.Subject {
	var subjects []peer.Subject
	for _, e := range b.externals {
		subjects = append(subjects, peer.Subject{Name: e.name, Measure: func(ctx context.Context, load bench.Load) (peer.Sample, error) {
			sample, err := b.measureExternal(ctx, e, load, operation, size, ids)
			return peer.Sample{Sample: sample, RoundTrips: -1}, err
		}})
	}
	return subjects
}

func (b *bed) measureExternal(ctx context.Context, e external, load bench.Load, operation string, size int, ids []string) (bench.Sample, error) {
	host, port, err := net.SplitHostPort(b.config.Trackers[0])
	if err != nil {
		return bench.Sample{}, err
	}
	args := append(e.command[1:len(e.command):len(e.command)], host, port, operation, strconv.Itoa(size), seconds(load.Warmup), seconds(load.Duration))
	processes := load.Callers
	if e.threads {
		args, processes = append(args, strconv.Itoa(load.Callers)), 1
	}
	total := bench.Sample{Latencies: new(bench.Latencies)}
	var mu sync.Mutex
	var failed error
	var wait sync.WaitGroup
	for range processes {
		wait.Go(func() {
			m, err := runExternal(ctx, e.command[0], args, ids)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %w", e.name, err))
				return
			}
			for _, l := range m.Latencies {
				total.Latencies.Add(l)
			}
			total.Ops += int64(len(m.Latencies))
			total.Elapsed = max(total.Elapsed, time.Duration(m.Elapsed*float64(time.Second)))
			for _, id := range m.Made {
				b.keep(id)
			}
		})
	}
	wait.Wait()
	return total, failed
}

func runExternal(ctx context.Context, program string, args, ids []string) (measured, error) {
	var m measured
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(strings.Join(ids, "\n")), &stdout, &stderr
	if err := command.Run(); err != nil {
		text := stderr.String()
		return m, fmt.Errorf("%w: %s", err, text[max(0, len(text)-500):])
	}
	if err := json.Unmarshal(stdout.Bytes(), &m); err != nil {
		return m, fmt.Errorf("it printed %.100q: %w", stdout.String(), err)
	}
	return m, nil
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
