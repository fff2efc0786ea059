package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
)

// memberVariable makes the program one of the processes of a run: it reads its load from standard input, says "ready",
// waits for "go", and writes what its callers were told.
const memberVariable = "LOCKBENCH_MEMBER"

func member(ctx context.Context, stdin io.Reader, stdout io.Writer) (err error) {
	in, out := json.NewDecoder(stdin), json.NewEncoder(stdout)
	var l load
	if err := in.Decode(&l); err != nil {
		return err
	}
	retries := engineNamed(l.Engine).retryCounter()
	s, err := l.open(ctx, slog.New(retries))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var word string
	if err := out.Encode("ready"); err != nil {
		return err
	}
	if err := in.Decode(&word); err != nil {
		return err
	}
	o, err := l.drive(ctx, s, retries)
	if err != nil {
		return err
	}
	return out.Encode(o)
}

// together drives a load from several processes at once.
func together(ctx context.Context, l load, processes int) (outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	members := make([]*process, processes)
	for n := range members {
		l.Process = n
		var err error
		if members[n], err = start(ctx, l); err != nil {
			return outcome{}, err
		}
		defer members[n].end(cancel)
	}
	var word string
	for _, p := range members {
		if err := p.out.Decode(&word); err != nil {
			return outcome{}, fmt.Errorf("a process did not start: %w", err)
		}
	}
	for _, p := range members {
		if err := p.in.Encode("go"); err != nil {
			return outcome{}, err
		}
	}
	var sum outcome
	for _, p := range members {
		var o outcome
		if err := p.out.Decode(&o); err != nil {
			return outcome{}, fmt.Errorf("a process gave no answer: %w", err)
		}
		sum.add(o)
	}
	for _, p := range members {
		if err := p.command.Wait(); err != nil {
			return outcome{}, err
		}
	}
	return sum, nil
}

type process struct {
	command *exec.Cmd
	in      *json.Encoder
	out     *json.Decoder
}

func start(ctx context.Context, l load) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program)
	command.Env = append(os.Environ(), memberVariable+"=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p := &process{command, json.NewEncoder(in), json.NewDecoder(out)}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return p, p.in.Encode(l)
}

// end leaves no process behind, however the run went.
func (p *process) end(cancel func()) {
	if p.command.ProcessState == nil {
		cancel()
		_ = p.command.Wait()
	}
}

func (o *outcome) add(other outcome) {
	if o.Latencies == nil {
		*o = other
		return
	}
	o.Ops += other.Ops
	o.Errors += other.Errors
	o.Elapsed = max(o.Elapsed, other.Elapsed)
	o.Latencies.Merge(other.Latencies)
	o.Acknowledged += other.Acknowledged
	o.Retries += other.Retries
	o.Deadlocks += other.Deadlocks
	if o.FirstError == "" {
		o.FirstError = other.FirstError
	}
}
