package fastdfs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 40, 30))))
	return b.Bytes()
}

// attack is content that holds, just where the server's buffer is full, a request to delete a file.
func attack(buffer, head int, victim string) []byte {
	group, name, _ := strings.Cut(victim, "/")
	content := make([]byte, 4*buffer)
	at := buffer - head
	binary.BigEndian.PutUint64(content[at:], uint64(16+len(name)))
	content[at+8] = byte(fastdfs.CommandDelete)
	copy(content[at+10:], group)
	copy(content[at+26:], name)
	return content
}

// What strangers upload can not delete files, though the server would let it: see TestServerTakesContentForRequests of fastdfstest.
func TestContentIsNeverTakenForRequests(t *testing.T) {
	t.Parallel()
	const buffer = 16 << 10
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}, BufferSize: buffer})
	ctx := t.Context()
	victim, err := c.Upload(ctx, strings.NewReader("victim"), 6, nil)
	require.NoError(t, err)
	master, err := c.Upload(ctx, strings.NewReader("master"), 6, nil)
	require.NoError(t, err)
	_, err = c.UploadSlave(ctx, master, "-there", strings.NewReader("slave"), 5, &fastdfs.UploadOptions{Ext: "x"})
	require.NoError(t, err)
	for _, command := range []fastdfs.Command{fastdfs.CommandUpload, fastdfs.CommandUploadAppender, fastdfs.CommandModify, fastdfs.CommandAppend} {
		for head := range 300 {
			if head%20 != 5 && head != 25 { // 25: header and fixed part of an upload in one request
				continue
			}
			remove := cluster.Inject(fastdfstest.Fault{Command: command, Status: 28})
			content := attack(buffer, head, victim)
			_, err := c.Upload(ctx, bytes.NewReader(content), int64(len(content)), nil)
			if command == fastdfs.CommandUploadAppender || command == fastdfs.CommandModify {
				require.ErrorIs(t, err, media.ErrFull)
			}
			remove()
		}
	}
	for head := 0; head < 300; head += 10 {
		content := attack(buffer, head, victim)
		_, err := c.UploadSlave(ctx, master, "-there", bytes.NewReader(content), int64(len(content)), &fastdfs.UploadOptions{Ext: "x"})
		require.ErrorIs(t, err, fastdfs.ErrUntrusted)
	}
	requireContent(t, c, victim, []byte("victim"))
}

// An answer before the end of a trusted upload ends the upload, and the connection.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []byte{17, 22, 28} {
		cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}})
		cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandUpload, Status: status, Times: 1})
		content := noise(1, 8<<20)
		_, err := c.Upload(t.Context(), bytes.NewReader(content), int64(len(content)), &fastdfs.UploadOptions{Trusted: true})
		refusal, ok := errors.AsType[*fastdfs.StatusError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, status, refusal.Status)
		require.NotErrorIs(t, err, fastdfs.ErrOutcomeUnknown)
		accepted := cluster.Storages()[0].Accepted()
		id, err := c.Upload(t.Context(), strings.NewReader("next"), 4, nil)
		require.NoError(t, err)
		require.Equal(t, accepted+1, cluster.Storages()[0].Accepted(), "on a new connection")
		requireContent(t, c, id, []byte("next"))
	}
}

// A lost answer is never followed by a second attempt, and the caller learns that it is not known what happened.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}})
	ctx := t.Context()
	id, err := c.UploadAppender(ctx, strings.NewReader("abc"), 3, nil)
	require.NoError(t, err)
	storage := cluster.Storages()[0]
	for name, attempt := range map[string]struct {
		command fastdfs.Command
		do      func() error
	}{
		"upload":   {fastdfs.CommandUpload, func() error { _, err := c.Upload(ctx, strings.NewReader("x"), 1, nil); return err }},
		"append":   {fastdfs.CommandAppend, func() error { return c.Append(ctx, id, strings.NewReader("x"), 1) }},
		"modify":   {fastdfs.CommandModify, func() error { return c.Modify(ctx, id, 0, strings.NewReader("x"), 1) }},
		"truncate": {fastdfs.CommandTruncate, func() error { return c.Truncate(ctx, id, 1) }},
		"metadata": {fastdfs.CommandSetMetadata, func() error { return c.SetMetadata(ctx, id, map[string]string{"a": "b"}) }},
		"slave": {fastdfs.CommandUploadSlave, func() error {
			_, err := c.UploadSlave(ctx, id, "-slave", strings.NewReader("x"), 1, &fastdfs.UploadOptions{Ext: "txt"})
			return err
		}},
	} {
		for _, cut := range []int{-1, 5} {
			before := storage.Requests()
			remove := cluster.Inject(fastdfstest.Fault{Command: attempt.command, CutAnswer: cut})
			require.ErrorIs(t, attempt.do(), fastdfs.ErrOutcomeUnknown, name)
			remove()
			tests := int64(1) // a pooled connection may have been tested first
			require.LessOrEqual(t, storage.Requests()-before, 1+tests, "%s was sent once", name)
			if name == "slave" {
				break // the second time it exists
			}
		}
	}
	before := len(cluster.Files(storage))
	remove := cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandUpload, CutRequest: 1})
	_, err = c.Upload(ctx, bytes.NewReader(noise(1, 200_000)), 200_000, nil)
	require.Error(t, err)
	remove()
	require.Len(t, cluster.Files(storage), before)
}

// A piece whose answer was lost is sent again to the same place, so a large upload survives that.
func TestPiecesSurviveLostAnswers(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}, BufferSize: 16 << 10})
	content := noise(1, 100_000)
	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandModify, CutAnswer: -1, Times: 2})
	id, err := c.Upload(t.Context(), bytes.NewReader(content), -1, nil)
	require.NoError(t, err)
	requireContent(t, c, id, content)
	require.Len(t, cluster.Files(cluster.Storages()[0]), 1)

	// One that fails for good leaves nothing.
	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandModify, Status: 28, Times: 1})
	_, err = c.Upload(t.Context(), bytes.NewReader(content), -1, nil)
	require.ErrorIs(t, err, media.ErrFull)
	require.Len(t, cluster.Files(cluster.Storages()[0]), 1)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.Upload(ctx, io.MultiReader(bytes.NewReader(content), readerFunc(func([]byte) (int, error) { cancel(); return 0, ctx.Err() })), -1, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, cluster.Files(cluster.Storages()[0]), 1)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestDownloadGoesOnElsewhere(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{2}})
	content := noise(1, 2<<20)
	id, err := c.Upload(t.Context(), bytes.NewReader(content), int64(len(content)), nil)
	require.NoError(t, err)
	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandDownload, CutAnswer: 700_000, Times: 2})
	requireContent(t, c, id, content)
	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandDownload, CutAnswer: 100_000})
	_, err = download(t.Context(), c, id)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "not for ever")
}

func TestCorruptionIsFound(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}})
	content := noise(1, 100_000)
	id, err := c.Upload(t.Context(), bytes.NewReader(content), int64(len(content)), nil)
	require.NoError(t, err)
	require.True(t, cluster.Corrupt(cluster.Storages()[0], strings.TrimPrefix(id, "group1/")))
	_, err = download(t.Context(), c, id)
	require.ErrorIs(t, err, fastdfs.ErrCorrupt)
	d, err := c.Download(t.Context(), id, 0, -1)
	require.NoError(t, err)
	_, err = d.WriteTo(io.Discard)
	require.ErrorIs(t, err, fastdfs.ErrCorrupt)
	require.NoError(t, d.Close())
	_, err = c.DownloadParallel(t.Context(), id, &memory{make([]byte, len(content))}, &fastdfs.ParallelOptions{PartSize: 30_000})
	require.ErrorIs(t, err, fastdfs.ErrCorrupt)
}

// What was uploaded a moment ago is read, though only one storage has it and the tracker names another.
func TestReplicationLag(t *testing.T) {
	t.Parallel()
	for _, careless := range []bool{false, true} {
		cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{3}, ManualSync: true, Careless: careless})
		config := cluster.Config()
		config.TrackerCache = -1
		c := client(t, config)
		for i := range 9 {
			content := noise(uint64(i), 5000)
			id, err := c.Upload(t.Context(), bytes.NewReader(content), 5000, nil)
			require.NoError(t, err)
			for range 4 {
				requireContent(t, c, id, content)
				info, err := c.Info(t.Context(), id, false)
				require.NoError(t, err)
				require.EqualValues(t, 5000, info.Size)
			}
		}
		cluster.Sync()
		_, err := c.Info(t.Context(), "group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt", false)
		require.ErrorIs(t, err, media.ErrNotFound)
	}
}

// A tracker that has just been started names any storage. That this one does not know the file is not believed while another tracker names the
// right one, nor while the right one is away.
func TestNotFoundIsDoubted(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{2}, Trackers: 2, ManualSync: true})
	config := cluster.Config()
	config.TrackerCache = -1
	c := client(t, config)
	id, err := c.Upload(t.Context(), strings.NewReader("content"), 7, nil)
	require.NoError(t, err)
	source := cluster.Source(id).Address()
	var replica string
	for _, s := range cluster.Storages() {
		if s.Address() != source {
			replica = s.Address()
		}
	}
	hostOf := func(address string) []byte {
		host, _, err := net.SplitHostPort(address)
		require.NoError(t, err)
		return append([]byte(host), make([]byte, 15-len(host))...)
	}
	portOf := func(address string) []byte {
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		number, err := strconv.ParseUint(port, 10, 16)
		require.NoError(t, err)
		return binary.BigEndian.AppendUint64(nil, number)
	}
	const header, group, host = 10, 16, 15
	misled := func(answer []byte) []byte {
		out := bytes.Clone(answer)
		copy(out[header+group:], hostOf(replica))
		copy(out[header+group+host:], portOf(replica))
		return out
	}
	for _, command := range []fastdfs.Command{fastdfs.CommandQueryUpdate, fastdfs.CommandQueryFetch} {
		cluster.Inject(fastdfstest.Fault{Server: cluster.Trackers()[0], Command: command, Rewrite: misled})
	}
	for range 4 { // whichever tracker is asked first
		requireContent(t, c, id, []byte("content"))
		require.NoError(t, c.SetMetadata(t.Context(), id, map[string]string{"a": "b"}))
		got, err := c.Metadata(t.Context(), id)
		require.NoError(t, err)
		require.Len(t, got, 1)
	}
	var remove []func()
	for _, tracker := range cluster.Trackers() {
		for _, command := range []fastdfs.Command{fastdfs.CommandQueryUpdate, fastdfs.CommandQueryFetch} {
			remove = append(remove, cluster.Inject(fastdfstest.Fault{Server: tracker, Command: command, Rewrite: misled}))
		}
	}
	parsed, err := fastdfs.ParseFileID(id)
	require.NoError(t, err)
	number, ok := parsed.StorageID()
	require.True(t, ok)
	require.ErrorIs(t, c.Delete(t.Context(), id), media.ErrNotFound, "the right one is said to work, and not to have it")
	remove = append(remove, cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandListStorages, Rewrite: func(answer []byte) []byte {
		out := bytes.Clone(answer)
		const offline, record = 5, 487
		for at := header; at+record <= len(out); at += record {
			if bytes.HasPrefix(out[at+2:], strconv.AppendUint(nil, uint64(number), 10)) {
				out[at] = offline
			}
		}
		return out
	}}))
	for _, err := range []error{c.Delete(t.Context(), id), func() error { _, err := c.Metadata(t.Context(), id); return err }()} {
		require.ErrorIs(t, err, fastdfs.ErrUnreachable)
		require.NotErrorIs(t, err, media.ErrNotFound)
	}
	for _, r := range remove {
		r()
	}
	require.NoError(t, c.Delete(t.Context(), id))
}

func TestTrackersFailOver(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Trackers: 3})
	ctx := t.Context()
	trackers := cluster.Trackers()
	trackers[0].Stop()
	require.NoError(t, c.Ping(ctx))
	for range 20 {
		_, err := c.QueryStore(ctx, "")
		require.NoError(t, err)
	}
	trackers[1].Stop()
	for range 20 {
		_, err := c.QueryStore(ctx, "")
		require.NoError(t, err)
	}
	trackers[2].Stop()
	_, err := c.QueryStore(ctx, "")
	require.ErrorIs(t, err, fastdfs.ErrUnreachable)
	require.ErrorIs(t, c.Ping(ctx), fastdfs.ErrUnreachable)
	require.NoError(t, trackers[1].Start())
	_, err = c.QueryStore(ctx, "")
	require.NoError(t, err, "it is tried again when there is no better one")

	config := cluster.Config()
	for _, tracker := range trackers {
		tracker.Stop()
	}
	_, err = fastdfs.Open(ctx, config)
	require.ErrorIs(t, err, fastdfs.ErrUnreachable)
}

// A tracker that hangs costs one timeout, not one for every call.
func TestHangingTrackerIsRemembered(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Trackers: 2})
	config := cluster.Config()
	config.Timeout, config.TrackerCache = 300*time.Millisecond, -1
	c := client(t, config)
	cluster.Trackers()[0].Pause()
	defer cluster.Trackers()[0].Resume()
	accepted := cluster.Trackers()[0].Accepted()
	for range 50 {
		_, err := c.QueryStore(t.Context(), "")
		require.NoError(t, err)
	}
	require.LessOrEqual(t, cluster.Trackers()[0].Accepted()-accepted, int64(2))
}

func TestStoragesFailOver(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{3}})
	config := cluster.Config()
	config.TrackerCache = -1
	c := client(t, config)
	content := noise(1, 50_000)
	id, err := c.Upload(t.Context(), bytes.NewReader(content), 50_000, nil)
	require.NoError(t, err)
	cluster.Source(id).Stop()
	for range 10 {
		requireContent(t, c, id, content)
		other, err := c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
		require.NoError(t, err)
		requireContent(t, c, other, []byte("x"))
	}
	// A change belongs on the source alone.
	require.ErrorIs(t, c.Delete(t.Context(), id), fastdfs.ErrUnreachable)
	require.NoError(t, cluster.Source(id).Start())
	require.NoError(t, c.Delete(t.Context(), id))
}

// Answers of the tracker are used again, and dropped when they turn out wrong.
func TestTrackerCache(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{2}})
	config := cluster.Config()
	config.TrackerCache = time.Minute
	c := client(t, config)
	tracker := cluster.Trackers()[0]
	ids := make([]string, 50)
	for i := range ids {
		id, err := c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
		require.NoError(t, err)
		ids[i] = id
	}
	require.LessOrEqual(t, tracker.Requests(), int64(10))
	perStorage := map[*fastdfstest.Server]int{}
	for _, id := range ids {
		perStorage[cluster.Source(id)]++
	}
	require.Len(t, perStorage, 2, "uploads still are spread")
	requireContent(t, c, ids[0], []byte("x"))
	before := tracker.Requests()
	for range 20 {
		requireContent(t, c, ids[0], []byte("x"))
	}
	require.Equal(t, before, tracker.Requests())
	cluster.Storages()[0].Stop()
	for range 10 {
		requireContent(t, c, ids[0], []byte("x"))
		_, err := c.Upload(t.Context(), strings.NewReader("y"), 1, nil)
		require.NoError(t, err)
	}
	require.Greater(t, tracker.Requests(), before)

	// A storage that was remembered and is full now gives way to another.
	cluster2, c2 := start(t, &fastdfstest.Options{Groups: []int{2}})
	for range 10 {
		_, err := c2.Upload(t.Context(), strings.NewReader("x"), 1, nil)
		require.NoError(t, err)
	}
	cluster2.Inject(fastdfstest.Fault{Command: fastdfs.CommandUpload, Status: 28, Times: 1})
	_, err := c2.Upload(t.Context(), strings.NewReader("x"), 1, nil)
	require.NoError(t, err)
}

// A restarted server is noticed before anything is sent over a connection that it no longer knows.
func TestRestartIsNoticed(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}})
	for range 20 {
		id, err := c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
		require.NoError(t, err)
		for _, server := range []*fastdfstest.Server{cluster.Storages()[0], cluster.Trackers()[0]} {
			server.Stop()
			require.NoError(t, server.Start())
		}
		requireContent(t, c, id, []byte("x"))
		require.NoError(t, c.Delete(t.Context(), id))
	}
}

func TestPoolIsBounded(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{1}})
	config := cluster.Config()
	config.MaxOpen, config.MaxIdle = 3, 1
	c := client(t, config)
	id, err := c.Upload(t.Context(), bytes.NewReader(noise(1, 100_000)), 100_000, nil)
	require.NoError(t, err)
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			for range 10 {
				got, err := download(t.Context(), c, id)
				if err != nil || len(got) != 100_000 {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if open := cluster.Storages()[0].Open(); open > 3+2 { // the server may see the end of two a little later
					t.Errorf("%d connections", open)
				}
			}
		})
	}
	wait.Wait()

	// Who waits for a connection gives up when the context ends.
	var held []*fastdfs.Download
	for range 3 {
		d, err := c.Download(t.Context(), id, 0, -1)
		require.NoError(t, err)
		held = append(held, d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = c.Download(ctx, id, 0, -1)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for _, d := range held {
		require.NoError(t, d.Close())
		require.NoError(t, d.Close(), "idempotent")
		_, err := d.Read(make([]byte, 1))
		require.Error(t, err)
	}
	requireContent(t, c, id, noise(1, 100_000))
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{1}})
	config := cluster.Config()
	config.IdleTimeout = 30 * time.Millisecond
	c := client(t, config)
	_, err := c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return cluster.Storages()[0].Open() == 0 && cluster.Trackers()[0].Open() == 0 }, 10*time.Second, 5*time.Millisecond)
}

// What ends in the middle is not used again, whoever ended it.
func TestCancel(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}})
	content := noise(1, 4<<20)
	id, err := c.Upload(t.Context(), bytes.NewReader(content), int64(len(content)), nil)
	require.NoError(t, err)
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		d, err := c.Download(ctx, id, 0, -1)
		require.NoError(t, err)
		_, err = io.ReadFull(d, make([]byte, 1000))
		require.NoError(t, err)
		cancel()
		_, err = io.Copy(io.Discard, d)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, d.Close())

		ctx, cancel = context.WithCancel(t.Context())
		half := io.MultiReader(bytes.NewReader(content[:2<<20]), readerFunc(func(p []byte) (int, error) { cancel(); return copy(p, content), nil }))
		_, err = c.Upload(ctx, half, int64(len(content)), &fastdfs.UploadOptions{Trusted: true})
		require.ErrorIs(t, err, context.Canceled)
		requireContent(t, c, id, content)
	}
	require.Len(t, cluster.Files(cluster.Storages()[0]), 1)

	// A server that hangs ends with the context, and by itself with the time limit.
	cluster.Storages()[0].Pause()
	defer cluster.Storages()[0].Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = c.Upload(ctx, strings.NewReader("x"), 1, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	config := cluster.Config()
	config.Timeout = 30 * time.Millisecond
	impatient := client(t, config)
	_, err = impatient.Upload(t.Context(), strings.NewReader("x"), 1, nil)
	require.ErrorIs(t, err, fastdfs.ErrOutcomeUnknown)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

func TestClosedClient(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, nil)
	c, err := fastdfs.NewClient(cluster.Config())
	require.NoError(t, err)
	id, err := c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close())
	_, err = c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
	require.ErrorIs(t, err, media.ErrClosed)
	_, err = c.Download(t.Context(), id, 0, -1)
	require.ErrorIs(t, err, media.ErrClosed)
	require.ErrorIs(t, c.Ping(t.Context()), media.ErrClosed)
}
