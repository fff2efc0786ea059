package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
)

// render decodes the original and makes the variant of it.
func (s *Store) render(ctx context.Context, p plan) ([]byte, imageConfig, error) {
	r, err := openDriver(ctx, s.driver, p.original.Name)
	if err != nil {
		return nil, imageConfig{}, err
	}
	defer r.Close()
	img, _, err := image.Decode(r)
	if err != nil {
		return nil, imageConfig{}, invalid("content", "is not a readable %s image", p.original.Type)
	}
	v := p.variant
	if v.Format == "" {
		v.Format = JPEG
		if !opaque(img) {
			v.Format = PNG
		}
	}
	img = scale(img, v)
	var out bytes.Buffer
	if v.Format == PNG {
		err = png.Encode(&out, img)
	} else {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: v.Quality})
	}
	b := img.Bounds()
	return out.Bytes(), imageConfig{mediaType: v.Format, width: b.Dx(), height: b.Dy()}, err
}

type imageConfig struct {
	mediaType     string
	width, height int
}

func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// scale makes the pixels of a variant with a Catmull-Rom filter.
func scale(img image.Image, v Variant) image.Image {
	from := img.Bounds()
	if v.Fit == Cover {
		from = v.crop(from)
	}
	width, height := v.size(from.Dx(), from.Dy())
	to := image.Rect(0, 0, width, height)
	if v.Format == JPEG && !opaque(img) {
		white := image.NewRGBA(to)
		draw.Draw(white, to, image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.CatmullRom.Scale(white, to, img, from, draw.Over, nil)
		return white
	}
	out := image.NewRGBA(to)
	draw.CatmullRom.Scale(out, to, img, from, draw.Src, nil)
	return out
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
