package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/search"
)

// prepared is a request on its way.
type prepared struct {
	request    search.Request
	body       []byte
	facets     facetPlan
	preference string
}

// Search implements [search.Driver]. Several requests go in one; a facet search
// among many values, and what is shown of variants, takes further ones.
func (d *driver) Search(ctx context.Context, requests []search.Request) ([]search.Response, error) {
	if len(requests) > 1 && !slices.ContainsFunc(requests, moreThanCount) {
		return d.countAll(ctx, requests)
	}
	all := make([]prepared, len(requests))
	for i, r := range requests {
		var err error
		if all[i], err = d.prepare(r); err != nil {
			return nil, err
		}
	}
	answers, err := d.ask(ctx, all)
	if err != nil {
		return nil, err
	}
	responses := make([]search.Response, len(all))
	for i := range all {
		if responses[i], err = d.response(ctx, &all[i], answers[i]); err != nil {
			return nil, err
		}
	}
	return responses, nil
}

// moreThanCount says whether a request asks for more than a total.
func moreThanCount(r search.Request) bool { return r.Limit > 0 || len(r.Facets) > 0 || r.Collapse }

// countAll answers requests for totals by one search: to the server each search of its own costs far more
// than what it counts, and suggestions want many counts.
func (d *driver) countAll(ctx context.Context, requests []search.Request) ([]search.Response, error) {
	each := make([]any, len(requests))
	for i, r := range requests {
		query, err := d.query(matching(r.Query))
		if err != nil {
			return nil, err
		}
		each[i] = query
		if len(r.Filters) > 0 {
			each[i] = object{"bool": object{"filter": append(filters(r.Filters), query)}}
		}
	}
	buckets, err := d.buckets(ctx, object{"size": 0, "track_total_hits": false, "query": object{"bool": object{"must_not": gone}},
		"aggs": object{bucketsName: object{"filters": object{"filters": each}}}})
	if err != nil {
		return nil, err
	}
	if len(buckets) != len(requests) {
		return nil, fmt.Errorf("search: elasticsearch answered %d of %d counts", len(buckets), len(requests))
	}
	responses := make([]search.Response, len(requests))
	for i, b := range buckets {
		responses[i] = search.Response{Total: b.Count, Hits: []search.DriverHit{}}
	}
	return responses, nil
}

// prepare writes the body of a request.
func (d *driver) prepare(r search.Request) (prepared, error) {
	p := prepared{request: r}
	if r.Limit == 0 { // nothing is scored
		r.Query = matching(r.Query)
	}
	compiled, err := d.query(r.Query)
	if err != nil {
		return p, err
	}
	query, err := encode(compiled)
	if err != nil {
		return p, err
	}
	p.preference = preference(query)
	common, after := splitFilters(r)
	body := object{
		"query":            object{"bool": object{"must": json.RawMessage(query), "filter": filters(common), "must_not": gone}},
		"size":             r.Limit,
		"track_total_hits": true,
	}
	if len(after) > 0 {
		body["post_filter"] = object{"bool": object{"filter": filters(after)}}
	}
	if r.Limit > 0 {
		if body["sort"], err = d.sort(r.Sort); err != nil {
			return p, err
		}
		body["_source"] = sourceOf(r)
		if len(r.After) > 0 {
			if body["search_after"], err = position(r.After, r.Sort); err != nil {
				return p, err
			}
		} else if r.Offset > 0 {
			body["from"] = r.Offset
		}
		if r.Explain {
			body["explain"] = true
		}
		if r.Collapse {
			body["collapse"] = object{"field": search.FieldGroup}
			body["fields"] = []string{search.FieldGroup}
		}
	}
	if p.facets, err = d.planFacets(r, common); err != nil {
		return p, err
	}
	aggregations := p.facets.aggregations
	if r.Collapse {
		aggregations = collapsing(aggregations, after)
	}
	if len(aggregations) > 0 {
		body["aggs"] = aggregations
	}
	p.body, err = encode(body)
	return p, err
}

// sourceOf is what the server sends of each hit's source. All of it costs the server nothing to
// pick, and is hardly more than the stored fields.
func sourceOf(r search.Request) any {
	if !r.Source || r.Fields == nil {
		return r.Source
	}
	paths := make([]string, len(r.Fields))
	for i, name := range r.Fields {
		paths[i] = fieldStored + "." + name
	}
	return paths
}

// splitFilters parts a request's filters into those that hold for all its facets
// too, and those that hold for the hits alone.
func splitFilters(r search.Request) (common, after []search.Filter) {
	if len(r.Facets) == 0 && !r.Collapse {
		return r.Filters, nil
	}
	for _, f := range r.Filters {
		everywhere := !slices.ContainsFunc(r.Facets, func(facet search.FacetRequest) bool {
			return !slices.ContainsFunc(facet.Filters, func(g search.Filter) bool { return same(f, g) })
		})
		if everywhere {
			common = append(common, f)
		} else {
			after = append(after, f)
		}
	}
	return common, after
}

// same compares filters that come from one query, whose slices are shared.
func same(f, g search.Filter) bool {
	return f.Op == g.Op && f.Field == g.Field && f.Negate == g.Negate &&
		slices.Equal(f.Values, g.Values) && slices.Equal(f.Ranges, g.Ranges)
}

// ask sends the requests. Each goes to the same copy of the index whenever it
// comes: copies that have merged differently score a little differently, and pages would overlap.
func (d *driver) ask(ctx context.Context, all []prepared) ([]searchAnswer, error) {
	distinct := slices.ContainsFunc(all, func(p prepared) bool { return p.facets.distinct || p.request.Collapse })
	if len(all) == 1 {
		parameters := "?allow_partial_search_results=false&preference=" + all[0].preference
		if d.options.Shards > 1 {
			parameters += "&search_type=dfs_query_then_fetch"
		}
		if distinct {
			parameters += "&filter_path=-aggregations.*." + distinctPrefix + "*.buckets"
		}
		body, err := d.client.do(ctx, call{method: http.MethodPost, path: "/" + d.name + "/_search" + parameters, body: all[0].body})
		if err != nil {
			return nil, badCursor(err, all[0].request)
		}
		answers := make([]searchAnswer, 1)
		if err := scan(body, &answers[0]); err != nil {
			return nil, err
		}
		return answers, answers[0].refusal()
	}
	var lines bytes.Buffer
	for _, p := range all {
		fmt.Fprintf(&lines, `{"allow_partial_search_results":false,"preference":%q}`+"\n", p.preference)
		lines.Write(p.body)
		lines.WriteByte('\n')
	}
	parameters := "?max_concurrent_searches=4"
	if d.options.Shards > 1 {
		parameters += "&search_type=dfs_query_then_fetch"
	}
	if distinct {
		parameters += "&filter_path=-responses.aggregations.*." + distinctPrefix + "*.buckets"
	}
	var answer manyAnswers
	err := d.client.json(ctx, call{method: http.MethodPost, path: "/" + d.name + "/_msearch" + parameters,
		body: lines.Bytes(), kind: "application/x-ndjson"}, nil, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer) != len(all) {
		return nil, fmt.Errorf("search: elasticsearch answered %d of %d searches", len(answer), len(all))
	}
	for i := range answer {
		if err := answer[i].refusal(); err != nil {
			return nil, badCursor(err, all[i].request)
		}
	}
	return answer, nil
}

// preference names a copy of the index by the query, not by the page.
func preference(query []byte) string {
	sum := fnv.New64a()
	sum.Write(query)
	return strconv.FormatUint(sum.Sum64(), 36)
}

// badCursor tells a position that the server does not take from other refusals.
func badCursor(err error, r search.Request) error {
	if len(r.After) > 0 && isStatus(err, http.StatusBadRequest) {
		return errPosition
	}
	return err
}

func (d *driver) response(ctx context.Context, p *prepared, a searchAnswer) (search.Response, error) {
	response := search.Response{Total: a.Total, Hits: make([]search.DriverHit, 0, len(a.Hits))}
	for i := range a.Hits {
		h := &a.Hits[i]
		hit := search.DriverHit{ID: h.ID, Score: h.Score, Source: h.Source.Stored, Position: make([]string, len(h.Sort))}
		for i, value := range h.Sort {
			hit.Position[i] = string(value)
		}
		if h.Explanation != nil {
			hit.Explain = h.Explanation.public()
		}
		response.Hits = append(response.Hits, hit)
	}
	var err error
	if response.Facets, err = d.facets(ctx, p, a.Aggregations); err != nil {
		return response, err
	}
	if p.request.Collapse {
		err = d.collapsed(ctx, p, a, &response)
	}
	return response, err
}

// sort compiles sort keys.
func (d *driver) sort(keys []search.Sort) ([]any, error) {
	compiled := make([]any, len(keys))
	for i, key := range keys {
		order := "asc"
		if key.Desc {
			order = "desc"
		}
		switch key.Field {
		case search.Relevance.Field:
			compiled[i] = search.Relevance.Field
		case search.ByID.Field:
			compiled[i] = object{fieldKey: object{"order": order}}
		default:
			if _, ok := d.schema.Field(key.Field); !ok {
				return nil, fmt.Errorf("search: sort by unknown field %q", key.Field)
			}
			compiled[i] = object{key.Field: object{"order": order, "missing": "_last"}}
		}
	}
	return compiled, nil
}

var errPosition = &search.InvalidError{Field: "Cursor", Reason: "is not one this index gave out"}

const maxPosition = 64 // bytes of one that is no text

// position turns the sort values of a hit, as the server wrote them, into those to go on after.
func position(values []string, keys []search.Sort) ([]json.RawMessage, error) {
	if len(values) != len(keys) {
		return nil, errPosition
	}
	after := make([]json.RawMessage, len(values))
	for i, v := range values {
		text := strings.HasPrefix(v, `"`)
		isID, isScore := keys[i].Field == search.ByID.Field, keys[i].Field == search.Relevance.Field
		if v == "" || v[0] == '{' || v[0] == '[' || !json.Valid([]byte(v)) || !text && len(v) > maxPosition ||
			isID && !text || isScore && (v[0] < '0' || v[0] > '9') && v[0] != '-' {
			return nil, errPosition
		}
		after[i] = json.RawMessage(v)
	}
	return after, nil
}

// explanation is how the server describes a score.
type explanation struct {
	Value       float64       `json:"value"`
	Description string        `json:"description"`
	Details     []explanation `json:"details"`
}

func (e *explanation) public() *search.Explanation {
	public := &search.Explanation{Value: e.Value, Message: e.Description}
	for i := range e.Details {
		public.Children = append(public.Children, *e.Details[i].public())
	}
	return public
}
