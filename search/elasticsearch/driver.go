package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/seed82d84382/commerce/search"
)

// driver is an alias of a cluster. It keeps no state of the index: other
// processes may change that at any time.
type driver struct {
	client *client
	name   string // the alias
	schema search.Schema
	print  string // the schema's fingerprint, as it stands in names
	// schemaField is the name of the field that every document has, see fieldSchema.
	schemaField string
	collapses   bool // a field of the schema makes variants
	options     Options
	// scale undoes the constant factor k1 + 1 that most servers put before BM25.
	scale   float64
	maxBody int           // bytes of a request that the nodes take; 0: unknown
	workers chan struct{} // requests of writes under way
	opBytes atomic.Int64  // that an op of the last request took
}

func newDriver(name string, schema search.Schema, o Options) *driver {
	print := schema.Fingerprint()[:shortPrint]
	return &driver{
		name: name, schema: schema, options: o, workers: make(chan struct{}, o.Workers),
		print: print, schemaField: fmt.Sprintf("%s%s-%d", fieldSchema, print, format),
		collapses: slices.ContainsFunc(schema.Fields, func(f search.Field) bool { return f.Collapse }),
	}
}

// shortPrint is how much of the fingerprint stands in names.
const shortPrint = 8

// oldest is the first version that has what is used here.
const oldestMajor, oldestMinor = 7, 17

// open makes an index of the driver. On an error nothing is left open.
func (d *driver) open(ctx context.Context) (*search.Index, error) {
	if err := d.checkServer(ctx); err != nil {
		return nil, err
	}
	if err := d.readLimit(ctx); err != nil {
		return nil, err
	}
	stale, err := d.openLive(ctx)
	if err != nil {
		return nil, err
	}
	if stale && d.options.Source == nil {
		return nil, search.ErrSchema
	}
	ix, err := search.New(d, d.schema, &d.options.Options)
	if err != nil {
		return nil, err
	}
	if stale {
		if err := ix.Rebuild(ctx, d.options.Source, nil); err != nil {
			_ = ix.Close() // the first error is the one to tell
			return nil, err
		}
	}
	return ix, nil
}

// checkServer finds out what answers.
func (d *driver) checkServer(ctx context.Context) error {
	var info struct {
		Version struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if err := d.client.json(ctx, call{method: http.MethodGet, path: "/"}, nil, &info); err != nil {
		return err
	}
	parts := strings.SplitN(info.Version.Number, ".", 3)
	var major, minor int
	if len(parts) == 3 {
		major, _ = strconv.Atoi(parts[0]) // 0 is too old
		minor, _ = strconv.Atoi(parts[1])
	}
	opensearch := info.Version.Distribution == "opensearch"
	if major == 0 || !opensearch && (major < oldestMajor || major == oldestMajor && minor < oldestMinor) || opensearch && major < 2 {
		return fmt.Errorf("search: a server of version %q: %w", clip(info.Version.Number, 40), errors.ErrUnsupported)
	}
	d.scale = 1 / (k1 + 1)
	if opensearch && major >= 3 {
		d.scale = 1
	}
	return nil
}

// readLimit asks how large a request may be. The server hangs up while a larger one
// comes, so that it could not be told from a broken connection. Where asking is not
// allowed, its default is far above our parts.
func (d *driver) readLimit(ctx context.Context) error {
	var answer struct {
		Nodes map[string]struct {
			HTTP struct {
				Most int `json:"max_content_length_in_bytes"`
			} `json:"http"`
		} `json:"nodes"`
	}
	path := "/_nodes/http?filter_path=nodes.*.http.max_content_length_in_bytes"
	err := d.client.json(ctx, call{method: http.MethodGet, path: path}, nil, &answer)
	if _, refused := errors.AsType[*Error](err); err != nil && !refused {
		return err
	}
	for _, node := range answer.Nodes {
		if most := node.HTTP.Most; most > 0 && (d.maxBody == 0 || most < d.maxBody) {
			d.maxBody = most
		}
	}
	return nil
}

func (d *driver) Get(ctx context.Context, ids []string) ([]search.Stored, error) {
	return d.get(ctx, d.name, ids)
}

// get reads documents of an index or alias, written to disk and visible or not.
func (d *driver) get(ctx context.Context, index string, ids []string) ([]search.Stored, error) {
	found, err := d.read(ctx, index, ids, false)
	if err != nil {
		return nil, err
	}
	var stored []search.Stored
	for _, doc := range found {
		if doc.Found && !doc.Source.Gone {
			stored = append(stored, search.Stored{ID: doc.ID, Version: doc.Source.Version, Source: doc.Source.Stored})
		}
	}
	return stored, nil
}

// storedDoc is an answer about one ID.
type storedDoc struct {
	ID      string          `json:"_id"`
	Found   bool            `json:"found"`
	Seq     int64           `json:"_seq_no"`
	Term    int64           `json:"_primary_term"`
	Source  source          `json:"_source"`
	Problem json.RawMessage `json:"error"`
}

// source is what the server keeps of a document's text.
type source struct {
	Stored  json.RawMessage `json:"_stored"`
	Version int64           `json:"_revision"`
	Gone    bool            `json:"_gone"`
	Changed bool            `json:"_changed"`
}

// read looks documents up; patiently, as part of a write.
func (d *driver) read(ctx context.Context, index string, ids []string, patient bool) ([]storedDoc, error) {
	if len(ids) == 0 {
		return nil, ctx.Err()
	}
	var answer struct {
		Docs []storedDoc `json:"docs"`
	}
	err := d.client.json(ctx, call{method: http.MethodPost, path: "/" + index + "/_mget", write: patient}, object{"ids": ids}, &answer)
	if err != nil {
		return nil, err
	}
	for _, doc := range answer.Docs {
		if len(doc.Problem) > 0 {
			var c cause
			_ = json.Unmarshal(doc.Problem, &c) // an unknown form is an error without words
			if c.Type == noIndex {
				return nil, c.error(http.StatusNotFound)
			}
			return nil, c.error(http.StatusServiceUnavailable)
		}
	}
	return answer.Docs, nil
}

func (d *driver) Count(ctx context.Context) (int, error) { return d.count(ctx, d.name, false) }

func (d *driver) count(ctx context.Context, index string, patient bool) (int, error) {
	var answer struct {
		Count  int `json:"count"`
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	body := object{"query": object{"bool": object{"must_not": gone}}}
	if err := d.client.json(ctx, call{method: http.MethodPost, path: "/" + index + "/_count", write: patient}, body, &answer); err != nil {
		return 0, err
	}
	if answer.Shards.Failed > 0 {
		return 0, &Error{Status: http.StatusServiceUnavailable, Type: "no_shard_available", Reason: "a shard did not count its documents"}
	}
	return answer.Count, nil
}

// Refresh implements [search.Refresher].
func (d *driver) Refresh(ctx context.Context) error { return d.refresh(ctx, d.name) }

func (d *driver) refresh(ctx context.Context, index string) error {
	return d.client.json(ctx, call{method: http.MethodPost, path: "/" + index + "/_refresh", write: true}, nil, nil)
}

func (d *driver) Close() error {
	d.client.close()
	return nil
}
