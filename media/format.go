package media

import (
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// format is what the store can do with one type of image.
type format struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	// clean walks over the structure of the image, without decoding pixels, and
	// writes it to w without metadata and without anything behind its end. It
	// reads r from the start.
	clean func(w io.Writer, r io.ReadSeeker) (structure, error)
}

var formats = map[string]format{
	JPEG: {jpeg.DecodeConfig, jpeg.Decode, cleanJPEG},
	PNG:  {png.DecodeConfig, png.Decode, cleanPNG},
	GIF:  {gif.DecodeConfig, decodeGIF, cleanGIF},
	WebP: {webp.DecodeConfig, decodeWebP, cleanWebP},
}

// structure is what a walk over an image has found.
type structure struct {
	orientation   int
	profile       profile
	progressive   bool  // a JPEG that is decoded in several passes
	width, height int   // of the pixels, where a container could claim others; else 0
	pixels        int64 // of all frames of an animation; else 0
	frames        int64 // of an animation
	data          int64 // bytes of compressed pixels
}

// errCut is what the walks return for an image that ends too early.
var errCut = errors.New("it ends too early")

// cut turns the end of the input into errCut.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// decodeGIF decodes all frames, so that damage in a later one is found, and returns the first one.
func decodeGIF(r io.Reader) (image.Image, error) {
	all, err := gif.DecodeAll(r)
	if err != nil {
		return nil, err
	}
	first := all.Image[0]
	if first.Bounds() == image.Rect(0, 0, all.Config.Width, all.Config.Height) {
		return first, nil
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, all.Config.Width, all.Config.Height))
	for y := first.Rect.Min.Y; y < first.Rect.Max.Y; y++ {
		for x := first.Rect.Min.X; x < first.Rect.Max.X; x++ {
			canvas.Set(x, y, first.At(x, y))
		}
	}
	return canvas, nil
}

// gifFrameMemory is what a frame takes beside its pixels: mostly colours, 256 interfaces and what they point to.
const gifFrameMemory = 6 << 10

// memory estimates the bytes that decoding takes.
func (st structure) memory(mediaType string, config image.Config) int64 {
	pixels := int64(config.Width) * int64(config.Height)
	switch {
	case mediaType == JPEG && st.progressive:
		return 15 * pixels // 32-bit coefficients of three components, and the samples
	case mediaType == JPEG:
		return 3 * pixels
	case mediaType == GIF:
		return st.pixels + 4*pixels + st.frames*gifFrameMemory
	case mediaType == WebP:
		return 8 * pixels
	}
	switch config.ColorModel {
	case color.GrayModel:
		return pixels
	case color.Gray16Model:
		return 2 * pixels
	case color.RGBA64Model, color.NRGBA64Model:
		return 8 * pixels
	}
	return 4 * pixels
}

// plausible reports whether so few bytes can hold so many pixels. It finds a
// bomb or a cut file before memory is taken for it. A JPEG spends at
// least one bit on each block of 8×8; deflate never does better than 1032:1.
func (st structure) plausible(mediaType string, config image.Config) bool {
	width, height := int64(config.Width), int64(config.Height)
	switch mediaType {
	case JPEG:
		return st.data*8 >= ((width+7)/8)*((height+7)/8)
	case PNG:
		return st.data >= width*height/8/1032
	}
	return true
}
