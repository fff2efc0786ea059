package fastdfs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// client connects to a cluster and logs nowhere.
func client(t *testing.T, config *fastdfs.Config) *fastdfs.Client {
	t.Helper()
	config.Store.Logger = slog.New(slog.DiscardHandler)
	c, err := fastdfs.NewClient(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// onClusters runs a test with a client of each cluster there is.
func onClusters(t *testing.T, test func(t *testing.T, c *fastdfs.Client, settings *fastdfs.Config)) {
	t.Helper()
	for name, config := range clusters(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config(t)
			test(t, client(t, settings), settings)
		})
	}
}

func start(t *testing.T, options *fastdfstest.Options) (*fastdfstest.Cluster, *fastdfs.Client) {
	t.Helper()
	cluster := fastdfstest.Start(t, options)
	return cluster, client(t, cluster.Config())
}

// noise is content of a size that is different for every seed.
func noise(seed uint64, size int) []byte {
	content := make([]byte, size+8)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := 0; i < size; i += 8 {
		binary.LittleEndian.PutUint64(content[i:], r.Uint64())
	}
	return content[:size]
}

func download(ctx context.Context, c *fastdfs.Client, id string) ([]byte, error) {
	d, err := c.Download(ctx, id, 0, -1)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return io.ReadAll(d)
}

func requireContent(t *testing.T, c *fastdfs.Client, id string, want []byte) {
	t.Helper()
	got, err := download(t.Context(), c, id)
	require.NoError(t, err)
	require.Equal(t, sha256.Sum256(want), sha256.Sum256(got), "%d bytes, want %d", len(got), len(want))
}

func TestTransfers(t *testing.T) {
	t.Parallel()
	const buffer = 16 << 10
	onClusters(t, func(t *testing.T, c *fastdfs.Client, settings *fastdfs.Config) {
		if settings.BufferSize == 0 {
			settings.BufferSize = fastdfs.DefaultBufferSize
		}
		piece := settings.BufferSize - 512
		for _, size := range []int{0, 1, 4096, buffer, piece - 1, piece, piece + 1, 2 * piece, 3*piece + 17, 1 << 20} {
			content := noise(uint64(size), size)
			for _, trusted := range []bool{false, true} {
				for _, known := range []int64{int64(size), -1} {
					options := &fastdfs.UploadOptions{Ext: "bin", Trusted: trusted}
					id, err := c.Upload(t.Context(), iotest.HalfReader(bytes.NewReader(content)), known, options)
					require.NoError(t, err)
					parsed, err := fastdfs.ParseFileID(id)
					require.NoError(t, err)
					require.Equal(t, "bin", parsed.Ext())
					require.Equal(t, crc32.ChecksumIEEE(content), parsed.CRC32)
					told, ok := parsed.Size()
					require.True(t, ok)
					require.EqualValues(t, size, told)
					requireContent(t, c, id, content)
					require.NoError(t, c.Delete(t.Context(), id))
					_, err = download(t.Context(), c, id)
					require.ErrorIs(t, err, media.ErrNotFound)
				}
			}
		}
	})
}

// The operating system moves the bytes where it can: out of a file, and into one.
func TestFileTransfers(t *testing.T) {
	t.Parallel()
	onClusters(t, func(t *testing.T, c *fastdfs.Client, _ *fastdfs.Config) {
		content := noise(7, 3<<20+5)
		from := filepath.Join(t.TempDir(), "from")
		require.NoError(t, os.WriteFile(from, content, 0o600))
		f, err := os.Open(from)
		require.NoError(t, err)
		defer f.Close()
		id, err := c.Upload(t.Context(), f, int64(len(content)), &fastdfs.UploadOptions{Trusted: true})
		require.NoError(t, err)
		requireContent(t, c, id, content)

		to, err := os.Create(filepath.Join(t.TempDir(), "to"))
		require.NoError(t, err)
		defer to.Close()
		for _, r := range [][2]int64{{0, -1}, {1, -1}, {12345, 2 << 20}} {
			d, err := c.Download(t.Context(), id, r[0], r[1])
			require.NoError(t, err)
			require.NoError(t, to.Truncate(0))
			_, err = to.Seek(0, io.SeekStart)
			require.NoError(t, err)
			n, err := d.WriteTo(to)
			require.NoError(t, err)
			require.Equal(t, d.Size(), n)
			require.NoError(t, d.Close())
			got, err := os.ReadFile(to.Name())
			require.NoError(t, err)
			want := content[r[0]:]
			if r[1] > 0 {
				want = want[:r[1]]
			}
			require.Equal(t, sha256.Sum256(want), sha256.Sum256(got))
		}
		_, err = c.Upload(t.Context(), f, int64(len(content)), &fastdfs.UploadOptions{Trusted: true})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the file has been read to its end")
		require.NoError(t, c.Delete(t.Context(), id))
	})
}

func TestAppenders(t *testing.T) {
	t.Parallel()
	onClusters(t, func(t *testing.T, c *fastdfs.Client, _ *fastdfs.Config) {
		ctx := t.Context()
		content := noise(1, 700_000)
		id, err := c.UploadAppender(ctx, bytes.NewReader(content[:300_000]), 300_000, &fastdfs.UploadOptions{Ext: "log"})
		require.NoError(t, err)
		require.NoError(t, c.Append(ctx, id, bytes.NewReader(content[300_000:600_000]), -1))
		require.NoError(t, c.Append(ctx, id, bytes.NewReader(content[600_000:]), 100_000))
		require.NoError(t, c.Append(ctx, id, strings.NewReader(""), 0), "its answer has a body that nobody asked for")
		requireContent(t, c, id, content)
		copy(content[200_000:], noise(2, 300_000))
		require.NoError(t, c.Modify(ctx, id, 200_000, bytes.NewReader(content[200_000:500_000]), 300_000))
		requireContent(t, c, id, content)
		require.ErrorIs(t, c.Modify(ctx, id, 700_001, strings.NewReader("x"), 1), media.ErrInvalid)
		require.NoError(t, c.Truncate(ctx, id, 350_000))
		require.NoError(t, c.Truncate(ctx, id, 350_000))
		requireContent(t, c, id, content[:350_000])
		info, err := c.Info(ctx, id, true)
		require.NoError(t, err)
		require.Equal(t, crc32.ChecksumIEEE(content[:350_000]), info.CRC32)
		require.NoError(t, c.SetMetadata(ctx, id, map[string]string{"a": "1"}))
		final, err := c.Regenerate(ctx, id)
		require.NoError(t, err)
		requireContent(t, c, final, content[:350_000])
		_, err = c.Info(ctx, id, false)
		require.ErrorIs(t, err, media.ErrNotFound)
		metadata, err := c.Metadata(ctx, final)
		require.NoError(t, err)
		require.Empty(t, metadata)
		require.Error(t, c.Append(ctx, final, strings.NewReader("x"), 1))
		require.NoError(t, c.Delete(ctx, final))

		empty, err := c.UploadAppender(ctx, strings.NewReader(""), 0, nil)
		require.NoError(t, err)
		requireContent(t, c, empty, nil)
		require.NoError(t, c.Delete(ctx, empty))
	})
}

func TestSlaves(t *testing.T) {
	t.Parallel()
	onClusters(t, func(t *testing.T, c *fastdfs.Client, _ *fastdfs.Config) {
		ctx := t.Context()
		master, err := c.Upload(ctx, strings.NewReader("master"), 6, &fastdfs.UploadOptions{Ext: "txt"})
		require.NoError(t, err)
		slave, err := c.UploadSlave(ctx, master, "_150x150", strings.NewReader("slave"), -1, &fastdfs.UploadOptions{Ext: "jpg"})
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(master, ".txt")+"_150x150.jpg", slave)
		parsed, err := fastdfs.ParseFileID(slave)
		require.NoError(t, err)
		require.True(t, parsed.Slave())
		_, known := parsed.Size()
		require.False(t, known)
		requireContent(t, c, slave, []byte("slave"))
		_, err = c.UploadSlave(ctx, master, "_150x150", strings.NewReader("slave"), 5, &fastdfs.UploadOptions{Ext: "jpg"})
		require.ErrorIs(t, err, media.ErrExists)
		_, err = c.UploadSlave(ctx, master, "_x", strings.NewReader("s"), 1, nil)
		require.ErrorIs(t, err, media.ErrInvalid, "trackers would take it for a normal file")
		_, err = c.UploadSlave(ctx, master, "_large", bytes.NewReader(noise(1, 1<<20)), 1<<20, &fastdfs.UploadOptions{Ext: "jpg"})
		require.ErrorIs(t, err, fastdfs.ErrUntrusted)
		large, err := c.UploadSlave(ctx, master, "_large", bytes.NewReader(noise(1, 1<<20)), 1<<20, &fastdfs.UploadOptions{Ext: "jpg", Trusted: true})
		require.NoError(t, err)
		requireContent(t, c, large, noise(1, 1<<20))
		for _, id := range []string{slave, large, master} {
			require.NoError(t, c.Delete(ctx, id))
			require.ErrorIs(t, c.Delete(ctx, id), media.ErrNotFound)
		}
		_, err = c.UploadSlave(ctx, master, "_150x150", strings.NewReader("slave"), 5, &fastdfs.UploadOptions{Ext: "jpg"})
		require.ErrorIs(t, err, media.ErrNotFound)
	})
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	onClusters(t, func(t *testing.T, c *fastdfs.Client, _ *fastdfs.Config) {
		ctx := t.Context()
		id, err := c.Upload(ctx, strings.NewReader("x"), 1, nil)
		require.NoError(t, err)
		got, err := c.Metadata(ctx, id)
		require.NoError(t, err)
		require.Empty(t, got)
		want := map[string]string{"width": "160", "名": "値=ü", "empty": "", strings.Repeat("n", 64): strings.Repeat("v", 256)}
		require.NoError(t, c.SetMetadata(ctx, id, want))
		got, err = c.Metadata(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, c.MergeMetadata(ctx, id, map[string]string{"width": "320", "height": "80"}))
		want["width"], want["height"] = "320", "80"
		got, err = c.Metadata(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, c.SetMetadata(ctx, id, nil))
		got, err = c.Metadata(ctx, id)
		require.NoError(t, err)
		require.Empty(t, got)
		for _, bad := range []map[string]string{
			{"": "x"}, {strings.Repeat("n", 65): ""}, {"a": strings.Repeat("v", 257)}, {"a\x01b": ""}, {"a": "\x02"}, {"a": "\x00"},
		} {
			require.ErrorIs(t, c.SetMetadata(ctx, id, bad), media.ErrInvalid)
		}
		require.NoError(t, c.Delete(ctx, id))
		_, err = c.Metadata(ctx, id)
		require.ErrorIs(t, err, media.ErrNotFound)
		require.ErrorIs(t, c.SetMetadata(ctx, id, want), media.ErrNotFound)
	})
}

func TestRanges(t *testing.T) {
	t.Parallel()
	onClusters(t, func(t *testing.T, c *fastdfs.Client, _ *fastdfs.Config) {
		content := noise(3, 50_000)
		id, err := c.Upload(t.Context(), bytes.NewReader(content), 50_000, nil)
		require.NoError(t, err)
		for _, r := range [][2]int64{{0, 1}, {0, 50_000}, {0, 60_000}, {49_999, 1}, {49_999, -1}, {40_000, 20_000}, {100, 30_000}, {50_000, -1}} {
			d, err := c.Download(t.Context(), id, r[0], r[1])
			require.NoError(t, err)
			require.NoError(t, iotest.TestReader(d, content[r[0]:min(50_000, max(r[0]+r[1], (r[1]>>63&1)*50_000))]))
			require.NoError(t, d.Close())
		}
		_, err = c.Download(t.Context(), id, 50_001, -1)
		require.ErrorIs(t, err, media.ErrInvalid)
		_, err = c.Download(t.Context(), id, 0, 0)
		require.ErrorIs(t, err, media.ErrInvalid)

		target := &memory{b: make([]byte, len(content))}
		n, err := c.DownloadParallel(t.Context(), id, target, &fastdfs.ParallelOptions{PartSize: 7001})
		require.NoError(t, err)
		require.EqualValues(t, len(content), n)
		require.Equal(t, content, target.b)
		require.NoError(t, c.Delete(t.Context(), id))
	})
}

// memory is an io.WriterAt. Parts do not overlap, so it needs no lock.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, at int64) (int, error) { return copy(m.b[at:], p), nil }

func TestResumableUpload(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{BufferSize: 16 << 10})
	ctx := t.Context()
	content := noise(5, 200_000)
	upload, err := c.StartUpload(ctx, &fastdfs.UploadOptions{Ext: "iso"})
	require.NoError(t, err)
	failures := 0
	for {
		remove := cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandModify, CutRequest: 5000 * int64(failures%3), CutAnswer: -1, Times: 1})
		err := upload.Send(ctx, bytes.NewReader(content))
		remove()
		if failures++; failures == 5 {
			require.NoError(t, upload.Send(ctx, bytes.NewReader(content)))
			break
		}
		_ = err // some of these failures are mended on the way
		if upload, err = c.ResumeUpload(upload.ID()); err != nil {
			require.NoError(t, err)
		}
	}
	_, err = upload.Finish(ctx, bytes.NewReader(content[1:]))
	require.ErrorIs(t, err, fastdfs.ErrCorrupt)
	id, err := upload.Finish(ctx, bytes.NewReader(content))
	require.NoError(t, err)
	requireContent(t, c, id, content)
	_, err = c.ResumeUpload(id)
	require.ErrorIs(t, err, media.ErrInvalid)
	_, err = upload.Offset(ctx)
	require.ErrorIs(t, err, media.ErrNotFound)

	given, err := c.StartUpload(ctx, nil)
	require.NoError(t, err)
	require.NoError(t, given.Send(ctx, bytes.NewReader(content)))
	require.NoError(t, given.Abort(ctx))
	require.ErrorIs(t, given.Abort(ctx), media.ErrNotFound)
}

func TestGroupsAndStorages(t *testing.T) {
	t.Parallel()
	onClusters(t, func(t *testing.T, c *fastdfs.Client, _ *fastdfs.Config) {
		ctx := t.Context()
		require.NoError(t, c.Ping(ctx))
		groups, err := c.Groups(ctx)
		require.NoError(t, err)
		require.Len(t, groups, 2)
		for _, g := range groups {
			one, err := c.Group(ctx, g.Name)
			require.NoError(t, err)
			require.Equal(t, g.StoragePort, one.StoragePort)
			storages, err := c.Storages(ctx, g.Name, "")
			require.NoError(t, err)
			require.Len(t, storages, int(g.Storages))
			again, err := c.Storages(ctx, g.Name, storages[0].ID)
			require.NoError(t, err)
			require.Len(t, again, 1)
			require.Equal(t, storages[0].Addr, again[0].Addr)
			target, err := c.QueryStore(ctx, g.Name)
			require.NoError(t, err)
			require.Equal(t, g.Name, target.Group)
			require.NoError(t, c.ActiveTest(ctx, target.Address))
			id, err := c.Upload(ctx, strings.NewReader("pinned"), 6, &fastdfs.UploadOptions{Group: g.Name})
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(id, g.Name+"/"))
			require.NoError(t, c.Delete(ctx, id))
		}
		_, err = c.Group(ctx, "nosuch")
		require.ErrorIs(t, err, media.ErrNotFound)
		_, err = c.Upload(ctx, strings.NewReader("x"), 1, &fastdfs.UploadOptions{Group: "nosuch"})
		require.ErrorIs(t, err, media.ErrNotFound)
		leader, err := c.Leader(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, leader)
		stats, err := c.StorageStats(ctx)
		require.NoError(t, err)
		require.Len(t, stats, 3)
		volumes, err := c.VolumeStats(ctx)
		require.NoError(t, err)
		require.Len(t, volumes, 2)
		trackers, err := c.TrackerStats(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, trackers)
		parameters, err := c.Parameters(ctx)
		require.NoError(t, err)
		require.Contains(t, parameters, "use_storage_id")
		_, err = c.StorageNames(ctx)
		require.NoError(t, err)
	})
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := []string{"127.0.0.1:22122"}
	for field, config := range map[string]*fastdfs.Config{
		"Trackers":     {},
		"group":        {Trackers: good, Group: strings.Repeat("g", 17)},
		"BaseURL":      {Trackers: good, BaseURL: "http://x/?a=b"},
		"BufferSize":   {Trackers: good, BufferSize: 100},
		"MaxOpen":      {Trackers: good, MaxOpen: -1},
		"MaxIdle":      {Trackers: good, MaxIdle: -2},
		"Timeout":      {Trackers: good, Timeout: -time.Second},
		"DialTimeout":  {Trackers: good, DialTimeout: -time.Second},
		"IdleTimeout":  {Trackers: good, IdleTimeout: -time.Second},
		"TrackerCache": {Trackers: good, TrackerCache: time.Hour},
		"TokenTTL":     {Trackers: good, TokenTTL: time.Millisecond},
	} {
		_, err := fastdfs.NewClient(config)
		require.ErrorIs(t, err, media.ErrInvalid, field)
		require.ErrorContains(t, err, field)
	}
	_, err := fastdfs.NewClient(nil)
	require.ErrorIs(t, err, media.ErrInvalid)
	require.Equal(t, []string{"a:22122", "[::1]:22122", "b:1"}, fastdfs.Config{Trackers: []string{"a", "::1", "b:1"}}.WithDefaults().Trackers)
}

func TestURLs(t *testing.T) {
	t.Parallel()
	const id = "group1/M00/00/00/fwAAC2sEoECAJMQbAAAADg4Qul0623.txt"
	secret := []byte("FastDFS1234567890")
	c := client(t, &fastdfs.Config{
		Trackers: []string{"127.0.0.1"}, BaseURL: "https://img.example.com", GroupURLs: map[string]string{"group2": "https://two.example.com/x/"}, TokenSecret: secret,
	})
	require.Equal(t, "https://img.example.com/"+id, c.URL(id, nil))
	require.Equal(t, "https://two.example.com/x/group2"+id[6:], c.URL("group2"+id[6:], nil))
	require.Equal(t, "https://img.example.com/"+id+"?filename=t%C3%A9+1.txt", c.URL(id, &fastdfs.URLOptions{Filename: "té 1.txt"}))
	require.Equal(t, "https://img.example.com/"+id+"?token=425b5ba35216cf42ec438e8d518469a3&ts=1700000000", c.URL(id, &fastdfs.URLOptions{IssuedAt: time.Unix(1700000000, 0)}))
	require.Empty(t, c.URL("group1/../../etc/passwd/xxxxxxxxxxxxxxx", nil))
	bare := client(t, &fastdfs.Config{Trackers: []string{"127.0.0.1"}, BaseURL: "/", OmitGroup: true})
	require.Equal(t, "/"+id[7:], bare.URL(id, nil))
	require.Empty(t, bare.URL(id, &fastdfs.URLOptions{IssuedAt: time.Now()}), "there is no secret to sign with")
}

// A signed address of the store is the web server's, and expires when it was said to.
func TestSignedURL(t *testing.T) {
	t.Parallel()
	config := fastdfstest.Start(t, nil).Config()
	config.BaseURL, config.TokenSecret, config.TokenTTL = "https://img.example.com/", []byte("secret"), time.Hour
	now := time.Unix(1_800_000_000, 0)
	store := open(t, config, &media.Options{Now: func() time.Time { return now }})
	defer store.Close()
	f, err := store.Save(t.Context(), "x.txt", strings.NewReader("x"), nil)
	require.NoError(t, err)
	u, err := store.SignedURL(t.Context(), f.Name, &media.SignOptions{ValidFor: 5 * time.Minute})
	require.NoError(t, err)
	ts := now.Add(5*time.Minute - time.Hour).Unix()
	require.Equal(t, "https://img.example.com/"+f.Name+"?token="+fastdfs.Token(f.Name, config.TokenSecret, time.Unix(ts, 0))+"&ts="+strconv.FormatInt(ts, 10), u)
}

// Variants are slaves of the original, and go with it.
func TestVariantsGoWithTheirOriginal(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{1}})
	store := open(t, cluster.Config(), nil)
	defer store.Close()
	ctx := t.Context()
	f, err := store.Save(ctx, "p.png", bytes.NewReader(picture(t)), nil)
	require.NoError(t, err)
	for _, width := range []int{10, 20} {
		r, err := store.Variant(ctx, f.Name, media.Variant{Width: width})
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
	require.Len(t, cluster.Files(cluster.Storages()[0]), 3)
	require.NoError(t, store.SetMetadata(ctx, f.Name, map[string]string{"a": "b"}))
	require.NoError(t, store.Delete(ctx, f.Name))
	require.Empty(t, cluster.Files(cluster.Storages()[0]))
}

// What other programs have stored can be read.
func TestForeignFile(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, nil)
	store := open(t, cluster.Config(), nil)
	defer store.Close()
	id, err := c.Upload(t.Context(), strings.NewReader("<p>hello"), 8, &fastdfs.UploadOptions{Ext: "html"})
	require.NoError(t, err)
	f, err := store.Stat(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "text/html", f.Type)
	require.EqualValues(t, 8, f.Size)
	require.Empty(t, f.SHA256)
	require.NoError(t, store.SetMetadata(t.Context(), id, map[string]string{"a": "b"}))
	metadata, err := c.Metadata(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "b"}, metadata)
	r, err := store.Open(t.Context(), id)
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "<p>hello", string(content))
	require.NoError(t, r.Close())
}
