package fastdfs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// Servers are killed, paused and cut in the middle of transfers. What was acknowledged is there and whole afterwards, what was read was
// right, no connection is left open, and none is used again after it failed.
func TestChaos(t *testing.T) {
	t.Parallel()
	t.Run("fastdfstest", chaosInProcess)
	if trackers, program := os.Getenv("FASTDFS_TRACKERS"), os.Getenv("FASTDFS_CHAOS"); trackers != "" && program != "" {
		t.Run("real", func(t *testing.T) { chaosOnRealCluster(t, strings.Split(trackers, ","), program) })
	}
}

func chaosInProcess(t *testing.T) {
	h := havoc{transfers: 1000, blows: 100, most: 200_000, every: 15 * time.Millisecond, recovery: 10 * time.Second}
	if testenvtest.Long() {
		h.transfers = 20_000
	}
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{2, 2}, Trackers: 2, BufferSize: 32 << 10, Capacity: 4 << 30})
	servers := append(append([]*fastdfstest.Server(nil), cluster.Storages()...), cluster.Trackers()...)
	h.strike = func(r *rand.Rand) (end func()) {
		server := servers[r.IntN(len(servers))]
		switch r.IntN(4) {
		case 0:
			server.Stop()
			return func() { require.NoError(t, server.Start()) }
		case 1:
			server.Pause()
			return server.Resume
		case 2:
			server.Cut()
			return func() {}
		}
		return cluster.Inject(fastdfstest.Fault{Server: server, CutAnswer: 1 + r.IntN(50_000), CutRequest: int64(r.IntN(2) * r.IntN(50_000))})
	}
	h.run(t, cluster.Config())
}

// chaosOnRealCluster is for a cluster of one's own. The program, given "kill", "start", "pause" or "resume" and the host of a server, sends it
// SIGKILL, starts it again, or sends it SIGSTOP or SIGCONT.
func chaosOnRealCluster(t *testing.T, trackers []string, program string) {
	h := havoc{transfers: 1000, blows: 16, most: 3 << 20, every: time.Second, recovery: 2 * time.Minute}
	if testenvtest.Long() {
		h.transfers, h.blows, h.every = 20_000, 100, 4*time.Second
	}
	config := &fastdfs.Config{Trackers: trackers}
	c := client(t, &fastdfs.Config{Trackers: trackers})
	var hosts []string
	for _, address := range trackers {
		host, _, err := net.SplitHostPort(address)
		require.NoError(t, err)
		hosts = append(hosts, host)
	}
	groups, err := c.Groups(t.Context())
	require.NoError(t, err)
	for _, group := range groups {
		storages, err := c.Storages(t.Context(), group.Name, "")
		require.NoError(t, err)
		for _, storage := range storages {
			hosts = append(hosts, storage.Addr.String())
		}
	}
	do := func(action, host string) {
		output, err := exec.CommandContext(context.WithoutCancel(t.Context()), program, action, host).CombinedOutput() //nolint:gosec // the test's own setting
		require.NoError(t, err, "%s", output)
	}
	h.strike = func(r *rand.Rand) (end func()) {
		host := hosts[r.IntN(len(hosts))]
		if r.IntN(2) == 0 {
			do("kill", host)
			return func() { do("start", host) }
		}
		do("pause", host)
		return func() { do("resume", host) }
	}
	h.run(t, config)
}

// havoc is a load of transfers, and what befalls the servers meanwhile.
type havoc struct {
	transfers, blows int64 // at least so many
	most             int   // bytes of a file
	every            time.Duration
	strike           func(*rand.Rand) (end func())
	recovery         time.Duration // until all is well again
}

type kept struct {
	id  string
	sum [sha256.Size]byte
}

func (h havoc) run(t *testing.T, config *fastdfs.Config) {
	t.Helper()
	var w watch
	config.Timeout, config.DialTimeout, config.Dial = 2*time.Second, time.Second, w.dial
	c := client(t, config)
	var mu sync.Mutex
	var acknowledged []kept
	var succeeded, failed, wrong, blows atomic.Int64
	over := make(chan struct{})
	var workers, monkey sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 2))
			for succeeded.Load() < h.transfers || blows.Load() < h.blows {
				mu.Lock()
				read := len(acknowledged) > 20 && r.IntN(2) == 0
				full := len(acknowledged) > 5000
				var known kept
				if read || full {
					known = acknowledged[r.IntN(len(acknowledged))]
				}
				mu.Unlock()
				if read || full {
					content, err := download(t.Context(), c, known.id)
					switch {
					case err != nil:
						failed.Add(1)
					case sha256.Sum256(content) != known.sum:
						wrong.Add(1)
					default:
						succeeded.Add(1)
					}
					continue
				}
				content := noise(r.Uint64(), r.IntN(h.most))
				size := int64(len(content))
				if r.IntN(3) == 0 {
					size = -1
				}
				id, err := c.Upload(t.Context(), io.MultiReader(bytes.NewReader(content)), size, &fastdfs.UploadOptions{Trusted: r.IntN(2) == 0})
				if err != nil {
					failed.Add(1)
					continue
				}
				succeeded.Add(1)
				mu.Lock()
				acknowledged = append(acknowledged, kept{id, sha256.Sum256(content)})
				mu.Unlock()
			}
		})
	}
	monkey.Go(func() {
		r := rand.New(rand.NewPCG(1, 3))
		pause := time.NewTicker(h.every)
		defer pause.Stop()
		for {
			end := h.strike(r)
			select {
			case <-over:
				end()
				return
			case <-pause.C:
				end()
				blows.Add(1)
			}
		}
	})
	workers.Wait()
	close(over)
	monkey.Wait()
	t.Logf("%d blows: %d transfers done, among them %d uploads, %d others failed, %d connections made", blows.Load(), succeeded.Load(), len(acknowledged), failed.Load(), w.made.Load())
	require.Zero(t, wrong.Load(), "content was not what was stored")
	require.NotEmpty(t, acknowledged)
	deadline := time.Now().Add(h.recovery)
	for _, k := range acknowledged {
		var content []byte
		var err error
		require.Eventually(t, func() bool { content, err = download(t.Context(), c, k.id); return err == nil }, max(time.Until(deadline), time.Second), 50*time.Millisecond, "%s: %v", k.id, err)
		require.Equal(t, k.sum, sha256.Sum256(content))
	}
	require.NoError(t, c.Close())
	require.Zero(t, w.open.Load(), "connections left open")
	require.Zero(t, w.poisoned.Load(), "requests over connections that had failed")
}

// watch sees what becomes of connections.
type watch struct{ made, open, poisoned atomic.Int64 }

func (w *watch) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	w.made.Add(1)
	w.open.Add(1)
	return &watched{Conn: conn, watch: w}, nil
}

type watched struct {
	net.Conn
	watch          *watch
	failed, closed atomic.Bool
}

// SyscallConn implements syscall.Conn, by which the client looks whether a connection is still alive.
func (w *watched) SyscallConn() (syscall.RawConn, error) {
	return w.Conn.(syscall.Conn).SyscallConn()
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if err != nil {
		w.failed.Store(true)
	}
	return n, err
}

func (w *watched) Write(p []byte) (int, error) {
	failed := w.failed.Load()
	n, err := w.Conn.Write(p)
	if failed && isRequest(p) {
		w.watch.poisoned.Add(1)
	}
	if err != nil {
		w.failed.Store(true)
	}
	return n, err
}

// isRequest tells a request from a piece of content, which would have to have its own length at its start.
func isRequest(p []byte) bool {
	const header = 10
	return len(p) >= header && binary.BigEndian.Uint64(p) < 1<<32 && binary.BigEndian.Uint64(p) >= uint64(len(p)-header) && p[9] <= 1
}

func (w *watched) Close() error {
	if !w.closed.Swap(true) {
		w.watch.open.Add(-1)
	}
	return w.Conn.Close()
}

// A connection that the watch has seen failing is noticed when it is used again.
func TestWatch(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	var w watch
	conn, err := w.dial(t.Context(), "tcp", listener.Addr().String())
	require.NoError(t, err)
	request := append(make([]byte, 8), 111, 0)
	_, err = conn.Write(request)
	require.NoError(t, err)
	require.Zero(t, w.poisoned.Load())
	require.NoError(t, conn.SetReadDeadline(time.Unix(1, 0)))
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	_, err = conn.Write(noise(1, 1000))
	require.NoError(t, err)
	require.Zero(t, w.poisoned.Load(), "content is no request")
	_, err = conn.Write(request)
	require.NoError(t, err)
	require.EqualValues(t, 1, w.poisoned.Load())
	require.EqualValues(t, 1, w.open.Load())
	require.NoError(t, conn.Close())
	require.Zero(t, w.open.Load())
}
