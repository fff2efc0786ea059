package media

import (
	"context"
	"io"
	"time"
)

// Driver is what a backend implements: it moves bytes and holds no policy. The
// Store hands it only names that pass [CheckName] (and those it makes for
// variants), and content that has been checked whole.
//
// Every method is safe for concurrent use and ends early when ctx ends. Errors
// wrap ErrNotFound, ErrExists, ErrFull or errors.ErrUnsupported where these
// fit; others are passed on as they are. The optional abilities are the
// interfaces below; a method of theirs that returns errors.ErrUnsupported counts
// as if it were not there, so that wrappers can forward them all.
type Driver interface {
	// Put stores the upload whole or not at all, and returns the file as Stat
	// would, with its final name. When the name is taken it replaces the file
	// in one step, or returns ErrExists if IfNotExists is set. A backend that
	// names files itself takes only the extension from Name; it never replaces,
	// and may return errors.ErrUnsupported for Replace.
	Put(ctx context.Context, upload *Upload) (File, error)

	// Open reads length bytes from offset on, or all to the end if length is
	// negative, of a file that Stat or List has described. offset+length never passes
	// its size, and length is not zero. The caller closes the reader. ErrNotFound if there is no
	// such file; ErrChanged if SHA256 is set and the content has another hash by now.
	Open(ctx context.Context, file File, offset, length int64) (io.ReadCloser, error)

	// Stat describes a file. ErrNotFound if there is none.
	Stat(ctx context.Context, name string) (File, error)

	// Delete removes a file and all that belongs to it. ErrNotFound if there is
	// none; the Store makes that idempotent.
	Delete(ctx context.Context, name string) error

	// Close frees what the driver opened. It is called at most once.
	Close() error
}

// Upload is a checked file on its way into a Driver.
type Upload struct {
	Name     string
	Size     int64
	Type     string // media type, such as "image/jpeg"
	SHA256   string // lower-case hex, of exactly Size bytes
	Width    int    // of an image, in pixels, else 0
	Height   int
	ModTime  time.Time
	Metadata map[string]string

	// Content gives exactly Size bytes. A driver that retries seeks back to the start.
	Content io.ReadSeeker

	// IfNotExists asks for ErrExists when the name is taken; decided atomically.
	IfNotExists bool
	// Replace says that the caller counts on replacing what has this name.
	Replace bool

	// From and Label are set for a variant: the final name of the original, and
	// a label of at most 16 characters out of a-z, 0-9 and '-' that is unique
	// among the variants of one original. Name is then what Derive said.
	From, Label string
}

// Opener is a Driver that opens a file for random access in one step. What it
// returns stays the same content while the file is replaced.
// Without it the Store asks Stat and reads ranges.
type Opener interface {
	OpenFile(ctx context.Context, name string) (File, io.ReadSeekCloser, error)
}

// Lister is a Driver that can list. It returns up to limit files whose name
// begins with prefix and is greater than after, by ascending bytes of the name.
// Fewer than limit means that there are no more.
type Lister interface {
	List(ctx context.Context, prefix, after string, limit int) ([]File, error)
}

// Copier is a Driver that copies without moving the bytes through the caller.
// The upload holds all but Content; ErrChanged if its SHA256 is no longer that of the file
// from. Names are treated as by Put. Without it the Store reads and puts.
type Copier interface {
	Copy(ctx context.Context, from string, upload *Upload) (File, error)
}

// MetadataSetter is a Driver that can change the metadata of a stored file. The
// map replaces what is there.
type MetadataSetter interface {
	SetMetadata(ctx context.Context, name string, metadata map[string]string) error
}

// URLer is a Driver whose files have addresses of their own. Empty means none.
type URLer interface {
	URL(name string) string
}

// URLSigner is a Driver whose server checks signed addresses by itself.
type URLSigner interface {
	SignURL(ctx context.Context, name string, expires time.Time) (string, error)
}

// Deriver is to be implemented by every Driver that names files itself. Derive
// tells in advance the name of a file that belongs to another (a slave file in
// FastDFS terms), where variants are kept. label is [Upload.Label]; ext is the
// extension without its dot. The name must be a function of the arguments alone.
// errors.ErrUnsupported says that there is no such name: then variants are kept in
// Options.VariantStore, or made anew each time. "" says that names are taken as they are
// given, as it is without this ability: the name is then made of hash and specification.
type Deriver interface {
	Derive(name, label, ext string) (string, error)
}
