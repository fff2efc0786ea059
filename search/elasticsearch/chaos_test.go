package elasticsearch_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/search"
	"github.com/seed82d84382/commerce/search/elasticsearch"
)

// victim is a cluster to be hurt.
type victim struct {
	url   string
	nodes []string
	kill  func(context.Context) (*testenv.Server, error) // kills the master
	heal  func(context.Context) error                    // waits until every copy is there again
}

// TestChaosKillTheMaster kills the master with -9 while documents are written and
// deleted, an index is rebuilt, and searches go on: one node that is its own
// master in the short round, the master of three in the long one.
func TestChaosKillTheMaster(t *testing.T) {
	t.Parallel()
	kills, v := 1, oneNode(t)
	if testenvtest.Long() {
		kills, v = 4, threeNodes(t)
	}
	ctx := t.Context()
	ix, err := elasticsearch.Open(ctx, v.url, titles, &elasticsearch.Options{Nodes: v.nodes, Patience: 3 * time.Minute, Replicas: v.replicas()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ix.Close()) })
	require.NoError(t, v.heal(ctx))

	l := &ledger{intended: map[string]bool{}, acknowledged: map[string]bool{}, written: make(chan struct{}, 1<<16)}
	working, stop := context.WithCancel(ctx)
	var work sync.WaitGroup
	for w := range 3 {
		work.Go(func() { l.write(working, ix, w) })
	}
	var answered atomic.Int64
	work.Go(func() {
		for working.Err() == nil {
			_, err := ix.Search(working, search.Query{Text: "tea", Limit: 1})
			if err == nil {
				answered.Add(1)
			} else if working.Err() == nil && !errors.Is(err, search.ErrUnavailable) {
				t.Errorf("search: %v", err)
				return
			}
		}
	})
	rebuilt := 0
	work.Go(func() {
		for working.Err() == nil {
			err := ix.Rebuild(working, l.source(), &search.RebuildOptions{BatchSize: 50, Sample: 20})
			if err == nil {
				rebuilt++
			} else if working.Err() == nil {
				t.Logf("rebuild: %v", err)
			}
		}
	})
	for range kills {
		l.await(t, 20)
		killed, err := v.kill(ctx)
		require.NoError(t, err)
		if len(v.nodes) > 0 {
			l.await(t, 20) // writes go on without it
		}
		require.NoError(t, killed.Restart(ctx))
		l.await(t, 20)
		require.NoError(t, v.heal(ctx))
	}
	stop()
	work.Wait()
	require.Empty(t, l.failed, "what failed for another reason than that the test was over")
	require.Positive(t, answered.Load())
	t.Logf("%d kills, %d documents acknowledged, %d rebuilds, %d searches answered", kills, len(l.acknowledged), rebuilt, answered.Load())
	for ids := range slices.Chunk(slices.Collect(maps.Keys(l.acknowledged)), 500) {
		for _, id := range ids {
			_, err := ix.Get(ctx, id)
			if l.acknowledged[id] {
				require.NoError(t, err, "an acknowledged document is lost: %s", id)
			} else {
				require.ErrorIs(t, err, search.ErrNotFound, "an acknowledged delete is undone: %s", id)
			}
		}
	}
}

func (v victim) replicas() int {
	if len(v.nodes) == 0 {
		return -1
	}
	return 2
}

func oneNode(t *testing.T) victim {
	server := testenvtest.PrivateElasticsearch(t, nil)
	return victim{
		url:  server.DSN + "/products",
		kill: func(context.Context) (*testenv.Server, error) { return server, server.Kill() },
		heal: func(context.Context) error { return nil },
	}
}

func threeNodes(t *testing.T) victim {
	cluster := testenvtest.PrivateElasticsearchCluster(t)
	v := victim{url: cluster.Nodes[0].DSN + "/products", heal: cluster.AwaitGreen}
	for _, node := range cluster.Nodes[1:] {
		v.nodes = append(v.nodes, node.DSN)
	}
	v.kill = func(ctx context.Context) (*testenv.Server, error) {
		master, err := cluster.Master(ctx)
		if err != nil {
			return nil, err
		}
		return master, master.Kill()
	}
	return v
}

// ledger is what the test has asked for, and what it was promised.
type ledger struct {
	mu           sync.Mutex
	intended     map[string]bool // true: put, false: deleted
	acknowledged map[string]bool
	failed       []error
	written      chan struct{}
}

func (l *ledger) write(ctx context.Context, ix *search.Index, writer int) {
	for i := 0; ctx.Err() == nil; i++ {
		var b search.Batch
		change := map[string]bool{}
		for j := range 20 {
			id := fmt.Sprintf("w%d-%d-%d", writer, i, j)
			b.Put(titled(id, "tea "+id))
			change[id] = true
		}
		if i > 2 {
			gone := fmt.Sprintf("w%d-%d-%d", writer, i-2, i%20)
			b.Delete(gone)
			change[gone] = false
		}
		l.mu.Lock()
		maps.Copy(l.intended, change)
		l.mu.Unlock()
		err := ix.Write(ctx, &b, nil)
		l.mu.Lock()
		switch {
		case err == nil:
			maps.Copy(l.acknowledged, change)
			select {
			case l.written <- struct{}{}:
			default:
			}
		case ctx.Err() == nil:
			l.failed = append(l.failed, err)
		default:
			for id := range change { // nobody knows
				delete(l.acknowledged, id)
			}
		}
		l.mu.Unlock()
	}
}

// await waits for batches that are acknowledged from now on.
func (l *ledger) await(t *testing.T, batches int) {
	for len(l.written) > 0 {
		<-l.written
	}
	for range batches {
		select {
		case <-l.written:
		case <-t.Context().Done():
			t.Fatal("nothing is written any more")
		}
	}
}

// source yields what is to be there when the rebuild begins.
func (l *ledger) source() iter.Seq2[search.Document, error] {
	return func(yield func(search.Document, error) bool) {
		l.mu.Lock()
		all := maps.Clone(l.intended)
		l.mu.Unlock()
		for _, id := range slices.Sorted(maps.Keys(all)) {
			if all[id] && !yield(titled(id, "tea "+id), nil) {
				return
			}
		}
	}
}
