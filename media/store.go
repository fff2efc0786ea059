package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// Defaults of Options.
const (
	DefaultMaxBytes     = 32 << 20   // bytes of one file
	DefaultMaxPixels    = 50_000_000 // width × height of one image
	DefaultDecodeMemory = 512 << 20  // bytes of decoded images at a time
)

// Options of a Store. The zero value is ready for use.
type Options struct {
	// BaseURL is where the files are served, such as "/img/" or
	// "https://img.example.com/". Default "/". A backend with addresses of its
	// own goes before it.
	BaseURL string
	// MaxBytes is the size a saved file may have unless its SaveOptions say
	// otherwise. Default DefaultMaxBytes, -1 none.
	MaxBytes int64
	// MaxPixels is how many pixels (width × height) an image may have.
	// Default DefaultMaxPixels, -1 none.
	MaxPixels int64
	// DecodeMemory bounds, over all goroutines, the estimated bytes of images that are
	// decoded at a time; others wait. One image alone may always go on, MaxPixels
	// bounds that. Default DefaultDecodeMemory.
	DecodeMemory int64
	// SigningKeys make and check signed addresses. The first one signs, all of them
	// are accepted: put a new key in front, and drop the old one when
	// its addresses have expired. Each has at least 16 bytes, better 32.
	SigningKeys [][]byte
	// VariantStore is where variants are kept. Default: this store itself, or
	// nowhere if the backend can neither take nor derive names.
	VariantStore *Store
	// Ahead are the variants made ahead of time of every image saved, if Prepare is set; [Shop] perhaps.
	Ahead Variants
	// Prepare is called after each Save of an image that has variants to be made ahead of time. It hands the job to a
	// queue, whose worker calls MakeVariants; or to a goroutine. Its error is logged, no more: the variants then are made when somebody asks for them.
	Prepare func(ctx context.Context, job VariantJob) error
	// WebP writes the variants that are WebP; webpenc.New(nil) perhaps. Default: there are none. Its memory is bounded
	// like that of decoding, by as much again as DecodeMemory.
	WebP WebPEncoder
	// SpoolDir is where uploads over 1 MiB wait while they are checked. Default os.TempDir().
	SpoolDir string

	Now    func() time.Time // default time.Now
	Logger *slog.Logger     // default slog.Default()
	Tracer Tracer           // default none
}

// Store is a place for files: a Driver with the policy around it. It is made
// by a backend's Open or by New, and is safe for concurrent use.
type Store struct {
	driver   Driver
	options  Options
	base     string
	tracer   Tracer
	decoding *semaphore.Weighted
	encoding *semaphore.Weighted // of WebP; waited for while holding a part of decoding, never the other way round
	variants singleflight.Group
	closed   atomic.Bool
}

// New makes a Store of a driver. It returns an *InvalidError if an option is out of
// range. The Store closes the driver when it is closed.
func New(driver Driver, options *Options) (*Store, error) {
	if driver == nil {
		return nil, fmt.Errorf("media: new: %w", invalid("driver", "is nil"))
	}
	var o Options
	if options != nil {
		o = *options
	}
	base, err := checkBaseURL(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("media: new: %w", err)
	}
	for i, key := range o.SigningKeys {
		if len(key) < 16 {
			return nil, fmt.Errorf("media: new: %w", invalid("options", "signing key %d has %d bytes, needs at least 16", i, len(key)))
		}
	}
	for _, l := range []struct {
		name  string
		value *int64
		def   int64
	}{{"MaxBytes", &o.MaxBytes, DefaultMaxBytes}, {"MaxPixels", &o.MaxPixels, DefaultMaxPixels}, {"DecodeMemory", &o.DecodeMemory, DefaultDecodeMemory}} {
		if *l.value, err = limit(l.name, *l.value, l.def); err != nil {
			return nil, fmt.Errorf("media: new: %w", err)
		}
	}
	if err := checkVariants(o.Ahead, o.WebP); err != nil {
		return nil, fmt.Errorf("media: new: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Store{driver: driver, options: o, base: base, tracer: o.Tracer, decoding: semaphore.NewWeighted(o.DecodeMemory), encoding: semaphore.NewWeighted(o.DecodeMemory)}
	if s.tracer == nil {
		s.tracer = noTracer{}
	}
	return s, nil
}

// noLimit is what -1 stands for inside; no file or image reaches it.
const noLimit = 1<<63 - 1

func limit(field string, value, def int64) (int64, error) {
	switch {
	case value == 0:
		return def, nil
	case value == -1:
		return noLimit, nil
	case value < -1:
		return 0, invalid("options", "%s is %d, allowed are -1 (none), 0 (default) and more", field, value)
	}
	return value, nil
}

func checkBaseURL(base string) (string, error) {
	if base == "" {
		return "/", nil
	}
	u, err := url.Parse(base)
	if err != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https") {
		return "", invalid("options", "BaseURL must be a path or an http(s) address without query or fragment")
	}
	if !strings.HasSuffix(base, "/") {
		base += "/"
	}
	return base, nil
}

// Driver returns the backend of the store, to wrap it or to reach what only it can do.
func (s *Store) Driver() Driver { return s.driver }

// start opens an operation: the closed check, and the tracer. Its second
// function ends it and gives the error its context.
func (s *Store) start(ctx context.Context, operation, name string) (context.Context, func(error) error) {
	ctx, done := s.tracer.Start(ctx, "media."+operation, slog.String("name", shorten(name)))
	return ctx, func(err error) error {
		if err != nil {
			if name != "" {
				err = fmt.Errorf("media: %s %q: %w", operation, shorten(name), err)
			} else {
				err = fmt.Errorf("media: %s: %w", operation, err)
			}
		}
		done(err)
		return err
	}
}

func (s *Store) open() error {
	if s.closed.Load() {
		return ErrClosed
	}
	return nil
}

// ready is the check before every operation on a stored file. It returns the name in the form that is stored.
func (s *Store) ready(name string) (string, error) {
	if err := s.open(); err != nil {
		return "", err
	}
	return CleanName(name)
}

// Stat describes a file. ErrNotFound if there is none, ErrInvalid if the name cannot be one.
func (s *Store) Stat(ctx context.Context, name string) (File, error) {
	ctx, end := s.start(ctx, "stat", name)
	name, err := s.ready(name)
	if err != nil {
		return File{}, end(err)
	}
	f, err := s.driver.Stat(ctx, name)
	return f, end(err)
}

// Delete removes a file and its variants. It is idempotent: a file that is not
// there is no error. Other files of the same content stay; their variants are made again when asked for.
func (s *Store) Delete(ctx context.Context, name string) error {
	ctx, end := s.start(ctx, "delete", name)
	name, err := s.ready(name)
	if err != nil {
		return end(err)
	}
	f, err := s.driver.Stat(ctx, name)
	if err == nil {
		if err = s.driver.Delete(ctx, name); err == nil {
			s.deleteVariants(ctx, f)
		}
	}
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return end(err)
}

// SetMetadata replaces the metadata of a file; the content and its hash stay.
// ErrNotFound if there is no such file; errors.ErrUnsupported if the backend cannot.
func (s *Store) SetMetadata(ctx context.Context, name string, metadata map[string]string) error {
	ctx, end := s.start(ctx, "set metadata", name)
	name, err := s.ready(name)
	if err != nil {
		return end(err)
	}
	if err := checkMetadata(metadata); err != nil {
		return end(err)
	}
	setter, ok := s.driver.(MetadataSetter)
	if !ok {
		return end(errors.ErrUnsupported)
	}
	return end(setter.SetMetadata(ctx, name, metadata))
}

// URL returns the address of a file: that of the backend if it has some, else
// the BaseURL with the escaped name. It does not look whether the file exists, and
// returns "" for what cannot be a name.
func (s *Store) URL(name string) string {
	name, err := CleanName(name)
	if err != nil {
		return ""
	}
	if d, ok := s.driver.(URLer); ok {
		if u := d.URL(name); u != "" {
			return u
		}
	}
	return s.base + escapePath(name)
}

func escapePath(name string) string { return (&url.URL{Path: "/" + name}).EscapedPath()[1:] }

// Close closes the driver. Operations after it return ErrClosed. Idempotent.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.driver.Close(); err != nil {
		return fmt.Errorf("media: close: %w", err)
	}
	return nil
}
