package elasticsearch

import (
	"context"
	"maps"

	"github.com/seed82d84382/commerce/search"
)

// groupsName is the aggregation that counts groups of variants.
const groupsName = "groups"

// collapsing adds the number of groups among the hits.
func collapsing(aggregations object, after []search.Filter) object {
	with := object{groupsName: object{
		"filter": object{"bool": object{"filter": filters(after)}},
		"aggs": object{
			distinctPrefix: object{"terms": object{"field": search.FieldGroup, "size": mostDistinct}},
			numberPrefix:   object{"stats_bucket": object{"buckets_path": distinctPrefix + ">_count"}},
		},
	}}
	maps.Copy(with, aggregations)
	return with
}

// collapsed fills in how many groups there are, and the size of those on the page.
func (d *driver) collapsed(ctx context.Context, p *prepared, a searchAnswer, response *search.Response) error {
	group, err := decodeGroup(a.Aggregations[groupsName])
	if err != nil {
		return err
	}
	response.Groups = group[numberPrefix].Number
	names := make([]string, 0, len(response.Hits))
	for _, h := range a.Hits {
		if h.Group != "" {
			names = append(names, h.Group)
		}
	}
	query, err := d.query(p.request.Query)
	if err != nil {
		return err
	}
	body := object{"query": object{"bool": object{"must": query, "filter": filters(p.request.Filters), "must_not": gone}}}
	if response.Groups >= mostDistinct {
		all, err := d.pageValues(ctx, body, search.FieldGroup, func(bucket) bool { return true })
		if err != nil {
			return err
		}
		response.Groups = len(all)
	}
	if len(names) == 0 {
		return nil
	}
	sizes, err := d.groupSizes(ctx, body, names)
	if err != nil {
		return err
	}
	for i, h := range a.Hits {
		if h.Group != "" {
			response.Hits[i].Variants = sizes[h.Group]
		}
	}
	return nil
}

func (d *driver) groupSizes(ctx context.Context, body object, names []string) (map[string]int, error) {
	terms := object{"field": search.FieldGroup, "size": len(names), "include": names}
	d.exactly(terms)
	body["size"], body["aggs"] = 0, object{bucketsName: object{"terms": terms}}
	buckets, err := d.buckets(ctx, body)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, b := range buckets {
		counts[b.value(search.Field{})] = b.Count
	}
	return counts, nil
}
