package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fsmedia"
)

// serving fetches files of 4 KiB over HTTP from a directory: through the Handler, and through that of net/http.
func serving() (_ peer.Case, closeAll func() error, err error) {
	dir, err := os.MkdirTemp("", "peerbench-serve-")
	if err != nil {
		return peer.Case{}, nil, err
	}
	closers := []func() error{func() error { return os.RemoveAll(dir) }}
	closeAll = func() (err error) {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll())
		}
	}()
	store, err := fsmedia.Open(filepath.Join(dir, "ours"), &fsmedia.Options{NoSync: true})
	if err != nil {
		return peer.Case{}, nil, err
	}
	closers = append(closers, store.Close)
	plain := filepath.Join(dir, "plain")
	if err := os.Mkdir(plain, 0o700); err != nil {
		return peer.Case{}, nil, err
	}
	bodies := make([][]byte, readFiles)
	for i := range bodies {
		bodies[i] = content(uint64(i), 4<<10)
		name := fmt.Sprintf("%d.bin", i)
		if _, err := store.Save(context.Background(), name, bytes.NewReader(bodies[i]), nil); err != nil {
			return peer.Case{}, nil, err
		}
		if err := os.WriteFile(filepath.Join(plain, name), bodies[i], 0o600); err != nil {
			return peer.Case{}, nil, err
		}
	}
	serve := func(handler http.Handler) (string, error) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", err
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		go server.Serve(listener) //nolint:errcheck // always ErrServerClosed
		closers = append(closers, server.Close)
		return "http://" + listener.Addr().String() + "/", nil
	}
	ours, err := serve(media.Handler(store, nil))
	if err != nil {
		return peer.Case{}, nil, err
	}
	theirs, err := serve(http.FileServer(http.Dir(plain)))
	if err != nil {
		return peer.Case{}, nil, err
	}
	fetch := func(base string) func(context.Context, *browser) error {
		return func(ctx context.Context, b *browser) error {
			i := rand.IntN(len(bodies))
			return b.get(ctx, fmt.Sprintf("%s%d.bin", base, i), bodies[i])
		}
	}
	return peer.Case{Name: "serve-4k", Callers: callers, Subjects: []peer.Subject{
		subject("ours", newBrowser, fetch(ours)), subject("http.FileServer", newBrowser, fetch(theirs)),
	}}, closeAll, nil
}

// browser is a client with a connection of its own.
type browser struct {
	transport *http.Transport
	buf       bytes.Buffer
}

func newBrowser() (*browser, error) { return &browser{transport: &http.Transport{}}, nil }

func (b *browser) get(ctx context.Context, address string, want []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := b.transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b.buf.Reset()
	if _, err := io.Copy(&b.buf, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !bytes.Equal(b.buf.Bytes(), want) {
		return fmt.Errorf("answer %d with %d bytes", answer.StatusCode, b.buf.Len())
	}
	return nil
}

// Close implements io.Closer.
func (b *browser) Close() error { b.transport.CloseIdleConnections(); return nil }
