package sms_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/memqueue"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/sms"
	"github.com/seed82d84382/commerce/notify/templates"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		os.Exit(code)
	}))
}

var hello = &sms.Message{ID: "job-1", To: "+8613800138000", Text: "你好"}

// serve answers with handler and returns a sender to it.
func serve(t *testing.T, o *sms.HTTPOptions, handler http.HandlerFunc) sms.Sender {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s, err := sms.NewHTTP(server.URL+"/send?key=topsecret", o)
	require.NoError(t, err)
	return s
}

func TestHTTPSends(t *testing.T) {
	t.Parallel()
	s := serve(t, &sms.HTTPOptions{Header: http.Header{"Authorization": {"Bearer x"}}}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer x" || r.Header.Get("Idempotency-Key") != "job-1" ||
			r.Header.Get("Content-Type") != "application/json" || string(body) != `{"id":"job-1","to":"+8613800138000","text":"你好"}` {
			w.WriteHeader(http.StatusTeapot)
		}
	})
	require.NoError(t, s.Send(t.Context(), hello))
}

func TestHTTPClassifies(t *testing.T) {
	t.Parallel()
	for status, permanent := range map[int]bool{
		302: true, 400: true, 401: true, 404: true, 422: true, 408: false, 425: false, 429: false, 500: false, 502: false, 503: false,
	} {
		s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "cannot send to +8613800138000")
		})
		err := s.Send(t.Context(), hello)
		failure, ok := errors.AsType[*sms.HTTPError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, status, failure.Status)
		require.Equal(t, permanent, notify.IsPermanent(err), "%d", status)
		require.NotContains(t, err.Error(), "138", "neither number nor text in the message")
	}
}

func TestHTTPBoundsAndJudgesAnswers(t *testing.T) {
	t.Parallel()
	accept := func(body []byte) error {
		if len(body) > 1000 {
			return errors.New("too much was read")
		}
		if strings.HasPrefix(string(body), `{"ok":false`) {
			return notify.Permanent(errors.New("provider says no"))
		}
		return nil
	}
	flood := serve(t, &sms.HTTPOptions{MaxResponse: 1000, Accept: accept}, func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			_, _ = w.Write(make([]byte, 10_000))
		}
	})
	require.NoError(t, flood.Send(t.Context(), hello))
	refusing := serve(t, &sms.HTTPOptions{Accept: accept}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"ok":false}`)
	})
	require.True(t, notify.IsPermanent(refusing.Send(t.Context(), hello)))
}

func TestHTTPErrorsHoldNoSecrets(t *testing.T) {
	t.Parallel()
	s := serve(t, &sms.HTTPOptions{Timeout: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the client has gone
		<-r.Context().Done()
	})
	err := s.Send(t.Context(), hello)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, notify.IsPermanent(err))
	require.NotContains(t, err.Error(), "topsecret")
}

func TestRetryAfterIsHandedOn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]string{
		"120": "2m0s", "Fri, 02 Jan 2026 03:05:05 GMT": "1m0s", "-5": "0s", "99999999999": "24h0m0s", "soon": "",
	} {
		s := serve(t, &sms.HTTPOptions{Now: func() time.Time { return now }}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		got := ""
		if delay, ok := notify.RetryDelay(s.Send(t.Context(), hello)); ok {
			got = delay.String()
		}
		require.Equal(t, want, got, value)
	}
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	s := sms.NewConsole(io.Discard)
	for _, m := range []*sms.Message{
		{To: "", Text: "x"}, {To: "13800138000", Text: "x"}, {To: "+0123456789", Text: "x"}, {To: "+86138001380001234567", Text: "x"},
		{To: "+86 13800138000", Text: "x"}, {To: "+8613800138000\r\n", Text: "x"}, {To: hello.To}, {To: hello.To, Text: "\xff"},
		{To: hello.To, Text: strings.Repeat("字", 1531)},
	} {
		err := s.Send(t.Context(), m)
		require.ErrorIs(t, err, sms.ErrInvalid)
		require.True(t, notify.IsPermanent(err))
	}
	for _, endpoint := range []string{"", "example.com", "ftp://example.com", "http://", "http://a b"} {
		_, err := sms.NewHTTP(endpoint, nil)
		require.ErrorIs(t, err, sms.ErrInvalid, endpoint)
	}
}

func set(t testing.TB) *templates.Set {
	s, err := templates.Parse(fstest.MapFS{
		"code.en.txt": {Data: []byte("Your code is {{.Code}}.")},
		"code.zh.txt": {Data: []byte("您的验证码是 {{.Code}}。")},
	}, nil)
	require.NoError(t, err)
	return s
}

func TestTexterThroughAQueue(t *testing.T) {
	t.Parallel()
	q := memqueue.Open(nil)
	defer q.Close()
	var out strings.Builder
	task := notify.NewTask[sms.Text]("sms.send", nil)
	w := notify.NewWorker(q, nil)
	task.Handle(w, sms.NewTexter(sms.NewConsole(&out), set(t)).Handle)
	client := notify.NewClient(q, nil)
	_, err := task.Enqueue(t.Context(), client, sms.Text{To: hello.To, Template: "code", Locale: "zh-CN", Data: templates.Data{"Code": "012345"}})
	require.NoError(t, err)
	_, err = task.Enqueue(t.Context(), client, sms.Text{To: hello.To, Template: "unknown"})
	require.NoError(t, err)
	notifytest.Drain(t, w)
	require.Equal(t, "SMS to +8613800138000: 您的验证码是 012345。\n", out.String())
	letters, err := q.List(t.Context(), notify.Filter{State: notify.Dead})
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, notify.PermanentBy, letters[0].Failure.Reason)
}

func ExampleNewConsole() {
	sender := sms.NewConsole(os.Stdout)
	fmt.Println(sender.Send(context.Background(), &sms.Message{To: "+8613800138000", Text: "Hello"}))
	fmt.Println(sender.Send(context.Background(), &sms.Message{To: "138", Text: "Hello"}))
	// Output:
	// SMS to +8613800138000: Hello
	// <nil>
	// sms: invalid To: must be a number in the form +8613800138000 (E.164)
}
