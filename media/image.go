package media

import (
	"context"
	"errors"
	"image"
	"io"
)

// qualityUpright is the quality of a JPEG that had to be turned upright. High, because
// it is the original of all that is made of it.
const qualityUpright = 92

// check decides whether the content may be stored under the name, and in which form.
func (s *Store) check(ctx context.Context, name string, received *spool, o *SaveOptions) (*checked, error) {
	head, err := received.head()
	if err != nil {
		return nil, err
	}
	mediaType, err := decideType(name, Sniff(head), o.Types)
	if err != nil {
		return nil, err
	}
	c := &checked{content: received, mediaType: mediaType}
	if mediaType == SVG {
		return c, checkSVG(received.reader())
	}
	if isImage(mediaType) {
		return s.checkImage(ctx, c, o.Verbatim)
	}
	return c, nil
}

// checkImage cleans an image and proves that it can be decoded.
func (s *Store) checkImage(ctx context.Context, c *checked, verbatim bool) (*checked, error) {
	f := formats[c.mediaType]
	config, err := s.measure(c.mediaType, c.content.reader())
	if err != nil {
		return nil, err
	}
	cleaned := newSpool(s.options.SpoolDir, noLimit)
	defer func() {
		if cleaned != c.content {
			cleaned.Close()
		}
	}()
	st, err := f.clean(cleaned, c.content.reader())
	if err != nil {
		return nil, damaged(c.mediaType, err)
	}
	img, err := s.decode(ctx, c.mediaType, config, st, cleaned.reader())
	if err != nil {
		return nil, err
	}
	defer img.release()
	c.width, c.height = config.Width, config.Height
	if sideways(st.orientation) {
		c.width, c.height = c.height, c.width
	}
	if verbatim {
		return c, nil
	}
	if st.orientation != upright && c.mediaType != WebP {
		turned := newSpool(s.options.SpoolDir, noLimit)
		if err := encodeUpright(turned, c.mediaType, img.Image, st); err != nil {
			turned.Close()
			return nil, err
		}
		cleaned.Close()
		cleaned = turned
	}
	c.content = cleaned
	return c, nil
}

// measure reads the dimensions of an image and holds them against the limit.
func (s *Store) measure(mediaType string, r io.Reader) (image.Config, error) {
	config, err := formats[mediaType].config(r)
	if err != nil {
		return config, damaged(mediaType, cut(err))
	}
	if config.Width < 1 || config.Height < 1 {
		return config, invalid("pixels", "are %d×%d", config.Width, config.Height)
	}
	// Both are below 2³¹ in every format, so the product does not overflow.
	return config, s.capPixels(config.Width, config.Height, int64(config.Width)*int64(config.Height))
}

func (s *Store) capPixels(width, height int, pixels int64) error {
	if pixels > s.options.MaxPixels {
		return tooLarge("pixels", "are %d×%d, %d in all, over the limit of %d", width, height, pixels, s.options.MaxPixels)
	}
	return nil
}

// decoded is a decoded image, and its share of the memory for them.
type decoded struct {
	image.Image
	release func()
}

// decode decodes an image when there is room for it. What has been measured and walked is held against
// each other first, and against the outcome, so that no header talks the limit away.
func (s *Store) decode(ctx context.Context, mediaType string, config image.Config, st structure, r io.Reader) (*decoded, error) {
	if st.width != 0 && (st.width != config.Width || st.height != config.Height) {
		return nil, invalid("content", "is a damaged %s image: its parts differ in size", mediaType)
	}
	if err := s.capPixels(config.Width, config.Height, st.pixels); err != nil {
		return nil, err
	}
	if !st.plausible(mediaType, config) {
		return nil, invalid("content", "is a damaged %s image: %d bytes cannot hold %d×%d pixels", mediaType, st.data, config.Width, config.Height)
	}
	weight := min(st.memory(mediaType, config), s.options.DecodeMemory)
	if err := s.decoding.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	img, err := formats[mediaType].decode(r)
	if err == nil && (img.Bounds().Dx() != config.Width || img.Bounds().Dy() != config.Height) {
		err = invalid("content", "is not of the size that it says")
	}
	if err != nil {
		s.decoding.Release(weight)
		return nil, damaged(mediaType, cut(err))
	}
	return &decoded{img, func() { s.decoding.Release(weight) }}, nil
}

// damaged says that an image cannot be read, unless err says already what is wrong with it.
func damaged(mediaType string, err error) error {
	if errors.Is(err, ErrInvalid) {
		return err
	}
	return invalid("content", "is a damaged %s image: %v", mediaType, err)
}

// encodeUpright encodes an image again, turned as its orientation says.
func encodeUpright(w io.Writer, mediaType string, img image.Image, st structure) error {
	return encodeImage(w, mediaType, orient(img, st.orientation), qualityUpright, st.profile)
}
