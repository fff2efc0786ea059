// Package notifytest helps to test code that uses notify, and checks backends.
//
// For users: Waiting returns what was enqueued, Drain runs handlers inline, and
// Clock is a time that a test moves.
//
//	clock := notifytest.NewClock(time.Now())
//	queue := memqueue.Open(&notify.Options{Now: clock.Now})
//	shop.Register(ctx, "mei@example.com")                  // the code under test
//	mails := notifytest.Waiting(t, queue, shop.SendMail)   // []email.Mail
//	notifytest.Drain(t, worker)                            // handlers have run when it returns
//	clock.Advance(time.Hour)                               // makes delayed jobs due
//
// For authors of backends: Run checks a driver against the contract of notify.Driver.
package notifytest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// Waiting returns the arguments of the task's jobs that are enqueued and not
// running or dead, in the order they were enqueued, at most 500. The backend needs to list jobs.
func Waiting[T any](t testing.TB, q *notify.Queue, task *notify.Task[T]) []T {
	t.Helper()
	records, err := q.List(context.Background(), notify.Filter{Kind: task.Kind(), Limit: 500})
	if err != nil {
		t.Fatalf("notifytest: list: %v", err)
	}
	records = slices.DeleteFunc(records, func(r *notify.Record) bool { return r.State == notify.Running || r.State == notify.Dead })
	slices.SortStableFunc(records, func(a, b *notify.Record) int { return strings.Compare(a.ID, b.ID) }) // as they were made
	all := make([]T, len(records))
	for i, r := range records {
		if err := json.Unmarshal(r.Payload, &all[i]); err != nil {
			t.Fatalf("notifytest: job %s: %v", r.ID, err)
		}
	}
	return all
}

// Drain runs the worker's handlers for all that is due now, in this goroutine,
// and returns how many attempts were made. It fails the test after a minute.
func Drain(t testing.TB, w *notify.Worker) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	n, err := w.Drain(ctx)
	if err != nil {
		t.Fatalf("notifytest: drain: %v", err)
	}
	return n
}
