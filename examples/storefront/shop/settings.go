package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// setting returns a kept value, "" when there is none.
func (s *Shop) setting(ctx context.Context, key string) (string, error) {
	var value string
	err := s.db.QueryRowContext(ctx, `SELECT value FROM settings WHERE "key" = ?`, key).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("shop: setting %s: %w", key, err)
	}
	return value, nil
}

func (s *Shop) setSetting(ctx context.Context, key, value string) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO settings ("key", value) VALUES (?, ?) ON CONFLICT ("key") DO UPDATE SET value = excluded.value`, key, value)
	if err != nil {
		return fmt.Errorf("shop: setting %s: %w", key, err)
	}
	return nil
}

const adminHashKey = "admin.password_hash"

// EnsureAdmin sets the password of /admin. A given one replaces what was kept;
// without one the first call makes one up and returns it, and later calls
// return "".
func (s *Shop) EnsureAdmin(ctx context.Context, given string) (generated string, err error) {
	hash, err := s.setting(ctx, adminHashKey)
	if err != nil {
		return "", err
	}
	password := given
	if given == "" {
		if hash != "" {
			return "", nil
		}
		password = rand.Text()
		generated = password
	}
	if hash != "" {
		// An unchanged password keeps its hash, and with it the admin's sessions.
		same, err := s.passwords.matches(ctx, hash, password)
		if err != nil || same {
			return "", err
		}
	}
	if hash, err = s.passwords.hash(ctx, password); err != nil {
		return "", err
	}
	return generated, s.setSetting(ctx, adminHashKey, hash)
}

// CheckAdmin returns the hash of the admin's password when password is it, and
// ErrWrongPassword otherwise.
func (s *Shop) CheckAdmin(ctx context.Context, password string) (hash string, err error) {
	if hash, err = s.setting(ctx, adminHashKey); err != nil {
		return "", err
	}
	ok, err := s.passwords.matches(ctx, hash, password)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrWrongPassword
	}
	return hash, nil
}

// AdminHash is what the admin's log-in depends on: it changes with the password.
func (s *Shop) AdminHash(ctx context.Context) (string, error) { return s.setting(ctx, adminHashKey) }

// Once does work that is due once for each state, such as a catalogue, unless it
// was done for that state already. It reports whether it did it. Work that fails,
// or that a crash breaks off, is done again.
func (s *Shop) Once(ctx context.Context, name, state string, work func() error) (bool, error) {
	done, err := s.setting(ctx, "done."+name)
	if err != nil || done == state {
		return false, err
	}
	if err := work(); err != nil {
		return false, err
	}
	return true, s.setSetting(ctx, "done."+name, state)
}

// Undo forgets that the work of a name was done.
func (s *Shop) Undo(ctx context.Context, name string) error {
	return s.setSetting(ctx, "done."+name, "")
}

const originKey = "catalogue.origin"

// Origin says where the products come from, as SetOrigin was told; "" at first.
func (s *Shop) Origin(ctx context.Context) (string, error) { return s.setting(ctx, originKey) }

// SetOrigin keeps where the products come from.
func (s *Shop) SetOrigin(ctx context.Context, origin string) error {
	return s.setSetting(ctx, originKey, origin)
}
