package blevesearch

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	segment "github.com/blevesearch/scorch_segment_api/v2"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/search"
)

func weighted(weights ...int) search.Schema {
	var s search.Schema
	for i, w := range weights {
		s.Fields = append(s.Fields, search.Field{Name: fmt.Sprintf("f%d", i), Kind: search.Text, Weight: w, Store: true})
	}
	return s
}

// numbers is a posting.
type numbers struct {
	frequency, length uint64
	positions         []uint64
}

func (n numbers) Number() uint64     { return 0 }
func (n numbers) Frequency() uint64  { return n.frequency }
func (n numbers) Norm() float64      { return 1 / math.Sqrt(float64(n.length)) }
func (n numbers) NormUint64() uint64 { return n.length }
func (n numbers) Size() int          { return 0 }
func (n numbers) Locations() []segment.Location {
	if n.positions == nil {
		return nil
	}
	return []segment.Location{n}
}
func (n numbers) Field() string            { return "" }
func (n numbers) Start() uint64            { return 0 }
func (n numbers) End() uint64              { return 0 }
func (n numbers) Pos() uint64              { return 0 }
func (n numbers) ArrayPositions() []uint64 { return n.positions }

func TestOccurrencesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPacking(weighted(rapid.SliceOfN(rapid.IntRange(1, 16), 1, 8).Draw(t, "weights")...))
		var places []occurrence
		position, sum := 0, 0
		own := make([]int, len(p.own))
		for range rapid.IntRange(1, 12).Draw(t, "number") {
			position += rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 1<<22)).Draw(t, "distance")
			c := rapid.IntRange(0, len(p.classes)-1).Draw(t, "class")
			places = append(places, occurrence{position, c})
			sum += p.classes[c].weight
			if i := p.classes[c].own; i >= 0 {
				own[i]++
			}
		}
		var n numbers
		n.frequency, n.length, n.positions = p.write(places, rapid.Bool().Draw(t, "single"))
		read := p.read(nil, n)
		require.Equal(t, places, read)
		require.Equal(t, sum, p.weight(read))
		for i := range own {
			require.Equal(t, own[i], p.in(i, read))
		}
		if n.positions != nil {
			require.Greater(t, len(places)*(p.bits+groupBits+1)+position/len(places), 8, "little fits always")
		}
	})
}

// FuzzOccurrences reads postings of damaged files: of the classes that there are, whatever they say.
func FuzzOccurrences(f *testing.F) {
	f.Add(uint64(1), uint64(77), uint64(0), 3)
	f.Add(uint64(2), uint64(127), uint64(0), 1)
	f.Add(uint64(3), uint64(1), uint64(1<<63), 9)
	f.Add(uint64(1<<63), uint64(1<<32-1), uint64(0), 2)
	f.Fuzz(func(t *testing.T, frequency, length, position uint64, fields int) {
		weights := make([]int, 1+uint(fields)%16)
		for i := range weights {
			weights[i] = 1 + i
		}
		p := newPacking(weighted(weights...))
		read := p.read(nil, numbers{frequency, length & (1<<32 - 1), []uint64{position, length}})
		require.LessOrEqual(t, len(read), 64)
		require.GreaterOrEqual(t, p.weight(read), len(read))
		last := 0
		for _, o := range read {
			if o.position <= last {
				return
			}
			last = o.position
		}
		if again, ok := p.pack(read); ok {
			require.Equal(t, read, p.unpack(nil, again), "what is in order can be packed")
		}
	})
}

// What does not fit into a number is found by its words and phrases as everything else.
func TestManyOccurrences(t *testing.T) {
	ctx := t.Context()
	ix, err := OpenMemory(weighted(6, 1), nil)
	require.NoError(t, err)
	defer ix.Close()
	many := strings.Repeat("red blue ", 40)
	far := strings.Repeat("x ", 70_000) + "red blue"
	require.NoError(t, ix.Put(ctx,
		search.Document{ID: "many", Fields: map[string]any{"f0": many, "f1": many}},
		search.Document{ID: "far", Fields: map[string]any{"f1": far}},
		search.Document{ID: "apart", Fields: map[string]any{"f1": strings.Repeat("blue red ", 40) + "blue"}}))
	found, err := ix.Search(ctx, search.Query{Text: "red blue", Explain: true})
	require.NoError(t, err)
	require.Equal(t, 3, found.Total)
	text, err := ix.Search(ctx, search.Query{Text: "red-blue", Exact: true}) // the joined word is nowhere: only the phrase finds it
	require.NoError(t, err)
	ids := []string{}
	for _, h := range text.Hits {
		ids = append(ids, h.ID)
	}
	slices.Sort(ids)
	require.Equal(t, []string{"apart", "far", "many"}, ids)
	// 40 phrases in a field of weight 6 and 40 in one of weight 1.
	i := slices.IndexFunc(found.Hits, func(h search.Hit) bool { return h.ID == "many" })
	require.Contains(t, fmt.Sprint(*found.Hits[i].Explain), "of frequency 280 and length")
}

func TestFacetsOfManySegments(t *testing.T) {
	ctx := t.Context()
	ix, err := OpenMemory(search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text},
		{Name: "colour", Kind: search.Keyword, Facet: true, Sort: true},
		{Name: "price", Kind: search.Number, Facet: true, Sort: true},
	}}, nil)
	require.NoError(t, err)
	defer ix.Close()
	colours := []string{"red", "blue", "green"}
	for i := range 40 { // a segment each, which merges behind our back
		fields := map[string]any{"title": "cup", "price": []int{i, -i}}
		if i%4 > 0 {
			fields["colour"] = []string{colours[i%3], "any"}
		}
		require.NoError(t, ix.Put(ctx, search.Document{ID: fmt.Sprint(i), Fields: fields}))
	}
	require.NoError(t, ix.Delete(ctx, "39"))
	below, above := search.Bounds{LT: 0}, search.Bounds{GT: 10, LTE: 20}
	found, err := ix.Search(ctx, search.Query{Text: "cup", Limit: 1, Sort: []search.Sort{{Field: "price", Desc: true}},
		Facets: []search.Facet{{Field: "colour"}, {Field: "price", Ranges: []search.Bounds{below, above}}}})
	require.NoError(t, err)
	require.Equal(t, "38", found.Hits[0].ID)
	require.Equal(t, 10, found.Facets[0].Missing)
	counts := map[string]int{}
	for _, v := range found.Facets[0].Values {
		counts[v.Value] = v.Count
	}
	require.Equal(t, map[string]int{"any": 29, "red": 9, "blue": 10, "green": 10}, counts)
	require.Equal(t, []int{38, 10}, []int{found.Facets[1].Values[0].Count, found.Facets[1].Values[1].Count})
	require.InDelta(t, -38, *found.Facets[1].Min, 0)
	require.InDelta(t, 38, *found.Facets[1].Max, 0)
}
