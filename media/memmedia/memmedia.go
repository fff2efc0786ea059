// Package memmedia keeps a media.Store in memory, for tests and for small caches.
//
//	images, err := memmedia.Open(&memmedia.Options{Capacity: 64 << 20})
//
// What it holds is bounded in bytes: a save over Options.Capacity fails with media.ErrFull, and nothing is evicted.
package memmedia

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/seed82d84382/commerce/media"
)

// DefaultCapacity is the Capacity of the zero Options.
const DefaultCapacity = 256 << 20

// Options of a store in memory.
type Options struct {
	media.Options
	// Capacity is how many bytes of content it holds at most, variants included. Default DefaultCapacity, -1 no bound.
	Capacity int64
}

// Open returns an empty store. It returns an error for options out of range.
func Open(options *Options) (*media.Store, error) {
	var o Options
	if options != nil {
		o = *options
	}
	switch {
	case o.Capacity == 0:
		o.Capacity = DefaultCapacity
	case o.Capacity == -1:
		o.Capacity = 1<<63 - 1
	case o.Capacity < -1:
		return nil, &media.InvalidError{Field: "options", Reason: fmt.Sprintf("Capacity is %d, allowed are -1 (none), 0 (default) and more", o.Capacity)}
	}
	return media.New(&driver{capacity: o.Capacity, entries: map[string]entry{}}, &o.Options)
}

type entry struct {
	file    media.File
	content []byte // never changed once it is here
}

type driver struct {
	mu       sync.RWMutex
	capacity int64
	used     int64
	entries  map[string]entry
	names    []string // sorted
}

func (d *driver) Put(ctx context.Context, upload *media.Upload) (media.File, error) {
	if !d.fits(upload) { // before taking memory for it
		return media.File{}, media.ErrFull
	}
	content := make([]byte, upload.Size)
	if _, err := io.ReadFull(upload.Content, content); err != nil {
		return media.File{}, err
	}
	if err := ctx.Err(); err != nil {
		return media.File{}, err
	}
	return d.insert(upload, content)
}

func (d *driver) fits(upload *media.Upload) bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return upload.Size <= d.capacity-d.used+d.entries[upload.Name].file.Size
}

func (d *driver) insert(upload *media.Upload, content []byte) (media.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old, there := d.entries[upload.Name]
	if there && upload.IfNotExists {
		return media.File{}, media.ErrExists
	}
	if upload.Size > d.capacity-d.used+old.file.Size {
		return media.File{}, media.ErrFull
	}
	if !there {
		at, _ := slices.BinarySearch(d.names, upload.Name)
		d.names = slices.Insert(d.names, at, upload.Name)
	}
	d.used += upload.Size - old.file.Size
	d.entries[upload.Name] = entry{upload.File(upload.Name), content}
	return upload.File(upload.Name), nil
}

func (d *driver) get(ctx context.Context, name string) (entry, error) {
	if err := ctx.Err(); err != nil {
		return entry{}, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	e, ok := d.entries[name]
	if !ok {
		return entry{}, media.ErrNotFound
	}
	e.file.Metadata = maps.Clone(e.file.Metadata)
	return e, nil
}

func (d *driver) Open(ctx context.Context, file media.File, offset, length int64) (io.ReadCloser, error) {
	e, err := d.get(ctx, file.Name)
	if err != nil {
		return nil, err
	}
	if file.SHA256 != "" && file.SHA256 != e.file.SHA256 {
		return nil, media.ErrChanged
	}
	if length < 0 {
		length = e.file.Size - offset
	}
	return io.NopCloser(io.NewSectionReader(bytes.NewReader(e.content), offset, length)), nil
}

// OpenFile implements media.Opener.
func (d *driver) OpenFile(ctx context.Context, name string) (media.File, io.ReadSeekCloser, error) {
	e, err := d.get(ctx, name)
	if err != nil {
		return media.File{}, nil, err
	}
	return e.file, reader{bytes.NewReader(e.content)}, nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

func (d *driver) Stat(ctx context.Context, name string) (media.File, error) {
	e, err := d.get(ctx, name)
	return e.file, err
}

func (d *driver) Delete(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.entries[name]
	if !ok {
		return media.ErrNotFound
	}
	delete(d.entries, name)
	at, _ := slices.BinarySearch(d.names, name)
	d.names = slices.Delete(d.names, at, at+1)
	d.used -= e.file.Size
	return nil
}

// List implements media.Lister.
func (d *driver) List(ctx context.Context, prefix, after string, limit int) ([]media.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	at, found := slices.BinarySearch(d.names, max(prefix, after))
	if found && after >= prefix {
		at++
	}
	var files []media.File
	for ; at < len(d.names) && len(files) < limit && strings.HasPrefix(d.names[at], prefix); at++ {
		f := d.entries[d.names[at]].file
		f.Metadata = maps.Clone(f.Metadata)
		files = append(files, f)
	}
	return files, nil
}

// Copy implements media.Copier: the content is shared, since it never changes.
func (d *driver) Copy(ctx context.Context, from string, upload *media.Upload) (media.File, error) {
	e, err := d.get(ctx, from)
	if err != nil {
		return media.File{}, err
	}
	if e.file.SHA256 != upload.SHA256 {
		return media.File{}, media.ErrChanged
	}
	return d.insert(upload, e.content)
}

// SetMetadata implements media.MetadataSetter.
func (d *driver) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.entries[name]
	if !ok {
		return media.ErrNotFound
	}
	e.file.Metadata = maps.Clone(metadata)
	d.entries[name] = e
	return nil
}

// Close lets go of the content. Readers that are open keep theirs.
func (d *driver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries, d.names, d.used = map[string]entry{}, nil, 0
	return nil
}
