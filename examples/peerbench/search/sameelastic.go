package search

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// sameElastic indexes by net/http what ours indexes: the requests of each batch are recorded
// beforehand, and are sent to an index made as ours makes it. What is between it and the plain
// products is the server's work for our mapping; between it and ours, our own.
type sameElastic struct {
	elastic *elastic
	client  *http.Client
	batches [][]recorded // each with its path and query only
}

// openSame records how ours fills an index.
func (e *elastic) openSame(ctx context.Context, products []icecat.Product) (_ *sameElastic, err error) {
	s := &sameElastic{elastic: e, client: plainClient()}
	url, drop, err := e.fresh(ctx)
	if err != nil {
		return nil, err
	}
	taken := &recorder{}
	index, err := elasticsearch.Open(ctx, url, icecat.Schema(), &elasticsearch.Options{Client: &http.Client{Transport: taken}})
	if err != nil {
		return nil, errors.Join(err, drop())
	}
	defer func() { err = errors.Join(err, index.Close(), drop()) }()
	for batch := range slices.Chunk(icecat.Documents(products), batchSize) {
		taken.requests = nil
		if err := index.Put(ctx, batch...); err != nil {
			return nil, err
		}
		requests := slices.Clone(taken.requests)
		for i := range requests {
			requests[i].url = strings.TrimPrefix(requests[i].url, url)
		}
		s.batches = append(s.batches, requests)
	}
	return s, nil
}

func (s *sameElastic) name() string { return "raw-elasticsearch-same-bodies" }

func (s *sameElastic) close() error {
	s.client.CloseIdleConnections()
	return nil
}

type sameElasticFilling struct {
	s    *sameElastic
	url  string
	drop func() error
}

func (s *sameElastic) indexing(ctx context.Context) (filling, error) {
	url, drop, err := s.elastic.fresh(ctx)
	if err != nil {
		return nil, err
	}
	index, err := elasticsearch.Open(ctx, url, icecat.Schema(), nil)
	if err == nil {
		err = index.Close()
	}
	return &sameElasticFilling{s, url, drop}, err
}

func (f *sameElasticFilling) put(ctx context.Context, batch int) error {
	for _, r := range f.s.batches[batch] {
		if err := sendBulk(ctx, f.s.client, f.url+r.url, r.body); err != nil {
			return err
		}
	}
	return nil
}

func (f *sameElasticFilling) close() error { return f.drop() }
