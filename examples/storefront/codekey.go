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

// codeKeyEnv names the key too, as a command line shows it to everybody on the machine.
const codeKeyEnv = "STOREFRONT_CODE_KEY"

const (
	minCodeKey   = 16 // characters
	codeKeyBytes = 32 // of one made here
)

// openCodeKey is what log-in codes are protected with: sealed on their way and hashed
// at rest. Codes in memory end with the process, and so may the key. Codes in Redis outlive
// a restart and are shared: the key is given, or lies in the data directory, so that Redis
// and the queue alone give no code away.
func (b *backends) openCodeKey(cfg *config, dir *dataDir) error {
	if b.redis == nil {
		b.codeKey = make([]byte, codeKeyBytes)
		rand.Read(b.codeKey)
		return nil
	}
	if cfg.codeKey != "" {
		b.codeKey = []byte(cfg.codeKey)
		return nil
	}
	path := dir.join("codes.key")
	kept, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		kept = make([]byte, codeKeyBytes)
		rand.Read(kept)
		err = os.WriteFile(path, kept, 0o600)
	}
	if err == nil && len(kept) != codeKeyBytes {
		err = fmt.Errorf("%s is damaged: remove it, and codes on their way are void", path)
	}
	b.codeKey = kept
	return err
}

// key is a key of its own for each use of the one for codes.
func (b *backends) key(use string) ([]byte, error) {
	return hkdf.Key(sha256.New, b.codeKey, nil, "storefront "+use, 32)
}
