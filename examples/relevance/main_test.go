package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const (
	products = `{"id":"1","title":"Red kettle","description":"A kettle of copper","supplier":"Kiln","price_cents":100,"released":"2020-01-01T00:00:00Z","attributes":{"country_of_origin":"France","weight":5}}
{"id":"2","title":"Stand for pots","description":"It holds a pan, a pot or a kettle","supplier":"Kiln","price_cents":50,"attributes":{}}
{"id":"3","title":"Lamp","description":"It is bright","supplier":"Lumen","price_cents":70,"attributes":{}}
`
	judged = "query\tproduct_id\tgrade\nkettle\t1\t3\nkettle\t2\t0\nlamp\t3\t2\nsofa\t1\t0\n"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	result, page := filepath.Join(dir, "result.json"), filepath.Join(dir, "result.html")
	args := []string{"-products", file(t, "p.ndjson", products), "-judgements", file(t, "j.tsv", judged), "-engine", "bleve", "-json", result, "-html", page}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), args, &out, io.Discard))
	require.Contains(t, out.String(), "NDCG@10")
	require.Contains(t, out.String(), "1.0000")

	text, err := os.ReadFile(result)
	require.NoError(t, err)
	var got struct {
		Environment map[string]any
		Results     []map[string]any
	}
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, "bleve", got.Results[0]["engine"])
	require.InDelta(t, 2, got.Results[0]["queries"], 0, "sofa is not scored")
	require.InDelta(t, 1, got.Results[0]["ndcg10"], 1e-9)
	require.InDelta(t, 1, got.Results[0]["ndcg10_judged"], 1e-9)
	require.InDelta(t, 1, got.Results[0]["recall100"], 1e-9)
	require.NotEmpty(t, got.Environment["go"])
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), "Red kettle (1)")

	out.Reset()
	require.NoError(t, run(t.Context(), append(args, "-baseline", result), &out, io.Discard))
	require.Contains(t, out.String(), "0 queries are better, 0 are worse")
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	p, j := file(t, "p.ndjson", products), file(t, "j.tsv", judged)
	for name, args := range map[string][]string{
		"-products and -judgements": {},
		"-engine":                   {"-products", p, "-judgements", j, "-engine", "grep"},
		"unexpected argument":       {"-products", p, "-judgements", j, "more"},
		"-worst":                    {"-products", p, "-judgements", j, "-worst", "-1"},
		"no such file":              {"-products", p + "x", "-judgements", j},
		"line 1":                    {"-products", j, "-judgements", j},
		"line 2":                    {"-products", p, "-judgements", file(t, "j.tsv", "query\tproduct_id\tgrade\nbad")},
		"judged relevant":           {"-products", p, "-judgements", file(t, "j.tsv", "tea\t1\t0")},
		"has no results":            {"-products", p, "-judgements", j, "-baseline", file(t, "b.json", "{}")},
		"bleve has no server":       {"-products", p, "-judgements", j, "-url", "http://localhost"},
	} {
		require.ErrorContains(t, run(t.Context(), args, io.Discard, io.Discard), name)
	}
}

// TestJudgedCatalogue keeps the quality on a real catalogue above a floor. It is no part of the module:
// RELEVANCE_DIR says where products.ndjson.gz and judgements.tsv are.
func TestJudgedCatalogue(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("RELEVANCE_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "relevance")
	}
	if _, err := os.Stat(filepath.Join(dir, "judgements.tsv")); err != nil {
		t.Log("no judgements: set RELEVANCE_DIR to a directory with products.ndjson.gz and judgements.tsv")
		return // the data is no part of the project, so a clone without it must pass
	}
	if slow {
		t.Log("left to a run without the race detector")
		return
	}
	result := filepath.Join(t.TempDir(), "result.json")
	require.NoError(t, run(t.Context(), []string{"-products", filepath.Join(dir, "products.ndjson.gz"), "-judgements", filepath.Join(dir, "judgements.tsv"), "-json", result}, io.Discard, io.Discard))
	text, err := os.ReadFile(result)
	require.NoError(t, err)
	var got struct{ Results []Result }
	require.NoError(t, json.Unmarshal(text, &got))
	t.Logf("NDCG@10 %.4f, judged only %.4f", got.Results[0].NDCG10, got.Results[0].Judged10)
	require.Equal(t, 60, got.Results[0].Queries)
	require.GreaterOrEqual(t, got.Results[0].NDCG10, 0.81)
}
