package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// secretEnv names the secret too, as a command line shows it to everybody on the machine.
const secretEnv = "STOREFRONT_SECRET"

const (
	minSecret   = 16 // characters
	secretBytes = 32 // of one made here
)

// openSecret is what log-in codes are protected with: sealed on their way and hashed
// at rest. Codes in memory end with the process, and so may it. Codes in Redis outlive
// a restart and are shared: it is given, or lies in the data directory, so that Redis
// and the queue alone give no code away.
func (b *backends) openSecret(cfg *config, dir *dataDir) error {
	if b.redis == nil {
		b.secret = make([]byte, secretBytes)
		rand.Read(b.secret)
		return nil
	}
	if cfg.secret != "" {
		b.secret = []byte(cfg.secret)
		return nil
	}
	path := dir.join("codes.secret")
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, secretBytes)
		rand.Read(secret)
		err = os.WriteFile(path, secret, 0o600)
	}
	if err == nil && len(secret) != secretBytes {
		err = fmt.Errorf("%s is damaged: remove it, and codes on their way are void", path)
	}
	b.secret = secret
	return err
}

// key is a key of its own for each use of the secret.
func (b *backends) key(use string) ([]byte, error) {
	return hkdf.Key(sha256.New, b.secret, nil, "storefront "+use, 32)
}
