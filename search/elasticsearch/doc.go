// Package elasticsearch keeps a search index in Elasticsearch (7.17, 8 and 9) or
// OpenSearch (2 and 3), over plain HTTP.
//
//	products, err := elasticsearch.Open(ctx, "https://search.example.com:9200/products", schema,
//		&elasticsearch.Options{APIKey: key})
//
// The index answers as one of package blevesearch does, because both hold the
// same terms: text is analysed in package search, and what goes to the server is
// terms, never a shopper's text for a query parser.
//
// # Indexes and aliases
//
// The name of the index ("products") is an alias. Behind it is an index of one
// schema, "products-<schema>-000001-<random>"; a rebuild fills another one and moves the
// alias in one step. The index before it is kept, when wished, under the alias
// "products-previous". Synonyms, rules and the like, which are kept with the index,
// are in "products-settings". The mapping is strict, and nothing makes an index by itself.
//
// # Writing
//
// A write is acknowledged once the server has it on disk, on every copy that is
// in sync. Searches find it a moment later ([Options.Refresh]);
// [search.WriteOptions.Visible] waits for that. A batch is sent in parts, a few at
// a time; the server's "too many requests" slows it down, and single documents
// that are refused are told by a [*search.BatchError].
//
// Writes and administration are tried again, on other nodes too, for
// [Options.Patience]; searches shortly. What is then still unreachable or
// overloaded is [search.ErrUnavailable]. Other refusals of the server are an [*Error].
//
// # Scores
//
// Scores are those of blevesearch up to the rounding of 32-bit numbers, as long
// as the index holds no deleted documents. The server counts these in its
// statistics until it merges them away, so that equally good documents may
// change places meanwhile.
package elasticsearch
