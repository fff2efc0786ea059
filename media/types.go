package media

import (
	"mime"
	"net/http"
	"slices"
	"strings"
)

// The media types that the store treats as images.
const (
	JPEG = "image/jpeg"
	PNG  = "image/png"
	GIF  = "image/gif"
	WebP = "image/webp"
	// SVG is a document that may hold scripts. It is not among Images; listed
	// in SaveOptions.Types it is accepted if nothing active is in it, and it is served as a download.
	SVG = "image/svg+xml"
)

// Images is the allow-list for pictures: the types that are checked, cleaned and scaled.
var Images = []string{JPEG, PNG, GIF, WebP}

// extensions lists, per extension, the type that it claims. A name with one of
// these must hold that type; other extensions claim nothing.
var extensions = map[string]string{
	"jpg": JPEG, "jpeg": JPEG, "jpe": JPEG, "jfif": JPEG, "png": PNG, "gif": GIF, "webp": WebP, "svg": SVG,
	"avif": "image/avif", "heic": "image/heic", "heif": "image/heic", "bmp": "image/bmp", "ico": "image/x-icon",
	"tif": "image/tiff", "tiff": "image/tiff",
	"pdf": "application/pdf", "zip": "application/zip", "gz": "application/x-gzip",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"mp4":  "video/mp4", "webm": "video/webm", "mp3": "audio/mpeg", "wav": "audio/wave", "ogg": "application/ogg",
	"txt": "text/plain", "csv": "text/csv", "md": "text/markdown", "json": "application/json",
	"html": "text/html", "htm": "text/html", "xml": "text/xml", "css": "text/css", "js": "text/javascript",
}

// refines lists the types that sniffing can only see as another, broader one.
var refines = map[string][]string{
	"text/plain":      {"text/csv", "text/markdown", "application/json", "text/css", "text/javascript"},
	"text/xml":        {"application/xml"},
	"text/html":       {"text/markdown"},
	"application/zip": {extensions["docx"], extensions["xlsx"], extensions["pptx"]},
}

// preferred is the extension the store gives to a name of its own making.
func preferred(mediaType string) string {
	switch mediaType {
	case JPEG:
		return "jpg"
	case "text/html":
		return "html"
	case "text/plain":
		return "txt"
	case "image/tiff":
		return "tif"
	case "image/heic":
		return "heic"
	}
	for ext, t := range extensions {
		if t == mediaType {
			return ext
		}
	}
	return "bin"
}

// Sniff tells the media type, without parameters, of content by its first bytes; 1,024 are enough. It returns
// "application/octet-stream" for what it does not know.
func Sniff(head []byte) string {
	if t := sniffMore(head); t != "" {
		return t
	}
	t, _, err := mime.ParseMediaType(http.DetectContentType(head))
	if err != nil {
		return "application/octet-stream"
	}
	if (t == "text/xml" || t == "text/plain" || t == "text/html") && looksSVG(head) {
		return SVG
	}
	return t
}

// sniffMore knows some types that net/http does not.
func sniffMore(head []byte) string {
	if len(head) < 12 {
		return ""
	}
	switch {
	case string(head[:4]) == "II*\x00", string(head[:4]) == "MM\x00*":
		return "image/tiff"
	case head[0] == 0xFF && (head[1] == 0xFB || head[1] == 0xF3 || head[1] == 0xF2): // a frame without an ID3 tag
		return "audio/mpeg"
	case string(head[4:8]) != "ftyp":
		return ""
	}
	switch string(head[8:12]) {
	case "avif", "avis":
		return "image/avif"
	case "heic", "heix", "hevc", "mif1", "msf1":
		return "image/heic"
	}
	return ""
}

// decideType compares what the content is, what the name says, and what is
// allowed, and returns the type to store.
func decideType(name, found string, allowed []string) (string, error) {
	claimed, known := extensions[extension(name)]
	decided := found
	switch {
	case known && slices.Contains(refines[found], claimed):
		decided = claimed
	case known && claimed != found:
		return "", wrongType("of the content is %s, but the name says %s", found, claimed)
	}
	if len(allowed) == 0 {
		return decided, nil
	}
	if !slices.Contains(allowed, decided) {
		return "", wrongType("%s is not among %s", decided, strings.Join(allowed, ", "))
	}
	if !known && extension(name) != "" && strings.HasPrefix(decided, "image/") {
		return "", wrongType("of the content is %s, which the extension of the name does not say", decided)
	}
	return decided, nil
}

func isImage(mediaType string) bool { return slices.Contains(Images, mediaType) }
