package media

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The limits on names, in bytes of UTF-8.
const (
	MaxNameBytes    = 512 // a whole name
	MaxSegmentBytes = 240 // the part between two slashes
)

// reserved is the folder of what the store makes for itself. Callers cannot
// name it, and List does not show it, also where another store is a folder of this one.
const reserved = ".variants"

func isReserved(name string) bool { return strings.Contains("/"+name, "/"+reserved+"/") }

// CleanName brings a name into the form that is stored: Unicode form C, then
// the rules of CheckName. It never repairs what breaks a rule.
func CleanName(name string) (string, error) {
	// Before anything that costs: a name may be 10 MB of somebody's malice.
	if len(name) > MaxNameBytes {
		return "", tooLong(name)
	}
	if !isPlain(name) {
		name = norm.NFC.String(name)
	}
	return name, CheckName(name)
}

// isPlain reports whether a name is of printable ASCII without backslashes, as most are: such a name is in Unicode form C.
func isPlain(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}

// CheckName returns an *InvalidError unless name can be the name of a stored
// file: a relative, slash-separated path in Unicode form C, of at most
// MaxNameBytes, with no empty, "." or ".." segments and none longer than
// MaxSegmentBytes, without backslashes, control, format and other unprintable
// characters, without spaces at either end of a segment, and without the segment ".variants".
func CheckName(name string) error {
	if name == "" {
		return invalid("name", "is empty")
	}
	if len(name) > MaxNameBytes {
		return tooLong(name)
	}
	if !utf8.ValidString(name) {
		return invalid("name", "is not UTF-8")
	}
	if name[0] == '/' {
		return invalid("name", "is absolute")
	}
	if !isPlain(name) {
		for _, r := range name {
			if r == '\\' || r == utf8.RuneError || !unicode.IsPrint(r) && !isJoiner(r) {
				return invalid("name", "holds the character %U", r)
			}
		}
		if !norm.NFC.IsNormalString(name) {
			return invalid("name", "is not in Unicode form C")
		}
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch {
		case segment == "":
			return invalid("name", "has an empty segment")
		case segment == "." || segment == "..":
			return invalid("name", "has the segment %q", segment)
		case len(segment) > MaxSegmentBytes:
			return invalid("name", "has a segment of %d bytes, allowed are %d", len(segment), MaxSegmentBytes)
		case segment[0] == ' ' || segment[len(segment)-1] == ' ':
			return invalid("name", "has a segment that begins or ends with a space")
		case strings.EqualFold(segment, reserved):
			return invalid("name", "has the segment %s, which is the store's own", reserved)
		}
	}
	return nil
}

// isJoiner: the two format characters that spell words and emoji; all others of their kind only deceive.
func isJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }

func tooLong(name string) error {
	return invalid("name", "has %d bytes, allowed are %d", len(name), MaxNameBytes)
}

// shorten makes a name fit for messages and traces.
func shorten(name string) string {
	const most = 80
	if len(name) <= most {
		return strings.ToValidUTF8(name, "\uFFFD")
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// extension returns what follows the last dot of the last segment, in lower case.
func extension(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}

// withSuffix puts a suffix before the extension: "a/tea.jpg", "-1f" gives "a/tea-1f.jpg".
func withSuffix(name, suffix string) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	folder, base := path.Split(stem)
	for len(base)+len(suffix)+len(ext) > MaxSegmentBytes || len(stem)+len(suffix)+len(ext) > MaxNameBytes {
		_, size := utf8.DecodeLastRuneInString(base)
		if size == 0 {
			break
		}
		base = base[:len(base)-size]
		stem = folder + base
	}
	return folder + strings.TrimRight(base, " ") + suffix + ext
}

// The limits on metadata, the narrowest of the known backends.
const (
	maxMetadata      = 32
	maxMetadataKey   = 64
	maxMetadataValue = 256
)

// checkMetadata holds metadata to what every backend can carry. Keys that
// begin with a dot are left to the drivers.
func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetadata {
		return invalid("metadata", "has %d entries, allowed are %d", len(metadata), maxMetadata)
	}
	for key, value := range metadata {
		if len(key) == 0 || len(key) > maxMetadataKey {
			return invalid("metadata", "has a key of %d bytes, allowed are 1 to %d", len(key), maxMetadataKey)
		}
		for i, c := range []byte(key) {
			letter := c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
			if !letter {
				return invalid("metadata", "key %q: allowed are a-z, then also 0-9 - _ .", key)
			}
		}
		if len(value) > maxMetadataValue {
			return invalid("metadata", "value of %q has %d bytes, allowed are %d", key, len(value), maxMetadataValue)
		}
		if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
			return invalid("metadata", "value of %q holds control characters or is not UTF-8", key)
		}
	}
	return nil
}
