package media

import (
	"context"
	"errors"
	"io"
	"maps"
	"path"
	"time"
)

// SaveOptions say what an upload may be and how it is kept. The zero value takes any type, up to the
// size limit of the store, and never replaces a file.
type SaveOptions struct {
	// MaxBytes is the largest size, of what is received. Default: Options.MaxBytes. -1 none.
	MaxBytes int64
	// Types is the allow-list of media types, such as Images. Default: any.
	Types []string

	// When the name is taken, Save by default loses nothing: other content gets
	// a name with a piece of its hash, and for the same content it returns the file
	// that is there, with the metadata that it has.
	// IfNotExists makes both ErrExists; Replace replaces the file in one step.
	IfNotExists bool
	Replace     bool
	// ByContent makes the name out of the content's hash, in the folder of the
	// name given: "products/tea.jpg" becomes "products/3f/3f2a….jpg". The same content then
	// is stored once, whatever its names were; deleting it deletes it for all of them.
	ByContent bool

	// Verbatim stores an image exactly as it came: with its EXIF, which may tell
	// where and by whom it was taken, and with whatever is hidden in it. It still is checked.
	Verbatim bool

	// Metadata is kept with the file: at most 32 entries, keys of 1 to 64
	// bytes (a-z, then also 0-9 - _ .), values of at most 256 bytes of UTF-8 without control
	// characters. The key FocusKey is the focal point for variants.
	Metadata map[string]string
}

// Save reads r to its end, checks it as the options say, and stores it whole or
// not at all. The Name of the File it returns is the one to keep.
//
// It returns an *InvalidError for a name or content that breaks a rule
// (ErrTooLarge and ErrType tell the usual ones apart), ErrExists as the options ask for,
// ErrFull when the backend has no room, and the errors of r, of ctx and of the backend.
func (s *Store) Save(ctx context.Context, name string, r io.Reader, options *SaveOptions) (File, error) {
	ctx, end := s.start(ctx, "save", name)
	f, err := s.save(ctx, name, r, options)
	if err == nil {
		s.prepare(ctx, f)
	}
	return f, end(err)
}

func (s *Store) save(ctx context.Context, name string, r io.Reader, options *SaveOptions) (File, error) {
	if err := s.open(); err != nil {
		return File{}, err
	}
	var o SaveOptions
	if options != nil {
		o = *options
	}
	if o.IfNotExists && o.Replace {
		return File{}, invalid("options", "IfNotExists and Replace exclude each other")
	}
	name, err := CleanName(name)
	if err != nil {
		return File{}, err
	}
	if err := checkMetadata(o.Metadata); err != nil {
		return File{}, err
	}
	most, err := limit("MaxBytes", o.MaxBytes, s.options.MaxBytes)
	if err != nil {
		return File{}, err
	}

	received := newSpool(s.options.SpoolDir, most)
	defer received.Close()
	if err := received.fill(ctx, r); err != nil {
		return File{}, err
	}
	if received.size == 0 {
		return File{}, invalid("content", "is empty")
	}
	checked, err := s.check(ctx, name, received, &o)
	if err != nil {
		return File{}, err
	}
	defer checked.content.Close()

	upload := &Upload{
		Name: name, Size: checked.content.size, Type: checked.mediaType, SHA256: checked.content.sum(),
		Width: checked.width, Height: checked.height,
		ModTime: s.options.Now().UTC().Truncate(time.Millisecond), Metadata: maps.Clone(o.Metadata),
		Content: checked.content.reader(), IfNotExists: !o.Replace, Replace: o.Replace,
	}
	if o.ByContent {
		upload.Name = contentName(name, upload.SHA256, upload.Type)
		if err := CheckName(upload.Name); err != nil {
			return File{}, err
		}
	}
	return s.put(ctx, upload, o.IfNotExists)
}

// put stores an upload as place says.
func (s *Store) put(ctx context.Context, upload *Upload, strict bool) (File, error) {
	return s.place(ctx, upload, strict, func() (File, error) {
		if _, err := upload.Content.Seek(0, io.SeekStart); err != nil {
			return File{}, err
		}
		return s.driver.Put(ctx, upload)
	})
}

// place calls put with the name of the upload or, if that is taken by something else
// and strict is not set, with the next name made of its hash.
func (s *Store) place(ctx context.Context, upload *Upload, strict bool, put func() (File, error)) (File, error) {
	wanted := upload.Name
	for _, digits := range []int{0, 8, 16, 64} {
		if digits > 0 {
			upload.Name = withSuffix(wanted, "-"+upload.SHA256[:digits])
		}
		f, err := put()
		if err == nil || strict || !errors.Is(err, ErrExists) {
			return f, err
		}
		there, err := s.driver.Stat(ctx, upload.Name)
		if err == nil && there.SHA256 == upload.SHA256 {
			return there, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return File{}, err
		}
	}
	return File{}, ErrExists
}

// contentName gives the same name to the same content: two levels, so that no folder grows without bound.
func contentName(name, hash, mediaType string) string {
	return path.Join(path.Dir(name), hash[:2], hash+"."+preferred(mediaType))
}

// checked is content that has passed, in the form to be stored.
type checked struct {
	content       *spool
	mediaType     string
	width, height int
}
