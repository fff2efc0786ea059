package search

import "context"

// handElastic indexes the plain products into an index that a careful program would make by hand for the pages that ours
// answers: one field with all text besides those of their own, completions with counts, the first keys somebody types,
// words for corrections, a key to order by. All of it is analysed by the server.
type handElastic struct{ *rawElastic }

func (h handElastic) name() string { return "raw-elasticsearch-by-hand" }

// close leaves the client to the subject it is taken from.
func (h handElastic) close() error { return nil }

func (h handElastic) indexing(ctx context.Context) (filling, error) {
	return h.indexingAs(ctx, handMapping, true)
}

// handMapping gives the abilities of ours: "all" scores all text as one, title.phrases (words and pairs of words) completes with
// exact counts by an aggregation, title.starts finds what begins with one to three characters, and words is what corrections are
// taken from.
const handMapping = `{"settings":{"number_of_shards":1,"number_of_replicas":0,"refresh_interval":"1s","analysis":{
"filter":{"pairs":{"type":"shingle","min_shingle_size":2,"max_shingle_size":2,"output_unigrams":true},"begin":{"type":"edge_ngram","min_gram":1,"max_gram":3}},
"analyzer":{"words":{"type":"custom","tokenizer":"standard","filter":["lowercase","asciifolding"]},
"phrases":{"type":"custom","tokenizer":"standard","filter":["lowercase","asciifolding","pairs"]},
"starts":{"type":"custom","tokenizer":"standard","filter":["lowercase","asciifolding","begin"]}}}},
"mappings":{"dynamic":"strict","properties":{
"title":{"type":"text","analyzer":"english","copy_to":["all","words"],"fields":{
"phrases":{"type":"text","analyzer":"phrases","fielddata":true,"norms":false,"index_options":"docs"},
"starts":{"type":"text","analyzer":"starts","search_analyzer":"words","norms":false,"index_options":"docs"}}},
"description":{"type":"text","analyzer":"english","copy_to":["all","words"]},
"attributes":{"type":"text","analyzer":"english","index":false,"copy_to":["all","words"]},
"all":{"type":"text","analyzer":"english"},"words":{"type":"text","analyzer":"words","norms":false,"index_options":"docs"},
"key":{"type":"keyword"},"supplier":{"type":"keyword"},"price":{"type":"double"},"colour":{"type":"keyword"},"type":{"type":"keyword"},
"origin":{"type":"keyword"},"released":{"type":"date"}}}}`
