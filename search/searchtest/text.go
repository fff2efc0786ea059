package searchtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/search"
)

func testWords(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	for _, test := range []struct {
		text string
		want []string // all of them, in any order
	}{
		{"headphone", []string{"audio-01", "audio-02"}},                    // stems
		{"HEADPHONES", []string{"audio-01", "audio-02"}},                   // case
		{"jasmine", []string{"tea-02"}},                                    //
		{"cafe", []string{"shirt-02"}},                                     // accents
		{"ＣＡＦÉ", []string{"shirt-02"}},                                     // width
		{"full-width", []string{"doll-01"}},                                //
		{"mens shirt", []string{"shirt-01"}},                               // possessives
		{"tshirt", []string{"shirt-02"}},                                   // compounds, joined
		{"t shirt", []string{"shirt-02"}},                                  // and apart
		{"wh1000", []string{"audio-01"}},                                   //
		{"wh-1000", []string{"audio-01"}},                                  //
		{"WH 1000", []string{"audio-01"}},                                  //
		{"x15 case", []string{"case-01", "case-02"}},                       //
		{"NovaX15 case", []string{"case-01"}},                              // of two languages
		{"usb c charger", []string{"charger-01", "laptop-01"}},             //
		{"256GB", []string{"phone-01"}},                                    //
		{"256 gb", []string{"phone-01"}},                                   //
		{"VX-65C", []string{"charger-01"}},                                 // a weighted keyword
		{"手机壳", []string{"case-01", "case-02"}},                            // character pairs
		{"手机", []string{"phone-01", "phone-02", "case-01", "case-02"}},     //
		{"壳", []string{"case-01", "case-02"}},                              // a single character
		{"茶", []string{"tea-01", "tea-02", "tea-03", "cup-01", "book-01"}}, //
		{"novax15手机壳", []string{"case-01"}},                                // mixed
		{"防摔", []string{"case-01"}},                                        //
		{"龙井绿茶", []string{"tea-01"}},                                       //
		{"耳机 无线", []string{"audio-01"}},                                    //
		{"ガンダム", []string{"doll-01"}},                                      // Japanese
		{"ｶﾞﾝﾀﾞﾑ", []string{"doll-01"}},                                    // half width
		{"김치", []string{"kimchi-01"}},                                      // Korean
		{"運動", nil},                                                        //
		{"!!! … —", nil},                                                   // no word is not every word
		{"the book of tea", []string{"book-01"}},                           // stop words
		{"gift tin", []string{"tea-02"}},                                   // words of several fields
		{"title:tea AND brand:*", nil},                                     // no query language
		{"\"tea\" +(cup) -lid ~2 [* TO *]", []string{"cup-01", "cup-02"}},  //
		{"phones cases silicone", []string{"case-01"}},                     // category
	} {
		t.Run(test.text, func(t *testing.T) {
			match := search.MatchAll
			if test.want == nil || len(test.text) > 25 {
				match = search.MatchMost
			}
			r := find(t, ix, search.Query{Text: test.text, Exact: true, Match: match})
			require.ElementsMatch(t, test.want, ids(r.Hits))
			require.Equal(t, len(test.want), r.Total)
			require.Empty(t, r.Corrected)
			require.False(t, r.Relaxed)
		})
	}
}

func testRanking(t *testing.T, h Harness) {
	ix := h.open(t, search.Schema{Fields: []search.Field{
		{Name: "title", Kind: search.Text, Weight: 6}, {Name: "body", Kind: search.Text}, {Name: "note", Kind: search.Text, Weight: -1, Store: true},
	}}, nil)
	filler := "lorem ipsum dolor sit amet consectetur adipiscing elit"
	doc := func(id, title, body string) search.Document {
		return search.Document{ID: id, Fields: map[string]any{"title": title, "body": body, "note": "unsearched " + id}}
	}
	put(t, ix,
		doc("in-title", "copper kettle", filler), doc("in-body", filler, "copper kettle"),
		doc("apart", "kettle made with a handle of copper", filler), doc("one", "copper pan", filler), doc("other", filler, filler))
	order := func(text string, match search.Match) []string {
		r := find(t, ix, search.Query{Text: text, Match: match, Exact: true})
		for i := 1; i < len(r.Hits); i++ {
			require.GreaterOrEqual(t, r.Hits[i-1].Score, r.Hits[i].Score)
		}
		return ids(r.Hits)
	}
	all := order("copper kettle", search.MatchAny)
	require.Equal(t, "in-title", all[0], "words in a row, in the heaviest field, come first")
	require.ElementsMatch(t, []string{"in-title", "in-body", "apart", "one"}, all)
	require.Less(t, index(all, "apart"), index(all, "one"), "all words before some")
	require.Less(t, index(all, "in-title"), index(all, "in-body"), "weights count")
	require.ElementsMatch(t, []string{"in-title", "in-body", "apart"}, order("copper kettle", search.MatchMost))
	require.Empty(t, order("unsearched", search.MatchMost))
	require.Equal(t, order("copper kettle", search.MatchAny), order("COPPER   kettle!", search.MatchAny))
}

func index(list []string, wanted string) int {
	for i, v := range list {
		if v == wanted {
			return i
		}
	}
	return len(list)
}

func testMatch(t *testing.T, h Harness) {
	ix := h.open(t, search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text}}}, nil)
	put(t, ix,
		search.Document{ID: "1", Fields: map[string]any{"title": "red"}},
		search.Document{ID: "2", Fields: map[string]any{"title": "red green"}},
		search.Document{ID: "3", Fields: map[string]any{"title": "red green blue"}},
		search.Document{ID: "4", Fields: map[string]any{"title": "red green blue pink"}},
		search.Document{ID: "5", Fields: map[string]any{"title": "red green blue pink grey"}})
	for _, test := range []struct {
		text  string
		match search.Match
		want  int
	}{
		{"red green", search.MatchMost, 4}, {"red green blue", search.MatchMost, 4}, {"red green blue pink", search.MatchMost, 3},
		{"red green blue pink grey", search.MatchMost, 2}, {"red green blue pink grey", search.MatchAll, 1},
		{"red green blue pink grey", search.MatchAny, 5}, {"the red of green", search.MatchAll, 4},
	} {
		require.Equal(t, test.want, find(t, ix, search.Query{Text: test.text, Match: test.match, Exact: true}).Total, test.text)
	}

	t.Run("the ladder", func(t *testing.T) {
		r := find(t, ix, search.Query{Text: "grey violet"})
		require.True(t, r.Relaxed)
		require.Equal(t, []string{"5"}, ids(r.Hits))
		require.Equal(t, []search.Step{{Kind: search.StepTyped, Text: "grey violet"}, {Kind: search.StepRelaxed, Text: "grey violet", Total: 1}}, r.Steps)
		require.Zero(t, find(t, ix, search.Query{Text: "grey violet", Exact: true}).Total)
		r = find(t, ix, search.Query{Text: "grey red", Match: search.MatchAll})
		require.True(t, r.Relaxed, "little found is helped too")
		require.Equal(t, 1, r.Steps[0].Total)
		require.Equal(t, "5", r.Hits[0].ID, "what has all words stays first")
		require.False(t, find(t, ix, search.Query{Text: "red"}).Relaxed, "there is nothing to relax")
	})
}

func testHighlight(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	all := []string{"title", "name", "description", "brand", "category"}
	for _, test := range []struct {
		text, id, field, want string
	}{
		{"headphone", "audio-01", "title", "Wireless <mark>Headphones</mark> WH-1000"},
		{"wh1000", "audio-01", "title", "Wireless Headphones <mark>WH-1000</mark>"},
		{"1000", "audio-01", "title", "Wireless Headphones WH-<mark>1000</mark>"},
		{"手机壳", "case-01", "name", "NovaX15<mark>手机壳</mark> 硅胶防摔"},
		{"壳", "case-01", "name", "NovaX15手机<mark>壳</mark> 硅胶防摔"},
		{"novax 15", "case-01", "name", "<mark>NovaX15</mark>手机壳 硅胶防摔"},
		{"cafe", "shirt-02", "title", "<mark>Café</mark> Racer T-Shirt"},
		{"width robot", "doll-01", "title", "Ｆｕｌｌ－<mark>Ｗｉｄｔｈ</mark> <mark>Robot</mark>"},
		{"bamboo", "lamp-02", "description", "A lantern of rice paper &amp; <mark>bamboo</mark> &lt;handmade&gt;."},
		{"handmade", "lamp-02", "description", "A lantern of rice paper &amp; bamboo &lt;<mark>handmade</mark>&gt;."},
		{"kiln", "cup-01", "brand", "<mark>Kiln</mark> &amp; Co"},
		{"pickles", "kimchi-01", "category", "Food &gt; <mark>Pickles</mark>"},
		{"ガンダム", "doll-01", "name", "<mark>ｶﾞﾝﾀﾞﾑ</mark> 模型"},
	} {
		r := find(t, ix, search.Query{Text: test.text, Highlight: all, Filters: search.Filters{search.IDs(test.id)}, Exact: true})
		require.Len(t, r.Hits, 1, test.text)
		require.Equal(t, test.want, r.Hits[0].Highlight[test.field], test.text)
	}
	r := find(t, ix, search.Query{Text: "longjing", Highlight: all})
	require.NotContains(t, r.Hits[0].Highlight, "brand", "a field without a found word is missing")
	require.Empty(t, find(t, ix, search.Query{Highlight: all}).Hits[0].Highlight)

	t.Run("long text", func(t *testing.T) {
		long := ""
		for range 100 {
			long += "lorem ipsum "
		}
		put(t, ix, search.Document{ID: "long", Fields: map[string]any{"description": long + "needle here " + long + "needle needle " + long}})
		mark := find(t, ix, search.Query{Text: "needle", Highlight: all}).Hits[0].Highlight["description"]
		require.Less(t, len(mark), 300)
		require.Contains(t, mark, "<mark>needle</mark> <mark>needle</mark>", "the place with most found words")
		require.Regexp(t, "^…lorem|^…ipsum", mark)
		require.Regexp(t, "…$", mark)
	})
}

func testCorrections(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	for _, test := range []struct{ text, corrected, first string }{
		{"hedphones", "headphones", ""},
		{"keybored", "keyboard", "keyboard-01"},
		{"jsamine", "jasmine", "tea-02"},        // a transposition
		{"jasmin tee", "jasmine tee", "tea-02"}, // only what the index does not know, and long enough
		{"Lether wallet", "leather wallet", "case-02"},
		{"powerbank", "power bank", "charger-02"},
		{"head phones", "headphones", ""},
		{"wirless headfones", "wireless headphones", "audio-01"},
	} {
		r := find(t, ix, search.Query{Text: test.text})
		require.Equal(t, test.corrected, r.Corrected, test.text)
		require.NotEmpty(t, r.Hits, test.text)
		if test.first != "" {
			require.Equal(t, test.first, r.Hits[0].ID, test.text)
		}
		require.Equal(t, search.Step{Kind: search.StepTyped, Text: test.text}, r.Steps[0])
		require.Zero(t, find(t, ix, search.Query{Text: test.text, Exact: true}).Total, test.text)
	}
	for _, text := range []string{"headphones", "手机", "qzxqzx", "wh-2000", "tea"} {
		require.Empty(t, find(t, ix, search.Query{Text: text}).Corrected, text)
	}

	t.Run("did you mean", func(t *testing.T) {
		put(t, ix, search.Document{ID: "typo", Fields: map[string]any{"title": "Lapptop"}})
		for i := range 12 {
			put(t, ix, search.Document{ID: string(rune('a' + i)), Fields: map[string]any{"title": "Laptop"}})
		}
		r := find(t, ix, search.Query{Text: "lapptop"})
		require.Equal(t, []string{"typo"}, ids(r.Hits), "the hits are of what was typed")
		require.Equal(t, "laptop", r.DidYouMean)
		require.Empty(t, r.Corrected)
	})
	t.Run("off", func(t *testing.T) {
		never := h.shop(t, &search.Options{FewHits: -1})
		r := find(t, never, search.Query{Text: "hedphones"})
		require.Zero(t, r.Total)
		require.Len(t, r.Steps, 1)
	})
}

func testSynonyms(t *testing.T, h Harness) {
	ix := h.shop(t, &search.Options{Synonyms: []search.Synonym{
		{Terms: []string{"mobile phone", "smartphone", "手机"}},
		{From: []string{"brew"}, Terms: []string{"tea"}},
		{Terms: []string{"headphones", "ear cans"}},
	}})
	exact := func(text string) []string {
		return ids(find(t, ix, search.Query{Text: text, Exact: true, Match: search.MatchAll}).Hits)
	}
	phones := []string{"phone-01", "phone-02", "case-01", "case-02"}
	require.ElementsMatch(t, phones, exact("mobile phone"))
	require.ElementsMatch(t, phones, exact("Mobile-Phone"))
	require.ElementsMatch(t, []string{"case-01", "case-02"}, exact("mobile phone case"))
	require.ElementsMatch(t, phones, exact("手机"))
	require.ElementsMatch(t, []string{"case-01", "case-02"}, exact("smartphone壳"), "beside other characters")
	require.ElementsMatch(t, exact("tea"), exact("brew"))
	require.ElementsMatch(t, []string{"audio-01"}, exact("wireless ear cans"))
	require.NotContains(t, exact("tea"), "brew")

	require.NoError(t, ix.SetSynonyms(t.Context(), search.Synonym{Terms: []string{"charger", "power brick"}}))
	require.Empty(t, exact("mobile phone"), "new ones replace the old ones, without a new index")
	require.ElementsMatch(t, exact("charger"), exact("power brick"))
	require.NoError(t, ix.SetSynonyms(t.Context()))
	require.Empty(t, exact("power brick"))

	for _, bad := range []search.Synonym{{}, {Terms: []string{"one"}}, {Terms: []string{"one", "!!"}}, {Terms: make([]string, 100)}} {
		requireInvalid(t, ix.SetSynonyms(t.Context(), bad), "Synonyms[0]")
	}
}

func testRules(t *testing.T, h Harness) {
	now := time.Date(2026, 11, 11, 12, 0, 0, 0, time.UTC)
	ix := h.shop(t, &search.Options{Now: func() time.Time { return now }})
	query := search.Query{Text: "Tea!", Exact: true, Facets: []search.Facet{{Field: "brand", Size: 50}}}
	before := find(t, ix, query)
	require.NotContains(t, ids(before.Hits)[:2], "lamp-01")

	require.NoError(t, ix.SetRules(t.Context(), search.Rule{Texts: []string{"tea"}, Pin: []string{"lamp-01", "book-01", "not there"}}))
	pinned := find(t, ix, query)
	require.Equal(t, []string{"lamp-01", "book-01"}, ids(pinned.Hits)[:2])
	require.True(t, pinned.Hits[0].Pinned)
	require.False(t, pinned.Hits[2].Pinned)
	require.Less(t, pinned.Hits[2].Score, 1000.0)
	require.Equal(t, before.Total+1, pinned.Total, "a pinned document that the text does not match counts once")
	require.Equal(t, 1, counts(t, pinned, "brand")["Lumen"])
	require.Len(t, walk(t, ix, search.Query{Text: "tea", Exact: true, Limit: 2}), pinned.Total, "pages go on after pins")
	filtered := query
	filtered.Filters = search.Filters{search.Under("category", "Books")}
	require.Equal(t, []string{"book-01"}, ids(find(t, ix, filtered).Hits), "filters hold for pins")
	sorted := query
	sorted.Sort = []search.Sort{{Field: "price"}}
	require.Equal(t, before.Total, find(t, ix, sorted).Total, "a shopper's own order has no pins")
	require.NotContains(t, ids(find(t, ix, search.Query{Text: "tea tin", Exact: true}).Hits), "lamp-01", "another text has none")

	require.NoError(t, ix.SetRules(t.Context(), search.Rule{Texts: []string{"tea"}, Hide: search.Filters{search.In("brand", "Hangzhou Hills"), search.IDs("tea-03")}}))
	hidden := find(t, ix, query)
	require.Equal(t, before.Total-3, hidden.Total)
	require.NotContains(t, counts(t, hidden, "brand"), "Hangzhou Hills")

	last := before.Hits[len(before.Hits)-1]
	require.NoError(t, ix.SetRules(t.Context(), search.Rule{Boost: []search.RuleBoost{{Filter: search.IDs(last.ID), Factor: 100}}}))
	boosted := find(t, ix, query)
	require.Equal(t, last.ID, boosted.Hits[0].ID)
	require.InEpsilon(t, last.Score*100, boosted.Hits[0].Score, 1e-3)
	require.Equal(t, before.Total, boosted.Total)

	t.Run("time", func(t *testing.T) {
		hide := search.Filters{search.Exists("title")}
		for name, rule := range map[string]search.Rule{
			"over":        {Hide: hide, Until: now},
			"not yet":     {Hide: hide, From: now.Add(time.Second)},
			"elsewhere":   {Hide: hide, Within: search.Filters{search.Under("category", "Books")}},
			"other words": {Hide: hide, Texts: []string{"coffee", ""}},
		} {
			require.NoError(t, ix.SetRules(t.Context(), rule))
			require.Equal(t, before.Total, find(t, ix, query).Total, name)
		}
		require.NoError(t, ix.SetRules(t.Context(), search.Rule{Hide: hide, From: now, Until: now.Add(time.Second)}))
		require.Zero(t, find(t, ix, query).Total)
	})
	require.NoError(t, ix.SetRules(t.Context()))
	for part, bad := range map[string]search.Rule{
		"Rules[0].Hide":   {Hide: search.Filters{search.In("colour", "red")}},
		"Rules[0].Within": {Within: search.Filters{search.In("title", "red")}},
		"Rules[0].Boost":  {Boost: []search.RuleBoost{{Filter: search.In("colour", 1), Factor: 2}}},
		"Rules[0]":        {Boost: []search.RuleBoost{{Filter: search.Exists("title")}}},
	} {
		requireInvalid(t, ix.SetRules(t.Context(), bad), part)
	}
	requireInvalid(t, ix.SetRules(t.Context(), search.Rule{From: now, Until: now}), "Rules[0]")
	requireInvalid(t, ix.SetRules(t.Context(), search.Rule{Pin: make([]string, 100)}), "Rules[0]")
}

func testExplain(t *testing.T, h Harness) {
	ix := h.shop(t, nil)
	r := find(t, ix, search.Query{Text: "green tea", Explain: true})
	require.NotEmpty(t, r.Hits)
	for _, hit := range r.Hits {
		require.NotNil(t, hit.Explain)
		require.InEpsilon(t, hit.Score, hit.Explain.Value, 1e-3)
		require.NotEmpty(t, hit.Explain.Children)
	}
	require.Nil(t, find(t, ix, search.Query{Text: "green tea"}).Hits[0].Explain)
}
