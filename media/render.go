package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/draw"

	"github.com/seed82d84382/commerce/media/internal/jpegscale"
)

// rendered is a variant that has just been made.
type rendered struct {
	content       []byte
	mediaType     string
	width, height int
}

// render decodes an original and makes a variant of it.
func (s *Store) render(ctx context.Context, p plan) (rendered, error) {
	l, err := s.load(ctx, p.original, Variants{p.variant})
	if err != nil {
		return rendered{}, err
	}
	defer l.release()
	return s.renderVariant(ctx, p.variant, l)
}

// renderVariant makes a variant of a decoded image.
func (s *Store) renderVariant(ctx context.Context, v Variant, l *loaded) (rendered, error) {
	if v.Format == "" {
		v.Format = JPEG
		if !opaque(l.Image) {
			v.Format = PNG
		}
	}
	return s.encodeVariant(ctx, v, orient(v.scale(l), l.st.orientation), l.st.profile)
}

// loaded is a stored image that has been decoded to make variants of: whole or, where none needs more, smaller.
type loaded struct {
	*decoded
	st   structure
	full image.Point // the size of the whole
}

// load decodes a stored image for some variants. It is checked as an upload is: not every file came through Save.
func (s *Store) load(ctx context.Context, f File, variants Variants) (*loaded, error) {
	reader, err := openDriver(ctx, s.driver, f.Name)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if reader.file.SHA256 != f.SHA256 { // the variant is kept under the hash of f
		return nil, ErrChanged
	}
	content := io.ReadSeeker(reader)
	if reader.random == nil { // the walks seek; range by range that would be dear
		local := newSpool(s.options.SpoolDir, noLimit)
		defer local.Close()
		if err := local.fill(ctx, reader); err != nil {
			return nil, err
		}
		content = local.reader()
	}
	config, err := s.measure(f.Type, content)
	if err != nil {
		return nil, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	st, err := formats[f.Type].clean(io.Discard, content)
	if err != nil {
		return nil, damaged(f.Type, err)
	}
	seen := image.Pt(config.Width, config.Height)
	if sideways(st.orientation) {
		seen = image.Pt(seen.Y, seen.X)
	}
	for _, v := range variants {
		if err := v.bears(seen.X, seen.Y); err != nil {
			return nil, err
		}
	}
	l := &loaded{st: st, full: image.Pt(config.Width, config.Height)}
	if l.decoded, err = s.decodeSmall(ctx, f, config, st, content, variants.eighths(config, st.orientation)); err != nil || l.decoded != nil {
		return l, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	l.decoded, err = s.decode(ctx, f.Type, config, st, content)
	return l, err
}

// whole is the number of eighths that a whole image has.
const whole = 8

// eighths returns at how many eighths of its size an image must be decoded so that no variant has to be enlarged: 1, 2, 4 or 8.
func (vs Variants) eighths(config image.Config, orientation int) int {
	most := 1
	for _, v := range vs {
		from := v.turned(orientation, config.Width, config.Height).source(image.Pt(config.Width, config.Height))
		width, height := v.turned(orientation, config.Width, config.Height).Size(from.Dx(), from.Dy())
		n := 1
		for n < whole && (from.Dx()*n < width*whole || from.Dy()*n < height*whole) {
			n *= 2
		}
		most = max(most, n)
	}
	return most
}

// decodeSmall decodes a JPEG at some eighths of its size. It returns nil, without an error, for what must be decoded whole.
func (s *Store) decodeSmall(ctx context.Context, f File, config image.Config, st structure, content io.ReadSeeker, eighths int) (*decoded, error) {
	if f.Type != JPEG || eighths == whole || f.Size > maxInMemory || !st.plausible(f.Type, config) {
		return nil, nil
	}
	pixels := int64(config.Width) * int64(config.Height)
	memory := f.Size + 3*pixels*int64(eighths*eighths)/(whole*whole)
	if st.progressive {
		memory += 6 * pixels // coefficients of 16 bits
	}
	weight := min(memory, s.options.DecodeMemory)
	if err := s.decoding.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	release := func() { s.decoding.Release(weight) }
	img, err := readSmall(content, f.Size, eighths)
	want := image.Rect(0, 0, (config.Width*eighths+whole-1)/whole, (config.Height*eighths+whole-1)/whole)
	if err == nil && img.Bounds() == want {
		return &decoded{img, release}, nil
	}
	release()
	return nil, nil // the standard decoder knows more kinds, and says what is wrong
}

// maxInMemory is the size up to which a JPEG is read as a whole to be decoded.
const maxInMemory = 64 << 20

func readSmall(content io.ReadSeeker, size int64, eighths int) (image.Image, error) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(content, data); err != nil {
		return nil, err
	}
	return jpegscale.Decode(data, eighths)
}

func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// turned is the variant for an image as it is stored, lying on its side or not.
func (v Variant) turned(orientation, width, height int) Variant {
	turn := turning{orientation: orientation, width: width, height: height}
	if sideways(orientation) {
		v.Width, v.Height = v.Height, v.Width
	}
	v.Focus = turn.focus(v.Focus)
	return v
}

// source is the part of an image that the variant shows.
func (v Variant) source(size image.Point) image.Rectangle {
	all := image.Rectangle{Max: size}
	if v.Fit == Cover {
		return v.crop(all)
	}
	return all
}

// scale makes the pixels of a variant with a Catmull-Rom filter. The image still
// lies as it is stored; turning the small result afterwards is cheaper.
func (v Variant) scale(l *loaded) *image.RGBA {
	v = v.turned(l.st.orientation, l.full.X, l.full.Y)
	from := v.source(l.full)
	width, height := v.Size(from.Dx(), from.Dy())
	from = inside(from, l.full, l.Bounds())
	to := image.Rect(0, 0, width, height)
	out := image.NewRGBA(to)
	if v.Format == JPEG && !opaque(l.Image) {
		draw.Draw(out, to, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.CatmullRom.Scale(out, to, l.Image, from, draw.Over, nil)
		return out
	}
	if to.Size() == from.Size() {
		draw.Draw(out, to, l.Image, from.Min, draw.Src)
		return out
	}
	draw.CatmullRom.Scale(out, to, l.Image, from, draw.Src, nil)
	return out
}

// inside finds a part of a whole image in one that has been decoded smaller.
func inside(part image.Rectangle, full image.Point, b image.Rectangle) image.Rectangle {
	if b.Size() == full {
		return part.Add(b.Min)
	}
	across := func(x int) int { return (x*b.Dx() + full.X/2) / full.X }
	down := func(y int) int { return (y*b.Dy() + full.Y/2) / full.Y }
	r := image.Rect(min(across(part.Min.X), b.Dx()-1), min(down(part.Min.Y), b.Dy()-1), across(part.Max.X), down(part.Max.Y))
	r.Max.X, r.Max.Y = max(r.Max.X, r.Min.X+1), max(r.Max.Y, r.Min.Y+1)
	return r.Add(b.Min)
}

// focus returns where a point of the upright image is in the stored one.
func (t turning) focus(f Focus) Focus {
	switch t.orientation {
	case mirrored:
		return Focus{-f.X, f.Y}
	case halfTurn:
		return Focus{-f.X, -f.Y}
	case flipped:
		return Focus{f.X, -f.Y}
	case transposed:
		return Focus{f.Y, f.X}
	case quarterRight:
		return Focus{f.Y, -f.X}
	case transverse:
		return Focus{-f.Y, -f.X}
	case quarterLeft:
		return Focus{-f.Y, f.X}
	}
	return f
}

// crop returns the part of an image that has the shape of the box, around the focus.
func (v Variant) crop(b image.Rectangle) image.Rectangle {
	w, h := b.Dx(), b.Dy()
	cw, ch := w, h
	if int64(w)*int64(v.Height) > int64(h)*int64(v.Width) {
		cw = max(1, int(int64(h)*int64(v.Width)/int64(v.Height)))
	} else {
		ch = max(1, int(int64(w)*int64(v.Height)/int64(v.Width)))
	}
	x := min(max(int((v.Focus.X+1)/2*float64(w))-cw/2, 0), w-cw)
	y := min(max(int((v.Focus.Y+1)/2*float64(h))-ch/2, 0), h-ch)
	return image.Rect(b.Min.X+x, b.Min.Y+y, b.Min.X+x+cw, b.Min.Y+y+ch)
}

func (s *Store) encodeVariant(ctx context.Context, v Variant, img image.Image, p profile) (rendered, error) {
	var out bytes.Buffer
	var err error
	if v.Format == WebP {
		err = s.encodeWebP(ctx, &out, img.(*image.RGBA), v.Quality, p.small())
	} else {
		err = encodeImage(&out, v.Format, img, v.Quality, p.small())
	}
	if err != nil {
		return rendered{}, fmt.Errorf("encode variant: %w", err)
	}
	return rendered{out.Bytes(), v.Format, img.Bounds().Dx(), img.Bounds().Dy()}, nil
}
