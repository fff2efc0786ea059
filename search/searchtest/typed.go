package searchtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

type origin struct {
	Country string `search:",facet,store"`
}

// article has a field of every kind that Typed knows.
type article struct {
	Number   int       `search:",id"`
	Title    string    `search:",text,weight=6,store,suggest"`
	Brand    string    `search:",facet,weight=2,store"`
	Paths    []string  `search:"category,category,facet,store"`
	Price    float64   `search:",facet,sort,store"`
	Stock    *int      `search:",facet,store"`
	Sizes    []int     `search:",facet,store"`
	Sale     bool      `search:",facet,store"`
	Released time.Time `search:",sort,store"`
	Changed  int64     `search:",version"`
	Notes    string
	Hidden   string `search:"-"`
	origin
}

func testTyped(t *testing.T, h Harness) {
	ctx := t.Context()
	schema, err := search.SchemaOf[article]()
	require.NoError(t, err)
	articles, err := search.NewTyped[article](h.open(t, schema, nil))
	require.NoError(t, err)

	three := 3
	cup := article{Number: 7, Title: "Porcelain cup 陶瓷茶杯", Brand: "Kiln & Co", Paths: []string{"Home > Cups", "Gifts"}, Price: 12.5, Stock: &three,
		Sizes: []int{1, 2}, Sale: true, Released: time.Date(2024, 4, 2, 8, 0, 0, 0, time.UTC), Changed: 5, Notes: "not indexed", origin: origin{"China"}}
	bare := article{Number: 8, Title: "Bare cup", Price: 3, Sizes: []int{2}}
	require.NoError(t, articles.Put(ctx, cup, bare))
	require.NoError(t, articles.Index().Refresh(ctx))

	kept := cup
	kept.Notes = ""
	got, err := articles.Get(ctx, "7")
	require.NoError(t, err)
	require.Equal(t, kept, got, "everything that is stored comes back")
	got, err = articles.Get(ctx, "8")
	require.NoError(t, err)
	require.Equal(t, bare, got, "what is empty stays empty")
	_, err = articles.Get(ctx, "9")
	require.ErrorIs(t, err, search.ErrNotFound)

	found, err := articles.Search(ctx, search.Query{Text: "cups", Sort: []search.Sort{{Field: "price", Desc: true}},
		Facets: []search.Facet{{Field: "country"}, {Field: "brand"}, {Field: "stock"}}})
	require.NoError(t, err)
	require.Equal(t, 2, found.Total)
	kept.Changed = 0 // versions are not part of hits
	require.Equal(t, []article{kept, bare}, found.Items)
	require.Equal(t, []string{"7", "8"}, ids(found.Hits))
	require.Equal(t, map[string]int{"China": 1}, counts(t, found.Result, "country"))
	require.Equal(t, map[string]int{"Kiln & Co": 1}, counts(t, found.Result, "brand"), "an empty string is no value")
	require.Equal(t, map[string]int{"3": 1}, counts(t, found.Result, "stock"), "a nil pointer is no value")

	narrow, err := articles.Search(ctx, search.Query{Text: "茶杯", Filters: search.Filters{search.Under("category", "Home"), search.In("sale", true)}})
	require.NoError(t, err)
	require.Equal(t, []string{"7"}, ids(narrow.Hits))

	cup.Title, cup.Changed = "late", 5
	require.ErrorIs(t, articles.Put(ctx, cup), search.ErrConflict, "the version is the document's")
	cup.Changed = 6
	require.NoError(t, articles.Put(ctx, cup))
	got, err = articles.Get(ctx, "7")
	require.NoError(t, err)
	require.Equal(t, "late", got.Title)

	_, err = search.NewTyped[struct {
		ID    string `search:",id"`
		Price string `search:",sort"`
	}](articles.Index())
	requireInvalid(t, err, "price")
}

func testSuggestCategories(t *testing.T, h Harness) {
	ctx := t.Context()
	ix := h.shop(t, nil)
	put(t, ix, search.Document{ID: "album", Fields: map[string]any{"title": "Headphones songs", "category": "Music", "brand": "Sony"}})
	suggest := func(q search.SuggestQuery) []search.Suggestion {
		s, err := ix.Suggest(ctx, q)
		require.NoError(t, err)
		return s.Queries
	}
	for _, field := range []string{"category", "brand"} {
		queries := suggest(search.SuggestQuery{Text: "head", Categories: field})
		require.Equal(t, "headphones", queries[0].Text)
		require.NotEmpty(t, queries[0].Categories)
		require.LessOrEqual(t, len(queries[0].Categories), 3)
		for i, q := range queries {
			if i >= 3 {
				require.Empty(t, q.Categories, "only the first three are told their categories")
			}
			for _, c := range q.Categories {
				filter := search.In(field, c.Value)
				if field == "category" {
					filter = search.Under(field, c.Value)
				}
				r := find(t, ix, search.Query{Text: q.Text, Exact: true, Match: search.MatchAll, Filters: search.Filters{filter}})
				require.Equal(t, r.Total, c.Count, "the count is what choosing it finds: %s in %s", q.Text, c.Value)
			}
		}
	}
	in := suggest(search.SuggestQuery{Text: "head", Categories: "category", Filters: search.Filters{search.Under("category", "Music")}})
	sum := 0
	for _, c := range in[0].Categories {
		sum += c.Count
	}
	require.Equal(t, 3, sum, "completions are of all documents, whatever the filters")
	require.Empty(t, suggest(search.SuggestQuery{Text: "head"})[0].Categories)

	for _, bad := range []string{"price", "title", "nothing"} {
		_, err := ix.Suggest(ctx, search.SuggestQuery{Text: "head", Categories: bad})
		require.ErrorIs(t, err, search.ErrInvalid, bad)
	}
}
