package main

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// openElasticsearch makes the index at address, or on a server of its own. An address
// without a path gets the name "relevance".
func openElasticsearch(ctx context.Context, address string, environment *bench.Environment) (*search.Index, func() error, error) {
	stop := func() error { return nil }
	if address == "" {
		server, err := testenv.Elasticsearch(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		address, stop = server.DSN, server.Close
		environment.Settings["elasticsearch"] = "one private node, heap of 512 MB"
	}
	if u, err := url.Parse(address); err == nil && strings.Trim(u.Path, "/") == "" {
		address = u.JoinPath("relevance").String()
	}
	index, err := elasticsearch.Open(ctx, address, icecat.Schema(), nil)
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return index, func() error { return errors.Join(index.Close(), stop()) }, nil
}
