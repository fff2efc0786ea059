package media

import (
	"context"
	"errors"
	"iter"
	"unicode/utf8"
)

// ListOptions narrow a listing.
type ListOptions struct {
	Prefix string // names begin with this; "products/" lists a folder
	After  string // names are greater than this, by bytes: the last name of the page before
	Limit  int    // at most so many files; 0 all
}

const listPage = 500

// List walks over the files by ascending bytes of their names, asking the backend page by page. What is
// saved or deleted meanwhile may or may not be seen; every other file is seen exactly once. The
// walk ends after the first error. errors.ErrUnsupported if the backend cannot list.
func (s *Store) List(ctx context.Context, options *ListOptions) iter.Seq2[File, error] {
	var o ListOptions
	if options != nil {
		o = *options
	}
	return func(yield func(File, error) bool) {
		ctx, end := s.start(ctx, "list", "")
		err := s.list(ctx, o, func(f File) bool { return yield(f, nil) })
		if err = end(err); err != nil {
			yield(File{}, err)
		}
	}
}

func (s *Store) list(ctx context.Context, o ListOptions, yield func(File) bool) error {
	if err := s.open(); err != nil {
		return err
	}
	if o.Limit < 0 {
		return invalid("options", "Limit is %d, allowed are 0 (all) and more", o.Limit)
	}
	// A character more than a name, so that After can stand behind all names of a folder.
	if len(o.Prefix) > MaxNameBytes || len(o.After) > MaxNameBytes+utf8.UTFMax {
		return invalid("options", "Prefix or After is longer than a name can be")
	}
	lister, ok := s.driver.(Lister)
	if !ok {
		return errors.ErrUnsupported
	}
	seen := 0
	for {
		page, err := lister.List(ctx, o.Prefix, o.After, listPage)
		if err != nil {
			return err
		}
		for _, f := range page {
			if isReserved(f.Name) {
				continue
			}
			if !yield(f) {
				return nil
			}
			if seen++; seen == o.Limit {
				return nil
			}
		}
		if len(page) < listPage {
			return nil
		}
		o.After = page[len(page)-1].Name
	}
}
