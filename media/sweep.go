package media

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"
	"time"
)

// SweepOptions of a Sweep. The zero value only counts.
type SweepOptions struct {
	// Delete deletes the orphans. Default: a dry run, which reports them.
	Delete bool
	// Grace spares what is younger: an upload may not stand in the database yet. Default DefaultGrace, -1 none.
	Grace time.Duration
	// MaxShare is the part of the files seen, over 0 to 1, that may be deleted. Beyond it nothing is, since rather the database was
	// asked wrongly than so much forgotten: ErrTooMany. Default DefaultMaxShare. It does not bound fewer than ten files.
	MaxShare float64
	// Prefix narrows it to the files whose names begin so. Variants are then left alone.
	Prefix string
	// Names are the files to look at, for a backend that cannot list, such as FastDFS. Default: all that List gives.
	Names iter.Seq2[string, error]
	// Orphan is called with each orphan, before it is deleted; an error ends the sweep.
	Orphan func(ctx context.Context, f File) error
}

// The defaults of SweepOptions.
const (
	DefaultGrace    = 24 * time.Hour
	DefaultMaxShare = 0.5
)

// ErrTooMany: a sweep would have deleted more than SweepOptions.MaxShare.
var ErrTooMany = errors.New("too many files would be deleted")

// Swept is what a Sweep has found.
type Swept struct {
	Seen    int // files
	Young   int // not in use, but within the grace
	Orphans int // not in use, and older
	Bytes   int64
	// Variants counts the variants of images that do not stay. Those that are deleted together with their original are not counted.
	Variants int
	Deleted  int // files and variants
}

// fewOrphans may always be deleted: of three files two may well be orphans.
const fewOrphans = 10

// Sweep finds the files that nothing refers to, and deletes them if that is asked for. inUse is called with up to 500 names and returns those of them that
// the shop knows, in any order; an error of it ends the sweep with nothing more deleted. Before a file is deleted, inUse is asked
// again, and the file must still be the one that was seen.
//
// Variants whose original is gone are orphans too, on backends that list them. Several stores should not share a
// VariantStore and be swept: one takes the variants of the other for orphans, and they must be made again.
func (s *Store) Sweep(ctx context.Context, inUse func(ctx context.Context, names []string) ([]string, error), options *SweepOptions) (Swept, error) {
	var o SweepOptions
	if options != nil {
		o = *options
	}
	ctx, end := s.start(ctx, "sweep", "")
	w := &sweep{store: s, inUse: inUse, options: o, hashes: map[[sha256.Size]byte]bool{}}
	err := w.run(ctx)
	return w.swept, end(err)
}

// sweep is a running Sweep.
type sweep struct {
	store   *Store
	inUse   func(context.Context, []string) ([]string, error)
	options SweepOptions
	before  time.Time // what is younger stays
	swept   Swept
	orphans []File
	hashes  map[[sha256.Size]byte]bool // of the images that stay
}

func (w *sweep) run(ctx context.Context) error {
	if err := w.store.open(); err != nil {
		return err
	}
	o := &w.options
	o.Grace = cmp.Or(o.Grace, DefaultGrace)
	if o.Grace == -1 {
		o.Grace = 0
	}
	o.MaxShare = cmp.Or(o.MaxShare, DefaultMaxShare)
	switch {
	case w.inUse == nil:
		return invalid("inUse", "is nil")
	case o.Grace < 0:
		return invalid("options", "Grace is %v, allowed are -1 (none) and more", o.Grace)
	case !(o.MaxShare > 0 && o.MaxShare <= 1):
		return invalid("options", "MaxShare is %v, allowed is over 0 to 1", o.MaxShare)
	}
	w.before = w.store.options.Now().Add(-o.Grace)
	if err := w.find(ctx); err != nil {
		return err
	}
	if n := len(w.orphans); o.Delete && n > fewOrphans && float64(n) > o.MaxShare*float64(w.swept.Seen) {
		return fmt.Errorf("%d of %d: %w", n, w.swept.Seen, ErrTooMany)
	}
	for page := range slices.Chunk(w.orphans, listPage) {
		if err := w.remove(ctx, page); err != nil {
			return err
		}
	}
	if o.Prefix != "" || o.Names != nil {
		return nil
	}
	return w.variants(ctx)
}

// find looks at all files.
func (w *sweep) find(ctx context.Context) error {
	page := make([]File, 0, listPage)
	for f, err := range w.files(ctx) {
		if err != nil {
			return err
		}
		if page = append(page, f); len(page) == listPage {
			if err := w.judge(ctx, page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	return w.judge(ctx, page)
}

// files walks over what is to be looked at. What is named but not there is passed over.
func (w *sweep) files(ctx context.Context) iter.Seq2[File, error] {
	if w.options.Names == nil {
		return w.store.List(ctx, &ListOptions{Prefix: w.options.Prefix})
	}
	return func(yield func(File, error) bool) {
		for name, err := range w.store.names(ctx, w.options.Prefix, w.options.Names) {
			var f File
			if err == nil {
				f, err = w.store.driver.Stat(ctx, name)
			}
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

// judge tells orphans from what is used or young.
func (w *sweep) judge(ctx context.Context, page []File) error {
	known, err := w.known(ctx, page)
	if err != nil {
		return err
	}
	for _, f := range page {
		w.swept.Seen++
		switch {
		case known[f.Name]:
			w.stays(f)
		case f.ModTime.After(w.before):
			w.swept.Young++
			w.stays(f)
		default:
			w.swept.Orphans++
			w.swept.Bytes += f.Size
			f.Metadata = nil // there may be many
			w.orphans = append(w.orphans, f)
		}
	}
	return nil
}

func (w *sweep) stays(f File) {
	if raw, err := hex.DecodeString(variantsOf(f)); err == nil && len(raw) == sha256.Size && isImage(f.Type) {
		w.hashes[[sha256.Size]byte(raw)] = true
	}
}

func (w *sweep) known(ctx context.Context, page []File) (map[string]bool, error) {
	if len(page) == 0 {
		return nil, nil
	}
	names := make([]string, len(page))
	for i, f := range page {
		names[i] = f.Name
	}
	used, err := w.inUse(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("in use: %w", err)
	}
	known := make(map[string]bool, len(used))
	for _, name := range used {
		// In the form that is stored: a database may have kept what was typed.
		if clean, err := CleanName(name); err == nil {
			known[clean] = true
		}
	}
	return known, nil
}

// remove reports a page of orphans and, if that is asked for, deletes those that still are.
func (w *sweep) remove(ctx context.Context, page []File) error {
	var known map[string]bool
	if w.options.Delete {
		var err error
		if known, err = w.known(ctx, page); err != nil {
			return err
		}
	}
	for _, f := range page {
		if known[f.Name] {
			w.spare(f)
			continue
		}
		if w.options.Orphan != nil {
			if err := w.options.Orphan(ctx, f); err != nil {
				return err
			}
		}
		if !w.options.Delete {
			continue
		}
		now, err := w.store.driver.Stat(ctx, f.Name)
		if err == nil && (now.SHA256 != f.SHA256 || !now.ModTime.Equal(f.ModTime)) { // replaced meanwhile
			w.spare(f)
			w.stays(now)
			continue
		}
		if err == nil {
			err = w.store.Delete(ctx, f.Name)
		}
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%q: %w", shorten(f.Name), err)
		}
		w.swept.Deleted++
	}
	return nil
}

// spare takes back that a file is an orphan.
func (w *sweep) spare(f File) {
	w.swept.Orphans--
	w.swept.Bytes -= f.Size
	w.stays(f)
}

// variants finds variants of images that are no longer there. One that was made after the files were listed is young.
func (w *sweep) variants(ctx context.Context) error {
	at := w.store
	if w.store.options.VariantStore != nil {
		at = w.store.options.VariantStore
	}
	lister, ok := at.driver.(Lister)
	if !ok {
		return nil
	}
	for after := ""; ; {
		page, err := lister.List(ctx, reserved+"/", after, listPage)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range page {
			after = f.Name
			if w.ofImage(f.Name) || f.ModTime.After(w.before) {
				continue
			}
			w.swept.Variants++
			if !w.options.Delete {
				continue
			}
			if err := at.driver.Delete(ctx, f.Name); err != nil && !errors.Is(err, ErrNotFound) {
				return fmt.Errorf("%q: %w", shorten(f.Name), err)
			}
			w.swept.Deleted++
		}
		if len(page) < listPage {
			return nil
		}
	}
}

// ofImage reports whether a variant belongs to an image that stays. Its folder is named by the hash.
func (w *sweep) ofImage(name string) bool {
	folder := path.Base(path.Dir(strings.TrimPrefix(name, reserved+"/")))
	raw, err := hex.DecodeString(folder)
	return err == nil && len(raw) == sha256.Size && w.hashes[[sha256.Size]byte(raw)]
}
