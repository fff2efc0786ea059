package s3media

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/seed82d84382/commerce/media"
)

// The entries of an object's metadata. Header names have no case.
const (
	keyFile = "media-file"
	keyUser = "media-user"
)

// maxMetadata is what S3 keeps of names and values together.
const maxMetadata = 2 << 10

// describe makes the metadata of an object.
func describe(f media.File) (map[string]string, error) {
	known := url.Values{
		"sha256": {f.SHA256}, "size": {strconv.FormatInt(f.Size, 10)}, "time": {strconv.FormatInt(f.ModTime.UnixMilli(), 10)},
	}
	if f.Width > 0 {
		known.Set("width", strconv.Itoa(f.Width))
		known.Set("height", strconv.Itoa(f.Height))
	}
	entries := map[string]string{keyFile: known.Encode()}
	if len(f.Metadata) > 0 {
		text, err := json.Marshal(f.Metadata)
		if err != nil {
			return nil, err
		}
		entries[keyUser] = base64.RawURLEncoding.EncodeToString(text)
	}
	size := 0
	for key, value := range entries {
		size += len(key) + len(value)
	}
	if size > maxMetadata {
		return nil, &media.InvalidError{Field: "metadata", Reason: fmt.Sprintf("takes %d bytes, S3 keeps %d", size, maxMetadata)}
	}
	return entries, nil
}

// parse describes an object. What it does not understand counts as not there.
func parse(name string, info minio.ObjectInfo) media.File {
	f := media.File{Name: name, Size: info.Size, Type: mediaType(info.ContentType), ModTime: info.LastModified.UTC().Truncate(time.Millisecond)}
	entries := map[string]string{}
	for key, value := range info.UserMetadata {
		entries[strings.ToLower(key)] = value
	}
	known, err := url.ParseQuery(entries[keyFile])
	milliseconds, timeErr := strconv.ParseInt(known.Get("time"), 10, 64)
	if err != nil || timeErr != nil {
		return f
	}
	f.SHA256, f.ModTime = known.Get("sha256"), time.UnixMilli(milliseconds).UTC()
	f.Width, _ = strconv.Atoi(known.Get("width"))
	f.Height, _ = strconv.Atoi(known.Get("height"))
	if text, err := base64.RawURLEncoding.DecodeString(entries[keyUser]); err == nil && len(text) > 0 {
		var user map[string]string
		if json.Unmarshal(text, &user) == nil {
			f.Metadata = maps.Clone(user)
		}
	}
	return f
}

// torn reports that an object of a size carries the description of another one: not every server replaces
// both in one step, as S3 does.
func torn(info minio.ObjectInfo, size int64) bool {
	for key, value := range info.UserMetadata {
		if strings.EqualFold(key, keyFile) {
			known, err := url.ParseQuery(value)
			return err == nil && known.Has("size") && known.Get("size") != strconv.FormatInt(size, 10)
		}
	}
	return false
}

// mediaType is the type without its parameters.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	if t = strings.ToLower(strings.TrimSpace(t)); t == "" {
		return "application/octet-stream"
	}
	return t
}

// isVariant tells the names that the store makes for itself.
func isVariant(name string) bool { return strings.Contains("/"+name, "/.variants/") }
