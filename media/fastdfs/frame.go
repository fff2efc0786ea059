package fastdfs

import (
	"bytes"
	"encoding/binary"
)

// Every message is a header of ten bytes and a body. All numbers are big endian.
const (
	headerSize = 10
	groupSize  = 16 // bytes of a group's name in a message
	extSize    = 6
	prefixSize = 16
	// maxAnswer bounds the answers that are held in memory. The largest real ones, lists of groups
	// and metadata, stay below the 256 KiB of the servers' buffers.
	maxAnswer = 1 << 20
)

type header struct {
	length  int64
	command Command
	status  uint8
}

func parseHeader(b []byte) (header, error) {
	if len(b) < headerSize {
		return header{}, protocolError("header of %d bytes", len(b))
	}
	h := header{int64(binary.BigEndian.Uint64(b)), Command(b[8]), b[9]}
	if h.command != commandAnswer {
		return header{}, protocolError("command %d in an answer", h.command)
	}
	if h.length < 0 {
		return header{}, protocolError("length %d", h.length)
	}
	return h, nil
}

// request is a message on its way out. Its header is completed by end.
type request []byte

func newRequest(command Command, capacity int) request {
	r := make(request, headerSize, headerSize+capacity)
	r[8] = byte(command)
	return r
}

func (r request) int64(v int64) request { return binary.BigEndian.AppendUint64(r, uint64(v)) }

func (r request) int32(v int32) request { return binary.BigEndian.AppendUint32(r, uint32(v)) }

func (r request) byte(v byte) request { return append(r, v) }

func (r request) text(s string) request { return append(r, s...) }

// fixed appends s with NULs up to size; s is not longer.
func (r request) fixed(s string, size int) request {
	r = append(r, s...)
	return append(r, make([]byte, size-len(s))...)
}

// end writes the length: what is in r and another following bytes.
func (r request) end(following int64) request {
	binary.BigEndian.PutUint64(r, uint64(int64(len(r)-headerSize)+following))
	return r
}

func (r request) command() Command { return Command(r[8]) }

// fields takes an answer apart. Running out of bytes sets short and gives zeros.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if len(f.b) < n {
		f.short, f.b = true, nil
		return make([]byte, n)
	}
	part := f.b[:n]
	f.b = f.b[n:]
	return part
}

func (f *fields) int64() int64 { return int64(binary.BigEndian.Uint64(f.take(8))) }

func (f *fields) int32() int32 { return int32(binary.BigEndian.Uint32(f.take(4))) }

func (f *fields) byte() byte { return f.take(1)[0] }

// text reads a field padded with NULs. What stands behind the first one may be anything.
func (f *fields) text(n int) string {
	part := f.take(n)
	if at := bytes.IndexByte(part, 0); at >= 0 {
		part = part[:at]
	}
	return string(part)
}
