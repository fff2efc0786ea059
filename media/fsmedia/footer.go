package fsmedia

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/seed82d84382/commerce/media"
)

// A footer is JSON, then a tail: its CRC-32 (IEEE), its length, and the magic, big endian.
const (
	magic     = "\x00media1\n"
	tailSize  = 4 + 4 + len(magic)
	maxFooter = 64 << 10
	// footerGuess is read in one piece with the tail; nearly every footer fits.
	footerGuess = 512
)

type footer struct {
	Size     int64             `json:"size"`
	Type     string            `json:"type"`
	SHA256   string            `json:"sha256"`
	Width    int               `json:"width,omitempty"`
	Height   int               `json:"height,omitempty"`
	ModTime  time.Time         `json:"time"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

func writeFooter(w io.Writer, f media.File) error {
	text, err := json.Marshal(footer{f.Size, f.Type, f.SHA256, f.Width, f.Height, f.ModTime, f.Metadata})
	if err != nil {
		return err
	}
	if len(text) > maxFooter {
		return errors.New("description too large")
	}
	sum := crc32.ChecksumIEEE(text)
	length := uint32(len(text))
	text = binary.BigEndian.AppendUint32(text, sum)
	text = binary.BigEndian.AppendUint32(text, length)
	_, err = w.Write(append(text, magic...))
	return err
}

// readFooter describes an open file.
func readFooter(f *os.File, name string) (media.File, error) {
	info, err := f.Stat()
	if err != nil {
		return media.File{}, err
	}
	if !info.Mode().IsRegular() {
		return media.File{}, media.ErrNotFound
	}
	if text, ok, err := footerText(f, info.Size()); err != nil {
		return media.File{}, err
	} else if ok {
		var ft footer
		if json.Unmarshal(text, &ft) == nil && ft.Size == info.Size()-int64(len(text)+tailSize) {
			return media.File{Name: name, Size: ft.Size, Type: ft.Type, SHA256: ft.SHA256, Width: ft.Width, Height: ft.Height, ModTime: ft.ModTime, Metadata: ft.Metadata}, nil
		}
	}
	return foreign(f, name, info)
}

// footerText returns the JSON of the footer, if there is one.
func footerText(r io.ReaderAt, size int64) ([]byte, bool, error) {
	end := make([]byte, min(size, footerGuess))
	if _, err := r.ReadAt(end, size-int64(len(end))); err != nil && err != io.EOF {
		return nil, false, err
	}
	if len(end) < tailSize || string(end[len(end)-len(magic):]) != magic {
		return nil, false, nil
	}
	tail := end[len(end)-tailSize:]
	sum, length := binary.BigEndian.Uint32(tail), int64(binary.BigEndian.Uint32(tail[4:]))
	if length > maxFooter || length > size-int64(tailSize) {
		return nil, false, nil
	}
	text := make([]byte, length)
	if have := int64(len(end) - tailSize); length <= have {
		copy(text, end[have-length:have])
	} else if _, err := r.ReadAt(text, size-int64(tailSize)-length); err != nil {
		return nil, false, err
	}
	return text, crc32.ChecksumIEEE(text) == sum, nil
}

// foreign describes a file that this package did not write.
func foreign(f *os.File, name string, info os.FileInfo) (media.File, error) {
	head := make([]byte, 1024)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return media.File{}, err
	}
	return media.File{Name: name, Size: info.Size(), Type: media.Sniff(head[:n]), ModTime: info.ModTime().UTC()}, nil
}
