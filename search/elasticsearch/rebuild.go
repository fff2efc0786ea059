package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"

	"github.com/seed82d84382/commerce/search"
)

// generation is an index being filled beside the live one. It is written to
// through an alias of its own: a write to one that was removed makes no new index.
type generation struct {
	driver *driver
	name   string
	over   bool // promoted or discarded
}

func (g *generation) alias() string { return g.name + fillingSuffix }

// Begin implements [search.Rebuilder]. When another process is filling an index, the
// last one to begin goes on, and the other one's writes fail.
func (d *driver) Begin(ctx context.Context, resumable bool) (search.Generation, error) {
	list, err := d.indexes(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.has(p.name + fillingSuffix) {
			if err := d.remove(ctx, p.name); err != nil {
				return nil, err
			}
		}
	}
	name, err := d.create(ctx, func(index string) string { return index + fillingSuffix }, true, resumable)
	if err != nil {
		return nil, err
	}
	return &generation{driver: d, name: name}, nil
}

// Resume implements [search.Resumer].
func (d *driver) Resume(ctx context.Context, name string) (search.Generation, error) {
	list, err := d.indexes(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		if p.name != name || !p.has(name+fillingSuffix) {
			continue
		}
		m, err := d.meta(ctx, name)
		if err != nil {
			return nil, err
		}
		if m.Resumable && m.usable(d) {
			return &generation{driver: d, name: name}, nil
		}
	}
	return nil, search.ErrNotFound
}

func (g *generation) Name() string { return g.name }

// Leave implements [search.Resumable]. The index is on the server: there is nothing to leave.
func (g *generation) Leave(context.Context) error { return nil }

func (g *generation) Write(ctx context.Context, ops []search.Op, _ bool) error {
	return g.lost(g.driver.write(ctx, g.alias(), ops, false))
}

// lost tells a generation that another process has removed.
func (g *generation) lost(err error) error {
	if batch, ok := asBatch(err); ok {
		for _, f := range batch.Failed {
			if isType(f.Err, noIndex) {
				return fmt.Errorf("another rebuild has removed the index: %w", search.ErrRebuilding)
			}
		}
	}
	if isType(err, noIndex) {
		return fmt.Errorf("another rebuild has removed the index: %w", search.ErrRebuilding)
	}
	return err
}

func (g *generation) Count(ctx context.Context) (int, error) {
	if err := g.driver.refresh(ctx, g.alias()); err != nil {
		return 0, g.lost(err)
	}
	n, err := g.driver.count(ctx, g.alias(), true)
	return n, g.lost(err)
}

func (g *generation) Get(ctx context.Context, ids []string) ([]search.Stored, error) {
	stored, err := g.driver.get(ctx, g.alias(), ids)
	return stored, g.lost(err)
}

// entriesPage is how many entries are read at once.
const entriesPage = 5000

// Entries implements [search.Resumable].
func (g *generation) Entries(ctx context.Context) iter.Seq2[search.GenerationEntry, error] {
	return func(yield func(search.GenerationEntry, error) bool) {
		if err := g.driver.refresh(ctx, g.alias()); err != nil {
			yield(search.GenerationEntry{}, g.lost(err))
			return
		}
		body := object{"size": entriesPage, "sort": []any{fieldKey}, "_source": []string{fieldGone, fieldChanged}}
		path := "/" + g.alias() + "/_search?allow_partial_search_results=false"
		for {
			var page searchAnswer
			if err := g.driver.client.json(ctx, call{method: http.MethodPost, path: path, write: true}, body, &page); err != nil {
				yield(search.GenerationEntry{}, g.lost(err))
				return
			}
			var after []json.RawMessage
			for _, h := range page.Hits {
				after = h.Sort
				// Only deletes that were changes are asked for; a tombstone of the source is not among them.
				entry := search.GenerationEntry{ID: h.ID, Deleted: h.Source.Gone, Changed: h.Source.Changed}
				if h.Source.Gone && !h.Source.Changed {
					continue
				}
				if !yield(entry, nil) {
					return
				}
			}
			if len(page.Hits) < entriesPage {
				return
			}
			body["search_after"] = after
		}
	}
}

// Promote implements [search.Generation].
func (g *generation) Promote(ctx context.Context, keep bool) error {
	d := g.driver
	if err := g.settle(ctx); err != nil {
		return g.lost(err)
	}
	list, err := d.indexes(ctx)
	if err != nil {
		return err
	}
	actions := []any{object{"remove": object{"index": g.name, "alias": g.alias()}}}
	found := false
	for _, p := range list {
		switch {
		case p.name == g.name:
			found = p.has(g.alias())
		case p.has(d.name) && keep:
			actions = append(actions,
				object{"remove": object{"index": p.name, "alias": d.name}}, object{"add": object{"index": p.name, "alias": d.previous()}})
		case p.has(d.name), p.has(d.previous()):
			actions = append(actions, object{"remove_index": object{"index": p.name}})
		}
	}
	if !found {
		return fmt.Errorf("another rebuild has removed the index: %w", search.ErrRebuilding)
	}
	if err := d.turn(ctx, g.name, actions); err != nil {
		return err
	}
	g.over = true
	return nil
}

// settle makes the index ready for searches: its documents visible, its copies
// filled, and its refreshes as they are to be.
func (g *generation) settle(ctx context.Context) error {
	d := g.driver
	var interval any // nil is the server's default
	if d.options.Refresh > 0 {
		interval = milliseconds(d.options.Refresh)
	}
	for _, step := range []struct {
		call
		body any
	}{
		{call{method: http.MethodPut, path: "/" + g.name + "/_settings"}, object{"index": object{"refresh_interval": interval}}},
		{call{method: http.MethodPost, path: "/" + g.name + "/_refresh"}, nil},
		{call{method: http.MethodGet, path: "/_cluster/health/" + g.name + "?wait_for_no_initializing_shards=true&timeout=10s"}, nil},
	} {
		step.write = true
		err := d.client.json(ctx, step.call, step.body, nil)
		if err != nil && !isStatus(err, http.StatusRequestTimeout) { // a copy that takes longer is filled later
			return err
		}
	}
	return nil
}

// Discard implements [search.Generation].
func (g *generation) Discard(ctx context.Context) error {
	if g.over {
		return nil
	}
	g.over = true
	return g.driver.remove(ctx, g.name)
}

// Rollback implements [search.Rollbacker].
func (d *driver) Rollback(ctx context.Context) error {
	list, err := d.indexes(ctx)
	if err != nil {
		return err
	}
	var kept string
	var actions []any
	for _, p := range list {
		switch {
		case p.has(d.previous()):
			kept = p.name
			actions = append(actions, object{"remove": object{"index": p.name, "alias": d.previous()}})
		case p.has(d.name):
			actions = append(actions, object{"remove_index": object{"index": p.name}})
		}
	}
	if kept == "" {
		return search.ErrNotFound
	}
	m, err := d.meta(ctx, kept)
	if err != nil {
		return err
	}
	if !m.usable(d) {
		return search.ErrSchema
	}
	return d.turn(ctx, kept, actions)
}
