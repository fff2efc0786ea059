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
	"sync"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// rawElastic is Elasticsearch over net/http. It sends what ours sends for the same
// text, recorded beforehand, so that what is left between the two is our own work.
type rawElastic struct {
	elastic                  *elastic
	client                   *http.Client
	queries, pages, prefixes map[string]recording
	batches                  [][]icecat.Product
}

// recording is the requests of one text, what ours found with them, and the answer to the last one.
type recording struct {
	requests []recorded
	found    int
	expected sum
}

// sum is what two answers to the same request have in common.
type sum struct{ total, hits, aggregations, responses int }

func (a answer) sum() sum {
	return sum{a.Hits.Total.Value, len(a.Hits.Hits), len(a.Aggregations), len(a.Responses)}
}

type recorded struct {
	url, kind string
	body      []byte
}

// recorder keeps the requests that pass.
type recorder struct {
	mu       sync.Mutex
	requests []recorded
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.requests = append(r.requests, recorded{request.URL.String(), request.Header.Get("Content-Type"), body})
	r.mu.Unlock()
	request.Body = io.NopCloser(bytes.NewReader(body))
	return http.DefaultTransport.RoundTrip(request)
}

// record runs each text through ours.
func (r *recorder) record(ctx context.Context, texts []string, run func(context.Context, string) (int, error)) (map[string]recording, error) {
	all := map[string]recording{}
	for _, text := range texts {
		r.requests = nil
		found, err := run(ctx, text)
		if err != nil {
			return nil, err
		}
		all[text] = recording{requests: slices.Clone(r.requests), found: found}
	}
	return all, nil
}

// plainClient keeps connections as ours does.
func plainClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression, transport.MaxIdleConnsPerHost = true, 64
	return &http.Client{Transport: transport}
}

// openRaw reads the index of ours.
func (e *elastic) openRaw(ctx context.Context, _ string, products []icecat.Product, _ *bench.Environment) (engine, error) {
	r := &rawElastic{elastic: e, client: plainClient(), batches: slices.Collect(slices.Chunk(products, batchSize))}
	taken := &recorder{}
	index, err := elasticsearch.Open(ctx, e.searched, icecat.Schema(), &elasticsearch.Options{Client: &http.Client{Transport: taken}})
	if err != nil {
		return nil, err
	}
	o := &ours{index: index}
	for _, one := range []struct {
		into  *map[string]recording
		texts []string
		run   func(context.Context, string) (int, error)
	}{{&r.queries, queries, o.query}, {&r.pages, narrowed, o.facets}, {&r.prefixes, prefixes, o.suggest}} {
		if *one.into, err = taken.record(ctx, one.texts, one.run); err != nil {
			return nil, errors.Join(err, index.Close())
		}
		for text, recording := range *one.into {
			answer, err := r.replay(ctx, recording)
			if err != nil {
				return nil, errors.Join(err, index.Close())
			}
			recording.expected = answer.sum()
			(*one.into)[text] = recording
		}
	}
	return r, index.Close()
}

func (r *rawElastic) name() string { return "raw-elasticsearch" }

func (r *rawElastic) close() error {
	r.client.CloseIdleConnections()
	return nil
}

// answer is what a program reads of one search.
type answer struct {
	Hits struct {
		Total struct {
			Value int `json:"value"`
		} `json:"total"`
		Hits []struct {
			ID     string         `json:"_id"`
			Score  float64        `json:"_score"`
			Source map[string]any `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations map[string]any `json:"aggregations"`
	Responses    []answer       `json:"responses"`
}

// replay sends the requests of a text, and returns the last answer.
func (r *rawElastic) replay(ctx context.Context, one recording) (answer, error) {
	var last answer
	for _, request := range one.requests {
		last = answer{}
		if err := ask(ctx, r.client, http.MethodPost, request.url, request.kind, request.body, &last); err != nil {
			return last, err
		}
	}
	return last, nil
}

// again replays a text, which must be answered as before.
func (r *rawElastic) again(ctx context.Context, text string, one recording) (int, error) {
	found, err := r.replay(ctx, one)
	if err == nil && found.sum() != one.expected {
		err = fmt.Errorf("%q is answered with %+v, and before with %+v", text, found.sum(), one.expected)
	}
	return one.found, err
}

func (r *rawElastic) query(ctx context.Context, text string) (int, error) {
	return r.again(ctx, text, r.queries[text])
}

func (r *rawElastic) facets(ctx context.Context, text string) (int, error) {
	return r.again(ctx, text, r.pages[text])
}

func (r *rawElastic) suggest(ctx context.Context, text string) (int, error) {
	return r.again(ctx, text, r.prefixes[text])
}

// plainMapping is what a program that does not use ours would index.
const plainMapping = `{"settings":{"number_of_shards":1,"number_of_replicas":0},"mappings":{"dynamic":"strict","properties":{
"title":{"type":"text","analyzer":"english"},"description":{"type":"text","analyzer":"english"},"attributes":{"type":"text","analyzer":"english"},
"supplier":{"type":"keyword"},"price":{"type":"double"},"colour":{"type":"keyword"},"type":{"type":"keyword"},"origin":{"type":"keyword"},
"released":{"type":"date"}}}}`

type rawElasticFilling struct {
	r    *rawElastic
	url  string
	key  bool // each product has its ID as a field
	drop func() error
}

func (r *rawElastic) indexing(ctx context.Context) (filling, error) {
	return r.indexingAs(ctx, plainMapping, false)
}

func (r *rawElastic) indexingAs(ctx context.Context, mapping string, key bool) (filling, error) {
	url, drop, err := r.elastic.fresh(ctx)
	if err == nil {
		err = ask(ctx, r.client, http.MethodPut, url, "application/json", []byte(mapping), nil)
	}
	return &rawElasticFilling{r, url, key, drop}, err
}

func (f *rawElasticFilling) put(ctx context.Context, batch int) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for _, p := range f.r.batches[batch] {
		doc := p.Document()
		fields := plain(doc)
		if f.key {
			fields["key"] = doc.ID
		}
		if err := errors.Join(encoder.Encode(map[string]any{"index": map[string]any{"_id": doc.ID}}), encoder.Encode(fields)); err != nil {
			return err
		}
	}
	return sendBulk(ctx, f.r.client, f.url+"/_bulk", body.Bytes())
}

// sendBulk sends a bulk request, of which every document must be taken.
func sendBulk(ctx context.Context, client *http.Client, url string, body []byte) error {
	var answer struct {
		Errors bool `json:"errors"`
	}
	err := ask(ctx, client, http.MethodPost, url, "application/x-ndjson", body, &answer)
	if err == nil && answer.Errors {
		err = errors.New("a document was refused")
	}
	return err
}

// plain drops fields without a value.
func plain(doc search.Document) map[string]any {
	fields := map[string]any{}
	for name, value := range doc.Fields {
		if value != nil && value != "" {
			fields[name] = value
		}
	}
	return fields
}

func (f *rawElasticFilling) close() error { return f.drop() }
