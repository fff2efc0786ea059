package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// pngKept lists the chunks that pixels, colours and animation need. All others are
// text, time, EXIF or private.
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true,
	"gAMA": true, "cHRM": true, "sRGB": true, "iCCP": true, "cICP": true, "sBIT": true, "bKGD": true, "pHYs": true,
	"acTL": true, "fcTL": true, "fdAT": true,
}

const (
	maxPNGHeader = 1 << 20 // bytes of a chunk that is not pixels
	maxEXIF      = 1 << 20
)

// cleanPNG keeps the chunks of pngKept and checks the CRC of each (W3C PNG, third edition).
func cleanPNG(w io.Writer, r io.ReadSeeker) (structure, error) {
	p := pngWalk{r: bufio.NewReaderSize(r, 32<<10), w: bufio.NewWriterSize(w, 32<<10), st: structure{orientation: upright}}
	if err := p.walk(); err != nil {
		return p.st, cut(err)
	}
	return p.st, p.w.Flush()
}

type pngWalk struct {
	r     *bufio.Reader
	w     *bufio.Writer
	st    structure
	color pngColor
}

func (p *pngWalk) walk() error {
	start := make([]byte, len(pngMagic))
	if _, err := io.ReadFull(p.r, start); err != nil {
		return err
	}
	if string(start) != pngMagic {
		return errors.New("it does not begin as a PNG")
	}
	p.w.WriteString(pngMagic) // a bufio.Writer keeps its error for Flush
	for {
		kind, err := p.chunk()
		if err != nil {
			return err
		}
		if kind == "IEND" {
			p.st.profile = p.color.profile()
			return nil
		}
	}
}

func (p *pngWalk) chunk() (string, error) {
	var head [8]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return "", err
	}
	length := int64(binary.BigEndian.Uint32(head[:]))
	kind := string(head[4:])
	pixels := kind == "IDAT" || kind == "fdAT"
	keep := pngKept[kind]
	if length >= 1<<31 || keep && !pixels && length > maxPNGHeader {
		return "", errors.New("it has a chunk that is too large")
	}
	if pixels {
		p.st.data += length
	}
	sum := crc32.NewIEEE()
	sum.Write(head[4:])
	to := io.Writer(sum)
	var exif, colors bytes.Buffer
	wanted := p.color.wants(kind, length)
	if keep {
		p.w.Write(head[:])
		to = io.MultiWriter(sum, p.w)
		if wanted {
			to = io.MultiWriter(sum, p.w, &colors)
		}
	} else if kind == "eXIf" && length <= maxEXIF {
		to = io.MultiWriter(sum, &exif)
	}
	if _, err := io.CopyN(to, p.r, length); err != nil {
		return "", err
	}
	var tail [4]byte
	if _, err := io.ReadFull(p.r, tail[:]); err != nil {
		return "", err
	}
	if binary.BigEndian.Uint32(tail[:]) != sum.Sum32() {
		return "", errors.New("it has a chunk whose checksum is wrong")
	}
	if keep {
		p.w.Write(tail[:])
		if wanted {
			p.color.add(kind, colors.Bytes())
		}
	} else if exif.Len() > 0 {
		p.st.orientation = exifOrientation(exif.Bytes())
	}
	return kind, nil
}
