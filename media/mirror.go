package media

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// MirrorOptions of a Mirror. The zero value loses nothing and serves as much as it can.
type MirrorOptions struct {
	// BestEffort lets a write succeed that only the first backend took; what the second one
	// missed is logged, and Migrate brings it up to date. Default: such a write fails.
	BestEffort bool
	Logger     *slog.Logger // default slog.Default()
}

// Mirror returns a Driver that writes to two backends and reads from the first one that has the file: for a second copy
// elsewhere, and for moving from one backend to the other while the shop goes on.
//
//	driver, err := media.Mirror(target.Driver(), old.Driver(), nil)
//	images, err := media.New(driver, nil)
//
// A file is saved to first, then, under the name that it got there, to second. So first may be one that names files itself (a Deriver),
// second must not: errors.ErrUnsupported. When second refuses, a new file is taken back from first; one that has
// been replaced stays replaced there, and the error says that the two differ. Reads go to second if first does not have the file or fails. A
// file is gone when both have deleted it. Variants, which can be made again, are kept on first only. Listings are merged; addresses are those of first.
//
// Closing the Mirror leaves both drivers open.
func Mirror(first, second Driver, options *MirrorOptions) (Driver, error) {
	if first == nil || second == nil {
		return nil, fmt.Errorf("media: mirror: %w", invalid("driver", "is nil"))
	}
	if !takesNames(second) {
		return nil, fmt.Errorf("media: mirror: the second driver names files itself: %w", errors.ErrUnsupported)
	}
	var o MirrorOptions
	if options != nil {
		o = *options
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return mirror{first, second, o}, nil
}

// takesNames reports whether a Deriver takes the names it is given, as the wrappers do that forward every ability.
func takesNames(d Driver) bool {
	deriver, ok := d.(Deriver)
	if !ok {
		return true
	}
	name, err := deriver.Derive("probe.jpg", "v", "jpg")
	return name == "" && err == nil
}

type mirror struct {
	first, second Driver
	options       MirrorOptions
}

// second failed with err after first took what; best effort lets that pass.
func (m mirror) missed(ctx context.Context, what, name string, err error) error {
	if err == nil {
		return nil
	}
	if m.options.BestEffort && ctx.Err() == nil {
		m.options.Logger.WarnContext(ctx, "media: mirror missed a "+what, "name", shorten(name), "error", err)
		return nil
	}
	return fmt.Errorf("mirror: %w", err)
}

func (m mirror) Put(ctx context.Context, upload *Upload) (File, error) {
	f, err := m.first.Put(ctx, upload)
	if err != nil || upload.From != "" {
		return f, err
	}
	copied := *upload
	copied.Name = f.Name
	// The name was free on first, or to be replaced; what second has under it is an older copy, or was meant by Replace.
	copied.IfNotExists = upload.IfNotExists && f.Name == upload.Name
	if _, err = copied.Content.Seek(0, io.SeekStart); err == nil {
		_, err = m.second.Put(ctx, &copied)
	}
	if errors.Is(err, ErrExists) {
		// A file that only second has is there for all readers, so the name is taken, unless it is the same.
		there, statErr := m.second.Stat(ctx, f.Name)
		if statErr == nil && there.SHA256 != "" && there.SHA256 == f.SHA256 {
			return f, nil
		}
		m.takeBack(ctx, f.Name)
		return File{}, cmp.Or(statErr, err)
	}
	if err = m.missed(ctx, "file", f.Name, err); err != nil {
		if upload.IfNotExists {
			m.takeBack(ctx, f.Name)
		}
		return File{}, err
	}
	return f, nil
}

const takeBackTimeout = 10 * time.Second

// takeBack removes a file that was made a moment ago, also when the caller has gone.
func (m mirror) takeBack(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	if err := m.first.Delete(ctx, name); err != nil && !errors.Is(err, ErrNotFound) {
		m.options.Logger.WarnContext(ctx, "media: mirror could not take back a file", "name", shorten(name), "error", err)
	}
}

// from reads from first, or from second if first does not have it or fails.
func from[T any](ctx context.Context, m mirror, read func(Driver) (T, error)) (T, error) {
	value, err := read(m.first)
	if err == nil || ctx.Err() != nil || errors.Is(err, ErrChanged) || errors.Is(err, errors.ErrUnsupported) {
		return value, err
	}
	other, otherErr := read(m.second)
	if otherErr == nil || errors.Is(err, ErrNotFound) {
		return other, otherErr
	}
	return value, err
}

func (m mirror) Open(ctx context.Context, file File, offset, length int64) (io.ReadCloser, error) {
	return from(ctx, m, func(d Driver) (io.ReadCloser, error) { return d.Open(ctx, file, offset, length) })
}

func (m mirror) Stat(ctx context.Context, name string) (File, error) {
	return from(ctx, m, func(d Driver) (File, error) { return d.Stat(ctx, name) })
}

// OpenFile implements Opener, for backends that both are one.
func (m mirror) OpenFile(ctx context.Context, name string) (File, io.ReadSeekCloser, error) {
	type opened struct {
		file   File
		reader io.ReadSeekCloser
	}
	o, err := from(ctx, m, func(d Driver) (opened, error) {
		opener, ok := d.(Opener)
		if !ok {
			return opened{}, errors.ErrUnsupported
		}
		f, r, err := opener.OpenFile(ctx, name)
		return opened{f, r}, err
	})
	return o.file, o.reader, err
}

// Delete deletes from second first: should that fail, the file is still whole.
func (m mirror) Delete(ctx context.Context, name string) error {
	err2 := m.second.Delete(ctx, name)
	if err2 != nil && !errors.Is(err2, ErrNotFound) {
		return fmt.Errorf("mirror: %w", err2)
	}
	err1 := m.first.Delete(ctx, name)
	if errors.Is(err1, ErrNotFound) {
		return err2
	}
	return err1
}

// List implements Lister: both listings, each name once.
func (m mirror) List(ctx context.Context, prefix, after string, limit int) ([]File, error) {
	var all []File
	for _, d := range []Driver{m.first, m.second} {
		lister, ok := d.(Lister)
		if !ok {
			return nil, errors.ErrUnsupported
		}
		page, err := lister.List(ctx, prefix, after, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	// Stable, so that of two of a name that of first comes first.
	slices.SortStableFunc(all, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	all = slices.CompactFunc(all, func(a, b File) bool { return a.Name == b.Name })
	return all[:min(limit, len(all))], nil
}

// SetMetadata implements MetadataSetter.
func (m mirror) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	set := func(d Driver) error {
		setter, ok := d.(MetadataSetter)
		if !ok {
			return errors.ErrUnsupported
		}
		return setter.SetMetadata(ctx, name, metadata)
	}
	err1 := set(m.first)
	if err1 != nil && !errors.Is(err1, ErrNotFound) {
		return err1
	}
	err2 := set(m.second)
	if errors.Is(err2, ErrNotFound) {
		return err1
	}
	return m.missed(ctx, "metadata", name, err2)
}

// URL implements URLer.
func (m mirror) URL(name string) string {
	if d, ok := m.first.(URLer); ok {
		return d.URL(name)
	}
	return ""
}

// SignURL implements URLSigner.
func (m mirror) SignURL(ctx context.Context, name string, expires time.Time) (string, error) {
	d, ok := m.first.(URLSigner)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return d.SignURL(ctx, name, expires)
}

// Derive implements Deriver.
func (m mirror) Derive(name, label, ext string) (string, error) {
	if d, ok := m.first.(Deriver); ok {
		return d.Derive(name, label, ext)
	}
	return "", nil
}

// Close leaves both open.
func (m mirror) Close() error { return nil }
