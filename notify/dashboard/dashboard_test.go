package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/dashboard"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type text struct {
	To   string
	Code string
	Note string
}

var send = notify.NewTask[text]("sms.send", &notify.TaskOptions{MaxAttempts: 1})

func everybody(*http.Request) bool { return true }

// fixture is a queue with a dead letter of a panic and one waiting job, and its dashboard.
type fixture struct {
	queue   *notify.Queue
	handler http.Handler
	dead    string
	waiting string
}

func setup(t *testing.T, change func(*dashboard.Options)) *fixture {
	t.Helper()
	f := &fixture{queue: memqueue.Open(&notify.Options{Logger: slog.New(slog.DiscardHandler)})}
	t.Cleanup(func() { require.NoError(t, f.queue.Close()) })
	client := notify.NewClient(f.queue, nil)
	job, err := send.Enqueue(t.Context(), client, text{To: "+8613800138000", Code: "123456", Note: `<script>alert(1)</script>`},
		notify.Header("locale", "zh"), notify.Header("auth-token", "topsecret"))
	require.NoError(t, err)
	f.dead = job.ID
	w := notify.NewWorker(f.queue, nil)
	send.Handle(w, func(context.Context, *notify.Job[text]) error { panic(errors.New("<b>boom</b>")) })
	notifytest.Drain(t, w)
	job, err = send.Enqueue(t.Context(), client, text{Note: "waiting"})
	require.NoError(t, err)
	f.waiting = job.ID
	o := &dashboard.Options{Prefix: "/admin/queues", Allow: everybody, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(o)
	}
	f.handler = dashboard.New(f.queue, o)
	return f
}

func (f *fixture) do(r *http.Request) *http.Response {
	recorder := httptest.NewRecorder()
	f.handler.ServeHTTP(recorder, r)
	return recorder.Result()
}

func (f *fixture) get(t *testing.T, path string, status int) string {
	t.Helper()
	response := f.do(httptest.NewRequest(http.MethodGet, "/admin/queues"+path, nil))
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, status, response.StatusCode, path)
	return string(body)
}

func (f *fixture) post(t *testing.T, path string, form url.Values, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/admin/queues"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return f.do(r)
}

func (f *fixture) states(t *testing.T) map[string]notify.State {
	t.Helper()
	records, err := f.queue.List(t.Context(), notify.Filter{})
	require.NoError(t, err)
	states := map[string]notify.State{}
	for _, r := range records {
		states[r.ID] = r.State
	}
	return states
}

func TestNobodyIsLetInByDefault(t *testing.T) {
	t.Parallel()
	for name, allow := range map[string]func(*http.Request) bool{"nil": nil, "no": func(*http.Request) bool { return false }} {
		f := setup(t, func(o *dashboard.Options) { o.Allow = allow })
		for _, path := range []string{"/", "/jobs", "/job?id=" + f.dead, "/style.css", "/nothing"} {
			require.NotContains(t, f.get(t, path, http.StatusForbidden), "default", name)
		}
		require.Equal(t, http.StatusForbidden, f.post(t, "/delete", url.Values{"queue": {"default"}, "id": {f.dead}}).StatusCode)
		require.Len(t, f.states(t), 2)
	}
}

func TestActionsFromElsewhereAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	form := url.Values{"queue": {"default"}, "id": {f.dead, f.waiting}}
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		require.Equal(t, http.StatusForbidden, f.post(t, "/delete", form, header...).StatusCode)
	}
	response := f.do(httptest.NewRequest(http.MethodGet, "/admin/queues/delete?"+form.Encode(), nil))
	require.Equal(t, http.StatusMethodNotAllowed, response.StatusCode, "reading changes nothing")
	require.Len(t, f.states(t), 2)
}

func TestActions(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	same := []string{"Sec-Fetch-Site", "same-origin"}
	response := f.post(t, "/replay", url.Values{"queue": {"default"}, "state": {"dead"}, "id": {f.dead, f.waiting}}, same...)
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	require.Equal(t, "/admin/queues/jobs?done=1&queue=default&state=dead", response.Header.Get("Location"))
	require.Equal(t, map[string]notify.State{f.dead: notify.Available, f.waiting: notify.Available}, f.states(t))
	require.Contains(t, f.get(t, "/jobs?queue=default&state=dead&done=1", http.StatusOK), "Jobs changed: 1")

	require.Equal(t, http.StatusSeeOther, f.post(t, "/delete", url.Values{"queue": {"default"}, "id": {f.dead}}, same...).StatusCode)
	require.Equal(t, map[string]notify.State{f.waiting: notify.Available}, f.states(t))

	require.Equal(t, "/admin/queues/", f.post(t, "/pause", url.Values{"queue": {"default"}}, same...).Header.Get("Location"))
	require.Contains(t, f.get(t, "/", http.StatusOK), "Resume")
	f.post(t, "/resume", url.Values{"queue": {"default"}}, same...)
	require.NotContains(t, f.get(t, "/", http.StatusOK), "Resume")

	require.Equal(t, http.StatusBadRequest, f.post(t, "/pause", url.Values{"queue": {"a b"}}, same...).StatusCode)
	large := url.Values{"queue": {"default"}, "id": {strings.Repeat("x", 100_000)}}
	require.Equal(t, http.StatusBadRequest, f.post(t, "/delete", large, same...).StatusCode)
}

func TestJobPageShowsTheFailureAndNoSecrets(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	page := f.get(t, "/job?queue=default&id="+f.dead, http.StatusOK)
	for _, want := range []string{"sms.send", "panic", "&lt;b&gt;boom&lt;/b&gt;", "dashboard_test.go", "13800138000", "••••••", "locale"} {
		require.Contains(t, page, want)
	}
	for _, secret := range []string{"123456", "topsecret", "<script>", "<b>boom"} {
		require.NotContains(t, page, secret)
	}
}

func TestRedactionHook(t *testing.T) {
	t.Parallel()
	f := setup(t, func(o *dashboard.Options) {
		o.Redact = func(kind string, payload []byte) []byte {
			if kind != "sms.send" || !strings.Contains(string(payload), "13800138000") {
				return []byte("unexpected")
			}
			return nil
		}
	})
	page := f.get(t, "/job?queue=default&id="+f.dead, http.StatusOK)
	require.Contains(t, page, "This payload is not shown.")
	require.NotContains(t, page, "13800138000")
}

func TestRedactSecrets(t *testing.T) {
	t.Parallel()
	got := dashboard.RedactSecrets("", []byte(`{"user":{"Password":"a","api-key":"b","name":"<Mei>"},"list":[{"otpCode":1}],"n":12345678901234567890}`))
	require.JSONEq(t, `{"user":{"Password":"••••••","api-key":"••••••","name":"<Mei>"},"list":[{"otpCode":"••••••"}],"n":12345678901234567890}`, string(got))
	require.Nil(t, dashboard.RedactSecrets("", []byte("password=hunter2")))
	require.Nil(t, dashboard.RedactSecrets("", []byte(`{"a":1} password=hunter2`)))
}

func TestPayloadPreviewIsBounded(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	_, err := send.Enqueue(t.Context(), notify.NewClient(f.queue, nil), text{Note: strings.Repeat("长", 50_000)}, notify.UniqueKey("big", time.Hour))
	require.NoError(t, err)
	for id := range f.states(t) {
		if id != f.dead && id != f.waiting {
			page := f.get(t, "/job?queue=default&id="+id, http.StatusOK)
			require.Contains(t, page, "Only the beginning is shown.")
			require.Less(t, len(page), 20_000)
		}
	}
}

func TestPagesFitAStrictPolicyAndNeedNoScript(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	inline := regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	for _, path := range []string{"/", "/jobs", "/jobs?queue=default", "/job?queue=default&id=" + f.dead} {
		page := f.get(t, path, http.StatusOK)
		require.NotRegexp(t, inline, page, path)
		require.Contains(t, page, `href="/admin/queues/style.css"`)
	}
	response := f.do(httptest.NewRequest(http.MethodGet, "/admin/queues/", nil))
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
	response = f.do(httptest.NewRequest(http.MethodGet, "/admin/queues/style.css", nil))
	require.Equal(t, "text/css; charset=utf-8", response.Header.Get("Content-Type"))
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	for path, status := range map[string]int{
		"/jobs?state=lost": 400, "/job": 404, "/job?id=unknown": 404, "/nothing": 404, "/jobs?page=-1": 200, "/jobs?page=x": 200,
		"/jobs?page=99999": 200, "/jobs?queue=%00%22%3E%3Cscript%3E": 200, "/jobs?done=99999999999999999999": 200,
	} {
		require.NotContains(t, f.get(t, path, status), "<script>", path)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	_, err := send.EnqueueMany(t.Context(), notify.NewClient(f.queue, nil), make([]text, 60), notify.InQueue("bulk"))
	require.NoError(t, err)
	first := f.get(t, "/jobs?queue=bulk", http.StatusOK)
	require.Equal(t, 50, strings.Count(first, `type="checkbox"`))
	require.Contains(t, first, "/jobs?page=2&amp;queue=bulk")
	second := f.get(t, "/jobs?page=2&queue=bulk", http.StatusOK)
	require.Equal(t, 10, strings.Count(second, `type="checkbox"`))
	require.NotContains(t, second, "page=3")
}

func TestChinese(t *testing.T) {
	t.Parallel()
	f := setup(t, func(o *dashboard.Options) { o.Language = func(*http.Request) string { return "zh-CN" } })
	page := f.get(t, "/job?queue=default&id="+f.dead, http.StatusOK)
	require.Contains(t, page, `lang="zh"`)
	require.Contains(t, page, "死信")
	require.Contains(t, page, "调用栈")
}

// limited cannot count, list or pause.
type limited struct{ notify.Driver }

func TestBackendThatCannotIsSaid(t *testing.T) {
	t.Parallel()
	q := memqueue.Open(nil)
	defer q.Close()
	f := &fixture{handler: dashboard.New(notify.New(limited{q.Driver()}, nil), &dashboard.Options{Prefix: "/admin/queues", Allow: everybody})}
	require.Contains(t, f.get(t, "/", http.StatusNotImplemented), "This queue cannot do that.")
}

func TestWorkersSchedulesAndSearch(t *testing.T) {
	t.Parallel()
	f := setup(t, nil)
	require.Contains(t, f.get(t, "/workers", http.StatusOK), "No worker has told of itself lately.")
	require.Contains(t, f.get(t, "/schedules", http.StatusOK), "No scheduler has told of itself lately.")
	ctx, stop := context.WithCancel(t.Context())
	w := notify.NewWorker(f.queue, &notify.WorkerOptions{Concurrency: 3})
	begun, release := make(chan struct{}), make(chan struct{})
	send.Handle(w, func(context.Context, *notify.Job[text]) error {
		close(begun)
		<-release
		return nil
	})
	s := notify.NewScheduler(notify.NewClient(f.queue, nil), nil)
	require.NoError(t, send.Schedule(s, "nightly", "0 3 * * *", text{}))
	done := make(chan error, 2)
	go func() { done <- w.Run(ctx) }()
	go func() { done <- s.Run(ctx) }()
	<-begun
	require.Eventually(t, func() bool {
		return strings.Contains(f.get(t, "/workers", http.StatusOK), "process ") && strings.Contains(f.get(t, "/schedules", http.StatusOK), "nightly")
	}, 10*time.Second, time.Millisecond)
	require.Contains(t, f.get(t, "/schedules", http.StatusOK), "0 3 * * *")
	close(release)
	stop()
	require.NoError(t, <-done)
	require.NoError(t, <-done)

	require.Contains(t, f.get(t, "/jobs?q=BOOM", http.StatusOK), f.dead)
	require.NotContains(t, f.get(t, "/jobs?q=nowhere", http.StatusOK), f.dead)
	require.Equal(t, http.StatusBadRequest, f.post(t, "/delete-all", url.Values{"q": {"boom"}}).StatusCode, "not without a state")
	response := f.post(t, "/replay-all", url.Values{"state": {"dead"}, "q": {"nowhere"}})
	require.Equal(t, "/admin/queues/jobs?done=0&q=nowhere&queue=&state=dead", response.Header.Get("Location"))
	require.Equal(t, notify.Dead, f.states(t)[f.dead])
	response = f.post(t, "/replay-all", url.Values{"state": {"dead"}, "q": {"boom"}})
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	require.Equal(t, notify.Available, f.states(t)[f.dead])
}

func ExampleNew() {
	queue := memqueue.Open(nil)
	defer queue.Close()
	mux := http.NewServeMux()
	mux.Handle("/admin/queues/", dashboard.New(queue, &dashboard.Options{
		Prefix: "/admin/queues",
		Allow:  func(r *http.Request) bool { return r.Header.Get("X-Role") == "admin" }, // a session, in earnest
	}))
	for _, role := range []string{"", "admin"} {
		r := httptest.NewRequest(http.MethodGet, "/admin/queues/", nil)
		r.Header.Set("X-Role", role)
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, r)
		fmt.Println(recorder.Code)
	}
	// Output:
	// 403
	// 200
}
