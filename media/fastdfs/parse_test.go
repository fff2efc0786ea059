package fastdfs

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs/internal/recorded"
)

func TestFileIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]struct {
		size                   int64 // -1: not known
		sum                    uint32
		appender, slave, trunk bool
		source, ext            string
	}{
		"group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt":                   {14, 0x0e10ba5d, false, false, false, "127.0.0.12", "txt"},
		"group1/M00/00/00/fwAADGsEo86AUbbsAAAAAzUkQcI7391854":                   {3, 0x352441c2, false, false, false, "127.0.0.12", ""},
		"group1/M00/00/00/fwAADGsEo86AdL_IAAAABkuOOe8.tar.gz":                   {6, 0x4b8e39ef, false, false, false, "127.0.0.12", "tar.gz"},
		"group1/M00/00/00/fwAADGsEo86AFztVAAAAAzUkQcI16..txt":                   {3, 0x352441c2, false, false, false, "127.0.0.12", ".txt"},
		"group1/M00/00/00/fwAADGsEo8-AQcrpAAAAAAAAAAA969.bin":                   {0, 0, false, false, false, "127.0.0.12", "bin"},
		"group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562_150x150.jpg":           {-1, 0x0e10ba5d, false, true, false, "127.0.0.12", "jpg"},
		"group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562_big":                   {-1, 0x0e10ba5d, false, true, false, "127.0.0.12", ""},
		"group1/M00/00/00/fwAADGsEo9WEERprAAAAAKaEx8Y962.log":                   {-1, 0xa684c7c6, true, false, false, "127.0.0.12", "log"},
		"group1/M00/00/00/fwAADGsEo9iAQrQUAAAACHjcwEw962.log":                   {8, 0x78dcc04c, false, false, false, "127.0.0.12", "log"},
		"group1/M00/00/00/oYYBAGsEo-CIHNBJAAAADg4Qul0AAAAAQAAAAAAAAEA091.txt":   {14, 0x0e10ba5d, false, false, true, "100001", "txt"},
		"group1/M00/00/00/oYYBAGsEo--IcYwzAAAD6EAo3NQAAAAAQAABgAAAAQA998.dat":   {1000, 0x4028dcd4, false, false, true, "100001", "dat"},
		"group1/M00/00/00/oYYBAGsEo--IcYwzAAAD6EAo3NQAAAAAQAABgAAAAQA998_s.dat": {-1, 0x4028dcd4, false, true, true, "100001", "dat"},
		"group1/M00/00/00/oYYBAGsEo-iERtU8AAAAAKaEx8Y393.log":                   {-1, 0xa684c7c6, true, false, false, "100001", "log"},
	} {
		f, err := ParseFileID(id)
		require.NoError(t, err, id)
		require.Equal(t, id, f.String())
		size, known := f.Size()
		require.Equal(t, want.size >= 0, known, id)
		if known {
			require.Equal(t, want.size, size, id)
		}
		require.Equal(t, want.sum, f.CRC32, id)
		require.Equal(t, want.appender, f.Appender(), id)
		require.Equal(t, want.slave, f.Slave(), id)
		require.Equal(t, want.trunk, f.InTrunk(), id)
		require.Equal(t, want.ext, f.Ext(), id)
		require.Equal(t, 2026, f.Created.Year(), id)
		if addr, ok := f.SourceAddr(); ok {
			require.Equal(t, want.source, addr.String(), id)
		} else {
			number, ok := f.StorageID()
			require.True(t, ok)
			require.EqualValues(t, 100001, number)
		}
	}
	trunk, err := ParseFileID("group1/M00/00/00/oYYBAGsEo--IcYwzAAAD6EAo3NQAAAAAQAABgAAAAQA998.dat")
	require.NoError(t, err)
	require.Equal(t, TrunkPosition{1, 0x600, 1024}, trunk.Trunk)
	large := trunk
	large.SizeField, large.Trunk = 5<<30, TrunkPosition{}
	again, err := ParseFileID(large.String())
	require.NoError(t, err)
	size, known := again.Size()
	require.True(t, known)
	require.EqualValues(t, 5<<30, size)

	for _, bad := range []string{
		"", "group1", "/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt", "group1/", "group1/M00/00/00/short", "group1/M00/00/0/fwAADGsEo86AeooTAAAADg4Qul0562.txt",
		"group1/M0g/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt", "group1/M00/0a/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt", "group1/M00/../00/fwAADGsEo86AeooTAAAADg4Qul0562.txt",
		"group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt\x00", "group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul/562.txt/..", "gr up/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt",
		"seventeenbytes-17/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt", "group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562" + strings.Repeat("x", 90),
		"group1/M00/00/00/oYYBAGsEo-CIHNBJAAAADg4Qul0091.txt",
	} {
		_, err := ParseFileID(bad)
		require.ErrorIs(t, err, media.ErrInvalid, "%q", bad)
	}
}

// The widths that servers of all versions use, and what cannot be one of them.
func TestTargetLayouts(t *testing.T) {
	t.Parallel()
	c := &Client{config: Config{AddressMap: map[string]string{"10.0.0.9:23000": "192.0.2.1:9", "10.0.0.8": "192.0.2.2", "10.0.0.7": "192.0.2.3:5", "10.0.0.6:23000": "192.0.2.4"}}}
	build := func(width int, portEach, path bool, addresses ...string) []byte {
		b := request{}.fixed("group1", groupSize)
		for i, address := range addresses {
			b = b.fixed(address, width)
			if i == 0 || portEach {
				b = b.int64(23000)
			}
		}
		if path {
			b = b.byte(3)
		}
		return b
	}
	many := func(prefix string, n int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = netip.MustParseAddr(prefix).String()[:len(prefix)-1] + string(rune('1'+i%9))
		}
		return all
	}
	store := []layout{{15, true, true}, {45, true, true}}
	for _, width := range []int{15, 45} {
		for _, n := range []int{1, 2, 3, 23, 32} {
			targets, err := c.parseTargets(build(width, true, true, many("10.1.1.0", n)...), store, maxStorages)
			require.NoError(t, err, "%d × %d", width, n)
			require.Len(t, targets, n)
			require.EqualValues(t, 3, targets[n-1].StorePath)
			fetch := []layout{{15, true, false}, {45, true, false}, {15, false, false}, {45, false, false}}
			for _, each := range []bool{true, false} {
				targets, err = c.parseTargets(build(width, each, false, many("10.1.1.0", n)...), fetch, maxStorages)
				require.NoError(t, err, "%d × %d, %v", width, n, each)
				require.Len(t, targets, n)
				require.Equal(t, "10.1.1.1:23000", targets[0].Address)
			}
		}
	}
	targets, err := c.parseTargets(build(45, true, true, many("2001:db8::0", 23)...), store, maxStorages)
	require.NoError(t, err, "23 wide addresses are as long as 53 narrow ones")
	require.Len(t, targets, 23)
	require.Equal(t, "[2001:db8::1]:23000", targets[0].Address)
	targets, err = c.parseTargets(build(15, true, true, "10.0.0.9", "10.0.0.8", "10.0.0.7", "10.0.0.6", "10.0.0.5"), store, maxStorages)
	require.NoError(t, err)
	for i, want := range []string{"192.0.2.1:9", "192.0.2.2:23000", "192.0.2.3:5", "192.0.2.4:23000", "10.0.0.5:23000"} {
		require.Equal(t, want, targets[i].Address)
	}
	for name, bad := range map[string][]byte{
		"empty": {}, "no address": build(15, true, true, ""), "no number": build(15, true, true, "10.0.0.x"), "too many": build(15, true, true, many("10.1.1.0", 33)...),
		"one short": build(15, true, true, "10.0.0.1")[:39], "port 0": make([]byte, 40), "zone": build(45, true, true, "fe80::1%eth0"),
	} {
		_, err := c.parseTargets(bad, store, maxStorages)
		require.ErrorIs(t, err, ErrProtocol, name)
	}
}

// storageRecord is a record as the servers of a version send it.
func storageRecord(l storageLayout, address, version string) []byte {
	b := request{}.byte(byte(StorageActive))
	if l.mode {
		b = b.byte(4)
	}
	b = b.fixed("100001", 16).fixed(address, l.address).fixed("", l.domain).fixed("", 16).fixed(version, l.version)
	b = b.int64(1_700_000_000).int64(1_700_000_001).int64(1000).int64(900)
	if l.reserved {
		b = b.int64(50)
	}
	b = b.int64(10).int64(2).int64(256).int64(1).int64(23000)
	if l.httpPort {
		b = b.int64(8888)
	}
	b = b.int32(1).int32(2).int32(3)
	for i := range 19 * 2 {
		b = b.int64(int64(100 + i))
	}
	return b.int64(0).int64(0).int64(0).int64(1_700_000_002).byte(1)
}

func TestStorageRecordsOfAllVersions(t *testing.T) {
	t.Parallel()
	for i, version := range []string{"6.16.0", "6.16.0", "6.13", "6.12", "6.11", "6.09"} {
		l := storageLayouts[i]
		one := storageRecord(l, "10.0.0.1", version)
		require.Len(t, one, l.size)
		for _, n := range []int{1, 2, 7, 32} {
			storages, err := parseStorages([]byte(strings.Repeat(string(one), n)))
			require.NoError(t, err, "%s × %d", version, n)
			require.Len(t, storages, n)
			s := storages[n-1]
			require.Equal(t, "100001", s.ID)
			require.Equal(t, "10.0.0.1", s.Addr.String())
			require.Equal(t, version, s.Version)
			require.True(t, s.Readable)
			require.Equal(t, !l.mode, s.Writable)
			require.EqualValues(t, 1000, s.TotalMB)
			require.EqualValues(t, 10, s.UploadPriority)
			require.EqualValues(t, 23000, s.Port)
			require.Equal(t, Count{100, 101}, s.Counters.Upload)
			require.Equal(t, Count{136, 137}, s.Counters.FileWrite)
			require.True(t, s.Counters.LastSynced.IsZero())
			require.EqualValues(t, 1_700_000_002, s.Counters.LastHeartBeat.Unix())
			require.True(t, s.TrunkServer)
		}
	}
	for _, bad := range [][]byte{make([]byte, 487), make([]byte, 486), storageRecord(storageLayouts[0], "nowhere", "6.16.0")} {
		_, err := parseStorages(bad)
		require.ErrorIs(t, err, ErrProtocol)
	}
	require.Equal(t, "active", StorageActive.String())
	require.Equal(t, "status 8", StorageStatus(8).String())
}

func TestGroupRecordsOfAllVersions(t *testing.T) {
	t.Parallel()
	record := func(values ...int64) []byte {
		b := request{}.fixed("group1", groupSize+1)
		for _, v := range values {
			b = b.int64(v)
		}
		return b
	}
	for version, r := range map[string][]byte{
		"6.16":   record(1000, 900, 50, 7, 3, 23000, 2, 1, 0, 2, 256, -1),
		"6.13.0": record(1000, 900, 7, 3, 23000, 2, 1, 0, 2, 256, -1),
		"6.12":   record(1000, 900, 7, 3, 23000, 8888, 2, 0, 2, 256, -1),
	} {
		groups, err := parseGroups(append(append([]byte(nil), r...), r...))
		require.NoError(t, err, version)
		require.Len(t, groups, 2)
		g := groups[1]
		require.Equal(t, "group1", g.Name)
		require.EqualValues(t, 900, g.FreeMB)
		require.EqualValues(t, 7, g.TrunkFreeMB)
		require.EqualValues(t, 3, g.Storages)
		require.EqualValues(t, 2, g.Readable, version)
		require.EqualValues(t, 2, g.StorePaths)
		require.EqualValues(t, -1, g.TrunkFile)
	}
	none, err := parseGroups(nil)
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = parseGroups(make([]byte, groupRecord*600))
	require.ErrorIs(t, err, ErrProtocol)
}

func TestCombineCRC(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		content := make([]byte, rapid.IntRange(0, 100_000).Draw(t, "size"))
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for i := range content {
			content[i] = byte(r.Uint32())
		}
		at := rapid.IntRange(0, len(content)).Draw(t, "at")
		sum := combineCRC(crc32.ChecksumIEEE(content[:at]), crc32.ChecksumIEEE(content[at:]), int64(len(content)-at))
		if sum != crc32.ChecksumIEEE(content) {
			t.Fatalf("%08x", sum)
		}
	})
}

func TestMetadataRoundTrip(t *testing.T) {
	t.Parallel()
	text := rapid.StringMatching(`[^\x00-\x02]{0,20}`)
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.MapOf(text.Filter(func(s string) bool { return s != "" && len(s) <= 64 }), text).Draw(t, "metadata")
		b, err := encodeMetadata(m)
		if err != nil {
			t.Fatal(err)
		}
		require.Equal(t, m, decodeMetadata([]byte(b)))
	})
}

func answers(f *testing.F, commands ...Command) {
	f.Helper()
	all, err := recorded.Load()
	require.NoError(f, err)
	for _, e := range all {
		for _, command := range commands {
			if Command(e.Command()) == command && len(e.Answer) > headerSize {
				f.Add(e.Answer[headerSize:])
			}
		}
	}
	f.Add([]byte{})
}

func FuzzFileID(f *testing.F) {
	f.Add("group1/M00/00/00/fwAADGsEo86AeooTAAAADg4Qul0562.txt")
	f.Add("group1/M00/00/00/oYYBAGsEo--IcYwzAAAD6EAo3NQAAAAAQAABgAAAAQA998_s.dat")
	f.Fuzz(func(t *testing.T, id string) {
		parsed, err := ParseFileID(id)
		if err != nil {
			require.ErrorIs(t, err, media.ErrInvalid)
			return
		}
		require.Equal(t, id, parsed.String())
		if size, known := parsed.Size(); known && parsed.SizeField&smallMark != 0 {
			require.Less(t, size, int64(1)<<32)
		}
	})
}

func FuzzTargets(f *testing.F) {
	answers(f, CommandQueryStore, CommandQueryStores, CommandQueryFetch, CommandQueryFetchAll)
	c := &Client{}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, layouts := range [][]layout{{{15, true, true}, {45, true, true}}, {{15, true, false}, {45, true, false}, {15, false, false}, {45, false, false}}} {
			targets, err := c.parseTargets(body, layouts, maxStorages)
			require.Equal(t, err != nil, len(targets) == 0)
			for _, target := range targets {
				_, err := netip.ParseAddrPort(target.Address)
				require.NoError(t, err)
				require.NoError(t, checkGroup(target.Group))
			}
		}
	})
}

func FuzzLists(f *testing.F) {
	answers(f, CommandListGroup, CommandListGroups, CommandListStorages, CommandTrackerStat, CommandStorageStat, CommandVolumeStat, CommandStorageIDs, CommandFileInfo)
	for _, l := range storageLayouts {
		f.Add(storageRecord(l, "10.0.0.1", "6.09"))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if groups, err := parseGroups(body); err == nil {
			require.LessOrEqual(t, len(groups), maxGroups)
		}
		if storages, err := parseStorages(body); err == nil {
			require.LessOrEqual(t, len(storages), maxStorages)
		}
		_, _ = parseTrackerStats(body)
		_, _ = parseStorageStats(body)
		_, _ = parseVolumeStats(body)
		_, _, _ = parseStorageNames(body)
		if info, err := parseInfo(body); err == nil {
			require.GreaterOrEqual(t, info.Size, int64(0))
		}
		if id, err := parseNewID(body); err == nil {
			_, _, err := splitID(id)
			require.NoError(t, err)
		}
	})
}

func FuzzMetadata(f *testing.F) {
	answers(f, CommandGetMetadata)
	f.Fuzz(func(t *testing.T, body []byte) {
		m := decodeMetadata(body)
		if encoded, err := encodeMetadata(m); err == nil {
			require.Equal(t, m, decodeMetadata([]byte(encoded)))
		}
	})
}

// hostile answers every request with the same bytes and closes.
func hostile(tb testing.TB, answer []byte) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write(answer)
			_ = conn.Close()
		}
	}()
	tb.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

// all asks everything of a server that is tracker and storage.
func all(ctx context.Context, c *Client, address string) []error {
	const id = "group1/M00/00/00/fwAADGsEo9WEERprAAAAAKaEx8Y962.log"
	var failed []error
	for _, ask := range []func() error{
		func() error { _, err := c.QueryStore(ctx, ""); return err },
		func() error { _, err := c.QueryStores(ctx, "group1"); return err },
		func() error { _, err := c.QueryFetchAll(ctx, id); return err },
		func() error { _, err := c.Groups(ctx); return err },
		func() error { _, err := c.Storages(ctx, "group1", ""); return err },
		func() error { _, err := c.Leader(ctx); return err },
		func() error { _, err := c.TrackerStats(ctx); return err },
		func() error { _, err := c.StorageStats(ctx); return err },
		func() error { _, err := c.VolumeStats(ctx); return err },
		func() error { _, err := c.StorageNames(ctx); return err },
		func() error { _, err := c.Upload(ctx, strings.NewReader("x"), 1, nil); return err },
		func() error {
			_, err := c.Upload(ctx, strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20, &UploadOptions{Trusted: true})
			return err
		},
		func() error { _, err := c.metadata(ctx, id); return err },
		func() error { _, err := c.Info(ctx, id, true); return err },
		func() error { return c.Truncate(ctx, id, 0) },
		func() error {
			d, err := c.Download(ctx, id, 0, -1)
			if err == nil {
				_, err = io.Copy(io.Discard, d)
				_ = d.Close()
			}
			return err
		},
	} {
		everything(c, address, id, 0)
		failed = append(failed, ask())
	}
	return failed
}

// A server that lies costs neither memory nor a goroutine (TestMain looks for these).
func TestHostileServer(t *testing.T) {
	head := func(length uint64, status byte) []byte {
		return append(binary.BigEndian.AppendUint64(nil, length), byte(commandAnswer), status)
	}
	var before, after runtime.MemStats
	for name, answer := range map[string][]byte{
		"nothing": {}, "half a header": head(0, 0)[:5], "2^62 bytes": head(1<<62, 0), "2^63 bytes": head(1<<63, 0), "2^20 bytes": head(1<<20, 0),
		"65535 groups": append(head(65535*groupRecord, 0), make([]byte, 65535)...), "an error with a body": head(5000, 24), "another command": append(make([]byte, 8), 101, 0),
		"more than announced": append(head(1, 0), make([]byte, 100)...), "HTTP": []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"65535 storage ids": append(head(8, 0), 0, 0, 0xFF, 0xFF, 0, 0, 0, 0), "2^31 storage ids": append(head(8, 0), 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF),
	} {
		address := hostile(t, answer)
		c := scripted(t, &scriptedServer{address: address}, false)
		runtime.ReadMemStats(&before)
		for i, err := range all(t.Context(), c, address) {
			if strings.HasPrefix(name, "more") || strings.HasSuffix(name, "storage ids") && i != 9 {
				continue // to some questions this is an answer
			}
			require.Error(t, err, "%s, call %d", name, i)
		}
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16<<20), name)
		if !strings.HasSuffix(name, "storage ids") {
			require.Zero(t, c.trackers[0].countIdle(), "%s: a connection was kept", name)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	recordedAll, err := recorded.Load()
	require.NoError(f, err)
	for i, e := range recordedAll {
		if i%7 == 0 {
			f.Add(e.Answer)
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		address := hostile(t, answer)
		c := scripted(t, &scriptedServer{address: address}, false)
		for _, err := range all(t.Context(), c, address) {
			if err != nil && errors.Is(err, context.DeadlineExceeded) {
				t.Fatal("hangs")
			}
		}
	})
}
