package message_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/message"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var send = notify.NewTask[message.Message]("message.send", nil)

// provider records what it took, and fails as told.
type provider struct {
	fail  error
	calls int
	took  []string
}

func (p *provider) SendMessage(_ context.Context, m *message.Message) (string, error) {
	p.calls++
	if p.fail != nil {
		return "", p.fail
	}
	p.took = append(p.took, m.ID+" "+m.Template)
	return "x-" + m.ID, nil
}

type bundle struct {
	clock         *notifytest.Clock
	queue         *notify.Queue
	router        *message.Router
	first, second provider
	statuses      []message.Status
}

func setup(t *testing.T, change func(*message.Options)) *bundle {
	t.Helper()
	b := &bundle{clock: notifytest.NewClock(time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC))}
	b.queue = memqueue.Open(&notify.Options{Now: b.clock.Now, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { require.NoError(t, b.queue.Close()) })
	o := &message.Options{
		Channels: map[string][]message.Provider{"sms": {{Name: "first", Sender: &b.first}, {Name: "second", Sender: &b.second}}},
		Logger:   slog.New(slog.DiscardHandler), Now: b.clock.Now,
		OnStatus: func(_ context.Context, s message.Status) { b.statuses = append(b.statuses, s) },
	}
	if change != nil {
		change(o)
	}
	var err error
	b.router, err = message.NewRouter(b.queue, o)
	require.NoError(t, err)
	return b
}

func text(id string) *message.Message {
	return &message.Message{ID: id, Channel: "sms", To: "+8613800138000", Template: "shipped"}
}

func TestFallsBackAndLeavesAFailingProviderAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *message.Options) { o.Failures, o.Rest = 3, time.Minute })
	b.first.fail = errors.New("timeout")
	for i := range 5 {
		require.NoError(t, b.router.Send(t.Context(), text(fmt.Sprint(i))))
	}
	require.Equal(t, 3, b.first.calls, "then the circuit is open")
	require.Len(t, b.second.took, 5)
	b.clock.Advance(time.Minute)
	require.NoError(t, b.router.Send(t.Context(), text("5")))
	require.Equal(t, 4, b.first.calls, "one looks whether it is back")
	require.NoError(t, b.router.Send(t.Context(), text("6")))
	require.Equal(t, 4, b.first.calls)
	b.clock.Advance(time.Minute)
	b.first.fail = nil
	for i := 7; i < 9; i++ {
		require.NoError(t, b.router.Send(t.Context(), text(fmt.Sprint(i))))
	}
	require.Equal(t, []string{"7 shipped", "8 shipped"}, b.first.took)

	b.first.fail, b.second.fail = errors.New("down"), errors.New("down, too")
	err := b.router.Send(t.Context(), text("9"))
	require.ErrorContains(t, err, "down, too")
	require.False(t, notify.IsPermanent(err), "another attempt may do")
	b.first.fail = notify.Permanent(errors.New("bad number"))
	calls := b.second.calls
	require.True(t, notify.IsPermanent(b.router.Send(t.Context(), text("10"))))
	require.Equal(t, calls, b.second.calls, "nobody else can send it either")
	s, err := b.router.Status(t.Context(), "10")
	require.NoError(t, err)
	require.Equal(t, message.Failed, s.State)
}

func TestAJobThatComesTwiceIsSentOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for range 3 {
		require.NoError(t, b.router.Send(t.Context(), text("a")))
	}
	require.Equal(t, 1, b.first.calls)
	require.Len(t, b.statuses, 1)
	s, err := b.router.Status(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, message.Sent, s.State)
	require.Equal(t, "first", s.Provider)
	require.Equal(t, "x-a", s.ProviderID)
	_, err = b.router.Status(t.Context(), "b")
	require.ErrorIs(t, err, message.ErrUnknown)
}

func TestSuppression(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	require.NoError(t, b.router.Suppress(t.Context(), "sms", " +8613800138000", message.Unsubscribed))
	err := b.router.Send(t.Context(), text("a"))
	suppressed, ok := errors.AsType[*message.SuppressedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, message.Unsubscribed, suppressed.Reason)
	require.True(t, notify.IsPermanent(err))
	require.Zero(t, b.first.calls)
	require.Equal(t, message.Dropped, b.statuses[0].State)
	require.NoError(t, b.router.Lift(t.Context(), "sms", "+8613800138000"))
	require.NoError(t, b.router.Send(t.Context(), text("b")))

	require.NoError(t, b.router.Report(t.Context(), "b", message.Delivered, "", ""))
	require.NoError(t, b.router.Report(t.Context(), "b", message.Sent, "", ""), "late")
	s, err := b.router.Status(t.Context(), "b")
	require.NoError(t, err)
	require.Equal(t, message.Delivered, s.State)
	require.NoError(t, b.router.Report(t.Context(), "b", message.Failed, "no such number", message.Bounced))
	reason, err := b.router.Suppressed(t.Context(), "sms", "+8613800138000")
	require.NoError(t, err)
	require.Equal(t, message.Bounced, reason)
	require.ErrorIs(t, b.router.Report(t.Context(), "unknown", message.Delivered, "", ""), message.ErrUnknown)
	entries, err := b.queue.State().ScanState(t.Context(), "suppressed/", "", 10)
	require.NoError(t, err)
	require.NotContains(t, string(entries[0].Value)+entries[0].Key, "138")
}

func TestLimitsWaitAndRetriesCountOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *message.Options) {
		o.PerTemplate, o.PerRecipient = message.Limit{Max: 2, Window: time.Hour}, message.Limit{Max: 3, Window: 24 * time.Hour}
	})
	client := notify.NewClient(b.queue, nil)
	w := notify.NewWorker(b.queue, nil)
	send.Handle(w, b.router.Handle)
	b.first.fail, b.second.fail = errors.New("down"), errors.New("down")
	_, err := send.Enqueue(t.Context(), client, *text(""))
	require.NoError(t, err)
	for range 3 {
		notifytest.Drain(t, w)
		b.clock.Advance(time.Minute)
	}
	b.first.fail = nil
	for range 3 {
		_, err := send.Enqueue(t.Context(), client, *text(""))
		require.NoError(t, err)
	}
	urgent := *text("")
	urgent.Urgent, urgent.Template = true, "code"
	_, err = send.Enqueue(t.Context(), client, urgent)
	require.NoError(t, err)
	b.clock.Advance(10 * time.Minute)
	notifytest.Drain(t, w)
	require.Equal(t, []string{"shipped", "shipped", "code"}, templates(b.first.took), "two of the template and what is urgent")
	b.clock.Advance(2 * time.Hour)
	notifytest.Drain(t, w)
	require.Len(t, b.first.took, 3, "three to one person a day")
	b.clock.Advance(24 * time.Hour)
	notifytest.Drain(t, w)
	require.Len(t, b.first.took, 5)
	waiting, err := b.queue.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	require.Empty(t, waiting, "nothing was lost, and waiting counted as no attempt")
}

func templates(took []string) (all []string) {
	for _, s := range took {
		_, template, _ := strings.Cut(s, " ")
		all = append(all, template)
	}
	return all
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *message.Options) {
		o.Quiet = message.QuietHours{From: 22 * time.Hour, To: 8*time.Hour + 30*time.Minute}
	})
	client := notify.NewClient(b.queue, nil)
	w := notify.NewWorker(b.queue, nil)
	send.Handle(w, b.router.Handle)
	for zone, want := range map[string]string{ // at noon UTC
		"Asia/Shanghai":       "",                 // 20:00
		"Asia/Tokyo":          "",                 // 21:00
		"Asia/Vladivostok":    "2026-01-05 22:30", // 22:00: until 8:30 tomorrow
		"America/Los_Angeles": "2026-01-05 16:30", // 4:00: until 8:30 today
	} {
		m := *text("")
		m.TimeZone = zone
		job, err := send.Enqueue(t.Context(), client, m)
		require.NoError(t, err)
		notifytest.Drain(t, w)
		found, err := b.queue.List(t.Context(), notify.Filter{ID: job.ID})
		require.NoError(t, err)
		got := ""
		if len(found) > 0 {
			got = found[0].RunAt.UTC().Format("2006-01-02 15:04")
		}
		require.Equal(t, want, got, zone)
	}
	m := *text("")
	m.TimeZone, m.Urgent = "Asia/Vladivostok", true
	_, err := send.Enqueue(t.Context(), client, m)
	require.NoError(t, err)
	notifytest.Drain(t, w)
	require.Len(t, b.first.took, 3)
}

func TestBadMessagesAndOptions(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for field, change := range map[string]func(*message.Message){
		"Channel": func(m *message.Message) { m.Channel = "fax" }, "To": func(m *message.Message) { m.To = "" },
		"Template": func(m *message.Message) { m.Template = "" }, "TimeZone": func(m *message.Message) { m.TimeZone = "Mars/Base" },
		"ID": func(m *message.Message) { m.ID = strings.Repeat("x", 101) },
	} {
		m := text("a")
		change(m)
		err := b.router.Send(t.Context(), m)
		invalid, ok := errors.AsType[*message.InvalidError](err)
		require.True(t, ok, field)
		require.Equal(t, field, invalid.Field)
		require.True(t, notify.IsPermanent(err))
	}
	good := map[string][]message.Provider{"sms": {{Name: "a", Sender: &b.first}}}
	for name, o := range map[string]*message.Options{
		"no channels": nil, "no provider": {Channels: map[string][]message.Provider{"sms": {}}},
		"twice": {Channels: map[string][]message.Provider{"sms": {good["sms"][0], good["sms"][0]}}},
		"limit": {Channels: good, PerTemplate: message.Limit{Max: 1}}, "quiet": {Channels: good, Quiet: message.QuietHours{From: 25 * time.Hour}},
	} {
		_, err := message.NewRouter(b.queue, o)
		require.ErrorIs(t, err, message.ErrInvalid, name)
	}
	_, err := message.NewRouter(notify.New(struct{ notify.Driver }{b.queue.Driver()}, nil), &message.Options{Channels: good})
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestLimitHoldsUnderParallelSends(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	b := setup(t, func(o *message.Options) {
		o.PerRecipient = message.Limit{Max: 5, Window: time.Hour}
		o.Channels = map[string][]message.Provider{"sms": {{Name: "a", Sender: message.SenderFunc(func(context.Context, *message.Message) (string, error) {
			sent.Add(1)
			return "", nil
		})}}}
		o.OnStatus = nil
	})
	done := make(chan error)
	for i := range 60 {
		go func() { done <- b.router.Send(t.Context(), text(fmt.Sprint(i))) }()
	}
	refused := 0
	for range 60 {
		if err := <-done; err != nil {
			refused++
		}
	}
	require.EqualValues(t, 5, sent.Load())
	require.Equal(t, 55, refused)
}

func ExampleNewRouter() {
	queue := memqueue.Open(nil)
	defer queue.Close()
	console := message.SenderFunc(func(_ context.Context, m *message.Message) (string, error) {
		fmt.Println(m.Channel, m.Template)
		return "", nil
	})
	router, err := message.NewRouter(queue, &message.Options{
		Channels: map[string][]message.Provider{"sms": {{Name: "console", Sender: console}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	m := &message.Message{ID: "1", Channel: "sms", To: "+8613800138000", Template: "shipped"}
	fmt.Println(router.Send(context.Background(), m))
	_ = router.Suppress(context.Background(), "sms", m.To, message.Unsubscribed)
	m.ID = "2"
	fmt.Println(router.Send(context.Background(), m))
	// Output:
	// sms shipped
	// <nil>
	// message: suppressed on sms: unsubscribed
}
