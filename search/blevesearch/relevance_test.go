package blevesearch_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/blevesearch"
)

func products(t testing.TB, dir string) []search.Document {
	file, err := os.Open(filepath.Join(dir, "products.ndjson.gz"))
	require.NoError(t, err)
	defer file.Close()
	plain, err := gzip.NewReader(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(plain)
	lines.Buffer(nil, 1<<20)
	var docs []search.Document
	for lines.Scan() {
		var p struct {
			ID, Name, Title, Description, Supplier, Released string
			PriceCents                                       float64 `json:"price_cents"`
			Attributes                                       map[string]any
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &p))
		var attributes []string
		for _, v := range p.Attributes {
			if s, ok := v.(string); ok {
				attributes = append(attributes, s)
			}
		}
		slices.Sort(attributes)
		fields := map[string]any{"title": p.Title, "description": p.Description, "attributes": attributes, "price": p.PriceCents}
		if p.Supplier != "" {
			fields["supplier"] = p.Supplier
		}
		docs = append(docs, search.Document{ID: p.ID, Fields: fields})
	}
	require.NoError(t, lines.Err())
	return docs
}

type judgements map[string]map[string]float64

func readJudgements(t testing.TB, dir string) judgements {
	text, err := os.ReadFile(filepath.Join(dir, "judgements.tsv"))
	require.NoError(t, err)
	j := judgements{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		grade, err := strconv.ParseFloat(f[2], 64)
		if err != nil {
			continue
		}
		if j[f[0]] == nil {
			j[f[0]] = map[string]float64{}
		}
		j[f[0]][f[1]] = grade
	}
	return j
}

func dcg(grades []float64) float64 {
	sum := 0.0
	for i, g := range grades[:min(10, len(grades))] {
		sum += g / math.Log2(float64(i)+2)
	}
	return sum
}

func TestRelevance(t *testing.T) {
	dir := "../../../shared/relevance"
	ctx := context.Background()
	docs := products(t, dir)
	path := t.TempDir()
	ix, err := blevesearch.Open(path, search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 6, Store: true},
		{Name: "description", Kind: search.Text, Weight: 4, Store: true},
		{Name: "attributes", Kind: search.Text},
		{Name: "supplier", Kind: search.Keyword, Facet: true, Store: true},
		{Name: "price", Kind: search.Number, Facet: true, Sort: true, Store: true},
	}}, nil)
	require.NoError(t, err)
	defer ix.Close()
	started := time.Now()
	for batch := range slices.Chunk(docs, 1000) {
		require.NoError(t, ix.Put(ctx, batch...))
	}
	fmt.Println("indexed", len(docs), time.Since(started), float64(len(docs))/time.Since(started).Seconds())
	status, _ := os.ReadFile("/proc/self/status")
	for l := range strings.Lines(string(status)) {
		if strings.HasPrefix(l, "VmHWM") || strings.HasPrefix(l, "VmRSS") {
			fmt.Print(l)
		}
	}
	js := readJudgements(t, dir)
	var sum, n float64
	var took []time.Duration
	for query, grades := range js {
		var ideal []float64
		for _, g := range grades {
			ideal = append(ideal, g)
		}
		slices.SortFunc(ideal, func(a, b float64) int { return int(math.Copysign(1, b-a)) })
		s := time.Now()
		r, err := ix.Search(ctx, search.Query{Text: query, Limit: 10})
		took = append(took, time.Since(s))
		require.NoError(t, err)
		var got []float64
		for _, h := range r.Hits {
			got = append(got, grades[h.ID])
		}
		if ideal[0] > 0 {
			sum += dcg(got) / dcg(ideal)
			n++
			if os.Getenv("V") != "" {
				fmt.Printf("%.3f %5d %s %v\n", dcg(got)/dcg(ideal), r.Total, query, r.Steps)
			}
		} else if os.Getenv("V") != "" {
			fmt.Printf("  --  %5d %s %v\n", r.Total, query, r.Steps)
		}
	}
	slices.Sort(took)
	fmt.Println("NDCG@10", sum/n, n, "p50", took[len(took)/2], "max", took[len(took)-1])
}
