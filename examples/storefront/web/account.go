package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/session"
)

type accountPage struct {
	Phone       string
	HasPassword bool
	Orders      []orderRow
	Devices     []deviceRow
	Errors      map[string]string
}

type orderRow struct {
	ID, Number, Date   string
	Status, StatusText string
	TotalCents         int64
}

type deviceRow struct {
	ID, Label, IP, LastSeen string
	Current                 bool
}

func (s *Server) account(w http.ResponseWriter, r *http.Request) error {
	return s.showAccount(w, r, http.StatusOK, nil)
}

func (s *Server) showAccount(w http.ResponseWriter, r *http.Request, status int, errs map[string]string) error {
	ctx, lang := r.Context(), i18nOf(r)
	account, err := s.shopper(r)
	if err != nil {
		return err
	}
	page := accountPage{Phone: account.Phone, HasPassword: account.HasPassword(), Errors: errs}
	orders, err := s.shop.Orders(ctx, account.ID)
	if err != nil {
		return err
	}
	for _, o := range orders {
		page.Orders = append(page.Orders, orderRow{
			ID: o.ID, Number: o.Number(), Date: lang.Time(o.CreatedAt), Status: string(o.Status),
			StatusText: lang.T("order.status." + string(o.Status)), TotalCents: o.TotalCents,
		})
	}
	devices, err := s.sessions.List(ctx, account.ID)
	if err != nil {
		return err
	}
	for _, d := range devices {
		label := d.Device
		if label == "" {
			label = lang.T("account.unknown-device")
		}
		page.Devices = append(page.Devices, deviceRow{ID: d.ID, Label: label, IP: d.IP, LastSeen: lang.Time(d.LastSeen.Local()), Current: d.Current})
	}
	return s.show(w, r, status, "account", lang.T("account.title"), page)
}

// Limits of a log-in that is not to be remembered. A guest's session, which
// holds no more than a cart, lives longer.
const (
	loginIdle     = 2 * time.Hour
	loginAbsolute = 12 * time.Hour
)

// enter logs an account in on this device, and brings the guest's cart along.
func (s *Server) enter(r *http.Request, account *shop.Account, remember bool) error {
	ctx := r.Context()
	guest := s.sessions.GetString(ctx, guestCartValue)
	for _, key := range []string{guestCartValue, phoneValue, nextValue} {
		if err := s.sessions.Delete(ctx, key); err != nil {
			return err
		}
	}
	options := &session.LoginOptions{Remember: remember, Device: deviceName(r.UserAgent()), IP: s.clientAddress(r)}
	if !remember {
		options.Idle, options.Absolute = loginIdle, loginAbsolute
	}
	err := s.sessions.Login(ctx, session.User{ID: account.ID, AuthHash: account.AuthHash()}, options)
	if err != nil {
		return err
	}
	if guest == "" {
		return nil
	}
	return s.shop.MoveCart(ctx, guest, account.ID)
}

// setPassword also logs out every other device: whoever knew the account
// without the new password is out.
func (s *Server) setPassword(w http.ResponseWriter, r *http.Request) error {
	ctx, lang := r.Context(), i18nOf(r)
	user, _ := s.sessions.User(ctx)
	if err := s.ration(s.byPhone, user.ID); err != nil {
		return err
	}
	current, _ := s.sessions.Current(ctx)
	account, err := s.shop.SetPassword(ctx, user.ID, r.PostFormValue("current"), r.PostFormValue("password"))
	if errors.Is(err, shop.ErrWrongPassword) {
		return s.showAccount(w, r, http.StatusUnprocessableEntity, map[string]string{"current": lang.T("error.current")})
	}
	if errs, err := fieldErrors(lang, err); err != nil {
		return err
	} else if errs != nil {
		return s.showAccount(w, r, http.StatusUnprocessableEntity, errs)
	}
	if err := s.enter(r, account, current.Remember); err != nil {
		return err
	}
	if _, err := s.sessions.LogoutOthers(ctx); err != nil {
		return err
	}
	if err := s.flash(r, lang.T("account.password-saved")); err != nil {
		return err
	}
	return see(w, r, "/account")
}

func (s *Server) revokeDevice(w http.ResponseWriter, r *http.Request) error {
	user, _ := s.sessions.User(r.Context())
	err := s.sessions.Revoke(r.Context(), user.ID, r.PostFormValue("id"))
	switch {
	case err == nil:
		if err := s.flash(r, i18nOf(r).T("account.revoked")); err != nil {
			return err
		}
	case !errors.Is(err, session.ErrNotFound): // gone already is what was wanted
		return err
	}
	return see(w, r, "/account")
}

func (s *Server) logoutOthers(w http.ResponseWriter, r *http.Request) error {
	n, err := s.sessions.LogoutOthers(r.Context())
	if err != nil {
		return err
	}
	if err := s.flash(r, i18nOf(r).Count("account.others-out", n)); err != nil {
		return err
	}
	return see(w, r, "/account")
}

func (s *Server) logoutAll(w http.ResponseWriter, r *http.Request) error {
	user, _ := s.sessions.User(r.Context())
	if _, err := s.sessions.LogoutAll(r.Context(), user.ID); err != nil {
		return err
	}
	return see(w, r, "/login?out=all")
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) error {
	if err := s.sessions.Logout(r.Context()); err != nil {
		return err
	}
	return see(w, r, "/login?out=here")
}

// ration takes one try of key, or says how long to wait.
func (s *Server) ration(l *limiter, key string) error {
	if wait, ok := l.allow(key); !ok {
		return &tooManyError{wait}
	}
	return nil
}
