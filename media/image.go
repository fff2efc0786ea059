package media

import (
	"context"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"

	_ "golang.org/x/image/webp"
)

// check decides whether the content may be stored under the name, and in which form.
func (s *Store) check(ctx context.Context, name string, received *spool, o *SaveOptions) (*checked, error) {
	head, err := received.head()
	if err != nil {
		return nil, err
	}
	mediaType, err := decideType(name, sniff(head), o.Types)
	if err != nil {
		return nil, err
	}
	c := &checked{content: received, mediaType: mediaType}
	if !isImage(mediaType) {
		return c, nil
	}
	config, _, err := image.DecodeConfig(received.reader())
	if err != nil {
		return nil, invalid("content", "is not a readable %s image", mediaType)
	}
	if int64(config.Width)*int64(config.Height) > s.options.MaxPixels {
		return nil, tooLarge("pixels", "are %d×%d, over the limit of %d in all", config.Width, config.Height, s.options.MaxPixels)
	}
	c.width, c.height = config.Width, config.Height
	return c, nil
}
