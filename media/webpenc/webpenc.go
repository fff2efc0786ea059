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

// Encode implements media.WebPEncoder.
func (encoder) Encode(w io.Writer, img *image.NRGBA, quality int) error {
	o := webp.DefaultOptions()
	o.Quality, o.Method = float32(quality), effort
	o.SNSStrength = 0 // 4 % smaller at equal SSIM
	return webp.Encode(w, img, o)
}

// Memory implements media.WebPEncoder.
func (encoder) Memory(pixels int64) int64 { return pixels * bytesPerPixel }
