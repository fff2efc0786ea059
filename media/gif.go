package media

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// gifApplications are the extensions that an animation and its colours need.
var gifApplications = map[string]bool{"NETSCAPE2.0": true, "ANIMEXTS1.0": true, gifProfile: true}

// cleanGIF keeps frames, their controls, and the applications above (GIF 89a);
// it drops comments, plain text and everything behind the end.
func cleanGIF(w io.Writer, r io.ReadSeeker) (structure, error) {
	g := gifWalk{r: bufio.NewReaderSize(r, 32<<10), w: bufio.NewWriterSize(w, 32<<10), st: structure{orientation: upright}}
	if err := g.walk(); err != nil {
		return g.st, cut(err)
	}
	return g.st, g.w.Flush()
}

// maxGIFFrames bounds the frames of an animation: one of a single pixel takes 20 bytes of the file, but a few
// hundred, or 5,000 with colours of its own, once it is decoded.
const maxGIFFrames = 2000

type gifWalk struct {
	r  *bufio.Reader
	w  *bufio.Writer
	st structure
}

func (g *gifWalk) walk() error {
	head, err := g.copy(13) // signature and logical screen
	if err != nil {
		return err
	}
	if string(head[:6]) != "GIF87a" && string(head[:6]) != "GIF89a" {
		return errors.New("it does not begin as a GIF")
	}
	if err := g.colors(head[10]); err != nil {
		return err
	}
	for {
		block, err := g.r.ReadByte()
		if err != nil {
			return err
		}
		switch block {
		case 0x3B:
			return g.w.WriteByte(block)
		case 0x2C:
			err = g.frame()
		case 0x21:
			err = g.extension()
		case 0: // some encoders leave one behind a frame
		default:
			err = errors.New("it has an unknown block")
		}
		if err != nil {
			return err
		}
	}
}

// copy reads n bytes, writes and returns them.
func (g *gifWalk) copy(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(g.r, b); err != nil {
		return nil, err
	}
	_, err := g.w.Write(b)
	return b, err
}

// colors copies the colour table that the flags of a screen or frame announce.
func (g *gifWalk) colors(flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	_, err := g.copy(3 << (flags&7 + 1))
	return err
}

func (g *gifWalk) frame() error {
	if g.st.frames++; g.st.frames > maxGIFFrames {
		return tooLarge("content", "has more than %d frames", maxGIFFrames)
	}
	g.w.WriteByte(0x2C)
	head, err := g.copy(9)
	if err != nil {
		return err
	}
	g.st.pixels += int64(binary.LittleEndian.Uint16(head[4:])) * int64(binary.LittleEndian.Uint16(head[6:]))
	if err := g.colors(head[8]); err != nil {
		return err
	}
	if _, err := g.copy(1); err != nil { // size of the first codes
		return err
	}
	return g.blocks(g.w)
}

func (g *gifWalk) extension() error {
	label, err := g.r.ReadByte()
	if err != nil {
		return err
	}
	size, err := g.r.ReadByte()
	if err != nil {
		return err
	}
	first := make([]byte, size)
	if _, err := io.ReadFull(g.r, first); err != nil {
		return err
	}
	const control, application = 0xF9, 0xFF
	to := io.Discard
	if label == control || label == application && gifApplications[string(first)] {
		to = g.w
	}
	if _, err := to.Write(append([]byte{0x21, label, size}, first...)); err != nil {
		return err
	}
	if size == 0 {
		return nil
	}
	if label != application || string(first) != gifProfile {
		return g.blocks(to)
	}
	var parts gifParts
	err = g.blocks(io.MultiWriter(to, &parts))
	g.st.profile = parts.profile()
	return err
}

// blocks copies data blocks up to the empty one that ends them.
func (g *gifWalk) blocks(to io.Writer) error {
	var buf [256]byte
	for {
		size, err := g.r.ReadByte()
		if err != nil {
			return err
		}
		buf[0] = size
		if _, err := io.ReadFull(g.r, buf[1:1+int(size)]); err != nil {
			return err
		}
		if _, err := to.Write(buf[:1+int(size)]); err != nil || size == 0 {
			return err
		}
		if to != io.Discard {
			g.st.data += int64(size)
		}
	}
}
