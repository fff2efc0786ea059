package fastdfs

import (
	"hash/crc32"
	"io"
	"os"
)

// source is content on its way to a server. Its own errors are kept apart from those of the connection, and
// it keeps the checksum of what has been read through it.
type source struct {
	r   io.Reader
	err error
	sum uint32
	raw bool // bytes may have passed by the checksum
}

// full fills p, or fails.
func (s *source) full(p []byte) (int, error) {
	n, err := io.ReadFull(s.r, p)
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p[:n])
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

// upTo fills p, or less at the end of the content.
func (s *source) upTo(p []byte) (int, error) {
	n, err := io.ReadFull(s.r, p)
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p[:n])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return n, nil
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

// file is the content if the operating system can send it by itself.
func (s *source) file() *os.File {
	f, ok := s.r.(*os.File)
	if ok {
		s.raw = true
		return f
	}
	return nil
}
