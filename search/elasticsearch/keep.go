package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/seed82d84382/commerce/search"
)

// settingsSuffix names the alias of the index that holds the settings.
const settingsSuffix = "-settings"

// maxSettings bounds how many there are.
const maxSettings = 1000

func (d *driver) keptIn() string { return d.name + settingsSuffix }

// kept is how a setting is stored.
type kept struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// Keep implements [search.Keeper].
func (d *driver) Keep(ctx context.Context, name string, value []byte) error {
	id := url.PathEscape(name)
	if value == nil {
		err := d.client.json(ctx, call{method: http.MethodDelete, path: "/" + d.keptIn() + "/_doc/" + id + "?refresh=true", write: true}, nil, nil)
		if isStatus(err, http.StatusNotFound) {
			return nil
		}
		return err
	}
	put := call{method: http.MethodPut, path: "/" + d.keptIn() + "/_doc/" + id + "?require_alias=true&refresh=true", write: true}
	err := d.client.json(ctx, put, kept{Name: name, Value: value}, nil)
	if !isStatus(err, http.StatusNotFound) {
		return err
	}
	if err := d.createSettings(ctx); err != nil {
		return err
	}
	return d.client.json(ctx, put, kept{Name: name, Value: value}, nil)
}

// createSettings makes the index of the settings. It is no error when another process was faster.
func (d *driver) createSettings(ctx context.Context) error {
	index := object{"number_of_shards": 1, "auto_expand_replicas": "0-1"}
	switch {
	case d.options.Replicas > 0:
		index = object{"number_of_shards": 1, "number_of_replicas": d.options.Replicas}
	case d.options.Replicas < 0:
		index = object{"number_of_shards": 1, "number_of_replicas": 0}
	}
	body := object{
		"settings": object{"index": index},
		"aliases":  object{d.keptIn(): object{}},
		"mappings": object{"dynamic": "strict", "properties": object{
			"name": object{"type": "keyword"}, "value": object{"type": "binary"},
		}},
	}
	err := d.client.json(ctx, call{method: http.MethodPut, path: "/" + d.keptIn() + "-000001", write: true}, body, nil)
	if isType(err, "resource_already_exists_exception") {
		return nil
	}
	return err
}

// Kept implements [search.Keeper]. The values are read one by one: each may be large.
func (d *driver) Kept(ctx context.Context) (map[string][]byte, error) {
	body := object{"size": maxSettings, "_source": false, "sort": []any{"name"}}
	var names searchAnswer
	err := d.client.json(ctx, call{method: http.MethodPost, path: "/" + d.keptIn() + "/_search?allow_partial_search_results=false", write: true}, body, &names)
	if isStatus(err, http.StatusNotFound) {
		return map[string][]byte{}, nil
	}
	if err != nil {
		return nil, err
	}
	all := make(map[string][]byte, len(names.Hits))
	for _, h := range names.Hits {
		var doc struct {
			Found  bool            `json:"found"`
			Source json.RawMessage `json:"_source"`
		}
		err := d.client.json(ctx, call{method: http.MethodGet, path: "/" + d.keptIn() + "/_doc/" + url.PathEscape(h.ID), write: true}, nil, &doc)
		if isStatus(err, http.StatusNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		var one kept
		if err := json.Unmarshal(doc.Source, &one); err != nil {
			return nil, fmt.Errorf("search: decode setting %q: %w", h.ID, err)
		}
		all[one.Name] = one.Value
	}
	return all, nil
}

var (
	_ search.Keeper     = (*driver)(nil)
	_ search.Rebuilder  = (*driver)(nil)
	_ search.Resumer    = (*driver)(nil)
	_ search.Rollbacker = (*driver)(nil)
	_ search.Refresher  = (*driver)(nil)
	_ search.Resumable  = (*generation)(nil)
)
