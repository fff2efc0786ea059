package session

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
)

// FormField is the name of the form field, and FormHeader of the request header,
// in which CheckForm looks for the token of FormToken.
const (
	FormField  = "csrf_token"
	FormHeader = "X-CSRF-Token"
)

// FormToken returns a token for the forms of this session, "" if there is none.
// http.CrossOriginProtection is the first defence against requests forged by
// other sites, and enough for browsers of 2023 and later; this one is for the older
// ones, and for sites whose subdomains do not trust each other. It changes with the
// session's token: a form shown before a login is refused after it.
func (m *Manager) FormToken(ctx context.Context) (string, error) {
	s, err := m.lock(ctx)
	if err != nil {
		return "", err
	}
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil || s.current == nil {
		return "", err
	}
	return s.token.form(), nil
}

// CheckForm returns nil if the request carries the token of FormToken, or does not
// change anything by its method (GET, HEAD, OPTIONS, TRACE). Otherwise the error
// is an *InvalidError, or why the session could not be loaded. It parses the form.
func (m *Manager) CheckForm(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return nil
	}
	want, err := m.FormToken(r.Context())
	if err != nil {
		return err
	}
	got := r.Header.Get(FormHeader)
	if got == "" {
		got = r.PostFormValue(FormField)
	}
	if want == "" || subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
		return &InvalidError{"form token", "is missing or of another session"}
	}
	return nil
}

// form derives a token that says nothing of the secret.
func (t token) form() string {
	sum := sha256.Sum256([]byte("session form token\x00" + t.secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
