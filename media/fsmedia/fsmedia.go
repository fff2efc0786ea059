// Package fsmedia keeps a media.Store in a directory.
//
//	images, err := fsmedia.Open("/srv/shop/images", nil)
//
// # On disk
//
// A file is stored under its name. What the store knows about it (type, hash, dimensions,
// metadata) follows the content as a footer within the same file, so both
// appear, change and vanish in one step: whatever happens to the machine, there is never
// content without its description or the other way round. Image viewers, archivers and browsers do
// not mind bytes behind the end of an image. A file that something else
// put there, without a footer, is served too: its type comes from its
// first bytes, and it has no hash.
//
// Characters that some file systems do not take (< > : " | ? * %), a dot in front, a dot at the end, and
// the device names of Windows are escaped as %XX. Whether "A" and "a" are two
// files is up to the file system. A name cannot be the folder of another: with
// "a" stored, "a/b" is refused, and the other way round.
//
// # Crash safety
//
// Save writes to a temporary file in the folder ".tmp", syncs it, gives it its name with
// rename (or link, when the name must be free), and syncs the folder. After Save returned, the file is
// there, also after a power cut. What a crash leaves in ".tmp" is removed by a
// later Open once it is older than Options.StaleAfter. Several processes may use one directory; only
// SetMetadata may then undo a replacement of the same file in the same instant.
//
// All access goes through an os.Root: no name and no symbolic link leads out of the directory.
package fsmedia

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/seed82d84382/commerce/media"
)

// DefaultStaleAfter is the StaleAfter of the zero Options.
const DefaultStaleAfter = time.Hour

// Options of a store in a directory.
type Options struct {
	media.Options
	// StaleAfter is the age at which Open takes a temporary file for left behind
	// and removes it. It must be longer than any save takes. Default DefaultStaleAfter.
	StaleAfter time.Duration
	// NoSync leaves it to the operating system when bytes reach the disk. Faster, but
	// a power cut may lose files that Save had confirmed. For tests and caches.
	NoSync bool
}

// Open opens the directory, and makes it if it is not there. It returns an error if it is not a directory
// that can be written to, or if an option is out of range.
func Open(dir string, options *Options) (*media.Store, error) {
	var o Options
	if options != nil {
		o = *options
	}
	if o.StaleAfter == 0 {
		o.StaleAfter = DefaultStaleAfter
	}
	if o.StaleAfter < 0 {
		return nil, &media.InvalidError{Field: "options", Reason: fmt.Sprintf("StaleAfter is %v", o.StaleAfter)}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("media: open directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("media: open directory: %w", err)
	}
	d := &driver{root: root, sync: !o.NoSync, link: root.Link}
	if err = d.prepare(o.Now().Add(-o.StaleAfter)); err == nil {
		var store *media.Store
		if store, err = media.New(d, &o.Options); err == nil {
			return store, nil
		}
	}
	return nil, errors.Join(err, root.Close())
}
