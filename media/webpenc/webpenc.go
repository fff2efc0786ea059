// Package webpenc writes WebP images for package media, in pure Go: lossy VP8 by github.com/deepteams/webp,
// a translation of libwebp's encoder.
//
//	images, err := fsmedia.Open(dir, &fsmedia.Options{Options: media.Options{WebP: webpenc.New()}})
//
// It is a package of its own, so that nobody compiles an encoder who does not want one. Only its
// encoder of opaque pictures is used: transparency is written by package media, since version 1.1.0 of the
// library writes alpha channels that neither libwebp nor golang.org/x/image reads.
package webpenc

import (
	"image"
	"io"
	"sync"

	"github.com/deepteams/webp"

	"github.com/seed82d84382/commerce/media"
)

// bytesPerPixel is what encoding noise at quality 100, the worst there is, took at its peak, 43, rounded up.
const bytesPerPixel = 48

// New returns an encoder for media.Options.WebP.
func New() media.WebPEncoder { return encoder{} }

type encoder struct{}

// effort is libwebp's default. It is not for the caller to choose: with efforts below 3, version 1.1.0 of the library
// turns some photos into something else, and above 4 it does the same as with 4.
const effort = 4

// fillTables has the library fill its tables of gamma correction. Version 1.1.0 does it in the first call, and marks them as
// filled before they are: a call beside the first one would get colours from empty tables.
var fillTables = sync.OnceValue(func() error {
	return webp.Encode(io.Discard, image.NewNRGBA(image.Rect(0, 0, 1, 1)), webp.DefaultOptions())
})

// Encode implements media.WebPEncoder.
func (encoder) Encode(w io.Writer, img *image.NRGBA, quality int) error {
	if err := fillTables(); err != nil {
		return err
	}
	o := webp.DefaultOptions()
	o.Quality, o.Method = float32(quality), effort
	o.SNSStrength = 0 // 4 % smaller at equal SSIM
	return webp.Encode(w, img, o)
}

// Memory implements media.WebPEncoder.
func (encoder) Memory(pixels int64) int64 { return pixels * bytesPerPixel }
