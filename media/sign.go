package media

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// DefaultSignedFor is how long a signed address is valid unless SignOptions say otherwise.
const DefaultSignedFor = 15 * time.Minute

// SignOptions of a signed address.
type SignOptions struct {
	ValidFor time.Duration // from now; default DefaultSignedFor; at most 10 years
	Variant  string        // name of a variant of the Handler, or none
}

// The query parameters of addresses that Handler understands.
const (
	paramVariant   = "v"
	paramHash      = "h"
	paramFormat    = "f" // formatWebP or nothing
	paramExpires   = "e"
	paramSignature = "s"

	formatWebP = "webp"
)

// SignedURL returns an address that lets its holder read one file (or one
// variant of it) until it expires. It is the backend's if that signs addresses by
// itself; else it is for a Handler of a store with the same keys. HMAC-SHA256 (RFC
// 2104) over name, variant and expiry. It does not look whether the file exists. errors.ErrUnsupported without
// Options.SigningKeys.
func (s *Store) SignedURL(ctx context.Context, name string, options *SignOptions) (string, error) {
	ctx, end := s.start(ctx, "sign", name)
	u, err := s.signedURL(ctx, name, options)
	return u, end(err)
}

func (s *Store) signedURL(ctx context.Context, name string, options *SignOptions) (string, error) {
	var o SignOptions
	if options != nil {
		o = *options
	}
	name, err := s.ready(name)
	if err != nil {
		return "", err
	}
	if o.ValidFor == 0 {
		o.ValidFor = DefaultSignedFor
	}
	if o.ValidFor < time.Second || o.ValidFor > 10*365*24*time.Hour {
		return "", invalid("options", "ValidFor is %v, allowed is one second to ten years", o.ValidFor)
	}
	expires := s.options.Now().Add(o.ValidFor)
	if signer, ok := s.driver.(URLSigner); ok && o.Variant == "" {
		u, err := signer.SignURL(ctx, name, expires)
		if err == nil || !errors.Is(err, errors.ErrUnsupported) {
			return u, err
		}
	}
	if len(s.options.SigningKeys) == 0 {
		return "", fmt.Errorf("no signing keys: %w", errors.ErrUnsupported)
	}
	query := url.Values{}
	query.Set(paramExpires, strconv.FormatInt(expires.Unix(), 10))
	if o.Variant != "" {
		query.Set(paramVariant, o.Variant)
	}
	sum := signature(s.options.SigningKeys[0], name, o.Variant, expires.Unix())
	query.Set(paramSignature, base64.RawURLEncoding.EncodeToString(sum))
	return s.base + escapePath(name) + "?" + query.Encode(), nil
}

// VerifySigned checks the query of a signed address for a file. It returns an error that Is
// ErrSignature unless one of the keys made it and it has not expired.
func (s *Store) VerifySigned(name string, query url.Values) error {
	signed, err := parseSigned(query)
	if err != nil {
		return err
	}
	valid := false
	for _, key := range s.options.SigningKeys {
		// No early exit: the time taken does not tell which key it was.
		if hmac.Equal(signed.sum, signature(key, name, signed.variant, signed.expires)) {
			valid = true
		}
	}
	if !valid {
		return ErrSignature
	}
	if s.options.Now().Unix() >= signed.expires {
		return fmt.Errorf("expired: %w", ErrSignature)
	}
	return nil
}

type signedQuery struct {
	variant string
	expires int64
	sum     []byte
}

// parseSigned reads the parameters, strictly: each at most once, in the one form that SignedURL writes.
func parseSigned(query url.Values) (signedQuery, error) {
	for _, param := range []string{paramVariant, paramExpires, paramSignature} {
		if len(query[param]) > 1 {
			return signedQuery{}, ErrSignature
		}
	}
	q := signedQuery{variant: query.Get(paramVariant)}
	expires := query.Get(paramExpires)
	var err error
	if q.expires, err = strconv.ParseInt(expires, 10, 64); err != nil || q.expires < 0 || strconv.FormatInt(q.expires, 10) != expires {
		return signedQuery{}, ErrSignature
	}
	sum := query.Get(paramSignature)
	if len(sum) != base64.RawURLEncoding.EncodedLen(sha256.Size) {
		return signedQuery{}, ErrSignature
	}
	if q.sum, err = base64.RawURLEncoding.Strict().DecodeString(sum); err != nil {
		return signedQuery{}, ErrSignature
	}
	return q, nil
}

// signature is unambiguous: every part goes in with its length before it.
func signature(key []byte, name, variant string, expires int64) []byte {
	mac := hmac.New(sha256.New, key)
	var buf []byte
	for _, part := range []string{"media signed address 1", name, variant} {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(part)))
		buf = append(buf, part...)
	}
	mac.Write(binary.BigEndian.AppendUint64(buf, uint64(expires)))
	return mac.Sum(nil)
}
