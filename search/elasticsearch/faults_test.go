package elasticsearch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
	"github.com/seed82d84382/commerce/search/searchtest"
)

// request is one of a test to the server itself.
func request(t testing.TB, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Close = true // or the test would leak its connection
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Less(t, response.StatusCode, 300, "%s %s: %s", method, url, text)
	return string(text)
}

// behind is the index behind an alias.
func behind(t testing.TB, url string) string {
	t.Helper()
	root, name := cut(url)
	var answer map[string]any
	require.NoError(t, json.Unmarshal([]byte(request(t, "GET", root+"/_alias/"+name, "")), &answer))
	require.Len(t, answer, 1)
	for index := range answer {
		return index
	}
	return ""
}

func cut(url string) (root, name string) {
	i := strings.LastIndexByte(url, '/')
	return url[:i], url[i+1:]
}

var titles = search.Schema{Fields: []search.Field{{Name: "title", Kind: search.Text, Store: true}, {Name: "price", Kind: search.Number, Sort: true, Store: true}}}

func titled(id, title string) search.Document {
	return search.Document{ID: id, Fields: map[string]any{"title": title}}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	server := testenvtest.Elasticsearch(t)
	ctx := t.Context()
	url := testenvtest.ElasticsearchURL(t, server)
	root, name := cut(url)

	first, err := elasticsearch.Open(ctx, url, titles, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, first.Close()) })
	require.NoError(t, first.Put(ctx, titled("a", "tea")))
	second, err := elasticsearch.Open(ctx, url, titles, nil)
	require.NoError(t, err)
	doc, err := second.Get(ctx, "a")
	require.NoError(t, err, "what one process has written another one reads")
	require.Equal(t, "tea", doc.Fields["title"])
	require.NoError(t, second.Close())

	other := search.Schema{Fields: append([]search.Field{{Name: "colour", Kind: search.Keyword, Facet: true}}, titles.Fields...)}
	t.Run("another schema", func(t *testing.T) {
		_, err := elasticsearch.Open(ctx, url, other, nil)
		require.ErrorIs(t, err, search.ErrSchema)
		third, err := elasticsearch.Open(ctx, url, other, &elasticsearch.Options{Source: func(yield func(search.Document, error) bool) {
			yield(search.Document{ID: "b", Fields: map[string]any{"colour": "red"}}, nil)
		}})
		require.NoError(t, err)
		n, err := third.Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, n, "it was filled from the source")
		require.NoError(t, third.Close())
		err = first.Put(ctx, titled("late", "of the older program"))
		require.ErrorIs(t, err, search.ErrSchema, "no document of another schema gets in")
	})
	t.Run("of an earlier version", func(t *testing.T) {
		request(t, "PUT", root+"/"+behind(t, url)+"/_mapping", `{"_meta":{"format":1,"schema":"`+other.Fingerprint()+`"}}`)
		_, err := elasticsearch.Open(ctx, url, other, nil)
		require.ErrorIs(t, err, search.ErrSchema)
		ix, err := elasticsearch.Open(ctx, url, other, &elasticsearch.Options{Source: func(yield func(search.Document, error) bool) {
			yield(search.Document{ID: "c", Fields: map[string]any{"colour": "blue"}}, nil)
		}})
		require.NoError(t, err)
		_, err = ix.Get(ctx, "c")
		require.NoError(t, err, "it was filled from the source")
		require.NoError(t, ix.Close())
	})
	t.Run("of a newer version", func(t *testing.T) {
		request(t, "PUT", root+"/"+behind(t, url)+"/_mapping", `{"_meta":{"format":99,"schema":"x"}}`)
		_, err := elasticsearch.Open(ctx, url, other, nil)
		require.ErrorIs(t, err, search.ErrSchema)
		require.ErrorContains(t, err, "format 99")
	})
	t.Run("an index of somebody else", func(t *testing.T) {
		request(t, "PUT", url+"-plain", "")
		_, err := elasticsearch.Open(ctx, url+"-plain", titles, nil)
		require.ErrorIs(t, err, search.ErrInvalid)
		request(t, "PUT", url+"-other", `{"aliases":{"`+name+`-alias":{}}}`)
		_, err = elasticsearch.Open(ctx, url+"-alias", titles, nil)
		require.ErrorIs(t, err, search.ErrInvalid)
	})
	t.Run("many at once", func(t *testing.T) {
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			schema := titles
			if i%2 == 0 {
				schema = other
			}
			all.Go(func() {
				ix, err := elasticsearch.Open(ctx, url+"-many", schema, nil)
				if errs[i] = err; err == nil {
					errs[i] = ix.Close()
				}
			})
		}
		all.Wait()
		opened := 0
		for _, err := range errs {
			if err == nil {
				opened++
				continue
			}
			require.ErrorIs(t, err, search.ErrSchema)
		}
		require.Equal(t, 4, opened, "the first one decides on the schema: %v", errs)
		require.NotEmpty(t, behind(t, url+"-many"))
	})
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "localhost:9200", "ftp://localhost", "http://", "http://h/a/b", "http://h/A", "http://h/_x", "http://h/x?y",
		"http://h/" + strings.Repeat("x", 200), "http://h/a%20b"} {
		_, err := elasticsearch.Open(t.Context(), address, titles, nil)
		require.ErrorIs(t, err, search.ErrInvalid, address)
	}
	for _, o := range []elasticsearch.Options{
		{Shards: 1000}, {Replicas: -2}, {Workers: -1}, {BatchBytes: 1}, {Timeout: -1}, {Refresh: -5}, {Refresh: 1}, {Patience: -7}, {Nodes: []string{"x"}},
		{Nodes: []string{"http://user:secret@h"}}, {APIKey: "a", Username: "b"}, {APIKey: "a\nb"},
	} {
		_, err := elasticsearch.Open(t.Context(), "http://127.0.0.1:1", titles, &o)
		require.ErrorIs(t, err, search.ErrInvalid, "%+v", o)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := elasticsearch.Open(t.Context(), "http://127.0.0.1:1", search.Schema{}, nil)
	require.ErrorIs(t, err, search.ErrInvalid)
}

func TestTheServerIsDown(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, err := elasticsearch.Open(ctx, "http://elastic:secret@127.0.0.1:1/products", titles, &elasticsearch.Options{Patience: -1})
	require.ErrorIs(t, err, search.ErrUnavailable)
	require.NotContains(t, err.Error(), "secret")

	server := testenvtest.Elasticsearch(t)
	proxy := testenvtest.Proxy(t, server.Addr)
	_, name := cut(testenvtest.ElasticsearchURL(t, server))
	ix, err := elasticsearch.Open(ctx, "http://"+proxy.Addr()+"/"+name, titles, &elasticsearch.Options{Patience: 300 * time.Millisecond, Refresh: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	require.NoError(t, ix.Put(ctx, titled("a", "tea")))
	proxy.Cut()
	require.ErrorIs(t, ix.Put(ctx, titled("b", "cup")), search.ErrUnavailable)
	_, err = ix.Search(ctx, search.Query{Text: "tea"})
	require.ErrorIs(t, err, search.ErrUnavailable)
	_, err = ix.Suggest(ctx, search.SuggestQuery{Text: "te"})
	require.ErrorIs(t, err, search.ErrUnavailable)
	require.ErrorIs(t, ix.Rebuild(ctx, func(func(search.Document, error) bool) {}, nil), search.ErrUnavailable)
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err = ix.Search(short, search.Query{Text: "tea"})
	require.Error(t, err)

	require.NoError(t, proxy.Heal())
	require.NoError(t, ix.Put(ctx, titled("b", "cup")))
	require.NoError(t, ix.Refresh(ctx))
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

func TestANodeThatIsDownIsPassedOver(t *testing.T) {
	t.Parallel()
	server := testenvtest.Elasticsearch(t)
	ix, err := elasticsearch.Open(t.Context(), testenvtest.ElasticsearchURL(t, server), titles,
		&elasticsearch.Options{Nodes: []string{"http://127.0.0.1:1", "http://127.0.0.1:2"}, Refresh: -1, Gzip: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	for i := range 20 {
		require.NoError(t, ix.Put(t.Context(), titled(fmt.Sprint(i), strings.Repeat("a long text of tea ", 100))))
		_, err := ix.Search(t.Context(), search.Query{Text: "tea"})
		require.NoError(t, err)
	}
}

func TestARedIndex(t *testing.T) {
	t.Parallel()
	server := testenvtest.Elasticsearch(t)
	url := testenvtest.ElasticsearchURL(t, server)
	ix, err := elasticsearch.Open(t.Context(), url, titles, &elasticsearch.Options{Patience: 200 * time.Millisecond, Refresh: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	require.NoError(t, ix.Put(t.Context(), titled("a", "tea")))
	root, name := cut(url)
	index := behind(t, url)
	// The alias moves to an index whose shard no node may have.
	request(t, "PUT", url+"-red?wait_for_active_shards=0", `{"settings":{"number_of_shards":1,"index.routing.allocation.require._name":"nobody"}}`)
	move := func(from, to string) {
		request(t, "POST", root+"/_aliases", fmt.Sprintf(`{"actions":[{"remove":{"index":%q,"alias":%q}},{"add":{"index":%q,"alias":%q}}]}`, from, name, to, name))
	}
	move(index, name+"-red")

	_, err = ix.Search(t.Context(), search.Query{Text: "tea"})
	require.ErrorIs(t, err, search.ErrUnavailable)
	_, err = ix.Count(t.Context())
	require.ErrorIs(t, err, search.ErrUnavailable)
	_, err = ix.Get(t.Context(), "a")
	require.ErrorIs(t, err, search.ErrUnavailable)

	err = ix.Put(t.Context(), titled("b", "cup"))
	require.ErrorIs(t, err, search.ErrUnavailable)

	move(name+"-red", index)
	doc, err := ix.Get(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, "tea", doc.Fields["title"])
}

// TestASmallServer writes more than a server takes at once: too large for a
// request (413), and too much for its queue (429).
func TestASmallServer(t *testing.T) {
	t.Parallel()
	server := testenvtest.PrivateElasticsearch(t, &testenv.Options{Args: []string{
		"-Ehttp.max_content_length=100kb", "-Ethread_pool.write.size=1", "-Ethread_pool.write.queue_size=1"}})
	ctx := t.Context()
	ix, err := elasticsearch.Open(ctx, testenvtest.ElasticsearchURL(t, server), titles, &elasticsearch.Options{Refresh: -1, Workers: 8})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })

	text := strings.Repeat("tea ", 2000)
	docs := make([]search.Document, 200)
	for i := range docs {
		docs[i] = titled(fmt.Sprint("d", i), text)
	}
	large := titled("large", strings.Repeat("tea ", 50_000))
	err = ix.Put(ctx, append(docs, large)...)
	batch, ok := errors.AsType[*search.BatchError](err)
	require.True(t, ok, err)
	require.Len(t, batch.Failed, 1)
	require.Equal(t, "large", batch.Failed[0].ID)
	require.ErrorIs(t, batch.Failed[0].Err, search.ErrInvalid)

	var writers sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		writers.Go(func() { errs[i] = ix.Put(ctx, docs[i*5:i*5+5]...) })
	}
	writers.Wait()
	require.NoError(t, errors.Join(errs...), "a full queue is waited for")
	require.NoError(t, ix.Refresh(ctx))
	n, err := ix.Count(ctx)
	require.NoError(t, err)
	require.Equal(t, len(docs), n)

	impatient, err := elasticsearch.Open(ctx, server.DSN+"/impatient", titles, &elasticsearch.Options{Patience: -1, Workers: 32, Refresh: -1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, impatient.Close()) })
	require.Eventually(t, func() bool {
		for i := range errs {
			writers.Go(func() { errs[i] = impatient.Put(ctx, docs[i*5:i*5+5]...) })
		}
		writers.Wait()
		return errors.Join(errs...) != nil
	}, time.Minute, time.Millisecond, "nothing was refused")
	for _, err := range errs {
		if err != nil {
			require.ErrorIs(t, err, search.ErrUnavailable, "what was refused says so")
		}
	}
}

func TestTwoRebuildsDoNotMix(t *testing.T) {
	t.Parallel()
	server := testenvtest.Elasticsearch(t)
	ctx := t.Context()
	url := testenvtest.ElasticsearchURL(t, server)
	var both [2]*search.Index
	for i := range both {
		var err error
		both[i], err = elasticsearch.Open(ctx, url, titles, &elasticsearch.Options{Refresh: -1})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, both[i].Close()) })
	}
	one := func(yield func(search.Document, error) bool) { yield(titled("second", "tea"), nil) }
	err := both[0].Rebuild(ctx, func(yield func(search.Document, error) bool) {
		require.NoError(t, both[1].Rebuild(ctx, one, nil))
		yield(titled("first", "tea"), nil)
	}, nil)
	require.ErrorIs(t, err, search.ErrRebuilding, "the last one to begin wins")
	_, err = both[0].Get(ctx, "second")
	require.NoError(t, err)
	_, err = both[0].Get(ctx, "first")
	require.ErrorIs(t, err, search.ErrNotFound)
}

func TestDeepCursors(t *testing.T) {
	t.Parallel()
	ix := open(t, testenvtest.Elasticsearch(t), titles, nil)
	const n = 11_000
	for from := 0; from < n; from += 1000 {
		docs := make([]search.Document, 1000)
		for i := range docs {
			docs[i] = search.Document{ID: fmt.Sprintf("d%05d", from+i), Fields: map[string]any{"title": "tea", "price": (from + i) % 7}}
		}
		require.NoError(t, ix.Put(t.Context(), docs...))
	}
	require.NoError(t, ix.Refresh(t.Context()))
	q := search.Query{Limit: 1000, Sort: []search.Sort{{Field: "price"}}, Return: []string{}}
	seen := map[string]bool{}
	for page := 0; ; page++ {
		r, err := ix.Search(t.Context(), q)
		require.NoError(t, err)
		require.InDelta(t, n, r.Total, 1, "exact beyond ten thousand, but for the deleted one")
		for _, h := range r.Hits {
			seen[h.ID] = true
		}
		if page == 3 { // changes meanwhile do not disturb
			require.NoError(t, ix.Delete(t.Context(), r.Hits[0].ID))
		}
		if q.Cursor = r.Next; q.Cursor == "" {
			break
		}
	}
	require.Len(t, seen, n)
}

func TestLateVisibility(t *testing.T) {
	t.Parallel()
	server := testenvtest.Elasticsearch(t)
	ix, err := elasticsearch.Open(t.Context(), testenvtest.ElasticsearchURL(t, server), searchtest.Schema(), &elasticsearch.Options{Refresh: 50 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	var b search.Batch
	b.Put(searchtest.Corpus()...)
	require.NoError(t, ix.Write(t.Context(), &b, &search.WriteOptions{Visible: true}))
	r, err := ix.Search(t.Context(), search.Query{})
	require.NoError(t, err)
	require.Equal(t, len(searchtest.Corpus()), r.Total, "a write that waits is seen")
}
