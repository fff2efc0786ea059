package media_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

func do(h http.Handler, method, target string, header map[string]string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func TestHandlerHeaders(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
	picture := save(t, store, "a.png", pngOf(t, gradient(20, 20)), nil)
	byContent := save(t, store, "p/a.png", pngOf(t, gradient(20, 20)), &media.SaveOptions{ByContent: true})
	save(t, store, "a.svg", svg, nil)
	save(t, store, "a.html", []byte("<!DOCTYPE html><script>alert(1)</script>"), nil)
	save(t, store, "\u8336.pdf", []byte("%PDF-1.7"), nil)
	h := media.Handler(store, &media.HandlerOptions{Variants: media.Shop, MaxAge: time.Minute})

	r := do(h, "GET", "/a.png", nil)
	require.Equal(t, 200, r.StatusCode)
	require.Equal(t, "image/png", r.Header.Get("Content-Type"))
	require.Equal(t, "public, max-age=60", r.Header.Get("Cache-Control"))
	require.Equal(t, `"`+picture.SHA256+`"`, r.Header.Get("Etag"))
	require.Empty(t, r.Header.Get("Content-Disposition"))
	require.EqualValues(t, picture.Size, r.ContentLength)
	require.NotEmpty(t, r.Header.Get("Last-Modified"))

	head := do(h, "HEAD", "/a.png", nil)
	require.Equal(t, 200, head.StatusCode)
	require.Empty(t, body(t, head))
	require.Equal(t, r.Header, head.Header)

	const forever = "public, max-age=31536000, immutable"
	for target, want := range map[string]string{
		"/" + byContent.Name:                            forever,
		"/a.png?h=" + picture.SHA256[:16]:               forever,
		"/a.png?v=thumb&h=" + picture.SHA256[:16]:       forever,
		"/a.png?h=" + picture.SHA256[:15]:               "public, max-age=60",
		"/a.png?h=" + strings.Repeat("0", 16):           "public, max-age=60",
		"/a.png?h=" + picture.SHA256 + "0":              "public, max-age=60",
		media.VariantURL("/a.png", picture, "card"):     forever,
		media.VariantURL("/a.png?x=1", picture, "card"): forever,
	} {
		r := do(h, "GET", target, nil)
		require.Equal(t, 200, r.StatusCode, target)
		require.Equal(t, want, r.Header.Get("Cache-Control"), target)
	}
	require.Equal(t, "no-cache", do(media.Handler(store, &media.HandlerOptions{MaxAge: -1}), "GET", "/a.png", nil).Header.Get("Cache-Control"))

	for target, disposition := range map[string]string{"/a.svg": "attachment; filename=a.svg", "/a.html": "attachment; filename=a.html", "/%E8%8C%B6.pdf": "attachment; filename*=utf-8''%E8%8C%B6.pdf"} {
		r := do(h, "GET", target, nil)
		require.Equal(t, disposition, r.Header.Get("Content-Disposition"))
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
		require.Equal(t, !strings.HasSuffix(target, "pdf"), strings.Contains(r.Header.Get("Content-Security-Policy"), "sandbox"))
	}
	r = do(media.Handler(store, &media.HandlerOptions{Inline: []string{media.SVG}}), "GET", "/a.svg", nil)
	require.Empty(t, r.Header.Get("Content-Disposition"))
	require.Contains(t, r.Header.Get("Content-Security-Policy"), "sandbox")

	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		r := do(h, method, "/a.png", nil)
		require.Equal(t, 405, r.StatusCode)
		require.Equal(t, "GET, HEAD", r.Header.Get("Allow"))
	}
}

func TestHandlerVariants(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	save(t, store, "a.png", pngOf(t, gradient(300, 200)), nil)
	save(t, store, "a.txt", []byte("text"), nil)
	h := media.Handler(store, &media.HandlerOptions{Variants: media.Shop})
	first := do(h, "GET", "/a.png?v=thumb", nil)
	require.Equal(t, 200, first.StatusCode)
	again := do(h, "GET", "/a.png?v=thumb", nil)
	require.Equal(t, first.Header, again.Header)
	require.Equal(t, body(t, first), body(t, again))
	require.Equal(t, 304, do(h, "GET", "/a.png?v=thumb", map[string]string{"If-None-Match": first.Header.Get("Etag")}).StatusCode)
	for _, target := range []string{"/a.png?v=huge", "/a.png?v=9999x9999", "/a.txt?v=thumb", "/b.png?v=thumb"} {
		require.Equal(t, 404, do(h, "GET", target, nil).StatusCode, target)
	}
}

// Nothing gets out, and nothing is told about what is inside.
func TestHandlerTraversal(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	f := save(t, store, "a.png", pngOf(t, gradient(30, 30)), nil)
	r, err := store.Variant(t.Context(), f.Name, media.Shop[0])
	require.NoError(t, err)
	require.NoError(t, r.Close())
	hidden, err := store.Driver().(media.Lister).List(t.Context(), ".variants/", "", 1)
	require.NoError(t, err)
	require.Len(t, hidden, 1)
	mux := http.NewServeMux()
	mux.Handle("/img/", media.Handler(store, nil))
	for _, target := range []string{
		"/img/", "/img/..%2f..%2fetc%2fpasswd", "/img/%2e%2e/a.png", "/img/a.png%00", "/img/a.png/", "/img//a.png", "/img/%2fa.png", "/img/a%5cb",
		"/img/" + hidden[0].Name, "/img/%ff", "/img/" + strings.Repeat("a", 5000), "/img/missing.png",
	} {
		r := do(mux, "GET", target, nil)
		if r.StatusCode == http.StatusMovedPermanently || r.StatusCode == http.StatusTemporaryRedirect {
			continue // the mux cleans a path and sends the browser there
		}
		require.Equal(t, 404, r.StatusCode, "%.60s", target)
		require.Equal(t, "not found\n", body(t, r))
	}
	require.Equal(t, 200, do(mux, "GET", "/img/a.png", nil).StatusCode)
	require.Equal(t, 404, do(mux, "GET", "/a.png", nil).StatusCode)
}

func TestHandlerPrefix(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	save(t, store, "img/a", []byte("inner"), nil)
	save(t, store, "a", []byte("outer"), nil)
	plain := media.Handler(store, nil)
	mux := http.NewServeMux()
	mux.Handle("/img/", plain)
	mux.Handle("GET /method/", plain)
	mux.Handle("/strip/", http.StripPrefix("/strip/", plain))
	mux.Handle("/bare/", http.StripPrefix("/bare", plain))
	mux.Handle("/by/{lang}/files/", http.StripPrefix("/by/en/files", plain))
	mux.Handle("/fixed/", media.Handler(store, &media.HandlerOptions{Prefix: "/fixed/img/"}))
	for target, want := range map[string]string{
		"/img/a": "outer", "/img/img/a": "inner", "/img/img/a?x=1": "inner", "/method/a": "outer", "/strip/a": "outer", "/strip/img/a": "inner",
		"/bare/img/a": "inner", "/by/en/files/a": "outer", "/fixed/img/a": "outer", "/img/img%2fa": "inner",
	} {
		r := do(mux, "GET", target, nil)
		require.Equal(t, 200, r.StatusCode, target)
		require.Equal(t, want, body(t, r), target)
	}
	require.Equal(t, "inner", body(t, do(plain, "GET", "/img/a", nil)), "without a mux")
	require.Equal(t, 404, do(mux, "GET", "/fixed/a", nil).StatusCode)
}

// statFails is a backend in trouble that talks too much.
type statFails struct{ media.Driver }

func (statFails) Stat(context.Context, string) (media.File, error) { return media.File{}, errTrouble }

var errTrouble = errors.New("open /srv/secret/place: input/output error")

func TestHandlerHidesErrors(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	inner := open(t, nil)
	f := save(t, inner, "a.txt", []byte("text"), nil)
	store, err := media.New(statFails{inner.Driver()}, &media.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	r := do(media.Handler(store, nil), "GET", "/"+f.Name, nil)
	require.Equal(t, 500, r.StatusCode)
	require.Equal(t, "internal error\n", body(t, r))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	require.NotContains(t, fmt.Sprint(r.Header), "secret")
	require.Contains(t, log.String(), "input/output error", "the operator learns it")
}

func TestHandlerMistakes(t *testing.T) {
	t.Parallel()
	store := open(t, nil)
	for _, options := range []media.HandlerOptions{
		{Variants: media.Variants{{Name: "a", Width: 10}, {Name: "a", Width: 20}}},
		{Variants: media.Variants{{Width: 10}}},
		{Variants: media.Variants{{Name: "a"}}},
		{Variants: media.Variants{{Name: "A/b", Width: 10}}},
		{MaxAge: -2},
	} {
		require.Panics(t, func() { media.Handler(store, &options) })
	}
}

func TestSignedURL(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	old, fresh := []byte("the old key, 16+"), []byte("the fresh key, 16+")
	first := open(t, &media.Options{SigningKeys: [][]byte{old}, Now: clock})
	both, err := media.New(first.Driver(), &media.Options{SigningKeys: [][]byte{fresh, old}, Now: clock})
	require.NoError(t, err)
	later, err := media.New(first.Driver(), &media.Options{SigningKeys: [][]byte{fresh}, Now: clock})
	require.NoError(t, err)
	save(t, first, "a.png", pngOf(t, gradient(300, 200)), nil)
	save(t, first, "b.png", pngOf(t, gradient(300, 201)), nil)
	status := func(store *media.Store, target string) int {
		return do(media.Handler(store, &media.HandlerOptions{Signed: true, Variants: media.Shop}), "GET", target, nil).StatusCode
	}
	sign := func(store *media.Store, o *media.SignOptions) string {
		u, err := store.SignedURL(t.Context(), "a.png", o)
		require.NoError(t, err)
		return u
	}

	u := sign(first, nil)
	require.Equal(t, 200, status(first, u))
	require.Equal(t, 200, status(both, u), "an old key still is accepted")
	require.Equal(t, 403, status(later, u), "until it is dropped")
	require.Equal(t, 200, status(later, sign(both, nil)), "the first key signs")
	require.Equal(t, 403, status(first, sign(both, nil)))

	parsed, err := url.Parse(u)
	require.NoError(t, err)
	q := parsed.Query()
	change := func(key string, values ...string) string {
		c := url.Values{}
		for k, v := range q {
			c[k] = v
		}
		c[key] = values
		return "/a.png?" + c.Encode()
	}
	s, e := q.Get("s"), q.Get("e")
	for name, target := range map[string]string{
		"another file": "/b.png?" + q.Encode(), "unsigned": "/a.png", "a variant": change("v", "thumb"), "longer": change("e", "9999999999"),
		"no expiry": change("e"), "no signature": change("s"), "cut signature": change("s", s[:42]), "long signature": change("s", s+"A"),
		"zero before": change("e", "0"+e), "plus": change("e", "+"+e), "negative": change("e", "-1"), "twice": change("s", s, s), "expiry twice": change("e", e, e),
		"last bits": change("s", s[:42]+flip(s[42])), "another first letter": change("s", flip(s[0])+s[1:]), "padded": change("s", s[:42]+"="),
	} {
		require.Equal(t, 403, status(first, target), name)
	}

	u = sign(first, &media.SignOptions{Variant: "thumb", ValidFor: time.Hour})
	require.Equal(t, 200, status(first, u))
	require.Equal(t, 403, status(first, strings.Replace(u, "v=thumb", "v=card", 1)))
	now = now.Add(time.Hour - time.Second)
	require.Equal(t, 200, status(first, u))
	now = now.Add(time.Second)
	require.Equal(t, 403, status(first, u), "expired")

	for _, d := range []time.Duration{-1, time.Millisecond, 11 * 365 * 24 * time.Hour} {
		_, err = first.SignedURL(t.Context(), "a.png", &media.SignOptions{ValidFor: d})
		require.ErrorIs(t, err, media.ErrInvalid)
	}
	_, err = open(t, nil).SignedURL(t.Context(), "a.png", nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, open(t, nil).VerifySigned("a.png", q), media.ErrSignature, "without keys nothing is valid")
	require.NotContains(t, first.VerifySigned("b.png", q).Error(), s)
}

func flip(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func FuzzVerifySigned(f *testing.F) {
	store := open(f, &media.Options{SigningKeys: [][]byte{[]byte("a key of enough bytes")}, Now: func() time.Time { return time.Unix(1000, 0) }})
	valid, err := store.SignedURL(f.Context(), "a", &media.SignOptions{ValidFor: time.Hour})
	require.NoError(f, err)
	_, query, _ := strings.Cut(valid, "?")
	f.Add("a", query)
	f.Add("a", "e=1&s=")
	f.Add("a", "e=4600&s=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	want, _ := url.ParseQuery(query)
	f.Fuzz(func(t *testing.T, name, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if store.VerifySigned(name, q) == nil && (name != "a" || q.Get("s") != want.Get("s") || q.Get("e") != want.Get("e")) {
			t.Fatalf("forged: %q %q", name, query)
		}
	})
}
