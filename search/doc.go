// Package search is product search for shops: one query model, whatever the
// engine. Bleve runs inside the process (package blevesearch); an engine of your
// own is a [Driver], checked by package searchtest.
//
//	products, err := blevesearch.Open(dir, search.Schema{Fields: []search.Field{
//		{Name: "title", Kind: search.Text, Weight: 6, Store: true},
//		{Name: "description", Kind: search.Text, Store: true},
//		{Name: "brand", Kind: search.Keyword, Weight: 2, Facet: true},
//		{Name: "price", Kind: search.Number, Facet: true, Sort: true},
//		{Name: "category", Kind: search.Category, Facet: true},
//	}}, nil)
//	err = products.Put(ctx, search.Document{ID: "p1", Fields: map[string]any{"title": "苹果手机壳 iPhone 15 case", "price": 79}})
//	found, err := products.Search(ctx, search.Query{
//		Text:      "iphone15 手机",
//		Filters:   search.Filters{search.In("brand", "Apple"), search.Under("category", "Phones")},
//		Facets:    []search.Facet{{Field: "brand"}, search.Ranges("price", 1000, 5000)},
//		Highlight: []string{"title"},
//	})
//
// # Text
//
// All weighted fields are searched as if they were one text: a word counts more
// in a field with more weight, and words may be spread over fields. The score is
// BM25 over that one text, with more for having all words and for words next to
// each other. Words are compared without case, accents and width ("Ｃafé" is
// "cafe") and by their stem. A compound matches joined and apart: "WH-1000" is
// found by "wh1000", "wh 1000" and "1000". Chinese, Japanese and Korean text is
// indexed by pairs of characters and by single ones; no setting is needed. [Schema] has
// options for both scripts of Chinese, for pinyin and for words instead of pairs.
//
// A text is only words. There is no query language for a shopper to stumble
// over or to abuse.
//
// # When little is found
//
// A query climbs a ladder, and [Result.Steps] says what it did: the words as they
// were typed; then, when fewer than 3 documents match, with spelling corrected from
// the index's own words; then, below [Options.FewHits], with fewer of the words
// required. A corrected text replaces one that finds nothing ([Result.Corrected]) and is
// offered beside one that finds something ([Result.DidYouMean]).
//
// # Facets
//
// Counts are disjunctive: a facet ignores the filters on its own field, so it
// says what choosing another value would find. A chosen value never disappears.
//
// # Writing
//
// The schema is strict: a document with an unknown field or a value of the wrong
// kind is refused, by an [*InvalidError] that names document and field, before
// anything is written. Put replaces; [Document.Version] keeps late writes from
// replacing newer ones. Synonyms and rules apply to queries and change without a
// new index. Changing the schema needs [Index.Rebuild], which fills a new index
// beside the old one while searches and writes go on.
//
// # Errors
//
// Bad input is [ErrInvalid], always an [*InvalidError] with the field and the
// reason. The other sentinels are [ErrNotFound], [ErrConflict], [ErrSchema],
// [ErrInUse], [ErrRebuilding] and [ErrClosed]; what an engine cannot do is
// errors.ErrUnsupported. Limits on everything are in [Limits].
//
// # Writing a driver
//
// Analysis, the query tree, corrections, highlighting and all limits live here,
// so that engines given the same documents hold the same terms. A driver keeps
// terms, matches a tree of [Node], filters, counts and sorts; see [Driver].
package search
