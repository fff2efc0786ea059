package media

import (
	"encoding/binary"
	"errors"
	"io"
)

// Flags of the VP8X chunk (RFC 9649, section 2.7).
const (
	webpAnimation = 0x02
	webpXMP       = 0x04
	webpEXIF      = 0x08
	webpAlpha     = 0x10
	webpProfile   = 0x20
)

// webpChunk is a chunk to keep: from the file, or made here.
type webpChunk struct {
	kind   string
	offset int64
	size   uint32
	made   []byte
}

// cleanWebP keeps the chunks of pixels and colours (RFC 9649). Its header tells the size, so
// it looks first and then copies.
func cleanWebP(w io.Writer, r io.ReadSeeker) (structure, error) {
	st, chunks, err := walkWebP(r)
	if err != nil {
		return st, cut(err)
	}
	return st, cut(writeWebP(w, r, chunks))
}

func walkWebP(r io.ReadSeeker) (structure, []webpChunk, error) {
	st := structure{orientation: upright}
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return st, nil, err
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WEBP" {
		return st, nil, errors.New("it does not begin as a WebP")
	}
	end := int64(binary.LittleEndian.Uint32(head[4:])) + 8
	size, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return st, nil, err
	}
	if size < end {
		return st, nil, errCut
	}
	var chunks []webpChunk
	seen := map[string]bool{}
	for at := int64(12); at < end; {
		var h [8]byte
		if err := readAt(r, at, h[:]); err != nil {
			return st, nil, err
		}
		c := webpChunk{kind: string(h[:4]), offset: at + 8, size: binary.LittleEndian.Uint32(h[4:])}
		at = c.offset + int64(c.size) + int64(c.size&1)
		if at > end {
			return st, nil, errCut
		}
		keep, err := st.webpChunk(r, &c)
		if err != nil {
			return st, nil, err
		}
		if !keep {
			continue
		}
		if seen[c.kind] {
			return st, nil, errors.New("it has two chunks of the kind " + c.kind)
		}
		seen[c.kind] = true
		chunks = append(chunks, c)
	}
	if st.width == 0 {
		return st, nil, errors.New("it has no pixels")
	}
	if st.orientation != upright && chunks[0].kind == "VP8X" {
		chunks[0].made[0] |= webpEXIF
		exif := orientationOnly(st.orientation)
		chunks = append(chunks, webpChunk{kind: "EXIF", size: uint32(len(exif)), made: exif})
	}
	return st, chunks, nil
}

// webpChunk looks at one chunk and decides whether it is kept.
func (st *structure) webpChunk(r io.ReadSeeker, c *webpChunk) (bool, error) {
	switch c.kind {
	case "VP8X":
		if c.size != 10 {
			return false, errors.New("its VP8X chunk has the wrong size")
		}
		c.made = make([]byte, c.size)
		if err := readAt(r, c.offset, c.made); err != nil {
			return false, err
		}
		if c.made[0]&webpAnimation != 0 {
			return false, errors.New("it is an animation")
		}
		c.made[0] &^= webpXMP | webpEXIF
		return true, nil
	case "VP8 ":
		var h [10]byte
		if err := readAt(r, c.offset, h[:]); err != nil {
			return false, err
		}
		st.data = int64(c.size)
		st.width, st.height = int(binary.LittleEndian.Uint16(h[6:])&0x3FFF), int(binary.LittleEndian.Uint16(h[8:])&0x3FFF)
		return true, nil
	case "VP8L":
		var h [5]byte
		if err := readAt(r, c.offset, h[:]); err != nil {
			return false, err
		}
		bits := binary.LittleEndian.Uint32(h[1:])
		st.data = int64(c.size)
		st.width, st.height = int(bits&0x3FFF)+1, int(bits>>14&0x3FFF)+1
		return true, nil
	case "ICCP":
		if c.size > maxProfile {
			return true, nil
		}
		b := make([]byte, c.size)
		if err := readAt(r, c.offset, b); err != nil {
			return false, err
		}
		st.profile = newProfile(b)
		return true, nil
	case "EXIF":
		tiff := make([]byte, min(c.size, maxEXIF))
		if err := readAt(r, c.offset, tiff); err != nil {
			return false, err
		}
		if len(tiff) > 6 && string(tiff[:6]) == "Exif\x00\x00" { // against the RFC, but seen
			tiff = tiff[6:]
		}
		st.orientation = exifOrientation(tiff)
		return false, nil
	}
	return c.kind == "ALPH", nil
}

func readAt(r io.ReadSeeker, at int64, b []byte) error {
	if _, err := r.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.ReadFull(r, b)
	return err
}

func writeWebP(w io.Writer, r io.ReadSeeker, chunks []webpChunk) error {
	total := uint32(4)
	for _, c := range chunks {
		total += 8 + c.size + c.size&1
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), total)
	if _, err := w.Write(append(head, "WEBP"...)); err != nil {
		return err
	}
	for _, c := range chunks {
		if _, err := w.Write(binary.LittleEndian.AppendUint32([]byte(c.kind), c.size)); err != nil {
			return err
		}
		if c.made != nil {
			if _, err := w.Write(c.made); err != nil {
				return err
			}
		} else {
			if _, err := r.Seek(c.offset, io.SeekStart); err != nil {
				return err
			}
			if _, err := io.CopyN(w, r, int64(c.size)); err != nil {
				return err
			}
		}
		if c.size&1 == 1 {
			if _, err := w.Write([]byte{0}); err != nil {
				return err
			}
		}
	}
	return nil
}
