package notify

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// ErrKey marks an encrypted payload that no key of the Keyring opens.
var ErrKey = errors.New("notify: payload cannot be decrypted")

// SecretKey is a secret with the name that is stored beside what it encrypts.
type SecretKey struct {
	Name   string // letters, digits, dots, dashes and underscores
	Secret []byte // 32 random bytes
}

// Keyring encrypts payloads with AES-256-GCM (NIST SP 800-38D), bound to the job's
// ID and kind, so that none can be put into another job. Headers, keys and
// errors stay in clear. It is safe for concurrent use.
//
// To rotate: add the new key behind the present one everywhere, then put it
// first everywhere, and drop the old one when no job needs it any more.
// Windows of Unique by arguments start anew when the first key changes.
type Keyring struct {
	first   string
	ciphers map[string]cipher.AEAD
	digest  []byte // keys the digests of unique arguments
}

// NewKeyring makes a keyring. New payloads are encrypted with the first key; all
// of them decrypt. Wrong keys are an *InvalidError.
func NewKeyring(keys ...SecretKey) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, &InvalidError{"keys", "at least one is needed"}
	}
	k := &Keyring{first: keys[0].Name, ciphers: make(map[string]cipher.AEAD, len(keys))}
	for _, key := range keys {
		if err := validName("SecretKey.Name", key.Name); err != nil {
			return nil, err
		}
		if len(key.Secret) != 32 {
			return nil, &InvalidError{"SecretKey.Secret", "must be 32 bytes"}
		}
		if k.ciphers[key.Name] != nil {
			return nil, &InvalidError{"SecretKey.Name", fmt.Sprintf("%q is given twice", key.Name)}
		}
		block, err := aes.NewCipher(key.Secret)
		if err != nil {
			return nil, fmt.Errorf("notify: key %s: %w", key.Name, err)
		}
		if k.ciphers[key.Name], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("notify: key %s: %w", key.Name, err)
		}
	}
	h := hmac.New(sha256.New, keys[0].Secret)
	h.Write([]byte("notify unique arguments"))
	k.digest = h.Sum(nil)
	return k, nil
}

// seal encrypts the payload of e.
func (k *Keyring) seal(e *Envelope) {
	e.Secret = k.first
	e.Payload = k.ciphertext(k.first, e.Payload, boundTo(e))
}

// ciphertext is a random nonce and the sealed text.
func (k *Keyring) ciphertext(name string, clear, context []byte) []byte {
	gcm := k.ciphers[name]
	out := make([]byte, gcm.NonceSize(), gcm.NonceSize()+len(clear)+gcm.Overhead())
	_, _ = rand.Read(out) // never fails
	return gcm.Seal(out, out, clear, context)
}

// open returns the payload of e in clear.
func (k *Keyring) open(e *Envelope) ([]byte, error) {
	if e.Secret == "" {
		return e.Payload, nil
	}
	if k == nil {
		return nil, fmt.Errorf("%w: no keys were given", ErrKey)
	}
	return k.clear(e.Secret, e.Payload, boundTo(e))
}

func (k *Keyring) clear(name string, sealed, context []byte) ([]byte, error) {
	gcm := k.ciphers[name]
	if gcm == nil {
		return nil, fmt.Errorf("%w: key %.100q is not in the keyring", ErrKey, name)
	}
	if len(sealed) < gcm.NonceSize() {
		return nil, fmt.Errorf("%w: too short", ErrKey)
	}
	clear, err := gcm.Open(nil, sealed[:gcm.NonceSize()], sealed[gcm.NonceSize():], context)
	if err != nil {
		return nil, fmt.Errorf("%w: damaged, or of another job", ErrKey)
	}
	return clear, nil
}

// boundTo is what a payload is tied to.
func boundTo(e *Envelope) []byte { return []byte(e.ID + "\x00" + e.Kind) }
