package media

import (
	"context"
	"errors"
	"maps"
	"time"
)

// CopyOptions say how a copy is kept.
type CopyOptions struct {
	IfNotExists bool // ErrExists when the name is taken; decided as in SaveOptions
	Replace     bool // replace what has the name
}

// Copy copies a file within the store, with its metadata, and returns the copy with its final
// name. A name that is taken is treated as Save does. ErrNotFound if there is no file from.
func (s *Store) Copy(ctx context.Context, from, to string, options *CopyOptions) (File, error) {
	ctx, end := s.start(ctx, "copy", from)
	f, err := s.copy(ctx, from, to, options)
	return f, end(err)
}

func (s *Store) copy(ctx context.Context, from, to string, options *CopyOptions) (File, error) {
	var o CopyOptions
	if options != nil {
		o = *options
	}
	if o.IfNotExists && o.Replace {
		return File{}, invalid("options", "IfNotExists and Replace exclude each other")
	}
	from, err := s.ready(from)
	if err != nil {
		return File{}, err
	}
	if to, err = CleanName(to); err != nil {
		return File{}, err
	}
	source, err := openDriver(ctx, s.driver, from)
	if err != nil {
		return File{}, err
	}
	defer source.Close()
	f := source.file
	if claimed, known := extensions[extension(to)]; known && claimed != f.Type {
		return File{}, wrongType("of the file is %s, but the new name says %s", f.Type, claimed)
	}
	upload := &Upload{
		Name: to, Size: f.Size, Type: f.Type, SHA256: f.SHA256, Width: f.Width, Height: f.Height,
		ModTime: s.options.Now().UTC().Truncate(time.Millisecond), Metadata: maps.Clone(f.Metadata),
		IfNotExists: !o.Replace, Replace: o.Replace,
	}
	if copier, ok := s.driver.(Copier); ok {
		done, err := s.place(ctx, upload, o.IfNotExists, func() (File, error) { return copier.Copy(ctx, from, upload) })
		if !errors.Is(err, errors.ErrUnsupported) {
			return done, err
		}
	}
	spooled := newSpool(s.options.SpoolDir, noLimit)
	defer spooled.Close()
	if err := spooled.fill(ctx, source); err != nil {
		return File{}, err
	}
	if f.SHA256 != "" && spooled.sum() != f.SHA256 {
		return File{}, errors.New("content is not what its hash says")
	}
	upload.Name, upload.SHA256, upload.Size, upload.Content = to, spooled.sum(), spooled.size, spooled.reader()
	return s.put(ctx, upload, o.IfNotExists)
}
