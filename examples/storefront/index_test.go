package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

func TestHeadlessCheckWithElasticsearch(t *testing.T) {
	t.Parallel()
	url := testenvtest.ElasticsearchURL(t, testenvtest.Elasticsearch(t))
	var out, errs output
	require.Equal(t, exitOK, run(t.Context(), []string{"-headless-check", "-elasticsearch", url}, noEnvironment, &out, &errs), "%s\n%s", &out, &errs)
	require.Regexp(t, `\d+ steps passed`, out.String())
}

func TestElasticsearchThatIsNotThere(t *testing.T) {
	t.Parallel()
	environment := func(name string) string {
		if name == elasticsearchEnv {
			return "http://shop:secret@127.0.0.1:1/shop"
		}
		return ""
	}
	var out, errs output
	require.Equal(t, exitFailed, run(t.Context(), []string{"-addr", "127.0.0.1:0"}, environment, &out, &errs))
	require.Contains(t, errs.String(), "-elasticsearch: search: engine is unavailable")
	require.NotContains(t, errs.String(), "secret")
}
