package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// profile is an ICC profile (ICC.1:2022): what the numbers of an image's pixels mean as colours. It is carried over to whatever
// is made of the image, and the pixels stay numbers of that profile.
type profile []byte

const (
	maxProfile = 4 << 20 // bytes of a profile that is read at all
	// maxVariantProfile bounds what a profile may add to a variant. Those of
	// displays and phones have a few hundred bytes, those of presses are out of place here.
	maxVariantProfile = 16 << 10

	profileHeader = 128
	jpegProfile   = "ICC_PROFILE\x00"
	gifProfile    = "ICCRGBG1012"
)

// newProfile returns nil for what is not a profile.
func newProfile(b []byte) profile {
	if len(b) < profileHeader || string(b[36:40]) != "acsp" {
		return nil
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size < profileHeader || size > int64(len(b)) {
		return nil
	}
	return profile(b[:size])
}

// of returns the profile if it describes colours of the kind that an image is encoded with.
func (p profile) of(img image.Image) profile {
	if p == nil {
		return nil
	}
	space := "RGB "
	switch img.(type) {
	case *image.Gray, *image.Gray16:
		space = "GRAY"
	}
	if string(p[16:20]) != space {
		return nil
	}
	return p
}

// small returns the profile if a variant can bear it.
func (p profile) small() profile {
	if len(p) > maxVariantProfile {
		return nil
	}
	return p
}

// segments is the profile as it stands in a JPEG (ICC.1, annex B.4).
func (p profile) segments() []byte {
	const most = 0xFFFF - 2 - len(jpegProfile) - 2
	var b []byte
	count := (len(p) + most - 1) / most
	for i := range count {
		part := p[i*most : min((i+1)*most, len(p))]
		b = binary.BigEndian.AppendUint16(append(b, 0xFF, markerAPP2), uint16(2+len(jpegProfile)+2+len(part)))
		b = append(append(b, jpegProfile...), byte(i+1), byte(count))
		b = append(b, part...)
	}
	return b
}

// chunk is the profile as it stands in a PNG.
func (p profile) chunk() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\x00\x00\x00\x00iCCPICC profile\x00\x00")
	z := zlib.NewWriter(&b)
	if _, err := z.Write(p); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	chunk := b.Bytes()
	binary.BigEndian.PutUint32(chunk, uint32(len(chunk)-8))
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:])), nil
}

// jpegParts are the pieces of a profile as they come along in a JPEG.
type jpegParts struct {
	parts [][]byte // by number
	have  int
	odd   bool // they contradict each other
}

func (j *jpegParts) add(body []byte) {
	body = body[len(jpegProfile):]
	if len(body) < 2 {
		j.odd = true
		return
	}
	number, count := int(body[0]), int(body[1])
	if j.parts == nil {
		j.parts = make([][]byte, count)
	}
	if count != len(j.parts) || number < 1 || number > count || j.parts[number-1] != nil {
		j.odd = true
		return
	}
	j.parts[number-1] = body[2:]
	j.have++
}

// profile returns nil unless all pieces are there.
func (j *jpegParts) profile() profile {
	if j.odd || j.have == 0 || j.have < len(j.parts) {
		return nil
	}
	return newProfile(bytes.Join(j.parts, nil))
}

// inflateProfile reads the body of a PNG's iCCP chunk: a name, a zero for the method, and what has been compressed.
func inflateProfile(body []byte) profile {
	_, compressed, ok := bytes.Cut(body[:len(body):len(body)], []byte{0})
	if !ok || len(compressed) < 1 || compressed[0] != 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(compressed[1:]))
	if err != nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil || len(b) > maxProfile {
		return nil
	}
	return newProfile(b)
}

// gifParts are the data blocks of a profile in a GIF, as they are written: each with its size before it.
type gifParts struct{ b []byte }

// Write implements io.Writer.
func (g *gifParts) Write(block []byte) (int, error) {
	if len(g.b) <= maxProfile {
		g.b = append(g.b, block[1:]...)
	}
	return len(block), nil
}

func (g *gifParts) profile() profile {
	if len(g.b) > maxProfile {
		return nil
	}
	return newProfile(g.b)
}

// encodeImage writes an image as JPEG or PNG, with a profile if that fits it.
func encodeImage(w io.Writer, mediaType string, img image.Image, quality int, p profile) error {
	p = p.of(img)
	if mediaType == PNG {
		const behindHeader = len(pngMagic) + 25
		out := &inserting{w: w, at: behindHeader}
		if p != nil {
			var err error
			if out.what, err = p.chunk(); err != nil {
				return err
			}
		}
		return png.Encode(out, img)
	}
	const behindStart = 2
	return jpeg.Encode(&inserting{w: w, at: behindStart, what: p.segments()}, img, &jpeg.Options{Quality: quality})
}

// inserting puts bytes into what is written, behind the first at of it.
type inserting struct {
	w    io.Writer
	at   int
	what []byte
}

// Write implements io.Writer.
func (i *inserting) Write(b []byte) (n int, err error) {
	if i.what == nil || len(b) < i.at {
		if i.what != nil {
			i.at -= len(b)
		}
		return i.w.Write(b)
	}
	if n, err = i.w.Write(b[:i.at]); err != nil {
		return n, err
	}
	if _, err = i.w.Write(i.what); err != nil {
		return n, err
	}
	rest := b[i.at:]
	i.what = nil
	more, err := i.w.Write(rest)
	return n + more, err
}
