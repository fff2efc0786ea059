package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// JPEG markers (ITU-T T.81, table B.1).
const (
	markerSOF0  = 0xC0
	markerSOF2  = 0xC2
	markerDHT   = 0xC4
	markerRST0  = 0xD0
	markerRST7  = 0xD7
	markerSOI   = 0xD8
	markerEOI   = 0xD9
	markerSOS   = 0xDA
	markerAPP0  = 0xE0
	markerAPP1  = 0xE1
	markerAPP2  = 0xE2
	markerAPP14 = 0xEE
	markerAPP15 = 0xEF
	markerCOM   = 0xFE
)

// cleanJPEG keeps what the pixels and their colours need: JFIF, Adobe's colour
// transform, the colour profile, tables, frames and scans.
func cleanJPEG(w io.Writer, r io.ReadSeeker) (structure, error) {
	j := jpegWalk{r: bufio.NewReaderSize(r, 32<<10), w: bufio.NewWriterSize(w, 32<<10), st: structure{orientation: upright}}
	if err := j.walk(); err != nil {
		return j.st, cut(err)
	}
	j.st.profile = j.parts.profile()
	return j.st, j.w.Flush()
}

type jpegWalk struct {
	r       *bufio.Reader
	w       *bufio.Writer
	st      structure
	parts   jpegParts
	profile int // bytes of them
}

func (j *jpegWalk) walk() error {
	var soi [2]byte
	if _, err := io.ReadFull(j.r, soi[:]); err != nil {
		return err
	}
	if soi != [2]byte{0xFF, markerSOI} {
		return errors.New("it does not begin as a JPEG")
	}
	j.w.Write(soi[:]) // a bufio.Writer keeps its error for Flush
	marker, err := j.marker()
	for err == nil {
		switch {
		case marker == markerEOI:
			_, err = j.w.Write([]byte{0xFF, markerEOI})
			return err
		case marker == markerSOI || marker == 0x01 || marker >= markerRST0 && marker <= markerRST7:
			return errors.New("it has a marker where none may be")
		}
		if err := j.segment(marker); err != nil {
			return err
		}
		if marker == markerSOS {
			marker, err = j.scan()
		} else {
			marker, err = j.marker()
		}
	}
	return err
}

// marker reads the next marker; any number of fill bytes may go before it.
func (j *jpegWalk) marker() (byte, error) {
	b, err := j.r.ReadByte()
	if err != nil {
		return 0, err
	}
	if b != 0xFF {
		return 0, errors.New("it has bytes where a marker must be")
	}
	for b == 0xFF {
		if b, err = j.r.ReadByte(); err != nil {
			return 0, err
		}
	}
	if b == 0 {
		return 0, errors.New("it has bytes where a marker must be")
	}
	return b, nil
}

// segment reads one segment, and writes it if it is one to keep.
func (j *jpegWalk) segment(marker byte) error {
	var head [4]byte
	head[0], head[1] = 0xFF, marker
	if _, err := io.ReadFull(j.r, head[2:]); err != nil {
		return err
	}
	length := int(binary.BigEndian.Uint16(head[2:]))
	if length < 2 {
		return errors.New("it has a segment without a length")
	}
	body := make([]byte, length-2)
	if _, err := io.ReadFull(j.r, body); err != nil {
		return err
	}
	if j.keep(marker, body) {
		j.w.Write(head[:])
		j.w.Write(body)
	}
	return nil
}

func (j *jpegWalk) keep(marker byte, body []byte) bool {
	switch marker {
	case markerSOF2:
		j.st.progressive = true
	case markerAPP0:
		return bytes.HasPrefix(body, []byte("JFIF\x00"))
	case markerAPP1:
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && j.st.orientation == upright {
			j.st.orientation = exifOrientation(tiff)
		}
		return false
	case markerAPP2:
		if !bytes.HasPrefix(body, []byte(jpegProfile)) || j.profile+len(body) > maxProfile {
			return false
		}
		j.profile += len(body)
		j.parts.add(body)
		return true
	case markerAPP14:
		return bytes.HasPrefix(body, []byte("Adobe"))
	case markerCOM:
		return false
	}
	return marker < markerAPP0 || marker > markerAPP15
}

// scan copies the pixels behind an SOS segment, up to the marker that ends them, and returns that one.
func (j *jpegWalk) scan() (byte, error) {
	for {
		piece, err := j.r.ReadSlice(0xFF)
		j.st.data += int64(len(piece))
		if errors.Is(err, bufio.ErrBufferFull) {
			j.w.Write(piece)
			continue
		}
		if err != nil {
			return 0, err
		}
		j.w.Write(piece[:len(piece)-1])
		b := byte(0xFF)
		for b == 0xFF { // fill bytes
			if b, err = j.r.ReadByte(); err != nil {
				return 0, err
			}
		}
		if b != 0 && (b < markerRST0 || b > markerRST7) {
			return b, nil
		}
		j.w.Write([]byte{0xFF, b})
	}
}
