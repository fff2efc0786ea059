package media

import (
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
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
// of the hash, and conditional requests. If the store has Options.WebP, variants without a Format are WebP for those whose Accept header
// names it, with Vary: Accept in every answer for them; the addresses of SrcsetWebP and Picture are WebP for everybody. Unknown, impossible and forbidden names are all 404
// (a bad signature is 403), other failures 500 without details; the details are logged.
// It panics if a variant or the MaxAge is out of range, since that is a mistake of the program.
func Handler(store *Store, options *HandlerOptions) http.Handler {
	var o HandlerOptions
	if options != nil {
		o = *options
	}
	if err := checkVariants(o.Variants, store.options.WebP); err != nil {
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
	cache := "no-cache"
	if o.MaxAge > 0 {
		cache = "public, max-age=" + seconds(o.MaxAge)
	}
	return &handler{store: store, options: o, inline: inline, cache: cache}
}

type handler struct {
	store   *Store
	options HandlerOptions
	inline  map[string]bool
	cache   string // Cache-Control where the address says nothing about the content
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := headers{w.Header(), make([]string, 0, 7)}
	header.set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, ok := h.name(r)
	name, err := CleanName(name)
	if !ok || err != nil {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	var query url.Values
	if r.URL.RawQuery != "" {
		query = r.URL.Query()
	}
	if h.options.Signed {
		if err := h.store.VerifySigned(name, query); err != nil {
			header.set("Cache-Control", "no-store")
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
	}
	reader, err := h.open(&header, r, name, query)
	if err != nil {
		h.fail(w, r, name, err)
		return
	}
	defer reader.Close()
	f := reader.File()
	header.set("Content-Type", contentType(f.Type))
	header.set("Etag", etag(f))
	header.set("Cache-Control", h.cacheControl(name, query, reader))
	if !isImage(f.Type) && f.Type != "application/pdf" { // browsers show no PDF in a sandbox
		// Whatever is in the file, opened on its own it may do nothing.
		header.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	}
	if !h.inline[f.Type] {
		header.set("Content-Disposition", attachment(path.Base(name)))
	}
	if f.Size <= pieceSize {
		w = inOnePiece{w}
	}
	http.ServeContent(w, r, "", f.ModTime, reader)
}

// headers sets lines of an answer. Their values share one piece of memory, each without room to grow into the next.
type headers struct {
	header http.Header
	values []string
}

// set sets a line; key is in its canonical form.
func (h *headers) set(key, value string) {
	h.values = append(h.values, value)
	n := len(h.values)
	h.header[key] = h.values[n-1 : n : n]
}

// attachment is the Content-Disposition of a download.
func attachment(filename string) string {
	for i := range len(filename) {
		c := filename[i]
		if plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'; !plain {
			return mime.FormatMediaType("attachment", map[string]string{"filename": filename})
		}
	}
	return "attachment; filename=" + filename
}

// inOnePiece keeps http.ServeContent from sending the header and the first bytes of a small file before it reads the others.
type inOnePiece struct{ http.ResponseWriter }

// pieceSize is the size of a small file.
const pieceSize = 32 << 10

var servePieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// ReadFrom implements io.ReaderFrom.
func (w inOnePiece) ReadFrom(r io.Reader) (int64, error) {
	piece := servePieces.Get().(*[pieceSize]byte)
	defer servePieces.Put(piece)
	return io.CopyBuffer(struct{ io.Writer }{w.ResponseWriter}, r, piece[:])
}

func (h *handler) open(header *headers, r *http.Request, name string, query url.Values) (*Reader, error) {
	variant, format := query.Get(paramVariant), query.Get(paramFormat)
	if variant == "" {
		return h.store.Open(r.Context(), name)
	}
	v, ok := h.options.Variants.Find(variant)
	if !ok || format != "" && (format != formatWebP || !h.negotiable(v) && v.Format != WebP) {
		return nil, ErrNotFound
	}
	asWebP := format == formatWebP
	if format == "" && h.negotiable(v) {
		header.set("Vary", "Accept")
		asWebP = acceptsWebP(r.Header.Values("Accept"))
	}
	if asWebP {
		small := v
		small.Format = WebP
		reader, err := h.store.Variant(r.Context(), name, small)
		if !errors.Is(err, ErrTooLarge) || v.Format == WebP {
			return reader, err
		}
	}
	return h.store.Variant(r.Context(), name, v)
}

// negotiable reports whether a variant may be sent as WebP as well.
func (h *handler) negotiable(v Variant) bool { return v.Format == "" && h.store.options.WebP != nil }

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
	return h.cache
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
