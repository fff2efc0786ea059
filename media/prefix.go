package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// WithPrefix returns a Driver that keeps its files in a folder of another: one
// backend for several stores, such as one a tenant.
//
//	driver, err := media.WithPrefix(all.Driver(), "tenant-7/")
//	tenant, err := media.New(driver, nil)
//
// The prefix must end with a slash. All optional abilities of the driver are passed on. Closing it leaves the driver open.
// It returns an *InvalidError for a prefix that cannot begin a name, and errors.ErrUnsupported for a driver that names files itself (a Deriver), since it has no folders.
func WithPrefix(driver Driver, prefix string) (Driver, error) {
	folder, ok := strings.CutSuffix(prefix, "/")
	if !ok {
		return nil, fmt.Errorf("media: with prefix: %w", invalid("prefix", "does not end with a slash"))
	}
	if err := CheckName(folder); err != nil {
		return nil, fmt.Errorf("media: with prefix: %w", err)
	}
	if !takesNames(driver) {
		return nil, fmt.Errorf("media: with prefix: driver names files itself: %w", errors.ErrUnsupported)
	}
	return prefixed{driver, prefix}, nil
}

type prefixed struct {
	driver Driver
	prefix string
}

// file takes the prefix off again.
func (p prefixed) file(f File, err error) (File, error) {
	f.Name = strings.TrimPrefix(f.Name, p.prefix)
	return f, err
}

func (p prefixed) upload(u *Upload) *Upload {
	inner := *u
	inner.Name = p.prefix + u.Name
	if u.From != "" {
		inner.From = p.prefix + u.From
	}
	return &inner
}

func (p prefixed) Put(ctx context.Context, u *Upload) (File, error) {
	return p.file(p.driver.Put(ctx, p.upload(u)))
}

func (p prefixed) Open(ctx context.Context, file File, offset, length int64) (io.ReadCloser, error) {
	file.Name = p.prefix + file.Name
	return p.driver.Open(ctx, file, offset, length)
}

func (p prefixed) Stat(ctx context.Context, name string) (File, error) {
	return p.file(p.driver.Stat(ctx, p.prefix+name))
}

func (p prefixed) Delete(ctx context.Context, name string) error {
	return p.driver.Delete(ctx, p.prefix+name)
}

func (p prefixed) Close() error { return nil }

// OpenFile implements Opener.
func (p prefixed) OpenFile(ctx context.Context, name string) (File, io.ReadSeekCloser, error) {
	d, ok := p.driver.(Opener)
	if !ok {
		return File{}, nil, errors.ErrUnsupported
	}
	f, r, err := d.OpenFile(ctx, p.prefix+name)
	f, err = p.file(f, err)
	return f, r, err
}

// List implements Lister.
func (p prefixed) List(ctx context.Context, prefix, after string, limit int) ([]File, error) {
	d, ok := p.driver.(Lister)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	if after != "" {
		after = p.prefix + after
	}
	files, err := d.List(ctx, p.prefix+prefix, after, limit)
	for i := range files {
		files[i], _ = p.file(files[i], nil)
	}
	return files, err
}

// Copy implements Copier.
func (p prefixed) Copy(ctx context.Context, from string, u *Upload) (File, error) {
	d, ok := p.driver.(Copier)
	if !ok {
		return File{}, errors.ErrUnsupported
	}
	return p.file(d.Copy(ctx, p.prefix+from, p.upload(u)))
}

// SetMetadata implements MetadataSetter.
func (p prefixed) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	d, ok := p.driver.(MetadataSetter)
	if !ok {
		return errors.ErrUnsupported
	}
	return d.SetMetadata(ctx, p.prefix+name, metadata)
}

// URL implements URLer.
func (p prefixed) URL(name string) string {
	if d, ok := p.driver.(URLer); ok {
		return d.URL(p.prefix + name)
	}
	return ""
}

// SignURL implements URLSigner.
func (p prefixed) SignURL(ctx context.Context, name string, expires time.Time) (string, error) {
	d, ok := p.driver.(URLSigner)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return d.SignURL(ctx, p.prefix+name, expires)
}
