package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/dashboard"
)

// operator answers the commands.
type operator struct {
	queue *notify.Queue
	out   io.Writer
	now   func() time.Time
}

// table writes rows in columns.
func (o *operator) table(rows [][]string) error {
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (o *operator) queues(ctx context.Context, _ string, args []string) error {
	if len(args) > 0 {
		return errUsage
	}
	stats, err := o.queue.Stats(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"QUEUE", "SCHEDULED", "AVAILABLE", "RUNNING", "RETRYING", "DEAD", "HANDLED/H", "FAILED/H", "OLDEST", ""}}
	for _, s := range stats {
		handled, failed := 0, 0
		for _, m := range s.Minutes {
			handled, failed = handled+m.Handled, failed+m.Failed
		}
		row := []string{s.Queue}
		for _, state := range notify.States {
			row = append(row, fmt.Sprint(s.Counts[state]))
		}
		paused := ""
		if s.Paused {
			paused = "paused"
		}
		rows = append(rows, append(row, fmt.Sprint(handled), fmt.Sprint(failed), o.ago(s.Oldest), paused))
	}
	return o.table(rows)
}

// filter defines the flags that select jobs.
func filter(flags *flag.FlagSet) *notify.Filter {
	var f notify.Filter
	flags.StringVar(&f.Queue, "queue", "", "only of this queue")
	flags.StringVar((*string)(&f.State), "state", "", "only in this state: scheduled, available, running, retrying or dead")
	flags.StringVar(&f.Kind, "kind", "", "only of this kind")
	flags.StringVar(&f.ID, "id", "", "only this job")
	flags.StringVar(&f.Text, "text", "", "only with this text in key, payload, headers or failure")
	return &f
}

func (o *operator) jobs(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	f := filter(flags)
	flags.IntVar(&f.Limit, "limit", 50, "how many, at most 500")
	flags.IntVar(&f.Offset, "offset", 0, "how many to leave out")
	if err := flags.Parse(args); err != nil {
		return err
	}
	records, err := o.queue.List(ctx, *f)
	if err != nil {
		return err
	}
	rows := [][]string{{"ID", "QUEUE", "KIND", "STATE", "ATTEMPT", "DUE", "LAST FAILURE"}}
	for _, r := range records {
		failure := ""
		if r.Failure != nil {
			failure = string(r.Failure.Reason) + ": " + oneLine(r.Failure.Error, 60)
		}
		rows = append(rows, []string{r.ID, r.Queue, r.Kind, string(r.State), fmt.Sprintf("%d/%d", r.Attempt, r.MaxAttempts), o.ago(r.RunAt), failure})
	}
	return o.table(rows)
}

// oneLine keeps what jobs contain from moving the cursor.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most-1]) + "…"
	}
	return s
}

func (o *operator) show(ctx context.Context, _ string, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: notify show ID")
	}
	records, err := o.queue.List(ctx, notify.Filter{ID: args[0]})
	if err != nil {
		return err
	}
	if len(records) == 0 {
		return fmt.Errorf("no job %s; it may have been handled", args[0])
	}
	r := records[0]
	rows := [][]string{
		{"id", r.ID}, {"queue", r.Queue}, {"kind", r.Kind}, {"state", string(r.State)}, {"key", oneLine(r.Key, 200)}, {"priority", fmt.Sprint(r.Priority)},
		{"attempts", fmt.Sprintf("%d/%d", r.Attempt, r.MaxAttempts)}, {"enqueued", r.EnqueuedAt.Format(time.RFC3339)}, {"due", r.RunAt.Format(time.RFC3339)},
	}
	if f := r.Failure; f != nil {
		rows = append(rows, []string{"failed", f.At.Format(time.RFC3339)}, []string{"reason", string(f.Reason)}, []string{"error", oneLine(f.Error, 1000)})
	}
	payload := "not shown"
	if shown := dashboard.RedactSecrets(r.Kind, r.Payload); shown != nil {
		payload = oneLine(strings.TrimSpace(string(shown)), 4000)
	}
	if err := o.table(append(rows, []string{"payload", payload})); err != nil {
		return err
	}
	if r.Failure != nil && r.Failure.Stack != "" {
		for line := range strings.SplitSeq(strings.TrimSpace(r.Failure.Stack), "\n") {
			if _, err := fmt.Fprintln(o.out, "  "+oneLine(strings.ReplaceAll(line, "\t", "    "), 300)); err != nil {
				return err
			}
		}
	}
	return nil
}

// change replays or deletes jobs, by ID or all that match.
func (o *operator) change(ctx context.Context, name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	f := filter(flags)
	all := flags.Bool("all", false, "all that match the other flags, -state among them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	one, many := o.queue.Replay, o.queue.ReplayAll
	if name == "delete" {
		one, many = o.queue.Delete, o.queue.DeleteAll
	}
	var n int
	var err error
	switch {
	case *all && flags.NArg() == 0 && f.State != "":
		n, err = many(ctx, *f)
	case !*all && flags.NArg() > 0 && f.Queue != "":
		n, err = one(ctx, f.Queue, flags.Args()...)
	default:
		return fmt.Errorf("usage: notify %s -queue NAME ID…, or notify %s -all -state STATE [-queue …] [-kind …] [-text …]", name, name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.out, "%s: %d\n", map[string]string{"replay": "replayed", "delete": "deleted"}[name], n)
	return err
}

func (o *operator) pause(ctx context.Context, name string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: notify %s QUEUE", name)
	}
	act := o.queue.Pause
	if name == "resume" {
		act = o.queue.Resume
	}
	if err := act(ctx, args[0]); err != nil {
		return err
	}
	_, err := fmt.Fprintf(o.out, "%s: %s\n", map[string]string{"pause": "paused", "resume": "resumed"}[name], args[0])
	return err
}

func (o *operator) workers(ctx context.Context, _ string, _ []string) error {
	workers, err := o.queue.Workers(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"HOST", "PID", "STARTED", "SEEN", "BUSY", "KIND", "HANDLED", "FAILED", "WAIT p50/p99", "RUN p50/p99", ""}}
	for _, w := range workers {
		busy := 0
		for _, q := range w.Queues {
			busy += q.Running
		}
		trouble := ""
		if w.Abandoned > 0 {
			trouble = fmt.Sprintf("%d handlers left behind", w.Abandoned)
		}
		head := []string{oneLine(w.Host, 30), fmt.Sprint(w.PID), o.ago(w.StartedAt), o.ago(w.SeenAt), fmt.Sprintf("%d/%d", busy, w.Concurrency)}
		for _, k := range w.Kinds {
			rows = append(rows, append(head, k.Kind, fmt.Sprint(k.Handled), fmt.Sprint(k.Failed),
				brief(k.Wait50)+"/"+brief(k.Wait99), brief(k.Run50)+"/"+brief(k.Run99), trouble))
			head, trouble = []string{"", "", "", "", ""}, ""
		}
	}
	return o.table(rows)
}

func (o *operator) schedules(ctx context.Context, _ string, _ []string) error {
	schedules, err := o.queue.Schedules(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"NAME", "KIND", "EXPRESSION", "NEXT", "LAST"}}
	for _, s := range schedules {
		rows = append(rows, []string{s.Name, s.Kind, s.Expression, o.ago(s.Next), o.ago(s.Last)})
	}
	return o.table(rows)
}

// ago says how far a time is from now.
func (o *operator) ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := o.now().Sub(t)
	if d < 0 {
		return "in " + brief(-d)
	}
	return brief(d) + " ago"
}

func brief(d time.Duration) string {
	switch {
	case d == 0:
		return "-"
	case d < time.Millisecond:
		return fmt.Sprintf("%dµs", d.Microseconds())
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < 48*time.Hour:
		return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
