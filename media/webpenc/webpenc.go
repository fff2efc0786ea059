// Package webpenc writes WebP images for package media, in pure Go: lossy VP8 by github.com/deepteams/webp,
// a translation of libwebp's encoder.
//
//	images, err := fsmedia.Open(dir, &fsmedia.Options{Options: media.Options{WebP: webpenc.New(nil)}})
//
// It is a package of its own, so that nobody compiles an encoder who does not want one. Only its
// encoder of opaque pictures is used: transparency is written by package media, since version 1.1.0 of the
// library writes alpha channels that neither libwebp nor golang.org/x/image reads.
package webpenc

import (
	"fmt"
	"image"
	"io"

	"github.com/deepteams/webp"

	"github.com/seed82d84382/commerce/media"
)

// DefaultEffort is the effort that Options leave at zero: libwebp's default.
const DefaultEffort = 4

// bytesPerPixel is what encoding noise, the worst there is, took at its peak, rounded up.
const bytesPerPixel = 32

// Options of New.
type Options struct {
	// Effort is how long to look for a smaller file, 1 (fast) to 6 (slow). Default DefaultEffort.
	Effort int
}

// New returns an encoder for media.Options.WebP. It panics if Effort is out of range, since that is a
// mistake of the program.
func New(options *Options) media.WebPEncoder {
	e := encoder{effort: DefaultEffort}
	if options != nil && options.Effort != 0 {
		e.effort = options.Effort
	}
	if e.effort < 1 || e.effort > 6 {
		panic(fmt.Sprintf("webpenc: Effort is %d, allowed is 1 to 6", e.effort))
	}
	return e
}

type encoder struct{ effort int }

// Encode implements media.WebPEncoder.
func (e encoder) Encode(w io.Writer, img *image.NRGBA, quality int) error {
	o := webp.DefaultOptions()
	o.Quality, o.Method = float32(quality), e.effort
	return webp.Encode(w, img, o)
}

// Memory implements media.WebPEncoder.
func (encoder) Memory(pixels int64) int64 { return pixels * bytesPerPixel }
