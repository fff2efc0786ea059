package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/stretchr/testify/require"
)

type mail struct{ To, Token string }

var send = notify.NewTask[mail]("mail.order", &notify.TaskOptions{MaxAttempts: 1})

// shop is a database with two dead letters, one waiting job, a worker and a schedule.
func shop(t *testing.T) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "shop.db")
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	queue, err := sqlqueue.Open(t.Context(), db, &sqlqueue.Options{Options: notify.Options{Logger: slog.New(slog.DiscardHandler)}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, queue.Close()) })
	client := notify.NewClient(queue, nil)
	_, err = send.EnqueueMany(t.Context(), client, []mail{{"mei@example.com", "topsecret"}, {"ana@example.com", "topsecret"}})
	require.NoError(t, err)
	worker := notify.NewWorker(queue, nil)
	send.Handle(worker, func(_ context.Context, job *notify.Job[mail]) error {
		if job.Args.To == "ana@example.com" {
			panic("no such template\x1b[2J")
		}
		return errors.New("mailbox full")
	})
	notifytest.Drain(t, worker)
	_, err = send.Enqueue(t.Context(), client, mail{"lee@example.com", ""}, notify.After(time.Hour), notify.InQueue("bulk"))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	scheduler := notify.NewScheduler(client, nil)
	require.NoError(t, send.Schedule(scheduler, "nightly", "0 3 * * *", mail{}))
	done := make(chan error, 2)
	go func() { done <- scheduler.Run(ctx) }()
	idle := notify.NewWorker(queue, &notify.WorkerOptions{Queues: map[string]notify.QueueOptions{"other": {}}, Concurrency: 4})
	send.Handle(idle, func(context.Context, *notify.Job[mail]) error { return nil })
	go func() { done <- idle.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
		require.NoError(t, <-done)
	})
	require.Eventually(t, func() bool {
		workers, err := queue.Workers(t.Context())
		schedules, err2 := queue.Schedules(t.Context())
		return err == nil && err2 == nil && len(workers) == 1 && len(schedules) == 1
	}, 20*time.Second, time.Millisecond)
	return file
}

func notifyCommand(t *testing.T, file string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), append([]string{"-on", "sqlite:" + file}, args...), &out, time.Now), "%v", args)
	t.Logf("notify %s\n%s", strings.Join(args, " "), out.String())
	return out.String()
}

func TestCommands(t *testing.T) {
	file := shop(t)
	require.Regexp(t, `default +0 +0 +0 +0 +2 +0 +2`, notifyCommand(t, file, "queues"))
	list := notifyCommand(t, file, "jobs", "-state", "dead")
	require.Contains(t, list, "error: mailbox full")
	require.NotContains(t, list, "\x1b", "what jobs contain does not move the cursor")
	ids := regexp.MustCompile(`(?m)^[0-9A-Z]{26}`).FindAllString(list, -1)
	require.Len(t, ids, 2)
	found := notifyCommand(t, file, "jobs", "-text", "ana@")
	id := regexp.MustCompile(`(?m)^[0-9A-Z]{26}`).FindString(found)
	shown := notifyCommand(t, file, "show", id)
	require.Contains(t, shown, "no such template")
	require.Contains(t, shown, "main_test.go")
	require.NotContains(t, shown, "topsecret")
	require.Contains(t, notifyCommand(t, file, "pause", "bulk"), "paused: bulk")
	require.Contains(t, notifyCommand(t, file, "queues"), "paused")
	require.Contains(t, notifyCommand(t, file, "resume", "bulk"), "resumed: bulk")
	require.Contains(t, notifyCommand(t, file, "replay", "-queue", "default", id), "replayed: 1")
	require.Contains(t, notifyCommand(t, file, "delete", "-all", "-state", "dead"), "deleted: 1")
	require.Contains(t, notifyCommand(t, file, "workers"), "0/4")
	require.Contains(t, notifyCommand(t, file, "schedules"), "0 3 * * *")

	for _, args := range [][]string{
		{}, {"queues"}, {"-on", "ftp://x", "queues"}, {"-on", "sqlite:/nowhere", "queues"}, {"-on", "sqlite:" + file, "dance"}, {"-on", "sqlite:" + file, "delete", "-all"},
		{"-on", "sqlite:" + file, "replay", id}, {"-on", "sqlite:" + file, "show", "unknown"}, {"-on", "redis://:topsecret@x:y/", "queues"},
	} {
		err := run(t.Context(), args, &bytes.Buffer{}, time.Now)
		require.Error(t, err, "%v", args)
		require.NotContains(t, err.Error(), "topsecret")
	}
}
