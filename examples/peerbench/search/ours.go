package search

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

// ours is an index of package search.
type ours struct {
	label   string
	index   *search.Index
	batches [][]search.Document
	fresh   func(ctx context.Context) (*search.Index, func() error, error) // an empty index, and what removes it
}

func openOurs(ctx context.Context, dir string, products []icecat.Product, environment *bench.Environment) (engine, error) {
	path := filepath.Join(dir, "ours")
	index, err := blevesearch.Open(path, icecat.Schema(), nil)
	if err != nil {
		return nil, err
	}
	o := &ours{label: "ours-bleve", index: index, batches: slices.Collect(slices.Chunk(icecat.Documents(products), batchSize))}
	o.fresh = func(context.Context) (*search.Index, func() error, error) {
		path, err := os.MkdirTemp(dir, "ours-")
		if err != nil {
			return nil, nil, err
		}
		index, err := blevesearch.Open(path, icecat.Schema(), nil)
		return index, func() error { return os.RemoveAll(path) }, err
	}
	for _, batch := range o.batches {
		if err := index.Put(ctx, batch...); err != nil {
			return nil, errors.Join(err, index.Close())
		}
	}
	// What a shop that runs has on disk: everything merged and nothing in flight.
	if err := index.Close(); err != nil {
		return nil, err
	}
	if o.index, err = blevesearch.Open(path, icecat.Schema(), nil); err != nil {
		return nil, err
	}
	environment.Settings["on disk, "+o.label] = megabytes(path)
	return o, nil
}

// megabytes is the size of all files below a directory.
func megabytes(dir string) string {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%.1f MB", float64(sum)/1e6)
}

func (o *ours) name() string { return o.label }
func (o *ours) close() error { return o.index.Close() }

func (o *ours) query(ctx context.Context, text string) (int, error) {
	found, err := o.index.Search(ctx, search.Query{Text: text, Limit: pageSize, Return: []string{"title"}})
	if err != nil {
		return 0, err
	}
	if len(found.Hits) > 0 && found.Hits[0].String("title") == "" {
		return 0, errors.New("a hit has no title")
	}
	return found.Total, nil
}

func (o *ours) facets(ctx context.Context, text string) (int, error) {
	price := search.Ranges("price", priceEdges...)
	found, err := o.index.Search(ctx, search.Query{Text: text, Limit: pageSize, Return: []string{"title"},
		Facets: []search.Facet{{Field: "supplier"}, {Field: "colour"}, {Field: "type"}, {Field: "origin"}, price, {Field: "released", Name: "year", Ranges: years}},
		Filters: search.Filters{search.In("supplier", chosen.suppliers), search.In("colour", chosen.colour),
			search.Range("price", search.Bounds{GTE: chosen.priceFrom, LT: chosen.to})}})
	if err != nil {
		return 0, err
	}
	counted := 0
	for _, f := range found.Facets {
		for _, v := range f.Values {
			counted += v.Count
		}
	}
	return counted, nil
}

// years are the intervals of the facet on the date of release.
var years = []search.Bounds{{LT: "2006-01-01T00:00:00Z"}, {GTE: "2006-01-01T00:00:00Z", LT: "2010-01-01T00:00:00Z"},
	{GTE: "2010-01-01T00:00:00Z", LT: "2016-01-01T00:00:00Z"}, {GTE: "2016-01-01T00:00:00Z"}}

func (o *ours) suggest(ctx context.Context, text string) (int, error) {
	found, err := o.index.Suggest(ctx, search.SuggestQuery{Text: text, Return: []string{"title"}})
	if err != nil {
		return 0, err
	}
	return len(found.Queries) + len(found.Hits), nil
}

// oursFilling is one PutAll, which is handed the batches, so that it can work on several. A batch counts
// as put when it is taken; the end waits for all.
type oursFilling struct {
	o       *ours
	index   *search.Index
	remove  func() error
	batches chan []search.Document
	done    chan struct{} // closed at the end of PutAll
	written int
	failed  error
}

func (o *ours) indexing(ctx context.Context) (filling, error) {
	index, remove, err := o.fresh(ctx)
	if err != nil {
		return nil, err
	}
	f := &oursFilling{o: o, index: index, remove: remove, batches: make(chan []search.Document), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.written, f.failed = index.PutAll(ctx, f.documents, &search.PutAllOptions{BatchSize: batchSize})
	}()
	return f, nil
}

func (f *oursFilling) documents(yield func(search.Document, error) bool) {
	for batch := range f.batches {
		for _, d := range batch {
			if !yield(d, nil) {
				return
			}
		}
	}
}

func (f *oursFilling) put(_ context.Context, batch int) error {
	select {
	case f.batches <- f.o.batches[batch]:
		return nil
	case <-f.done:
		return errors.Join(f.failed, errors.New("no more batches are taken"))
	}
}

func (f *oursFilling) close() error {
	close(f.batches)
	<-f.done
	want := 0
	for _, b := range f.o.batches {
		want += len(b)
	}
	if f.failed == nil && f.written != want {
		f.failed = fmt.Errorf("%d documents are written, not %d", f.written, want)
	}
	return errors.Join(f.failed, f.index.Close(), f.remove())
}
