package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

// handler is a page: what it cannot answer it returns, and the visitor gets the
// page of that error.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *Server) page(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.failed(w, r, err)
		}
	})
}

// tooManyError says that a caller must wait.
type tooManyError struct{ wait time.Duration }

func (e *tooManyError) Error() string { return fmt.Sprintf("web: too many requests, wait %v", e.wait) }

// failed answers with the page of an error.
func (s *Server) failed(w http.ResponseWriter, r *http.Request, err error) {
	lang := i18nOf(r)
	if tooMany, ok := errors.AsType[*tooManyError](err); ok {
		w.Header().Set("Retry-After", fmt.Sprint(int(tooMany.wait.Seconds())+1))
		s.problem(w, r, http.StatusTooManyRequests, "error.title.too-many", lang.T("error.too-many", waitText(lang, tooMany.wait)))
		return
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		s.problem(w, r, http.StatusRequestEntityTooLarge, "error.title.large", lang.T("error.large"))
		return
	}
	if invalid, ok := errors.AsType[*shop.InvalidError](err); ok {
		s.problem(w, r, http.StatusUnprocessableEntity, "error.title.bad", lang.T(invalid.Reason))
		return
	}
	switch {
	case errors.Is(err, shop.ErrNotFound), errors.Is(err, catalogue.ErrNotFound):
		s.problem(w, r, http.StatusNotFound, "error.title.not-found", lang.T("error.not-found"))
	case errors.Is(err, errBadRequest):
		s.problem(w, r, http.StatusBadRequest, "error.title.bad", lang.T("error.bad"))
	case r.Context().Err() != nil: // the visitor left
		s.log.Debug("request given up", "path", r.URL.Path, "error", err)
	default:
		s.internal(w, r, err)
	}
}

// errBadRequest says that a request is not one the shop's pages make.
var errBadRequest = errors.New("web: bad request")

func (s *Server) internal(w http.ResponseWriter, r *http.Request, err error) {
	s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	s.problem(w, r, http.StatusInternalServerError, "error.title.internal", i18nOf(r).T("error.internal"))
}

// problem writes the message page. It uses neither session nor database: they
// may be what failed.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, status int, titleKey, text string) {
	lang := i18nOf(r)
	title := lang.T(titleKey)
	tmpl := s.pages[lang]["message"]
	v := &view{Lang: lang, Title: title, Path: "/", Development: s.development, Page: struct{ Heading, Text string }{title, text}}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := tmpl.ExecuteTemplate(w, "layout", v); err != nil {
		s.log.Error("error page failed", "error", err)
	}
}

// waitText writes a waiting time as a person says it.
func waitText(lang i18n.Language, d time.Duration) string {
	if seconds := int((d + time.Second - 1) / time.Second); seconds < 90 {
		return lang.Count("checkout.seconds", seconds)
	}
	return lang.Count("checkout.minutes", int((d+time.Minute-1)/time.Minute))
}

// fieldErrors turns an InvalidError into the message beside its field; other
// errors come back as they are.
func fieldErrors(lang i18n.Language, err error) (map[string]string, error) {
	if err == nil {
		return nil, nil
	}
	if invalid, ok := errors.AsType[*shop.InvalidError](err); ok {
		return map[string]string{invalid.Field: lang.T(invalid.Reason)}, nil
	}
	return nil, err
}

// formError is why a form could not be read: too large, or not a form.
func formError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return fmt.Errorf("%w: %w", errBadRequest, err)
}
