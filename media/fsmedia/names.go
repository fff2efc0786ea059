package fsmedia

import (
	"strings"

	"github.com/seed82d84382/commerce/media"
)

// maxDiskSegment leaves room below the 255 bytes that file systems commonly allow.
const maxDiskSegment = 250

// diskName escapes a name for the file system.
func diskName(name string) (string, error) {
	same := true
	for segment := range strings.SplitSeq(name, "/") {
		escaped := escape(segment)
		if len(escaped) > maxDiskSegment {
			return "", &media.InvalidError{Field: "name", Reason: "is too long for the file system once its special characters are escaped"}
		}
		same = same && escaped == segment
	}
	if same {
		return name, nil
	}
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		segments[i] = escape(segment)
	}
	return strings.Join(segments, "/"), nil
}

const hexDigits = "0123456789ABCDEF"

func escape(segment string) string {
	device := isDevice(segment)
	special := func(i int) bool {
		c := segment[i]
		return c < 0x20 || c == 0x7f || strings.IndexByte(`<>:"\|?*%`, c) >= 0 || c == '.' && (i == 0 || i == len(segment)-1) || i == 0 && device
	}
	i := 0
	for i < len(segment) && !special(i) {
		i++
	}
	if i == len(segment) {
		return segment
	}
	var b strings.Builder
	b.WriteString(segment[:i])
	for ; i < len(segment); i++ {
		if c := segment[i]; special(i) {
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isDevice: Windows reserves these names, whatever extension follows.
func isDevice(segment string) bool {
	stem, _, _ := strings.Cut(segment, ".")
	if len(stem) != 3 && len(stem) != 4 {
		return false
	}
	stem = strings.ToUpper(stem)
	switch stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(stem) == 4 && (stem[:3] == "COM" || stem[:3] == "LPT") && stem[3] >= '0' && stem[3] <= '9'
}

// unescape is the way back; it refuses what escape would not have written.
func unescape(segment string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(segment); i++ {
		if segment[i] != '%' {
			b.WriteByte(segment[i])
			continue
		}
		if i+2 >= len(segment) {
			return "", false
		}
		hi, lo := strings.IndexByte(hexDigits, segment[i+1]), strings.IndexByte(hexDigits, segment[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	name := b.String()
	return name, escape(name) == segment
}
