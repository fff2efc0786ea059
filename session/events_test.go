package session_test

import (
	"bufio"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/session"
)

// Server-sent events over HTTP/2: the cookie goes out with the headers, each event
// when it is flushed, and a stream sees its session end.
func TestServerSentEventsOverHTTP2(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	next := make(chan struct{})
	s := httptest.NewUnstartedServer(m.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		_, hijacks := w.(http.Hijacker)
		if err := m.Login(ctx, session.User{ID: "42"}, nil); err != nil || r.ProtoMajor != 2 || hijacks {
			panic(fmt.Sprint(err, r.Proto, hijacks))
		}
		w.Header().Set("Content-Type", "text/event-stream")
		controller := http.NewResponseController(w)
		for n := 1; ; n++ {
			err := m.Update(ctx, func(v *session.Values) error { v.Set("n", n); return nil })
			if errors.Is(err, session.ErrEnded) {
				fmt.Fprint(w, "data: bye\n\n")
				return
			}
			fmt.Fprintf(w, "data: %d %v\n\n", n, err)
			if err := controller.Flush(); err != nil {
				panic(err)
			}
			select {
			case <-next:
			case <-ctx.Done():
				return
			}
		}
	})))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	defer s.Close()
	answer, err := s.Client().Get(s.URL)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, 2, answer.ProtoMajor)
	require.Len(t, answer.Cookies(), 1)
	events := bufio.NewReader(answer.Body)
	event := func() string {
		line, err := events.ReadString('\n')
		require.NoError(t, err)
		_, err = events.ReadString('\n')
		require.NoError(t, err)
		return line
	}
	require.Equal(t, "data: 1 <nil>\n", event())
	next <- struct{}{}
	require.Equal(t, "data: 2 <nil>\n", event())
	require.NoError(t, m.Logout(m.Attach(t.Context(), answer.Cookies()[0].Value)))
	next <- struct{}{}
	require.Equal(t, "data: bye\n", event())
}

// Nothing a user or a client says reaches a header of the response.
func TestHeadersCannotBeInjected(t *testing.T) {
	t.Parallel()
	m := open(t, &session.Options{TokenHeader: "X-Session-Token"})
	const evil = "x\r\nSet-Cookie: evil=1\r\n\r\n<script>"
	r := request()
	r.Header["User-Agent"], r.Header["X-Session-Token"] = []string{evil}, []string{evil}
	r.RemoteAddr = evil
	for range 2 {
		w := serve(m, r, func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			require.NoError(t, m.Put(ctx, evil, evil))
			require.NoError(t, m.AddFlash(ctx, session.Flash{Kind: evil, Text: evil}))
			require.NoError(t, m.Login(ctx, session.User{ID: evil, AuthHash: evil}, nil))
			shown, ok := m.Current(ctx)
			require.True(t, ok)
			require.NotContains(t, shown.Device+shown.IP, "\n")
			fmt.Fprint(w, "page")
		})
		for name, lines := range w.Header() {
			for _, line := range append(lines, name) {
				require.NotContains(t, line, "evil")
				require.False(t, strings.ContainsAny(line, "\r\n"))
			}
		}
		r.Header.Del("X-Session-Token") // now by cookie
	}
}
