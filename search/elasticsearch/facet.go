package elasticsearch

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed82d84382/commerce/search"
)

// mostDistinct is how many different values are counted in one step. Up to there
// a facet takes one request; beyond, the number of its values is counted page by page.
const mostDistinct = 10_000

// The aggregations of one facet, each with the facet's number behind its prefix.
// Those with distinctPrefix are counted on the server and not sent.
const (
	valuesPrefix   = "v"
	includePrefix  = "i"
	rangesPrefix   = "r"
	missingPrefix  = "m"
	minPrefix      = "lo"
	maxPrefix      = "hi"
	distinctPrefix = "all"
	numberPrefix   = "n"
)

// The aggregations of requests that have only one.
const (
	valuesName  = "c"
	bucketsName = "f"
)

// facetPlan is how the facets of a request are counted: grouped by the filters they are under.
type facetPlan struct {
	aggregations object
	groups       []string // of each facet, the aggregation it is in
	distinct     bool     // something is counted that is not to be sent
}

func (d *driver) planFacets(r search.Request, common []search.Filter) (facetPlan, error) {
	plan := facetPlan{aggregations: object{}}
	names := map[string]string{} // of the groups, by their filters
	for i, f := range r.Facets {
		own := slices.DeleteFunc(slices.Clone(f.Filters), func(g search.Filter) bool {
			return slices.ContainsFunc(common, func(c search.Filter) bool { return same(c, g) })
		})
		key, err := encode(filters(own))
		if err != nil {
			return plan, err
		}
		name := names[string(key)]
		if name == "" {
			name = "g" + strconv.Itoa(len(names))
			names[string(key)] = name
			plan.aggregations[name] = object{"filter": object{"bool": object{"filter": json.RawMessage(key)}}, "aggs": object{}}
		}
		plan.groups = append(plan.groups, name)
		inner := plan.aggregations[name].(object)["aggs"].(object)
		field, ok := d.schema.Field(f.Field)
		if !ok {
			return plan, fmt.Errorf("search: facet of unknown field %q", f.Field)
		}
		if d.countOne(inner, strconv.Itoa(i), f, field) {
			plan.distinct = true
		}
	}
	return plan, nil
}

// countOne adds the aggregations of one facet. It reports whether one of them is not to be sent.
func (d *driver) countOne(to object, number string, f search.FacetRequest, field search.Field) bool {
	column := countColumn(field)
	to[missingPrefix+number] = object{"missing": object{"field": column}}
	if field.Kind == search.Number {
		to[minPrefix+number] = object{"min": object{"field": f.Field}}
		to[maxPrefix+number] = object{"max": object{"field": f.Field}}
	}
	if len(f.Ranges) > 0 {
		ranges := make([]any, len(f.Ranges))
		for i, b := range f.Ranges {
			ranges[i] = within(f.Field, b)
		}
		to[rangesPrefix+number] = object{"filters": object{"filters": ranges}}
		return false
	}
	if f.Contains != "" { // the values are read one by one
		return false
	}
	terms := object{"field": column, "size": max(f.Size, 1)}
	scope := d.scope(f, field)
	if scope != "" {
		terms["include"] = scope
	}
	d.exactly(terms)
	to[valuesPrefix+number] = object{"terms": terms}
	if included := includedValues(f, field); len(included) > 0 {
		exact := object{"field": column, "size": len(included), "include": included}
		d.exactly(exact)
		to[includePrefix+number] = object{"terms": exact}
	}
	if field.Kind == search.Bool {
		return false
	}
	everything := object{"field": column, "size": mostDistinct}
	if scope != "" {
		everything["include"] = scope
	}
	to[distinctPrefix+number] = object{"terms": everything}
	to[numberPrefix+number] = object{"stats_bucket": object{"buckets_path": distinctPrefix + number + ">_count"}}
	return true
}

// exactly makes counts exact over several shards: each must tell all its values.
func (d *driver) exactly(terms object) {
	if d.options.Shards > 1 {
		terms["shard_size"] = mostDistinct
	}
}

func countColumn(f search.Field) string {
	if f.Kind == search.Number || f.Kind == search.Category {
		return f.Name + countSuffix
	}
	return f.Name
}

// scope is the pattern of the values that a facet counts: of a category, the
// children of one path.
func (d *driver) scope(f search.FacetRequest, field search.Field) string {
	if field.Kind != search.Category {
		return ""
	}
	if f.Parent == "" {
		return beginning("0" + levelEnd)
	}
	level := strings.Count(f.Parent, search.PathSeparator) + 1
	return beginning(strconv.Itoa(level) + levelEnd + f.Parent + search.PathSeparator)
}

// beginning is the pattern of the values that begin with a text. The brackets keep
// OpenSearch from its short cut for patterns that end in ".*", which fails with
// index_out_of_bounds_exception when every value of the index sorts before the text
// (its issues 19529 and 19636, met in 2.19).
func beginning(text string) string { return literal(text) + "(.*)" }

// literal escapes what means something in a pattern of Lucene.
func literal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c > ' ' && c < 0x7F {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// includedValues are those to be listed in any case, as they are counted.
func includedValues(f search.FacetRequest, field search.Field) []string {
	var list []string
	for _, v := range f.Include {
		if !inScope(f, field, v) {
			continue
		}
		if field.Kind == search.Category {
			v = counted(v)
		}
		list = append(list, v)
	}
	return list
}

// inScope says whether a facet lists a value, if it has one.
func inScope(f search.FacetRequest, field search.Field, value string) bool {
	if field.Kind == search.Category {
		rest := value
		if f.Parent != "" {
			var below bool
			if rest, below = strings.CutPrefix(value, f.Parent+search.PathSeparator); !below {
				return false
			}
		}
		if strings.Contains(rest, search.PathSeparator) {
			return false
		}
	}
	return f.Holds(value)
}

// value is what the bucket counts, without a category's level.
func (b bucket) value(field search.Field) string {
	text := cmp.Or(b.Text, b.Key)
	if field.Kind == search.Category {
		_, text, _ = strings.Cut(text, levelEnd)
	}
	return text
}

// facets reads the counts.
func (d *driver) facets(ctx context.Context, p *prepared, aggregations map[string]json.RawMessage) ([]search.FacetResponse, error) {
	groups := map[string]counts{}
	responses := make([]search.FacetResponse, 0, len(p.request.Facets))
	for i, f := range p.request.Facets {
		group, known := groups[p.facets.groups[i]]
		if !known {
			var err error
			if group, err = decodeGroup(aggregations[p.facets.groups[i]]); err != nil {
				return nil, err
			}
			groups[p.facets.groups[i]] = group
		}
		number := strconv.Itoa(i)
		response := search.FacetResponse{Missing: group[missingPrefix+number].Count,
			Min: group[minPrefix+number].Value, Max: group[maxPrefix+number].Value}
		field, _ := d.schema.Field(f.Field) // known when it was planned
		switch {
		case len(f.Ranges) > 0:
			for _, b := range group[rangesPrefix+number].Buckets {
				response.Ranges = append(response.Ranges, b.Count)
			}
		case f.Contains != "":
			values, err := d.eachValue(ctx, p.request.Query, f, field)
			if err != nil {
				return nil, err
			}
			list(f, field, values, nil, &response)
		default:
			values := group[valuesPrefix+number].Buckets
			list(f, field, values, group[includePrefix+number].Buckets, &response)
			response.Distinct = max(len(values), group[numberPrefix+number].Number)
			if group[numberPrefix+number].Number >= mostDistinct {
				all, err := d.eachValue(ctx, p.request.Query, f, field)
				if err != nil {
					return nil, err
				}
				response.Distinct = len(all)
			}
		}
		responses = append(responses, response)
	}
	return responses, nil
}

func decodeGroup(text json.RawMessage) (counts, error) {
	group := counts{}
	if len(text) == 0 {
		return group, nil
	}
	return group, scan(text, group)
}

// list picks what is returned of values: the most frequent ones, and those that must be there.
func list(f search.FacetRequest, field search.Field, values, included []bucket, response *search.FacetResponse) {
	counts := map[string]int{}
	for _, b := range slices.Concat(values, included) {
		if v := b.value(field); inScope(f, field, v) {
			counts[v] = b.Count
		}
	}
	response.Distinct = len(counts)
	for _, v := range f.Include {
		if _, listed := counts[v]; !listed && inScope(f, field, v) {
			counts[v] = 0
		}
	}
	all := make([]search.ValueCount, 0, len(counts))
	for v, n := range counts {
		all = append(all, search.ValueCount{Value: v, Count: n})
	}
	slices.SortFunc(all, func(a, b search.ValueCount) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Value, b.Value)) })
	for i, v := range all {
		if i < f.Size || slices.Contains(f.Include, v.Value) {
			response.Values = append(response.Values, v)
		}
	}
}

// eachValue reads all values of a facet with their counts, page by page.
func (d *driver) eachValue(ctx context.Context, query search.Node, f search.FacetRequest, field search.Field) ([]bucket, error) {
	compiled, err := d.query(query)
	if err != nil {
		return nil, err
	}
	body := object{"query": object{"bool": object{"must": compiled, "filter": filters(f.Filters), "must_not": gone}}}
	return d.pageValues(ctx, body, countColumn(field), func(b bucket) bool { return inScope(f, field, b.value(field)) })
}

// maxValues bounds how many values of a field are looked through.
const maxValues = 1_000_000

// pageValues reads the values of a column in the documents that body matches.
func (d *driver) pageValues(ctx context.Context, body object, column string, keep func(bucket) bool) ([]bucket, error) {
	composite := object{"size": mostDistinct, "sources": []any{object{"v": object{"terms": object{"field": column}}}}}
	body["size"], body["aggs"] = 0, object{valuesName: object{"composite": composite}}
	var found []bucket
	for looked := 0; looked < maxValues; {
		var page valuePage
		err := d.client.json(ctx, call{method: "POST", path: "/" + d.name + "/_search?allow_partial_search_results=false"}, body, &page)
		if err != nil {
			return nil, err
		}
		for _, b := range page.Buckets {
			if keep(b) {
				found = append(found, b)
			}
		}
		looked += len(page.Buckets)
		if len(page.Buckets) < mostDistinct || len(page.After) == 0 {
			break
		}
		composite["after"] = page.After
	}
	return found, nil
}
