package elasticsearch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search"
)

// gone matches what is no document.
var gone = object{"term": object{fieldGone: true}}

// query compiles a tree. Its terms are analysed already: nothing here is parsed by the server.
func (d *driver) query(n search.Node) (any, error) {
	switch n.Op {
	case search.OpEverything:
		return object{"match_all": object{"boost": n.Boost}}, nil
	case search.OpTerm:
		return d.leaf("term", n.Field, "value", n.Terms[0], n.Boost), nil
	case search.OpPhrase:
		return d.leaf("match_phrase", n.Field, "query", strings.Join(n.Terms, " "), n.Boost), nil
	case search.OpPrefix:
		return constant(prefix(n.Field, n.Terms[0]), n.Boost), nil
	case search.OpIDs:
		return constant(ids(n.Terms), n.Boost), nil
	case search.OpScale:
		return d.scaled(n)
	}
	children := make([]any, len(n.Nodes))
	for i, child := range n.Nodes {
		var err error
		if children[i], err = d.query(child); err != nil {
			return nil, err
		}
	}
	switch {
	case len(children) == 0:
		return object{"match_none": object{}}, nil
	case n.Op == search.OpAll:
		return object{"bool": object{"must": children, "boost": n.Boost}}, nil
	case n.Op == search.OpAny:
		return d.anyOf(n, children)
	case n.Op == search.OpBest:
		return object{"dis_max": object{"queries": children, "tie_breaker": 0, "boost": n.Boost}}, nil
	case n.Op == search.OpPrefer:
		return object{"bool": object{"must": children[0], "should": children[1:], "boost": n.Boost}}, nil
	}
	return nil, fmt.Errorf("search: unknown operation %q", n.Op)
}

// leaf is a query of one field, {kind: {field: {"boost": boost, key: text}}}. Most of a request are such, so they are
// written at once.
func (d *driver) leaf(kind, field, key, text string, boost float64) json.RawMessage {
	to := make([]byte, 0, 64+len(kind)+len(field)+len(text))
	to = appendKey(append(to, '{'), kind)
	to = appendKey(append(to, '{'), field)
	to = appendKey(append(to, '{'), "boost")
	to = strconv.AppendFloat(to, boost*d.scale, 'g', -1, 64)
	to = appendKey(append(to, ','), key)
	return append(appendString(to, text), "}}}"...)
}

// anyOf matches some of its children, and multiplies where all of them match.
func (d *driver) anyOf(n search.Node, children []any) (any, error) {
	some := object{"should": children, "minimum_should_match": max(1, n.Min)}
	if n.Bonus == 0 {
		some["boost"] = n.Boost
		return object{"bool": some}, nil
	}
	all := make([]any, len(n.Nodes))
	for i, child := range n.Nodes {
		var err error
		if all[i], err = d.query(matching(child)); err != nil {
			return nil, err
		}
	}
	return object{"function_score": object{
		"query":      object{"bool": some},
		"functions":  []any{object{"filter": object{"bool": object{"filter": all}}, "weight": 1 + n.Bonus}},
		"boost_mode": "multiply", "boost": n.Boost,
	}}, nil
}

// matching is a node without what only scores. Servers bound the parts of a query.
func matching(n search.Node) search.Node {
	if n.Op == search.OpPrefer || n.Op == search.OpScale {
		return matching(n.Nodes[0])
	}
	nodes := make([]search.Node, len(n.Nodes))
	for i, child := range n.Nodes {
		nodes[i] = matching(child)
	}
	n.Nodes, n.Bonus = nodes, 0
	return n
}

func constant(filter any, boost float64) any {
	return object{"constant_score": object{"filter": filter, "boost": boost}}
}

// prefix matches the documents with a term that begins so.
func prefix(field, start string) any {
	switch {
	case start == "", len(start) > maxTerm:
		return object{"match_none": object{}}
	case field == search.FieldPhrases && utf8.RuneCountInString(start) <= search.MaxStart:
		return object{"term": object{search.FieldStarts: listedTerm(start)}}
	}
	return object{"prefix": object{field: start}}
}

func ids(list []string) any {
	if list == nil {
		list = []string{}
	}
	return object{"ids": object{"values": list}}
}

// The scripts by which a field's value scales a score; p holds the factor's weight
// and pivot. A script is compiled once, whatever its parameters.
const (
	numberScript = `if (doc[params.f].size() == 0) return 1; double v = doc[params.f].get(doc[params.f].size() - 1); ` +
		`return v > 0 ? 1 + params.w * (v / (v + params.p)) : 1`
	dateScript = `if (doc[params.f].size() == 0) return 1; ` +
		`double a = params.n - doc[params.f].get(doc[params.f].size() - 1); ` +
		`return 1 + params.w * (params.p / (params.p + (a > 0 ? a : 0)))`
)

// scaled multiplies the score of its node by factors.
func (d *driver) scaled(n search.Node) (any, error) {
	inner, err := d.query(n.Nodes[0])
	if err != nil {
		return nil, err
	}
	functions := make([]any, len(n.Factors))
	for i, f := range n.Factors {
		if f.Field == "" {
			functions[i] = object{"filter": object{"bool": object{"filter": filters(f.Filters)}}, "weight": f.Times}
			continue
		}
		params := object{"f": f.Field, "w": f.Weight, "p": f.Pivot}
		script := numberScript
		if f.Kind == search.Date {
			script = dateScript
			params["n"] = float64(f.Now.UnixMilli())
		}
		functions[i] = object{"script_score": object{"script": object{"lang": "painless", "source": script, "params": params}}}
	}
	return object{"function_score": object{"query": inner, "functions": functions,
		"score_mode": "multiply", "boost_mode": "multiply", "boost": n.Boost}}, nil
}

// filters compiles conditions; all of them must hold.
func filters(list []search.Filter) []any {
	compiled := make([]any, len(list))
	for i, f := range list {
		compiled[i] = filter(f)
		if f.Negate {
			compiled[i] = object{"bool": object{"must_not": compiled[i]}}
		}
	}
	return compiled
}

func filter(f search.Filter) any {
	switch f.Op {
	case search.FilterIn:
		values := make([]any, len(f.Values))
		for i, v := range f.Values {
			values[i] = bound(v)
		}
		return object{"terms": object{f.Field: values}}
	case search.FilterRange:
		ranges := make([]any, len(f.Ranges))
		for i, b := range f.Ranges {
			ranges[i] = within(f.Field, b)
		}
		if len(ranges) == 1 {
			return ranges[0]
		}
		return object{"bool": object{"should": ranges, "minimum_should_match": 1}}
	case search.FilterExists:
		return object{"term": object{search.FieldPresent: f.Field}}
	default: // FilterIDs
		list := make([]string, len(f.Values))
		for i, v := range f.Values {
			list[i], _ = v.(string)
		}
		return ids(list)
	}
}

func within(field string, b search.Bounds) any {
	ends := object{}
	for name, end := range map[string]any{"gte": b.GTE, "gt": b.GT, "lte": b.LTE, "lt": b.LT} {
		if end != nil {
			ends[name] = bound(end)
		}
	}
	return object{"range": object{field: ends}}
}

// bound is a value as the server compares it.
func bound(v any) any {
	if t, ok := v.(time.Time); ok {
		return t.UnixMilli()
	}
	return v
}
