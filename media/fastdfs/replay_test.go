package fastdfs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs/internal/recorded"
)

// What no method of the client says, because it is wrong, or only for servers, or better said otherwise. These are sent as they were recorded,
// so that their answers are read too.
var unspoken = []string{
	"tracker_active_test_with_body", "tracker_query_store_with_group_one_badlen", "tracker_get_status", "tracker_unknown_cmd", "tracker_quit",
	"tracker_after_einval_1", "tracker_pipelined", "tracker_huge_pkg_len", "tracker_query_fetch_one_short_name", "tracker_query_fetch_one_long_name",
	"storage_upload_ext_leading_dot", "storage_upload_bad_ext", "storage_upload_ext_oversize7", "storage_upload_size_mismatch_less",
	"storage_upload_size_negative", "storage_upload_slave_empty_prefix", "storage_upload_slave_bad_prefix", "storage_upload_slave_noext",
	"storage_query_info_bad_name", "storage_query_info_silent_missing", "storage_download_negative_offset", "storage_download_negative_len",
	"storage_download_bad_name", "storage_download_traversal", "storage_set_metadata_dup_keys", "storage_set_metadata_long",
	"storage_set_metadata_noseparator", "storage_set_metadata_bad_flag", "storage_set_metadata_too_big", "storage_modify_negative",
	"storage_truncate_negative", "storage_delete_bad_name", "storage_unknown_cmd", "storage_active_test_with_body", "storage_pipelined", "storage_quit",
}

// The client sends what was recorded, byte for byte, and understands the recorded answers.
func TestReplay(t *testing.T) {
	t.Parallel()
	all, err := recorded.Load()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	spoken := 0
	for _, e := range all {
		t.Run(e.Setup+" "+e.Name, func(t *testing.T) {
			t.Parallel()
			request, speak := sorted(e.Request), say
			if slices.Contains(unspoken, e.Name) {
				refusesToSay(t, e)
				request, speak = e.WholeRequest(), sayAsRecorded
			}
			s := script(t, request, e.Answer, e.Closed)
			c := scripted(t, s, e.Storage())
			err := speak(t, c, s.address, e)
			require.True(t, s.asked(), "nothing was sent: %v", err)
			switch status := statusOf(e); {
			case status == 0:
				require.NoError(t, err)
			case status < 0:
				require.Error(t, err)
			default:
				refusal, ok := errors.AsType[*StatusError](err)
				require.True(t, ok, "%v", err)
				require.EqualValues(t, status, refusal.Status)
			}
			// A connection that the server closes, or may close, is not kept.
			kept := s.pool.countIdle()
			if !slices.Contains(unspoken, e.Name) {
				require.Equal(t, e.Closed, kept == 0)
			} else if e.Closed {
				require.Zero(t, kept)
			}
		})
		if !slices.Contains(unspoken, e.Name) {
			spoken++
		}
	}
	require.Len(t, all, 328)
	require.Equal(t, 256, spoken)
}

func statusOf(e recorded.Exchange) int {
	if len(e.Answer) < headerSize {
		return -1
	}
	return int(e.Answer[9])
}

func (p *pool) countIdle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}

// sorted puts the records of a request that sets metadata in the order in which the client sends them.
func sorted(request []byte) []byte {
	if Command(request[8]) != CommandSetMetadata {
		return request
	}
	f := fields{b: request[headerSize:]}
	name := int(f.int64())
	at := headerSize + 33 + name
	records, err := encodeMetadata(decodeMetadata(request[at:]))
	if err != nil {
		return request
	}
	return append(bytes.Clone(request[:at]), records...)
}

// scriptedServer answers one request.
type scriptedServer struct {
	address string
	pool    *pool
	got     chan bool
}

// asked reports whether the request came as it should.
func (s *scriptedServer) asked() bool {
	select {
	case right := <-s.got:
		return right
	default:
		return false
	}
}

func script(t *testing.T, request, answer []byte, closes bool) *scriptedServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scriptedServer{address: listener.Addr().String(), got: make(chan bool, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		got := make([]byte, len(request))
		n, _ := io.ReadFull(conn, got)
		if right := bytes.Equal(request, got[:n]); !right {
			t.Errorf("sent:\n%srecorded:\n%s", hex.Dump(got[:n]), hex.Dump(request))
			s.got <- false
			return
		}
		s.got <- true
		_, _ = conn.Write(answer)
		if closes {
			return
		}
		_, _ = io.Copy(io.Discard, conn) // until the client is closed
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return s
}

// scripted is a client to which s is the only tracker and the storage of everything.
func scripted(t *testing.T, s *scriptedServer, storage bool) *Client {
	t.Helper()
	c, err := NewClient(&Config{Trackers: []string{s.address}, Timeout: 10 * time.Second, TrackerCache: time.Minute, Store: media.Options{Logger: slog.New(slog.DiscardHandler)}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	s.pool = c.trackers[0]
	if storage {
		// A second question, to a tracker, finds nobody.
		c.storages[s.address] = s.pool
		c.trackers = []*pool{newPool(&c.config, "127.0.0.1:1")}
	}
	return c
}

// everything makes the scripted server the storage to be used.
func everything(c *Client, address, id string, path uint8) {
	target := Target{Group: "group1", Address: address, StorePath: path}
	for range rotationSize {
		c.known.addStore("", target)
	}
	for _, update := range []bool{false, true} {
		c.known.addFile(fileKey{update, id}, target)
	}
}

// sayAsRecorded sends the bytes of the recorded request.
func sayAsRecorded(t *testing.T, c *Client, address string, e recorded.Exchange) error {
	server := c.trackers[0]
	if e.Storage() {
		server = c.storages[address]
	}
	conn, err := server.get(t.Context())
	require.NoError(t, err)
	defer conn.release()
	_, err = conn.roundTrip(t.Context(), request(e.WholeRequest()))
	return err
}

// say makes the client say what is in the recorded request.
func say(t *testing.T, c *Client, address string, e recorded.Exchange) error {
	ctx := t.Context()
	f := fields{b: e.Request[headerSize:]}
	one := func() string { // group and name to the end
		id := f.text(groupSize) + "/" + string(f.b)
		everything(c, address, id, 0)
		return id
	}
	ungrouped := func(n int64) string { // a name alone
		id := "group1/" + f.text(int(n))
		everything(c, address, id, 0)
		return id
	}
	content := func(size int64) io.Reader { return bytes.NewReader(f.b[:size]) }
	body := e.Answer[min(len(e.Answer), headerSize):]
	created := func(id string, err error) error {
		if err == nil {
			require.Equal(t, "group1/"+string(body[groupSize:]), id)
		}
		return err
	}
	group := func() string { return f.text(min(groupSize, len(f.b))) }
	switch command := Command(e.Command()); command {
	case CommandActiveTest:
		return c.ActiveTest(ctx, address)
	case CommandQueryStore, CommandQueryStoreIn:
		target, err := c.QueryStore(ctx, group())
		if err == nil {
			require.Contains(t, string(body), strings.TrimSuffix(target.Address, ":23000"))
			require.Contains(t, string(body), target.Group)
		}
		return err
	case CommandQueryStores, CommandQueryStoresIn:
		targets, err := c.QueryStores(ctx, group())
		if err == nil {
			require.Len(t, targets, bytes.Count(body, []byte("127.0.0.")))
		}
		return err
	case CommandQueryFetch:
		target, err := c.QueryFetch(ctx, one())
		if err == nil {
			require.Contains(t, string(body), strings.TrimSuffix(target.Address, ":23000"))
		}
		return err
	case CommandQueryUpdate:
		_, err := c.QueryUpdate(ctx, one())
		return err
	case CommandQueryFetchAll:
		targets, err := c.QueryFetchAll(ctx, one())
		require.Len(t, targets, bytes.Count(body, []byte("127.0.0.")))
		return err
	case CommandListGroup:
		g, err := c.Group(ctx, group())
		if err == nil {
			require.Equal(t, "group1", g.Name)
			require.EqualValues(t, 23000, g.StoragePort)
			require.Equal(t, g.Storages, g.Writable)
			require.EqualValues(t, 0x3efe3, g.TotalMB)
		}
		return err
	case CommandListGroups:
		groups, err := c.Groups(ctx)
		require.Len(t, groups, len(body)/groupRecord)
		return err
	case CommandListStorages:
		storages, err := c.Storages(ctx, group(), string(f.b))
		for _, s := range storages {
			require.Equal(t, StorageActive, s.Status)
			require.True(t, s.Readable && s.Writable)
			require.Equal(t, "6.16.0", s.Version)
			require.EqualValues(t, 10, s.UploadPriority)
			require.EqualValues(t, 23000, s.Port)
			require.Equal(t, 2026, s.Joined.Year())
			require.Equal(t, 2026, s.Counters.LastHeartBeat.Year())
			require.Contains(t, string(body), s.Addr.String())
		}
		if err == nil {
			require.NotEmpty(t, storages)
		}
		return err
	case CommandLeader:
		leader, err := c.Leader(ctx)
		require.Equal(t, string(body), leader)
		return err
	case CommandTrackerStat:
		stats, err := c.TrackerStats(ctx)
		require.Len(t, stats, 1)
		require.True(t, stats[0].Leader && stats[0].Active)
		require.EqualValues(t, 256, stats[0].AllocatedConnections)
		return err
	case CommandStorageStat:
		stats, err := c.StorageStats(ctx)
		require.Len(t, stats, len(body)/storageStatRecord)
		require.Equal(t, StorageActive, stats[0].Status)
		require.Equal(t, "6.16.0", stats[0].Version)
		return err
	case CommandVolumeStat:
		stats, err := c.VolumeStats(ctx)
		require.Len(t, stats, len(body)/volumeStatRecord)
		require.Equal(t, "group1", stats[0].Group)
		require.True(t, stats[0].DiskAvailable)
		return err
	case CommandParameters:
		parameters, err := c.Parameters(ctx)
		require.Len(t, parameters, 26)
		return err
	case CommandStorageIDs:
		names, err := c.StorageNames(ctx)
		require.Len(t, names, bytes.Count(body, []byte("\n")))
		return err
	case CommandUpload, CommandUploadAppender:
		path, size, ext := f.byte(), f.int64(), f.text(extSize)
		everything(c, address, "", path)
		upload := c.Upload
		if command == CommandUploadAppender {
			upload = c.UploadAppender
		}
		return created(upload(ctx, content(size), size, &UploadOptions{Ext: ext}))
	case CommandUploadSlave:
		length, size, prefix, ext := f.int64(), f.int64(), f.text(prefixSize), f.text(extSize)
		return created(c.UploadSlave(ctx, ungrouped(length), prefix, content(size), size, &UploadOptions{Ext: ext}))
	case CommandAppend:
		length, size := f.int64(), f.int64()
		return c.Append(ctx, ungrouped(length), content(size), size)
	case CommandModify:
		length, offset, size := f.int64(), f.int64(), f.int64()
		return c.Modify(ctx, ungrouped(length), offset, content(size), size)
	case CommandTruncate:
		length, size := f.int64(), f.int64()
		return c.Truncate(ctx, ungrouped(length), size)
	case CommandRegenerate:
		return created(c.Regenerate(ctx, ungrouped(int64(len(f.b)))))
	case CommandDelete:
		return c.Delete(ctx, one())
	case CommandDownload:
		offset, length := f.int64(), f.int64()
		if length == 0 {
			length = -1
		}
		id := one()
		d, err := c.download(ctx, id, offset, length)
		if err != nil {
			return err
		}
		defer d.Close()
		got, err := io.ReadAll(d)
		require.Equal(t, string(body), string(got))
		return err
	case CommandSetMetadata:
		f.take(16)
		mode := f.byte()
		head := fields{b: e.Request[headerSize:]}
		nameLength := head.int64()
		group := f.text(groupSize)
		id := group + "/" + f.text(int(nameLength))
		everything(c, address, id, 0)
		return c.setMetadata(ctx, id, mode, decodeMetadata(f.b))
	case CommandGetMetadata:
		metadata, err := c.metadata(ctx, one())
		if err == nil {
			require.NotEmpty(t, metadata)
		}
		return err
	case CommandFileInfo:
		info, err := c.Info(ctx, one(), e.Request[9] == 0)
		if err == nil {
			require.Contains(t, []string{"127.0.0.12", "127.0.0.21"}, info.Source)
			require.Equal(t, 2026, info.ModTime.Year())
			require.Less(t, info.Size, int64(2000))
		}
		return err
	}
	t.Fatalf("no way to say %s", e.Name)
	return nil
}

// refusesToSay checks that the client sends nothing for what it could be asked to say.
func refusesToSay(t *testing.T, e recorded.Exchange) {
	c, err := NewClient(&Config{Trackers: []string{"127.0.0.1:1"}})
	require.NoError(t, err)
	defer c.Close()
	f := fields{b: e.Request[headerSize:]}
	ctx := t.Context()
	switch Command(e.Command()) {
	case CommandUpload:
		f.byte()
		size, ext := f.int64(), f.text(extSize)
		if e.Name == "storage_upload_ext_oversize7" {
			ext += "z"
		}
		if e.Name == "storage_upload_size_mismatch_less" || size == -1 {
			return // the content decides how much is sent
		}
		_, err = c.Upload(ctx, bytes.NewReader(nil), size, &UploadOptions{Ext: ext})
	case CommandUploadSlave:
		length, size, prefix, ext := f.int64(), f.int64(), f.text(prefixSize), f.text(extSize)
		_, err = c.UploadSlave(ctx, "group1/"+f.text(int(length)), prefix, bytes.NewReader(f.b), size, &UploadOptions{Ext: ext})
	case CommandModify:
		length, offset := f.int64(), f.int64()
		f.int64()
		err = c.Modify(ctx, "group1/"+f.text(int(length)), offset, eof{}, 0)
	case CommandTruncate:
		length, size := f.int64(), f.int64()
		err = c.Truncate(ctx, "group1/"+f.text(int(length)), size)
	case CommandDelete:
		err = c.Delete(ctx, f.text(groupSize)+"/"+string(f.b))
	case CommandDownload:
		offset, length := f.int64(), f.int64()
		if e.Name == "storage_download_negative_len" {
			return // means all to the end here
		}
		_, err = c.Download(ctx, f.text(groupSize)+"/"+string(f.b), offset, max(length, 1))
	case CommandQueryFetch:
		_, err = c.QueryFetch(ctx, f.text(groupSize)+"/"+string(f.b))
	case CommandFileInfo:
		if e.Name == "storage_query_info_silent_missing" {
			return // a flag for the server's log
		}
		_, err = c.Info(ctx, f.text(groupSize)+"/"+string(f.b), false)
	case CommandSetMetadata:
		if !strings.HasSuffix(e.Name, "_long") && !strings.HasSuffix(e.Name, "_big") {
			return // a map and two methods cannot say it
		}
		err = c.SetMetadata(ctx, "group1/"+strings.Repeat("x", minName), decodeMetadata(e.WholeRequest()[headerSize+33+44:]))
	default:
		return // there is no such method
	}
	require.ErrorIs(t, err, media.ErrInvalid)
	_, isStatus := errors.AsType[*StatusError](err)
	require.False(t, isStatus)
}
