package media

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// HandlerOptions of a Handler. The zero value serves the files themselves, to everybody.
type HandlerOptions struct {
	// Variants are the sizes that may be asked for with "?v=name". Others are not found: what
	// strangers can make the server do is bounded by this list.
	Variants Variants
	// Prefix is the part of the path before the name, such as "/img/". Default: the pattern under which the
	// Handler is registered in an http.ServeMux, or nothing behind http.StripPrefix.
	Prefix string
	// Signed serves only addresses made by SignedURL.
	Signed bool
	// MaxAge is how long browsers and proxies may use an answer without asking
	// again, where the address says nothing about the content. Default one
	// hour, -1 none. Addresses with a piece of the hash, as Srcset makes them, and names made
	// by SaveOptions.ByContent are good for a year.
	MaxAge time.Duration
	// Inline lists further media types that browsers may show in place. Default: only Images;
	// all else is sent as a download.
	Inline []string
}

// Handler serves the files of a store to GET and HEAD, with ranges (RFC 9110), strong ETags made
// of the hash, and conditional requests. Unknown, impossible and forbidden names are all 404
// (a bad signature is 403), other failures 500 without details; the details are logged.
// It panics if a variant or the MaxAge is out of range, since that is a mistake of the program.
func Handler(store *Store, options *HandlerOptions) http.Handler {
	var o HandlerOptions
	if options != nil {
		o = *options
	}
	if err := checkVariants(o.Variants); err != nil {
		panic("media: handler: " + err.Error())
	}
	switch {
	case o.MaxAge == 0:
		o.MaxAge = time.Hour
	case o.MaxAge == -1:
		o.MaxAge = 0
	case o.MaxAge < 0:
		panic("media: handler: MaxAge is negative")
	}
	inline := map[string]bool{}
	for _, t := range Images {
		inline[t] = true
	}
	for _, t := range o.Inline {
		inline[t] = true
	}
	return &handler{store: store, options: o, inline: inline}
}

type handler struct {
	store   *Store
	options HandlerOptions
	inline  map[string]bool
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, ok := h.name(r)
	name, err := CleanName(name)
	if !ok || err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	query := r.URL.Query()
	if h.options.Signed {
		if err := h.store.VerifySigned(name, query); err != nil {
			header.Set("Cache-Control", "no-store")
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
	}
	reader, err := h.open(r.Context(), name, query.Get(paramVariant))
	if err != nil {
		h.fail(w, r, name, err)
		return
	}
	defer reader.Close()
	f := reader.File()
	header.Set("Content-Type", contentType(f.Type))
	header.Set("Etag", etag(f))
	header.Set("Cache-Control", h.cacheControl(name, query, reader))
	if !isImage(f.Type) && f.Type != "application/pdf" { // browsers show no PDF in a sandbox
		// Whatever is in the file, opened on its own it may do nothing.
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	if !h.inline[f.Type] {
		header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(name)}))
	}
	http.ServeContent(w, r, "", f.ModTime, reader)
}

func (h *handler) open(ctx context.Context, name, variant string) (*Reader, error) {
	if variant == "" {
		return h.store.Open(ctx, name)
	}
	v, ok := h.options.Variants.Find(variant)
	if !ok {
		return nil, ErrNotFound
	}
	return h.store.Variant(ctx, name, v)
}

// name takes the name out of the path. The mux has already decoded it, so what is
// checked is what is used.
func (h *handler) name(r *http.Request) (string, bool) {
	if h.options.Prefix != "" {
		return strings.CutPrefix(r.URL.Path, h.options.Prefix)
	}
	requested, _, _ := strings.Cut(r.RequestURI, "?")
	if requested == r.URL.EscapedPath() { // no StripPrefix on the way
		_, pattern, found := strings.Cut(r.Pattern, "/")
		if found && strings.HasSuffix(r.Pattern, "/") && !strings.Contains(pattern, "{") {
			return strings.CutPrefix(r.URL.Path, "/"+pattern)
		}
	}
	return strings.TrimPrefix(r.URL.Path, "/"), true
}

func (h *handler) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	status, text := http.StatusInternalServerError, "internal error"
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalid):
		status, text = http.StatusNotFound, "not found"
	case r.Context().Err() != nil:
		status, text = http.StatusServiceUnavailable, "gone away"
	default:
		h.store.options.Logger.LogAttrs(r.Context(), slog.LevelError, "media: serve failed", slog.String("name", shorten(name)), slog.Any("error", err))
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

func (h *handler) cacheControl(name string, query url.Values, reader *Reader) string {
	if h.options.Signed {
		expires, _ := strconv.ParseInt(query.Get(paramExpires), 10, 64) // verified before
		left := time.Unix(expires, 0).Sub(h.store.options.Now())
		return "private, max-age=" + seconds(min(left, h.options.MaxAge))
	}
	original := reader.original
	if original == "" {
		original = reader.file.SHA256
	}
	named := original != "" && strings.Contains(name, "/"+original+".")
	if asked := query.Get(paramHash); named || len(asked) >= shortHash && strings.HasPrefix(original, asked) {
		return "public, max-age=31536000, immutable"
	}
	if h.options.MaxAge == 0 {
		return "no-cache"
	}
	return "public, max-age=" + seconds(h.options.MaxAge)
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(max(d, 0)/time.Second), 10) }

// etag is strong when the hash is known, else a weak one of what is known.
func etag(f File) string {
	if f.SHA256 != "" {
		return `"` + f.SHA256 + `"`
	}
	return `W/"` + strconv.FormatInt(f.Size, 36) + "-" + strconv.FormatInt(f.ModTime.UnixNano(), 36) + `"`
}

func contentType(mediaType string) string {
	if strings.HasPrefix(mediaType, "text/") || mediaType == "application/json" {
		return mediaType + "; charset=utf-8"
	}
	return mediaType
}
