package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
)

// contentSecurityPolicy allows the shop's own files and nothing else: no inline
// script or style, no frame, no plug-in, no other site.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// secure sets the headers of every answer.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		h.Set("Cache-Control", "no-store") // pages are personal; files say otherwise
		if s.https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses forms that another site sent.
func (s *Server) sameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.problem(w, r, http.StatusForbidden, "error.title.forbidden", i18nOf(r).T("error.forbidden"))
	}))
	return protection.Handler(next)
}

const (
	maxForm   = 64 << 10
	maxUpload = 10<<20 + 64<<10 // a picture and its form
)

// bounded limits what a request may send.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxForm)
		if strings.HasPrefix(r.URL.Path, "/admin/stock/") && strings.HasSuffix(r.URL.Path, "/image") {
			limit = maxUpload
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// logged writes one line an answer, and turns a panic into a page. It never
// writes queries, forms, cookies or codes.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		recorder := &statusRecorder{ResponseWriter: w}
		defer func() {
			if cause := recover(); cause != nil {
				if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(cause)
				}
				s.log.Error("handler panicked", "path", r.URL.Path, "cause", cause, "stack", string(debug.Stack()))
				if recorder.status == 0 {
					s.internal(recorder, r, fmt.Errorf("panic: %v", cause))
				}
			}
			level := slog.LevelInfo
			if strings.HasPrefix(r.URL.Path, "/static/") || strings.HasPrefix(r.URL.Path, mediaPath) || r.URL.Path == "/healthz" {
				level = slog.LevelDebug
			}
			s.log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", recorder.status, "took", time.Since(begin).Round(time.Microsecond))
		}()
		next.ServeHTTP(recorder, r)
	})
}

// statusRecorder remembers the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what is below.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

type languageKey struct{}

const languageCookie = "language"

// localized finds the visitor's language: what they chose, or what their browser asks for.
func localized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lang := i18n.Match(r.Header.Get("Accept-Language"))
		if cookie, err := r.Cookie(languageCookie); err == nil {
			if chosen, ok := i18n.Parse(cookie.Value); ok {
				lang = chosen
			}
		}
		w.Header().Add("Vary", "Accept-Language, Cookie")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), languageKey{}, lang)))
	})
}

// i18nOf returns the language of a request that went through localized.
func i18nOf(r *http.Request) i18n.Language {
	if lang, ok := r.Context().Value(languageKey{}).(i18n.Language); ok {
		return lang
	}
	return i18n.English
}

// clientAddress is the caller's address: the connection's, or the last one that
// a trusted proxy added.
func (s *Server) clientAddress(r *http.Request) string {
	if s.trustProxy {
		forwarded := r.Header.Values("X-Forwarded-For")
		if len(forwarded) > 0 {
			parts := strings.Split(forwarded[len(forwarded)-1], ",")
			if ip := net.ParseIP(strings.TrimSpace(parts[len(parts)-1])); ip != nil {
				return ip.String()
			}
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
