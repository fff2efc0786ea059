package media

import (
	"maps"
	"time"
)

// File describes a stored file.
type File struct {
	Name     string            // the final name; the only one to keep
	Size     int64             // bytes
	Type     string            // media type found in the content, such as "image/jpeg"
	SHA256   string            // of the stored bytes, lower-case hex; empty if the backend does not know it
	Width    int               // of an image, in pixels as it is to be seen; else 0
	Height   int               //
	ModTime  time.Time         // when it was saved, UTC
	Metadata map[string]string // what the caller gave, never nil maps shared with the store
}

// File turns a checked upload into the description that a driver returns from Put,
// under the name that it got. Drivers use it so that none forgets a field.
func (u *Upload) File(name string) File {
	return File{
		Name: name, Size: u.Size, Type: u.Type, SHA256: u.SHA256, Width: u.Width, Height: u.Height,
		ModTime: u.ModTime, Metadata: maps.Clone(u.Metadata),
	}
}
