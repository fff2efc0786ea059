package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// elasticsearchEnv may hold what -elasticsearch says, for a URL with a password in it.
const elasticsearchEnv = "STOREFRONT_ELASTICSEARCH"

// openIndex opens the search index: in the data directory, or where -elasticsearch
// says. One of an older schema is built anew.
func (b *backends) openIndex(ctx context.Context, cfg *config, dir *dataDir, log *slog.Logger) (err error) {
	options, documents := search.Options{Logger: log}, shop.Documents(ctx, b.products)
	if cfg.elasticsearch == "" {
		b.index, err = blevesearch.Open(dir.join("search"), catalogue.Schema(), &blevesearch.Options{Options: options, Source: documents})
	} else {
		b.index, err = elasticsearch.Open(ctx, cfg.elasticsearch, catalogue.Schema(), &elasticsearch.Options{Options: options, Source: documents})
		if err != nil {
			err = fmt.Errorf("-elasticsearch: %w", err)
		}
	}
	return closing(b, err, func() error { return b.index.Close() })
}
