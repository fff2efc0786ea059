package media

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Reader reads a stored file. It is an io.ReadSeekCloser and must be closed. It is for one goroutine at a time.
type Reader struct {
	file     File
	original string // of a variant: the hash of what it was made of
	ctx      context.Context
	driver   Driver

	random io.ReadSeekCloser // of an Opener, or nil
	stream io.ReadCloser     // the running range, or nil
	offset int64
	closed bool
}

// Open opens a file. Reading continues only as long as ctx does. ErrNotFound if
// there is no such file. Should the file be replaced before it has been read, the reader
// gives the old content or, on backends that cannot, ends with ErrChanged.
func (s *Store) Open(ctx context.Context, name string) (*Reader, error) {
	ctx, end := s.start(ctx, "open", name)
	name, err := s.ready(name)
	if err != nil {
		return nil, end(err)
	}
	r, err := openDriver(ctx, s.driver, name)
	return r, end(err)
}

func openDriver(ctx context.Context, driver Driver, name string) (*Reader, error) {
	if d, ok := driver.(Opener); ok {
		f, random, err := d.OpenFile(ctx, name)
		if err == nil {
			return &Reader{file: f, ctx: ctx, random: random}, nil
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
	}
	f, err := driver.Stat(ctx, name)
	if err != nil {
		return nil, err
	}
	return &Reader{file: f, ctx: ctx, driver: driver}, nil
}

// File describes what is read.
func (r *Reader) File() File { return r.file }

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fmt.Errorf("media: read: %w", ErrClosed)
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if r.random != nil {
		return r.random.Read(p)
	}
	if r.offset >= r.file.Size {
		return 0, io.EOF
	}
	if r.stream == nil {
		stream, err := r.driver.Open(r.ctx, r.file, r.offset, -1)
		if err != nil {
			return 0, fmt.Errorf("media: read: %w", err)
		}
		r.stream = stream
	}
	n, err := r.stream.Read(p)
	r.offset += int64(n)
	if err == io.EOF && r.offset < r.file.Size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Seek implements io.Seeker. It costs nothing until the next Read.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	if r.closed {
		return 0, fmt.Errorf("media: seek: %w", ErrClosed)
	}
	if r.random != nil {
		return r.random.Seek(offset, whence)
	}
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.file.Size
	case io.SeekStart:
	default:
		return 0, errors.New("media: seek: whence is none of io.SeekStart, SeekCurrent, SeekEnd")
	}
	if offset < 0 {
		return 0, errors.New("media: seek: before the start of the file")
	}
	if offset != r.offset {
		r.offset = offset
		return offset, r.stop()
	}
	return offset, nil
}

func (r *Reader) stop() error {
	if r.stream == nil {
		return nil
	}
	err := r.stream.Close()
	r.stream = nil
	return err
}

// Close implements io.Closer. Idempotent.
func (r *Reader) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.random != nil {
		return r.random.Close()
	}
	return r.stop()
}
