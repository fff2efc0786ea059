package session

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

const (
	idBytes, idLength         = 16, 22
	secretBytes, secretLength = 32, 43
	tokenLength               = idLength + 1 + secretLength
)

// token is what the client holds: the id finds the record, the secret proves
// the right to it. Neither is ever logged together with the other.
type token struct{ id, secret string }

func newToken() token {
	return token{id: randomText(idBytes), secret: randomText(secretBytes)}
}

func randomText(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseToken(s string) (token, error) {
	if len(s) != tokenLength || s[idLength] != '.' {
		return token{}, &InvalidError{"token", "is malformed"}
	}
	t := token{id: s[:idLength], secret: s[idLength+1:]}
	if !isText(t.id) || !isText(t.secret) {
		return token{}, &InvalidError{"token", "is malformed"}
	}
	return t, nil
}

func isText(s string) bool {
	for i := range len(s) {
		if !textBytes[s[i]] {
			return false
		}
	}
	return true
}

// textBytes are the bytes of base64url.
var textBytes = func() (is [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		is[c] = true
	}
	return is
}()

func (t token) String() string { return t.id + "." + t.secret }

// digest is what is stored of a secret. The secret has 256 random bits, so
// that a plain hash cannot be searched.
type digest [sha256.Size]byte

func (t token) digest() digest {
	var secret [secretLength]byte // on the stack
	return sha256.Sum256(append(secret[:0], t.secret...))
}

func (d digest) equal(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// authDigest keeps a user's authentication hash out of the store, bound to the
// user it belongs to.
func authDigest(userID, authHash string) digest {
	h := sha256.New()
	h.Write([]byte("session auth hash\x00"))
	user := sha256.Sum256([]byte(userID))
	h.Write(user[:])
	h.Write([]byte(authHash))
	return digest(h.Sum(nil))
}
