package main

import (
	"context"
	"errors"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

// opener makes an empty index for the catalogue, and says in the environment what of. closeAll
// ends the index and what was started for it.
type opener func(ctx context.Context, url string, environment *bench.Environment) (index *search.Index, closeAll func() error, err error)

var engines = map[string]opener{"bleve": openBleve, "elasticsearch": openElasticsearch}

func engineNames() []string { return slices.Sorted(maps.Keys(engines)) }

func openBleve(_ context.Context, url string, environment *bench.Environment) (*search.Index, func() error, error) {
	if url != "" {
		return nil, nil, errors.New("-url: bleve has no server")
	}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, m := range build.Deps {
			if m.Path == "github.com/blevesearch/bleve/v2" {
				environment.Versions["bleve"] = m.Version
			}
		}
	}
	index, err := blevesearch.OpenMemory(icecat.Schema(), nil)
	if err != nil {
		return nil, nil, err
	}
	return index, index.Close, nil
}
