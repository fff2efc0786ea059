package session

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
)

// response runs scope.settle before the first byte. If that fails, the error
// handler has the response, and what the handler writes goes nowhere.
type response struct {
	http.ResponseWriter
	scope *scope
	once  sync.Once
	err   error
}

// begin returns nil if the handler's response may go out.
func (w *response) begin() error {
	w.once.Do(func() {
		r := w.scope.request
		if w.err = w.scope.settle(r.Context()); w.err != nil {
			for _, name := range ofTheHandler {
				w.Header().Del(name)
			}
			w.scope.m.opts.ErrorHandler(w.ResponseWriter, r, w.err)
		}
	})
	return w.err
}

// ofTheHandler are headers that tell of the response an error replaces.
var ofTheHandler = []string{
	"Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Type",
	"Etag", "Last-Modified", "Link", "Location", "Refresh", "Trailer",
}

func (w *response) WriteHeader(code int) {
	if code >= 100 && code < 200 && code != http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(code) // informational: the response is still to come
		return
	}
	if w.begin() == nil {
		w.ResponseWriter.WriteHeader(code)
	}
}

func (w *response) Write(b []byte) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(b)
}

func (w *response) WriteString(s string) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom keeps sendfile.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	return io.Copy(w.ResponseWriter, r)
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *response) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.begin(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// What a handler sees has Flush and Hijack only where the writer underneath has
// them, so that a type assertion tells the truth.
type (
	flushing     struct{ *response }
	hijacking    struct{ *response }
	flushjacking struct{ *response }
)

func (w flushing) Flush()                                           { _ = w.flush() }
func (w flushing) FlushError() error                                { return w.flush() }
func (w hijacking) Hijack() (net.Conn, *bufio.ReadWriter, error)    { return w.hijack() }
func (w flushjacking) Flush()                                       { _ = w.flush() }
func (w flushjacking) FlushError() error                            { return w.flush() }
func (w flushjacking) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w *response) asUnderlying() http.ResponseWriter {
	_, flushes := w.ResponseWriter.(http.Flusher)
	_, hijacks := w.ResponseWriter.(http.Hijacker)
	switch {
	case flushes && hijacks:
		return flushjacking{w}
	case flushes:
		return flushing{w}
	case hijacks:
		return hijacking{w}
	}
	return w
}
