package fastdfs_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// Servers are killed, paused and cut in the middle of transfers. What was acknowledged is there and whole afterwards, and what was read was right.
func TestChaos(t *testing.T) {
	t.Parallel()
	transfers := int64(1000)
	if testenvtest.Long() {
		transfers = 20_000
	}
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{2, 2}, Trackers: 2, BufferSize: 32 << 10, Capacity: 4 << 30})
	config := cluster.Config()
	config.Timeout, config.DialTimeout = 2*time.Second, time.Second
	c := client(t, config)

	type kept struct {
		id  string
		sum [32]byte
	}
	var mu sync.Mutex
	var acknowledged []kept
	var done, failed, wrong atomic.Int64
	over := make(chan struct{})
	var workers, monkey sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 2))
			for done.Add(1) <= transfers {
				mu.Lock()
				read := len(acknowledged) > 20 && r.IntN(2) == 0
				var known kept
				if read {
					known = acknowledged[r.IntN(len(acknowledged))]
				}
				mu.Unlock()
				if read {
					content, err := download(t.Context(), c, known.id)
					if err != nil {
						failed.Add(1)
					} else if sha256.Sum256(content) != known.sum {
						wrong.Add(1)
					}
					continue
				}
				content := noise(r.Uint64(), r.IntN(200_000))
				size := int64(len(content))
				if r.IntN(3) == 0 {
					size = -1
				}
				id, err := c.Upload(t.Context(), io.MultiReader(bytes.NewReader(content)), size, &fastdfs.UploadOptions{Trusted: r.IntN(2) == 0})
				if err != nil {
					failed.Add(1)
					continue
				}
				mu.Lock()
				acknowledged = append(acknowledged, kept{id, sha256.Sum256(content)})
				mu.Unlock()
			}
		})
	}
	monkey.Go(func() {
		r := rand.New(rand.NewPCG(1, 3))
		servers := append(append([]*fastdfstest.Server(nil), cluster.Storages()...), cluster.Trackers()...)
		pause := time.NewTicker(15 * time.Millisecond)
		defer pause.Stop()
		for {
			server := servers[r.IntN(len(servers))]
			var end func()
			switch r.IntN(4) {
			case 0:
				server.Stop()
				end = func() { require.NoError(t, server.Start()) }
			case 1:
				server.Pause()
				end = server.Resume
			case 2:
				server.Cut()
				end = func() {}
			case 3:
				end = cluster.Inject(fastdfstest.Fault{Server: server, CutAnswer: 1 + r.IntN(50_000), CutRequest: int64(r.IntN(2) * r.IntN(50_000))})
			}
			select {
			case <-over:
				end()
				return
			case <-pause.C:
				end()
			}
		}
	})
	workers.Wait()
	close(over)
	monkey.Wait()
	require.Zero(t, wrong.Load(), "content was not what was stored")
	t.Logf("%d uploads acknowledged, %d of %d transfers failed", len(acknowledged), failed.Load(), transfers)
	require.NotEmpty(t, acknowledged)
	for _, k := range acknowledged {
		content, err := download(t.Context(), c, k.id)
		require.NoError(t, err)
		require.Equal(t, k.sum, sha256.Sum256(content))
	}
}
