package otp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
)

const (
	maxPurpose = 64
	maxTarget  = 320 // the longest mail address, RFC 5321
	maxIP      = 64
)

func check(purpose, target, ip string) error {
	switch {
	case purpose == "" || len(purpose) > maxPurpose:
		return &InvalidError{"Purpose", fmt.Sprintf("must be 1 to %d bytes", maxPurpose)}
	case target == "" || len(target) > maxTarget:
		return &InvalidError{"Target", fmt.Sprintf("must be 1 to %d bytes", maxTarget)}
	case len(ip) > maxIP:
		return &InvalidError{"IP", fmt.Sprintf("must be at most %d bytes", maxIP)}
	}
	return nil
}

// digits draws a code uniformly.
func digits(length int) (string, error) {
	bound := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(length)), nil)
	n, err := rand.Int(rand.Reader, bound)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%0*d", length, n), nil
}

// normalize accepts what people type: spaces, dashes, and full-width digits of a Chinese keyboard.
func normalize(typed string, length int) (string, error) {
	if len(typed) > 8*length {
		return "", &InvalidError{"Code", fmt.Sprintf("must be %d digits", length)}
	}
	code := strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\u00a0' || r == '\u3000':
			return -1
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		}
		return r
	}, typed)
	if len(code) != length || strings.Trim(code, "0123456789") != "" {
		return "", &InvalidError{"Code", fmt.Sprintf("must be %d digits", length)}
	}
	return code, nil
}

// mac is what a store keeps of a code.
func (c *Codes) mac(purpose, target, code string) []byte {
	return c.hash("mac", purpose, target, code)
}

// key names an entry of the store without telling whose it is.
func (c *Codes) key(kind string, parts ...string) string {
	return base64.RawURLEncoding.EncodeToString(c.hash("key", append([]string{kind}, parts...)...)[:18])
}

// hash is HMAC-SHA256 over parts that cannot run into each other.
func (c *Codes) hash(use string, parts ...string) []byte {
	h := hmac.New(sha256.New, c.options.Pepper)
	for _, part := range append([]string{use}, parts...) {
		h.Write(binary.AppendUvarint(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

func (c *Codes) counters(kind, target, ip string, perTarget, perIP Limit) []Counter {
	var counters []Counter
	if perTarget.Max > 0 {
		counters = append(counters, Counter{c.key(kind, "target", target), ScopeTarget, perTarget})
	}
	if perIP.Max > 0 && ip != "" {
		counters = append(counters, Counter{c.key(kind, "ip", ip), ScopeIP, perIP})
	}
	return counters
}
