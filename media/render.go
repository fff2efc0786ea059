package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
)

// rendered is a variant that has just been made.
type rendered struct {
	content       []byte
	mediaType     string
	width, height int
}

// render decodes an original and makes a variant of it.
func (s *Store) render(ctx context.Context, p plan) (rendered, error) {
	img, st, err := s.load(ctx, p.original)
	if err != nil {
		return rendered{}, err
	}
	defer img.release()
	v := p.variant
	if v.Format == "" {
		v.Format = JPEG
		if !opaque(img.Image) {
			v.Format = PNG
		}
	}
	return v.encode(orient(v.scale(img.Image, st.orientation), st.orientation), smallProfile(img.Image, st))
}

// load decodes a stored image. It is checked as an upload is: not every file came through Save.
func (s *Store) load(ctx context.Context, f File) (*decoded, structure, error) {
	reader, err := openDriver(ctx, s.driver, f.Name)
	if err != nil {
		return nil, structure{}, err
	}
	defer reader.Close()
	if reader.file.SHA256 != f.SHA256 { // the variant is kept under the hash of f
		return nil, structure{}, ErrChanged
	}
	content := io.ReadSeeker(reader)
	if reader.random == nil { // the walks seek; range by range that would be dear
		local := newSpool(s.options.SpoolDir, noLimit)
		defer local.Close()
		if err := local.fill(ctx, reader); err != nil {
			return nil, structure{}, err
		}
		content = local.reader()
	}
	config, err := s.measure(f.Type, content)
	if err != nil {
		return nil, structure{}, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, structure{}, err
	}
	st, err := formats[f.Type].clean(io.Discard, content)
	if err != nil {
		return nil, structure{}, damaged(f.Type, err)
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, structure{}, err
	}
	img, err := s.decode(ctx, f.Type, config, st, content)
	return img, st, err
}

func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// scale makes the pixels of a variant with a Catmull-Rom filter. The image still
// lies as it is stored; turning the small result afterwards is cheaper.
func (v Variant) scale(img image.Image, orientation int) image.Image {
	turn := turning{orientation: orientation, width: img.Bounds().Dx(), height: img.Bounds().Dy()}
	if sideways(orientation) {
		v.Width, v.Height = v.Height, v.Width
	}
	v.Focus = turn.focus(v.Focus)
	from := img.Bounds()
	if v.Fit == Cover {
		from = v.crop(from)
	}
	width, height := v.Size(from.Dx(), from.Dy())
	to := image.Rect(0, 0, width, height)
	out := image.NewRGBA(to)
	if v.Format == JPEG && !opaque(img) {
		draw.Draw(out, to, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.CatmullRom.Scale(out, to, img, from, draw.Over, nil)
		return out
	}
	if to.Size() == from.Size() {
		draw.Draw(out, to, img, from.Min, draw.Src)
		return out
	}
	draw.CatmullRom.Scale(out, to, img, from, draw.Src, nil)
	return out
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

// maxVariantProfile bounds what a colour profile may add to a variant. Those of
// displays and phones have a few hundred bytes, those of presses are out of place here.
const maxVariantProfile = 16 << 10

// smallProfile returns the colour profile of an original for its variants, if it fits: the variants are RGB.
func smallProfile(img image.Image, st structure) [][]byte {
	size := 0
	for _, segment := range st.profile {
		size += len(segment)
	}
	switch img.(type) {
	case *image.YCbCr, *image.RGBA:
		if size <= maxVariantProfile {
			return st.profile
		}
	}
	return nil
}

func (v Variant) encode(img image.Image, profile [][]byte) (rendered, error) {
	var out bytes.Buffer
	var err error
	if v.Format == PNG {
		err = png.Encode(&out, img)
	} else {
		err = jpeg.Encode(&profiled{w: &out, profile: profile}, img, &jpeg.Options{Quality: v.Quality})
	}
	if err != nil {
		return rendered{}, fmt.Errorf("encode variant: %w", err)
	}
	return rendered{out.Bytes(), v.Format, img.Bounds().Dx(), img.Bounds().Dy()}, nil
}
