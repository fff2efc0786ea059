package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/notifytest"
	"github.com/seed82d84382/commerce/notify/webhook"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret = []byte("0123456789abcdef01234567")
	other  = []byte("another secret of 24 bytes")
)

func sender(t testing.TB, o *webhook.SenderOptions) *webhook.Sender {
	t.Helper()
	s, err := webhook.NewSender(o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func TestSignedSentAndVerifiedOnce(t *testing.T) {
	t.Parallel()
	clock := notifytest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	verifier, err := webhook.NewVerifier(&webhook.VerifierOptions{Secrets: [][]byte{other, secret}, Now: clock.Now})
	require.NoError(t, err)
	var results []error
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, id, err := verifier.Verify(r)
		if results = append(results, err); err == nil {
			got = append([]byte(id+" "), body...)
		}
	}))
	t.Cleanup(server.Close)
	event := &webhook.Event{ID: "evt_1", URL: server.URL, Body: []byte(`{"paid":true}`)}
	s := sender(t, &webhook.SenderOptions{Secret: secret, AllowPrivate: true, Now: clock.Now})
	require.NoError(t, s.Send(t.Context(), event))
	require.Equal(t, `evt_1 {"paid":true}`, string(got))
	require.NoError(t, s.Send(t.Context(), event), "sent again")
	event.ID = "evt_2"
	late := sender(t, &webhook.SenderOptions{Secret: secret, AllowPrivate: true, Now: func() time.Time { return clock.Now().Add(-6 * time.Minute) }})
	require.NoError(t, late.Send(t.Context(), event))
	event.Secret = []byte("a wrong secret of 24 bytes")
	require.NoError(t, s.Send(t.Context(), event))
	require.Len(t, results, 4)
	require.NoError(t, results[0])
	require.ErrorIs(t, results[1], webhook.ErrReplayed)
	require.ErrorIs(t, results[2], webhook.ErrTooOld)
	require.ErrorIs(t, results[3], webhook.ErrSignature)
}

// TestSignatureOfTheSpecification is the example of Standard Webhooks.
func TestSignatureOfTheSpecification(t *testing.T) {
	t.Parallel()
	// secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, decoded
	key := []byte{0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c, 0xf6, 0x48, 0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0}
	verifier, err := webhook.NewVerifier(&webhook.VerifierOptions{Secrets: [][]byte{key}, Now: func() time.Time { return time.Unix(1614265330, 0) }})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"test": 2432232314}`))
	r.Header.Set("Webhook-Id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	r.Header.Set("Webhook-Timestamp", "1614265330")
	r.Header.Set("Webhook-Signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
	body, _, err := verifier.Verify(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"test": 2432232314}`, string(body))
}

func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = w.Write(make([]byte, 200<<10))
	}))
	t.Cleanup(server.Close)
	s := sender(t, &webhook.SenderOptions{Secret: secret, AllowPrivate: true})
	for code, want := range map[int][2]bool{200: {true, false}, 204: {true, false}, 302: {false, false}, 404: {false, false}, 410: {false, true}, 500: {false, false}} {
		status = code
		err := s.Send(t.Context(), &webhook.Event{ID: "a", URL: server.URL + "/?key=topsecret", Body: []byte("{}")})
		require.Equal(t, want[0], err == nil, "%d: %v", code, err)
		require.Equal(t, want[1], notify.IsPermanent(err), code)
	}
	server.Close()
	err := s.Send(t.Context(), &webhook.Event{ID: "a", URL: server.URL + "/?key=topsecret"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "topsecret")
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	called := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(server.Close)
	s := sender(t, &webhook.SenderOptions{Secret: secret})
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"} {
		err := s.Send(t.Context(), &webhook.Event{ID: "a", URL: "http://" + host + ":" + port})
		require.True(t, notify.IsPermanent(err), "%s: %v", host, err)
	}
	require.False(t, called)
}

func TestBadEventsOptionsAndRequests(t *testing.T) {
	t.Parallel()
	s := sender(t, nil)
	for name, e := range map[string]*webhook.Event{
		"no id": {URL: "https://example.com", Secret: secret}, "dot": {ID: "a.b", URL: "https://example.com", Secret: secret},
		"url": {ID: "a", URL: "ftp://example.com", Secret: secret}, "secret": {ID: "a", URL: "https://example.com"},
		"large": {ID: "a", URL: "https://example.com", Secret: secret, Body: make([]byte, 2<<20)},
	} {
		err := s.Send(t.Context(), e)
		require.ErrorIs(t, err, webhook.ErrInvalid, name)
		require.True(t, notify.IsPermanent(err), name)
	}
	_, err := webhook.NewSender(&webhook.SenderOptions{Secret: []byte("short")})
	require.ErrorIs(t, err, webhook.ErrInvalid)
	_, err = webhook.NewVerifier(nil)
	require.ErrorIs(t, err, webhook.ErrInvalid)
	verifier, err := webhook.NewVerifier(&webhook.VerifierOptions{Secrets: [][]byte{secret}})
	require.NoError(t, err)
	for _, header := range []string{"", "v1,", "v1,!!!", "v2,AAAA", strings.Repeat("v1,AAAA ", 1000)} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Webhook-Id", "a")
		r.Header.Set("Webhook-Timestamp", "1614265330")
		r.Header.Set("Webhook-Signature", header)
		_, _, err := verifier.Verify(r)
		require.ErrorIs(t, err, webhook.ErrSignature)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(make([]byte, 2<<20)))
	_, _, err = verifier.Verify(r)
	_, large := errors.AsType[*http.MaxBytesError](err)
	require.True(t, large, "%v", err)
}

func ExampleNewSender() {
	verifier, _ := webhook.NewVerifier(&webhook.VerifierOptions{Secrets: [][]byte{secret}})
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, id, err := verifier.Verify(r)
		if err != nil {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		fmt.Println(id, string(body))
		_, _ = io.WriteString(w, "ok")
	}))
	defer receiver.Close()
	sender, err := webhook.NewSender(&webhook.SenderOptions{Secret: secret, AllowPrivate: true}) // only for this example
	if err != nil {
		fmt.Println(err)
		return
	}
	defer sender.Close()
	fmt.Println(sender.Send(context.Background(), &webhook.Event{ID: "evt_1", URL: receiver.URL, Body: []byte(`{"order":1001}`)}))
	// Output:
	// evt_1 {"order":1001}
	// <nil>
}
