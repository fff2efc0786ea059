package search

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// elastic is the one server of both subjects that use it.
type elastic struct {
	server   *testenv.Server
	searched string // the URL of the index that both search
	drops    []func() error
}

// startElastic starts a private server, and notes which it is.
func startElastic(ctx context.Context, environment *bench.Environment) (*elastic, error) {
	server, err := testenv.Elasticsearch(ctx, nil)
	if err != nil {
		return nil, err
	}
	var info struct {
		Version struct {
			Number string `json:"number"`
		} `json:"version"`
	}
	if err := ask(ctx, http.DefaultClient, http.MethodGet, server.DSN, "", nil, &info); err != nil {
		return nil, errors.Join(err, server.Close())
	}
	environment.Versions["elasticsearch"] = info.Version.Number
	environment.Settings["raw-elasticsearch"] = "query, facets, suggest: the requests that ours sends, sent again by net/http and decoded; " +
		"index: a loop of _bulk with the plain products, analysed by the server in English"
	environment.Settings["raw-elasticsearch-by-hand"] = "index: the same loop, into an index made by hand with what the pages of ours need: all text as one field, " +
		"words and pairs of words with fielddata for completions with counts, edge n-grams, words for corrections"
	environment.Settings["raw-elasticsearch-same-bodies"] = "index: the requests that ours sends, made beforehand, to an index made by ours"
	environment.Settings["elasticsearch, warm-up"] = fmt.Sprintf("before the first round of query, facets and suggest ours and raw-elasticsearch ask in turns for %v; "+
		"before that of index each subject on it fills an index once", warmUp)
	environment.Settings["elasticsearch"] = "one private node on loopback, heap of 512 MB, one shard; everything of an index merged before it is searched"
	return &elastic{server: server}, nil
}

func (e *elastic) close() error {
	var errs []error
	for _, drop := range e.drops {
		errs = append(errs, drop())
	}
	return errors.Join(append(errs, e.server.Close())...)
}

// fresh is the URL of an index that is not there yet, and what removes it.
func (e *elastic) fresh(ctx context.Context) (string, func() error, error) {
	url, drop, err := e.server.NewDatabase(ctx)
	return url, func() error { return drop(context.WithoutCancel(ctx)) }, err
}

// openOurs is ours with the options as they come.
func (e *elastic) openOurs(ctx context.Context, _ string, products []icecat.Product, _ *bench.Environment) (engine, error) {
	url, drop, err := e.fresh(ctx)
	if err != nil {
		return nil, err
	}
	e.drops, e.searched = append(e.drops, drop), url
	index, err := elasticsearch.Open(ctx, url, icecat.Schema(), nil)
	if err != nil {
		return nil, err
	}
	o := &ours{label: "ours-elasticsearch", index: index, batches: slices.Collect(slices.Chunk(icecat.Documents(products), batchSize))}
	o.fresh = func(ctx context.Context) (*search.Index, func() error, error) {
		url, drop, err := e.fresh(ctx)
		if err != nil {
			return nil, nil, err
		}
		index, err := elasticsearch.Open(ctx, url, icecat.Schema(), nil)
		return index, drop, err
	}
	for _, batch := range o.batches {
		if err := index.Put(ctx, batch...); err != nil {
			return nil, errors.Join(err, index.Close())
		}
	}
	if err := errors.Join(index.Refresh(ctx), e.merge(ctx, url)); err != nil {
		return nil, errors.Join(err, index.Close())
	}
	return o, nil
}

// merge puts everything of an index into one segment, as it is some time after the last write.
func (e *elastic) merge(ctx context.Context, url string) error {
	return ask(ctx, http.DefaultClient, http.MethodPost, url+"/_forcemerge?max_num_segments=1", "", nil, nil)
}

// ask sends a request and decodes its answer.
func ask(ctx context.Context, client *http.Client, method, url, kind string, body []byte, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", kind)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s: %.300s", method, url, response.Status, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
