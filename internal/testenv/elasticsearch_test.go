package testenv

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestElasticsearchIsWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a server")
	}
	ctx := t.Context()
	began := time.Now()
	server, err := Elasticsearch(ctx, &Options{Log: os.Stderr})
	require.NoError(t, err)
	t.Log(time.Since(began))
	defer func() { require.NoError(t, server.Close()) }()
	began = time.Now()
	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(context.WithoutCancel(ctx)))
	t.Log(time.Since(began))
}
