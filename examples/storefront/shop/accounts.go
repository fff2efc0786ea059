package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// Account is a shopper, known by phone number.
type Account struct {
	ID           string
	Phone        string
	Name         string
	Email        string
	Address      string
	PasswordHash string
	CreatedAt    time.Time
}

// AuthHash is what a log-in of the account depends on: it changes with the password.
func (a *Account) AuthHash() string { return "password:" + a.PasswordHash }

// HasPassword reports whether the account can log in without a code.
func (a *Account) HasPassword() bool { return a.PasswordHash != "" }

// Contact is where an order goes.
type Contact struct{ Name, Email, Address string }

const accountColumns = `id, phone, name, email, address, password_hash, created_at`

func scanAccount(row *sql.Row) (*Account, error) {
	var a Account
	var created int64
	err := row.Scan(&a.ID, &a.Phone, &a.Name, &a.Email, &a.Address, &a.PasswordHash, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("shop: account: %w", err)
	}
	a.CreatedAt = time.UnixMilli(created)
	return &a, nil
}

// Account returns the account of an id, or ErrNotFound.
func (s *Shop) Account(ctx context.Context, id string) (*Account, error) {
	return scanAccount(s.db.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE id = ?`, id))
}

// AccountOf returns the account of a proven phone number, opening one on the
// first visit. Two first visits at once open one account.
func (s *Shop) AccountOf(ctx context.Context, phone string) (account *Account, opened bool, err error) {
	id := rand.Text()
	_, err = s.db.ExecContext(ctx, `INSERT INTO accounts (id, phone, created_at) VALUES (?, ?, ?) ON CONFLICT (phone) DO NOTHING`, id, phone, s.now().UnixMilli())
	if err != nil {
		return nil, false, fmt.Errorf("shop: open account: %w", err)
	}
	account, err = scanAccount(s.db.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE phone = ?`, phone))
	if err != nil {
		return nil, false, err
	}
	return account, account.ID == id, nil
}

// CheckPassword returns the account of phone when password is right, and
// ErrWrongPassword in every other case, always after the same work.
func (s *Shop) CheckPassword(ctx context.Context, phone, password string) (*Account, error) {
	account, err := scanAccount(s.db.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM accounts WHERE phone = ?`, phone))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	hash := ""
	if account != nil {
		hash = account.PasswordHash
	}
	ok, err := s.passwords.matches(ctx, hash, password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrWrongPassword
	}
	return account, nil
}

// SetPassword gives an account its password and returns the account as it then
// is. An account that has one must prove it (ErrWrongPassword).
func (s *Shop) SetPassword(ctx context.Context, id, current, password string) (*Account, error) {
	account, err := s.Account(ctx, id)
	if err != nil {
		return nil, err
	}
	if account.HasPassword() {
		ok, err := s.passwords.matches(ctx, account.PasswordHash, current)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, ErrWrongPassword
		}
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	if _, err := s.db.ExecContext(ctx, `UPDATE accounts SET password_hash = ? WHERE id = ?`, hash, id); err != nil {
		return nil, fmt.Errorf("shop: set password: %w", err)
	}
	account.PasswordHash = hash
	return account, nil
}

// check trims and validates a contact, field by field.
func (c *Contact) check() error {
	c.Name, c.Email, c.Address = strings.TrimSpace(c.Name), strings.TrimSpace(c.Email), strings.TrimSpace(c.Address)
	if !plainLine(c.Name, 100) {
		return &InvalidError{Field: "name", Reason: "error.name"}
	}
	if parsed, err := mail.ParseAddress(c.Email); err != nil || parsed.Address != c.Email || !plainLine(c.Email, 200) {
		return &InvalidError{Field: "email", Reason: "error.email"}
	}
	if c.Address == "" || len(c.Address) > 500 || !utf8.ValidString(c.Address) {
		return &InvalidError{Field: "address", Reason: "error.address"}
	}
	return nil
}

// plainLine reports whether s is one non-empty line of at most limit bytes, fit for a mail header.
func plainLine(s string, limit int) bool {
	return s != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}
