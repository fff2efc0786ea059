package mediatest

import (
	"bytes"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
)

func testVariants(t *testing.T, b *bench) {
	store := b.open(t, nil)
	f := save(t, store, "p/tea.jpg", jpegOf(t, 600, 300), &media.SaveOptions{Types: media.Images})
	card, _ := media.Shop.Find("card")
	var wait sync.WaitGroup
	bodies := make([]string, 6)
	for i := range bodies {
		wait.Go(func() {
			r, err := store.Variant(t.Context(), f.Name, card)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			body, err := io.ReadAll(r)
			if err != nil || sha(string(body)) != r.File().SHA256 || r.File().Width != 400 || r.File().Height != 200 {
				t.Errorf("variant %d: %v, %+v", i, err, r.File())
			}
			bodies[i] = string(body)
		})
	}
	wait.Wait()
	for _, body := range bodies {
		require.Equal(t, bodies[0], body)
	}
	config, format, err := image.DecodeConfig(strings.NewReader(bodies[0]))
	require.NoError(t, err)
	require.Equal(t, "jpeg", format)
	require.Equal(t, [2]int{400, 200}, [2]int{config.Width, config.Height})

	if listed, ok := names(t, store, nil); ok {
		require.Equal(t, []string{f.Name}, listed, "variants are not listed")
	}
	text := save(t, store, "t.txt", "text", nil)
	_, err = store.Variant(t.Context(), text.Name, card)
	require.ErrorIs(t, err, media.ErrType)
	_, err = store.Variant(t.Context(), f.Name, media.Variant{Width: -1})
	require.ErrorIs(t, err, media.ErrInvalid)

	require.NoError(t, store.Delete(t.Context(), text.Name))
	require.NoError(t, store.Delete(t.Context(), f.Name))
	requireEmpty(t, store)
}

func testVariantsAhead(t *testing.T, b *bench) {
	store := b.open(t, nil)
	f := save(t, store, "p/tea.jpg", jpegOf(t, 900, 450), nil)
	job := media.VariantJob{Name: f.Name}
	for _, v := range media.Shop {
		job.Variants = append(job.Variants, v.String())
	}
	for range 2 { // the second time there is nothing to do
		if err := store.MakeVariants(t.Context(), job); !supported(t, "variants that are kept", err) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range media.Shop {
		r, err := store.Variant(t.Context(), f.Name, v)
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		width, height := v.Size(900, 450)
		config, _, err := image.DecodeConfig(bytes.NewReader(content))
		require.NoError(t, err)
		require.Equal(t, [2]int{width, height}, [2]int{config.Width, config.Height}, v.Name)
	}
	require.NoError(t, store.Delete(t.Context(), f.Name))
	requireEmpty(t, store)
	require.ErrorIs(t, store.MakeVariants(t.Context(), job), media.ErrNotFound)
}

func serve(t *testing.T, store *media.Store, options *media.HandlerOptions) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/img/", media.Handler(store, options))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/img/"
}

func escape(name string) string { return (&url.URL{Path: name}).EscapedPath() }

func get(t *testing.T, address string, header map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	for key, value := range header {
		request.Header.Set(key, value)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func testHandler(t *testing.T, b *bench) {
	store := b.open(t, nil)
	base := serve(t, store, &media.HandlerOptions{Variants: media.Shop})
	content := text(1, 5000)
	f := save(t, store, "doc/\u8336 #1?.txt", content, nil)
	picture := save(t, store, "tea.png", pngOf(t, 300, 300), nil)

	address := base + escape(f.Name)
	answer, body := get(t, address, nil)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, content, body)
	require.Equal(t, `"`+f.SHA256+`"`, answer.Header.Get("ETag"))
	require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "text/plain; charset=utf-8", answer.Header.Get("Content-Type"))
	require.Contains(t, answer.Header.Get("Content-Disposition"), "attachment")

	answer, body = get(t, address, map[string]string{"If-None-Match": `"` + f.SHA256 + `"`})
	require.Equal(t, http.StatusNotModified, answer.StatusCode)
	require.Empty(t, body)
	for header, want := range map[string]string{"bytes=0-0": content[:1], "bytes=-10": content[4990:], "bytes=100-199": content[100:200], "bytes=4999-9999": content[4999:]} {
		answer, body = get(t, address, map[string]string{"Range": header})
		require.Equal(t, http.StatusPartialContent, answer.StatusCode)
		require.Equal(t, want, body)
	}
	answer, _ = get(t, address, map[string]string{"Range": "bytes=5000-"})
	require.Equal(t, http.StatusRequestedRangeNotSatisfiable, answer.StatusCode)
	_, body = get(t, address, map[string]string{"Range": "bytes=0-9", "If-Range": `"other"`})
	require.Equal(t, content, body)

	for range 2 { // made, then kept
		answer, body = get(t, base+escape(picture.Name)+"?v=thumb", nil)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		config, _, err := image.DecodeConfig(bytes.NewReader([]byte(body)))
		require.NoError(t, err)
		require.Equal(t, 160, config.Width)
		require.Empty(t, answer.Header.Get("Content-Disposition"))
	}
}

func testSignedURL(t *testing.T, b *bench) {
	var mu sync.Mutex
	now := time.Now().Truncate(time.Second)
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	store := b.open(t, &media.Options{BaseURL: "/img/", Now: clock, SigningKeys: [][]byte{[]byte("a key of enough bytes")}})
	base := strings.TrimSuffix(serve(t, store, &media.HandlerOptions{Signed: true}), "/img/")
	f := save(t, store, "private/\u8336.txt", "for few", nil)
	address, err := store.SignedURL(t.Context(), f.Name, &media.SignOptions{ValidFor: time.Minute})
	require.NoError(t, err)
	if !strings.HasPrefix(address, "/") { // of the backend's own server
		answer, body := get(t, address, nil)
		require.Equal(t, http.StatusOK, answer.StatusCode)
		require.Equal(t, "for few", body)
		return
	}
	answer, body := get(t, base+address, nil)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, "for few", body)
	require.Equal(t, "private, max-age=60", answer.Header.Get("Cache-Control"))
	plain, _, _ := strings.Cut(address, "?")
	answer, _ = get(t, base+plain, nil)
	require.Equal(t, http.StatusForbidden, answer.StatusCode)

	mu.Lock()
	now = now.Add(time.Minute)
	mu.Unlock()
	answer, _ = get(t, base+address, nil)
	require.Equal(t, http.StatusForbidden, answer.StatusCode, "expired")
}
