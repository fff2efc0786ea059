package shop

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
)

// sealer encrypts what must not lie in clear in a durable queue. With a key that is the
// process's own a restart voids what is sealed, as it voids codes in memory.
type sealer struct{ aead cipher.AEAD }

// newSealer takes a key of 32 bytes, or makes one.
func newSealer(key []byte) (*sealer, error) {
	if key == nil {
		key = make([]byte, 32)
		rand.Read(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("shop: sealer: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("shop: sealer: %w", err)
	}
	return &sealer{aead}, nil
}

// seal encrypts text for one purpose, such as the number it is sent to.
func (s *sealer) seal(text, purpose string) []byte {
	return s.aead.Seal(nil, nil, []byte(text), []byte(purpose))
}

// open reports false for what was sealed with another key, or for another purpose.
func (s *sealer) open(sealed []byte, purpose string) (text string, ok bool) {
	opened, err := s.aead.Open(nil, nil, sealed, []byte(purpose))
	return string(opened), err == nil
}
