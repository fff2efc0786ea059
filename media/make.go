package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
)

// Variant opens a variant of an image. The first request for it makes it: once,
// however many ask at a time, within Options.DecodeMemory; it goes on when
// that caller leaves. The variant is kept, so that later requests only read it. What is returned is as from Open.
//
// ErrNotFound if there is no such file, an *InvalidError that Is ErrType if it is
// not an image, or another if the variant is out of range.
func (s *Store) Variant(ctx context.Context, name string, variant Variant) (*Reader, error) {
	ctx, end := s.start(ctx, "variant", name)
	r, err := s.variant(ctx, name, variant)
	return r, end(err)
}

func (s *Store) variant(ctx context.Context, name string, v Variant) (*Reader, error) {
	name, err := s.ready(name)
	if err != nil {
		return nil, err
	}
	if err := v.check(); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		r, err := s.variantOf(ctx, name, v)
		if !errors.Is(err, ErrChanged) || try == 3 {
			return r, err
		}
	}
}

// variantOf fails with ErrChanged if the original is replaced meanwhile.
func (s *Store) variantOf(ctx context.Context, name string, v Variant) (*Reader, error) {
	f, err := s.driver.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(f, v)
	if err != nil {
		return nil, err
	}
	if p.name != "" {
		r, err := openDriver(ctx, p.store.driver, p.name)
		if err == nil {
			r.original = f.SHA256
		}
		if !errors.Is(err, ErrNotFound) {
			return r, err
		}
	}
	made, err := s.make(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Reader{file: made.file, original: f.SHA256, ctx: ctx, random: nopCloser{bytes.NewReader(made.content)}}, nil
}

// plan is where a variant is kept and how it is made.
type plan struct {
	original File
	variant  Variant // everything decided: format, quality, focus
	key      string  // what singleflight goes by
	store    *Store  // where it is kept
	name     string  // its name there; "" if it cannot be kept
	label    string
}

func (s *Store) plan(f File, v Variant) (plan, error) {
	if !isImage(f.Type) {
		return plan{}, wrongType("%s has no variants, only images have", f.Type)
	}
	if v.Format == "" {
		v.Format = JPEG
		if f.Type == PNG || f.Type == GIF {
			v.Format = PNG
		}
		if f.Type == WebP {
			v.Format = "" // decided by transparency, once it is decoded
		}
	}
	if err := v.needs(s.options.WebP); err != nil {
		return plan{}, err
	}
	if err := v.bears(f.Width, f.Height); err != nil {
		return plan{}, err
	}
	switch {
	case v.Quality != 0 || v.Format == PNG:
	case v.Format == WebP:
		v.Quality = DefaultWebPQuality
	default:
		v.Quality = DefaultQuality
	}
	if v.Fit != Cover {
		v.Focus = Focus{}
	} else if v.Focus == (Focus{}) {
		v.Focus, _ = parseFocus(f.Metadata[FocusKey], ",")
	}
	v.Name = ""
	p := plan{original: f, variant: v, store: s, label: variantLabel(v)}
	ext := preferred(v.Format)
	hash := variantsOf(f)
	p.key = hash + p.label
	p.name = path.Join(reserved, hash[:2], hash, p.label+"."+ext)
	if s.options.VariantStore != nil {
		p.store = s.options.VariantStore
		return p, nil
	}
	if d, ok := s.driver.(Deriver); ok {
		name, err := d.Derive(f.Name, p.label, ext)
		switch {
		case errors.Is(err, errors.ErrUnsupported):
			p.name = ""
		case err != nil:
			return plan{}, err
		case name != "":
			p.name, p.key = name, f.Name+"\x00"+p.label
		}
	}
	return p, nil
}

// variantsOf is what the variants of a file are kept under: its hash or, without one, one of what is known of it.
func variantsOf(f File) string {
	if f.SHA256 != "" {
		return f.SHA256
	}
	sum := sha256.Sum256([]byte(f.Name + etag(f)))
	return hex.EncodeToString(sum[:])
}

// variantEdition is part of every label: raised when the pixels that the code
// makes of a specification change, so that old ones are no longer found.
const variantEdition = "4"

// variantLabel is short because it must fit the 16 bytes that FastDFS has for it.
func variantLabel(v Variant) string {
	sum := sha256.Sum256([]byte(variantEdition + v.String()))
	return "v" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:14])
}

type made struct {
	file    File
	content []byte
}

// make makes a variant once for all who ask at a time. It does not end with
// the caller that came first, since the others wait for it too.
func (s *Store) make(ctx context.Context, p plan) (made, error) {
	done := s.variants.DoChan(p.key, func() (_ any, err error) {
		defer survive(&err)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTimeout)
		defer cancel()
		r, err := s.render(ctx, p)
		if err != nil {
			return nil, err
		}
		return s.keep(ctx, p, r), nil
	})
	select {
	case <-ctx.Done():
		return made{}, ctx.Err()
	case result := <-done:
		if result.Err != nil {
			return made{}, result.Err
		}
		return result.Val.(made), nil
	}
}

const makeTimeout = 2 * time.Minute

// survive turns a panic into an error: a decoder that trips over a hostile file must not end the program.
func survive(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}

// keep stores a variant that has been made.
func (s *Store) keep(ctx context.Context, p plan, r rendered) made {
	sum := sha256.Sum256(r.content)
	upload := &Upload{
		Name: p.name, Size: int64(len(r.content)), Type: r.mediaType, SHA256: hex.EncodeToString(sum[:]),
		Width: r.width, Height: r.height, ModTime: s.options.Now().UTC().Truncate(time.Millisecond),
		Content: bytes.NewReader(r.content), From: p.original.Name, Label: p.label,
	}
	m := made{file: upload.File(p.name), content: r.content}
	if p.name == "" {
		return m
	}
	// A variant that cannot be kept still can be shown.
	if _, err := p.store.driver.Put(ctx, upload); err != nil && !errors.Is(err, ErrExists) {
		s.options.Logger.WarnContext(ctx, "media: variant not kept", "name", p.original.Name, "variant", p.variant.String(), "error", err)
	}
	return m
}

// deleteVariants removes what was made of a file. What stays behind by a failure is only unused.
func (s *Store) deleteVariants(ctx context.Context, f File) {
	store := s
	if s.options.VariantStore != nil {
		store = s.options.VariantStore
	}
	lister, ok := store.driver.(Lister)
	if !ok || f.SHA256 == "" || !isImage(f.Type) {
		return
	}
	files, err := lister.List(ctx, path.Join(reserved, f.SHA256[:2], f.SHA256)+"/", "", listPage)
	for v := range slices.Values(files) {
		err = errors.Join(err, store.driver.Delete(ctx, v.Name))
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, ErrNotFound) {
		s.options.Logger.WarnContext(ctx, "media: variants not deleted", "name", f.Name, "error", err)
	}
}

type nopCloser struct{ io.ReadSeeker }

func (nopCloser) Close() error { return nil }
