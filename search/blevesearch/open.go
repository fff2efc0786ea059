// Package blevesearch keeps a search index in a directory, with Bleve. It needs
// no server.
//
// One process has the directory open at a time; a second one gets
// [search.ErrInUse]. Every write is durable and visible when it returns.
//
// # Directory
//
// CURRENT names the live generation, a directory of Bleve's own files. A rebuild
// fills another one beside it and then replaces CURRENT, so that a crash at any
// moment leaves the old index or the new one. What a crash left behind is removed
// at the next Open.
package blevesearch

import (
	"iter"

	"github.com/seed82d84382/commerce/search"
)

// Options configure an index. The zero value and nil are the defaults.
type Options struct {
	// Options are those of every engine.
	search.Options

	// Source has all documents. With it, Open fills a new index when the stored
	// one was built with another schema, and returns once that is live. Without,
	// Open fails with [search.ErrSchema].
	Source iter.Seq2[search.Document, error]
}

// Open opens the index in dir, and makes it when there is none. dir "" is [OpenMemory].
//
// Errors: [search.ErrInUse] within a second when the index is open elsewhere,
// [search.ErrSchema] when it was built with another schema, [search.ErrInvalid]
// when the schema or the options are wrong.
func Open(dir string, schema search.Schema, opts *Options) (*search.Index, error) {
	if dir == "" {
		return OpenMemory(schema, opts)
	}
	return open(dir, schema, opts, false)
}

// OpenMemory opens an empty index that Close throws away. Bleve merges what is
// written only in files, so there are some, in a directory for temporary ones.
func OpenMemory(schema search.Schema, opts *Options) (*search.Index, error) {
	return open("", schema, opts, true)
}

func open(dir string, schema search.Schema, opts *Options, temporary bool) (*search.Index, error) {
	if opts == nil {
		opts = &Options{}
	}
	if err := schema.Validate(); err != nil {
		return nil, err
	}
	d, stale, err := openDriver(dir, schema, temporary, opts.Source != nil)
	if err != nil {
		return nil, err
	}
	ix, err := search.New(d, schema, &opts.Options)
	if err == nil && stale {
		err = d.fillStale(ix, opts)
	}
	if err != nil {
		_ = d.Close() // the first error is the one to tell
		return nil, err
	}
	return ix, nil
}
