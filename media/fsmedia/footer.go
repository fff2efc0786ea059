package fsmedia

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"strings"
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

// scan reads the text as writeFooter writes it: many times faster than json.Unmarshal, and every request for a file needs it.
// It gives up on whatever it does not expect.
func (ft *footer) scan(text string) bool {
	s := scanner{rest: text}
	ft.Size = s.number(`{"size":`)
	ft.Type = s.text(`,"type":"`)
	ft.SHA256 = s.text(`,"sha256":"`)
	if strings.HasPrefix(s.rest, `,"width":`) {
		ft.Width = int(s.number(`,"width":`))
	}
	if strings.HasPrefix(s.rest, `,"height":`) {
		ft.Height = int(s.number(`,"height":`))
	}
	at := s.text(`,"time":"`)
	if !s.strange && ft.ModTime.UnmarshalText([]byte(at)) != nil {
		return false
	}
	if metadata, ok := strings.CutPrefix(s.rest, `,"metadata":`); ok && !s.strange {
		object := strings.TrimSuffix(metadata, "}")
		return object != metadata && json.Unmarshal([]byte(object), &ft.Metadata) == nil
	}
	return !s.strange && s.rest == "}"
}

// scanner takes JSON apart that is known beforehand. What is not so makes it strange.
type scanner struct {
	rest    string
	strange bool
}

func (s *scanner) skip(lead string) {
	rest, ok := strings.CutPrefix(s.rest, lead)
	s.rest, s.strange = rest, s.strange || !ok
}

// number reads the digits behind lead, not so many that they could overflow.
func (s *scanner) number(lead string) (n int64) {
	s.skip(lead)
	i := 0
	for i < len(s.rest) && i < 18 && s.rest[i] >= '0' && s.rest[i] <= '9' {
		n = 10*n + int64(s.rest[i]-'0')
		i++
	}
	s.strange = s.strange || i == 0 || i > 1 && s.rest[0] == '0'
	s.rest = s.rest[i:]
	return n
}

// text reads a string behind lead in which nothing is escaped.
func (s *scanner) text(lead string) string {
	s.skip(lead)
	for i := range len(s.rest) {
		switch c := s.rest[i]; {
		case c == '"':
			t := s.rest[:i]
			s.rest = s.rest[i+1:]
			return t
		case c < ' ' || c > '~' || c == '\\':
			s.strange = true
			return ""
		}
	}
	s.strange = true
	return ""
}

// readFooter describes an open file. It reads the end of the file into end, and reports whether that is all of it.
func readFooter(f *os.File, name string, end []byte) (_ media.File, all bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return media.File{}, false, err
	}
	if !info.Mode().IsRegular() {
		return media.File{}, false, media.ErrNotFound
	}
	size := info.Size()
	if size > int64(len(end)) {
		end = end[:footerGuess] // of a large file no more than is needed
	}
	n, text, err := footerText(f, size, end)
	if err != nil {
		return media.File{}, false, err
	}
	all = int64(n) == size
	if ft, ok := parseFooter(text); ok && ft.Size == size-int64(len(text)+tailSize) {
		return media.File{Name: name, Size: ft.Size, Type: ft.Type, SHA256: ft.SHA256, Width: ft.Width, Height: ft.Height, ModTime: ft.ModTime, Metadata: ft.Metadata}, all, nil
	}
	described, err := foreign(f, name, info)
	return described, all && err == nil, err
}

func parseFooter(text []byte) (ft footer, ok bool) {
	if len(text) == 0 {
		return ft, false
	}
	if ft.scan(string(text)) {
		return ft, true
	}
	ft = footer{}
	return ft, json.Unmarshal(text, &ft) == nil
}

// footerText reads the end of the file into end, as far as there is room. It returns how many bytes that are, and the JSON of the
// footer, which is empty if there is none.
func footerText(r io.ReaderAt, size int64, end []byte) (n int, text []byte, err error) {
	end = end[:min(size, int64(len(end)))]
	n, err = r.ReadAt(end, size-int64(len(end)))
	if err != nil && err != io.EOF {
		return 0, nil, err
	}
	end = end[:n] // somebody may have cut it meanwhile
	if len(end) < tailSize || string(end[len(end)-len(magic):]) != magic {
		return n, nil, nil
	}
	tail := end[len(end)-tailSize:]
	sum, length := binary.BigEndian.Uint32(tail), int64(binary.BigEndian.Uint32(tail[4:]))
	if length > maxFooter || length > size-int64(tailSize) {
		return n, nil, nil
	}
	if have := int64(len(end) - tailSize); length <= have {
		text = end[have-length : have]
	} else {
		text = make([]byte, length)
		if _, err := r.ReadAt(text, size-int64(tailSize)-length); err != nil {
			return 0, nil, err
		}
	}
	if crc32.ChecksumIEEE(text) != sum {
		return n, nil, nil
	}
	return n, text, nil
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
