package web

import (
	"errors"
	"net/http"

	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

type loginPage struct {
	Next       string
	Phone      string
	ByPassword bool
	Errors     map[string]string
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) error {
	if _, ok := s.sessions.User(r.Context()); ok {
		return see(w, r, localPath(r.URL.Query().Get("next"), "/account"))
	}
	lang := i18nOf(r)
	v, err := s.newView(r, lang.T("login.title"), loginPage{Next: localPath(r.URL.Query().Get("next"), "")})
	if err != nil {
		return err
	}
	switch r.URL.Query().Get("out") {
	case "here":
		v.Flash = lang.T("account.logged-out")
	case "all":
		v.Flash = lang.T("account.all-out")
	}
	s.write(w, r, http.StatusOK, "login", v)
	return nil
}

func (s *Server) loginAgain(w http.ResponseWriter, r *http.Request, page loginPage) error {
	page.Next, page.Phone = localPath(r.PostFormValue("next"), ""), r.PostFormValue("phone")
	return s.show(w, r, http.StatusUnprocessableEntity, "login", i18nOf(r).T("login.title"), page)
}

// sendCode sends a code to a phone number, and goes on to the page that asks
// for it. The number waits in the session, not in an address.
func (s *Server) sendCode(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	address := s.clientAddress(r)
	if err := s.ration(s.byAddress, addressKey(address)); err != nil {
		return err
	}
	phone, err := shop.ParsePhone(r.PostFormValue("phone"))
	if errs, err := fieldErrors(lang, err); err != nil {
		return err
	} else if errs != nil {
		return s.loginAgain(w, r, loginPage{Errors: errs})
	}
	err = s.shop.SendCode(ctx, phone, addressKey(address), lang)
	if wait, ok := shop.CodeWait(err); ok {
		return s.loginAgain(w, r, loginPage{Errors: map[string]string{"phone": lang.T("error.code.wait", waitText(lang, wait))}})
	}
	if err != nil {
		return err
	}
	if err := s.sessions.Put(ctx, phoneValue, phone); err != nil {
		return err
	}
	if err := s.sessions.Put(ctx, nextValue, localPath(r.PostFormValue("next"), "")); err != nil {
		return err
	}
	return see(w, r, "/login/verify")
}

type verifyPage struct {
	Masked string
	Phone  string
	Next   string
	Errors map[string]string
}

func (s *Server) verifyPage(w http.ResponseWriter, r *http.Request) error {
	return s.showVerify(w, r, http.StatusOK, nil)
}

func (s *Server) showVerify(w http.ResponseWriter, r *http.Request, status int, errs map[string]string) error {
	phone := s.sessions.GetString(r.Context(), phoneValue)
	if phone == "" {
		return see(w, r, "/login")
	}
	return s.show(w, r, status, "verify", i18nOf(r).T("verify.title"), verifyPage{
		Masked: shop.MaskPhone(phone), Phone: phone, Next: s.sessions.GetString(r.Context(), nextValue), Errors: errs,
	})
}

func (s *Server) verifyCode(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	if err := s.ration(s.byAddress, addressKey(s.clientAddress(r))); err != nil {
		return err
	}
	phone := s.sessions.GetString(ctx, phoneValue)
	if phone == "" {
		return see(w, r, "/login")
	}
	err := s.shop.VerifyCode(ctx, phone, addressKey(s.clientAddress(r)), r.PostFormValue("code"))
	if errs, err := fieldErrors(lang, err); err != nil {
		return err
	} else if errs != nil {
		return s.showVerify(w, r, http.StatusUnprocessableEntity, errs)
	}
	account, opened, err := s.shop.AccountOf(ctx, phone)
	if err != nil {
		return err
	}
	next := s.sessions.GetString(ctx, nextValue)
	if err := s.enter(r, account, r.PostFormValue("remember") != ""); err != nil {
		return err
	}
	welcome := "login.back"
	if opened {
		welcome = "login.welcome"
	}
	if err := s.flash(r, lang.T(welcome)); err != nil {
		return err
	}
	return see(w, r, localPath(next, "/account"))
}

func (s *Server) passwordLogin(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	if err := s.ration(s.byAddress, addressKey(s.clientAddress(r))); err != nil {
		return err
	}
	wrong := loginPage{ByPassword: true, Errors: map[string]string{"password": lang.T("error.password")}}
	phone, err := shop.ParsePhone(r.PostFormValue("phone"))
	if err != nil {
		return s.loginAgain(w, r, wrong)
	}
	if err := s.ration(s.byPhone, phone); err != nil {
		return err
	}
	account, err := s.shop.CheckPassword(ctx, phone, r.PostFormValue("password"))
	if errors.Is(err, shop.ErrWrongPassword) {
		return s.loginAgain(w, r, wrong)
	}
	if err != nil {
		return err
	}
	if err := s.enter(r, account, r.PostFormValue("remember") != ""); err != nil {
		return err
	}
	if err := s.flash(r, lang.T("login.back")); err != nil {
		return err
	}
	return see(w, r, localPath(r.PostFormValue("next"), "/account"))
}
