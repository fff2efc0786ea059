package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"

	"github.com/disintegration/imaging"
	"github.com/nfnt/resize"
	"golang.org/x/image/draw"

	"github.com/seed82d84382/commerce/examples/peerbench/peer"
	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/memmedia"
)

// The thumbnail case: what a phone takes, made as large as a card in a list of products.
const (
	photoWidth, photoHeight = 4000, 3000
	thumbSide               = 400
	thumbQuality            = 82
)

// thumbnails makes a JPEG of 400 pixels out of one of 12 megapixels: everything from the bytes of the one to those of the other.
func thumbnails() (peer.Case, func() error, error) {
	photo, err := takePhoto()
	if err != nil {
		return peer.Case{}, nil, err
	}
	inner, err := memmedia.Open(nil)
	if err != nil {
		return peer.Case{}, nil, err
	}
	store, err := media.New(forgetful{Driver: inner.Driver(), Opener: inner.Driver().(media.Opener)}, nil)
	if err != nil {
		return peer.Case{}, nil, errors.Join(err, inner.Close())
	}
	file, err := store.Save(context.Background(), "photo.jpg", bytes.NewReader(photo), nil)
	if err != nil {
		return peer.Case{}, nil, errors.Join(err, inner.Close())
	}
	reference, err := jpeg.Decode(bytes.NewReader(photo))
	if err != nil {
		return peer.Case{}, nil, errors.Join(err, inner.Close())
	}
	want := image.NewRGBA(image.Rect(0, 0, thumbSide, thumbSide*photoHeight/photoWidth))
	draw.CatmullRom.Scale(want, want.Bounds(), reference, reference.Bounds(), draw.Src, nil)

	ours := func(ctx context.Context, _ nothing) error {
		r, err := store.Variant(ctx, file.Name, media.Variant{Width: thumbSide, Height: thumbSide, Quality: thumbQuality})
		if err != nil {
			return err
		}
		defer r.Close()
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return checkThumbnail(content, want)
	}
	other := func(shrink func(image.Image) image.Image) func(context.Context, nothing) error {
		return func(context.Context, nothing) error {
			img, err := jpeg.Decode(bytes.NewReader(photo))
			if err != nil {
				return err
			}
			var content bytes.Buffer
			if err := jpeg.Encode(&content, shrink(img), &jpeg.Options{Quality: thumbQuality}); err != nil {
				return err
			}
			return checkThumbnail(content.Bytes(), want)
		}
	}
	return peer.Case{Name: "thumbnail", Callers: []int{1}, Subjects: []peer.Subject{
		subject("ours", enterNothing, ours),
		subject("disintegration/imaging, Fit, CatmullRom", enterNothing, other(func(img image.Image) image.Image {
			return imaging.Fit(img, thumbSide, thumbSide, imaging.CatmullRom)
		})),
		subject("disintegration/imaging, Fit, Box", enterNothing, other(func(img image.Image) image.Image { return imaging.Fit(img, thumbSide, thumbSide, imaging.Box) })),
		subject("nfnt/resize, Thumbnail, Bilinear", enterNothing, other(func(img image.Image) image.Image {
			return resize.Thumbnail(thumbSide, thumbSide, img, resize.Bilinear)
		})),
		subject("x/image/draw, ApproxBiLinear", enterNothing, other(func(img image.Image) image.Image {
			out := image.NewRGBA(want.Bounds())
			draw.ApproxBiLinear.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
			return out
		})),
	}}, inner.Close, nil
}

// forgetful keeps no variants, so that each is made anew.
type forgetful struct {
	media.Driver
	media.Opener
}

// Derive implements media.Deriver.
func (forgetful) Derive(string, string, string) (string, error) { return "", errors.ErrUnsupported }

// checkThumbnail makes sure that a thumbnail has the right size, and shows the picture.
func checkThumbnail(content []byte, want *image.RGBA) error {
	img, err := jpeg.Decode(bytes.NewReader(content))
	if err != nil {
		return err
	}
	if img.Bounds().Size() != want.Bounds().Size() {
		return fmt.Errorf("thumbnail of %v, want %v", img.Bounds(), want.Bounds())
	}
	var sum, count float64
	for y := 0; y < want.Rect.Dy(); y += 7 {
		for x := 0; x < want.Rect.Dx(); x += 7 {
			r, g, b, _ := img.At(img.Bounds().Min.X+x, img.Bounds().Min.Y+y).RGBA()
			c := want.RGBAAt(x, y)
			sum += math.Abs(float64(r>>8)-float64(c.R)) + math.Abs(float64(g>>8)-float64(c.G)) + math.Abs(float64(b>>8)-float64(c.B))
			count += 3
		}
	}
	const most = 6 // of 255; those that skip pixels come to 4
	if sum/count > most {
		return fmt.Errorf("thumbnail differs from the photo by %.1f in the mean", sum/count)
	}
	return nil
}

// takePhoto makes a JPEG of 12 megapixels with smooth parts, edges and a little noise, as cameras do.
func takePhoto() ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, photoWidth, photoHeight))
	noise := content(7, 1<<16)
	for y := range photoHeight {
		row := img.Pix[y*img.Stride:]
		for x := range photoWidth {
			light := 110 + 60*math.Sin(float64(x)/310)*math.Cos(float64(y)/270)
			if (x/500+y/375)%2 == 0 {
				light += 45 + 20*math.Sin(float64(x+y)/23)
			}
			n := float64(noise[(x*131+y*197)&0xFFFF]) / 32
			row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = tone(light+n), tone(light*0.8+n+20), tone(200-light*0.6+n), 255
		}
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90})
	return b.Bytes(), err
}

func tone(v float64) byte { return byte(min(max(v, 0), 255)) }
