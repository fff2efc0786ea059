package media

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

const (
	spoolMemory = 1 << 20 // bytes held in memory before a spool becomes a file
	sniffBytes  = 1024    // bytes that decide about the type
)

// spool takes bytes of unknown number, counts and hashes them, and gives them
// back as often as wanted. It must be closed.
type spool struct {
	dir  string
	max  int64
	size int64
	hash hash.Hash
	mem  []byte
	file *os.File

	linked bool // the file still has a name
}

func newSpool(dir string, max int64) *spool {
	return &spool{dir: dir, max: max, hash: sha256.New()}
}

// Write implements io.Writer. It fails with ErrTooLarge as soon as the limit is passed.
func (s *spool) Write(p []byte) (int, error) {
	if int64(len(p)) > s.max-s.size {
		return 0, tooLarge("size", "is over the limit of %d bytes", s.max)
	}
	if s.file == nil && len(s.mem)+len(p) > spoolMemory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	if s.file == nil {
		s.mem = append(s.mem, p...)
	} else if n, err := s.file.Write(p); err != nil {
		return n, fmt.Errorf("spool: %w", err)
	}
	s.hash.Write(p)
	s.size += int64(len(p))
	return len(p), nil
}

func (s *spool) spill() error {
	f, err := os.CreateTemp(s.dir, "media-spool-*")
	if err != nil {
		return fmt.Errorf("spool: %w", withoutPath(err))
	}
	s.file = f
	// An unlinked file is gone whatever happens to this process. Where the
	// system refuses that, Close removes it.
	s.linked = os.Remove(f.Name()) != nil
	if _, err := f.Write(s.mem); err != nil {
		return fmt.Errorf("spool: %w", withoutPath(err))
	}
	s.mem = nil
	return nil
}

// fill copies all of r, looking at ctx between the pieces.
func (s *spool) fill(ctx context.Context, r io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := s.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read upload: %w", err)
		}
	}
}

// reader returns a reader from the start. Several do not disturb each other.
func (s *spool) reader() io.ReadSeeker {
	if s.file == nil {
		return bytes.NewReader(s.mem)
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

func (s *spool) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// head returns the bytes that decide about the type.
func (s *spool) head() ([]byte, error) {
	head := make([]byte, min(sniffBytes, s.size))
	_, err := io.ReadFull(s.reader(), head)
	return head, err
}

func (s *spool) Close() error {
	s.mem = nil
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if s.linked {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}

// withoutPath takes the path out of an error of the operating system.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	return err
}
