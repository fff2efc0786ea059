// Package dashboard shows an operator what the queues do: counts, rates and
// latencies, jobs by state, failures with error and stack, dead letters, a search in all
// of them, workers and what they are at, schedules; and lets them retry, delete, pause and resume.
//
//	mux.Handle("/admin/queues/", dashboard.New(queue, &dashboard.Options{
//		Prefix: "/admin/queues",
//		Allow:  func(r *http.Request) bool { return isAdmin(r) },
//	}))
//
// Pages are plain HTML with a style sheet served beside them: no scripts, no
// inline styles, fit for a Content-Security-Policy of default-src 'self'.
// Without Allow everything is refused. Actions are POST and refused across
// origins ([http.CrossOriginProtection]).
package dashboard

import (
	"bytes"
	"embed"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/notify"
)

// Options configure New. Zero means the default, except for Allow.
type Options struct {
	// Prefix is the path it is mounted under, without a slash at the end: "/admin/queues". Default: the root.
	Prefix string
	// Allow decides who may see and operate. Nil refuses everybody.
	Allow func(*http.Request) bool
	// Language picks "en" or "zh" for a request. Default English.
	Language func(*http.Request) string
	// Redact takes secrets out of a payload before it is shown; nil as answer hides all of it.
	// Default: RedactSecrets.
	Redact func(kind string, payload []byte) []byte
	// Title is shown on top. Default "Queues", in the reader's language.
	Title string
	// Back links to the host's own pages. Default none.
	Back string
	// Logger gets what went wrong. Default slog.Default().
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

//go:embed assets
var assets embed.FS

// New makes the handler. It is safe for concurrent use.
func New(q *notify.Queue, o *Options) http.Handler {
	d := &dashboard{queue: q}
	if o != nil {
		d.options = *o
	}
	d.options.Prefix = strings.TrimRight(d.options.Prefix, "/")
	if d.options.Redact == nil {
		d.options.Redact = RedactSecrets
	}
	if d.options.Logger == nil {
		d.options.Logger = slog.Default()
	}
	if d.options.Now == nil {
		d.options.Now = time.Now
	}
	mux := http.NewServeMux()
	p := d.options.Prefix
	mux.HandleFunc("GET "+p+"/{$}", d.overview)
	mux.HandleFunc("GET "+p+"/jobs", d.jobs)
	mux.HandleFunc("GET "+p+"/job", d.job)
	mux.HandleFunc("GET "+p+"/workers", d.workers)
	mux.HandleFunc("GET "+p+"/schedules", d.schedules)
	mux.HandleFunc("GET "+p+"/style.css", style)
	mux.HandleFunc("POST "+p+"/pause", d.pause)
	mux.HandleFunc("POST "+p+"/resume", d.resume)
	mux.HandleFunc("POST "+p+"/replay", d.replay)
	mux.HandleFunc("POST "+p+"/delete", d.delete)
	mux.HandleFunc("POST "+p+"/replay-all", d.all(q.ReplayAll))
	mux.HandleFunc("POST "+p+"/delete-all", d.all(q.DeleteAll))
	if p != "" {
		mux.Handle("GET "+p, http.RedirectHandler(p+"/", http.StatusMovedPermanently))
	}
	return d.guard(http.NewCrossOriginProtection().Handler(mux))
}

type dashboard struct {
	queue   *notify.Queue
	options Options
}

// policy is set unless the host has set its own.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds the body of an action.
const maxForm = 64 << 10

func (d *dashboard) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.options.Allow == nil || !d.options.Allow(r) {
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
			return
		}
		h := w.Header()
		if h.Get("Content-Security-Policy") == "" {
			h.Set("Content-Security-Policy", policy)
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r)
	})
}

func style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "private, max-age=300")
	http.ServeFileFS(w, r, assets, "assets/style.css")
}

// render writes a page completely or not at all.
func (d *dashboard) render(w http.ResponseWriter, r *http.Request, status int, name string, p *page) {
	language := "en"
	if d.options.Language != nil && strings.HasPrefix(d.options.Language(r), "zh") {
		language = "zh"
	}
	p.Language, p.Prefix, p.Title, p.Back, p.Now = language, d.options.Prefix, d.options.Title, d.options.Back, d.options.Now()
	var out bytes.Buffer
	if err := pages[language].ExecuteTemplate(&out, name, p); err != nil {
		d.options.Logger.Error("notify: dashboard", "page", name, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

// fail shows what went wrong in words; details go to the log.
func (d *dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	status, message := http.StatusInternalServerError, "The queue does not answer. See the log."
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		status, message = http.StatusNotImplemented, "This queue cannot do that."
	case errors.Is(err, notify.ErrInvalid):
		status, message = http.StatusBadRequest, "The request is not valid."
	case errors.Is(err, errNotFound):
		status, message = http.StatusNotFound, "There is no such job. It may have been handled."
	default:
		d.options.Logger.Error("notify: dashboard", "path", r.URL.Path, "error", err)
	}
	d.render(w, r, status, "message.html", &page{Message: message})
}

var errNotFound = errors.New("notify: no such job")

func (d *dashboard) redirect(w http.ResponseWriter, r *http.Request, path string, query url.Values) {
	target := d.options.Prefix + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}
