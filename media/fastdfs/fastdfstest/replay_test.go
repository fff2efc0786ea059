package fastdfstest_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
	"github.com/seed82d84382/commerce/media/fastdfs/internal/recorded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The clusters on which the exchanges were recorded.
var setups = map[string]*fastdfstest.Options{
	"default": {
		Advertise: []string{"127.0.0.11:23000", "127.0.0.12:23000", "127.0.0.13:23000"}, AdvertiseTrackers: []string{"127.0.0.10:22122"},
	},
	"ids-trunk-ip46": {
		Groups: []int{1}, Advertise: []string{"127.0.0.21:23000"}, AdvertiseTrackers: []string{"127.0.0.20:22122"},
		StorageIDs: true, Wide: true, Trunk: true,
	},
	"reserved-99pct": {Groups: []int{2}, Advertise: []string{"127.0.0.11:23000", "127.0.0.12:23000"}, Capacity: 3},
	"emfile":         {Advertise: []string{"127.0.0.11:23000", "127.0.0.12:23000", "127.0.0.13:23000"}},
}

// Every recorded request gets the recorded answer, byte for byte but for random parts of names, times and figures of the machine.
func TestReplay(t *testing.T) {
	t.Parallel()
	all, err := recorded.Load()
	require.NoError(t, err)
	require.Len(t, all, 328)
	for setup, options := range setups {
		t.Run(setup, func(t *testing.T) {
			t.Parallel()
			r := &replay{cluster: fastdfstest.Start(t, options), options: options, ours: map[string]string{}, theirs: map[string]string{}}
			r.prepare(t, setup)
			replayed := 0
			for _, e := range all {
				if e.Setup == setup {
					r.exchange(t, e)
					replayed++
				}
			}
			require.Positive(t, replayed)
		})
	}
}

// The whole collection may lie beside the project; then it must say the same as what is kept here.
func TestRecordedIsComplete(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile("../../../../shared/fastdfs/transcripts.json")
	if err != nil {
		whole = nil
	}
	all, err := recorded.Load()
	require.NoError(t, err)
	if whole != nil {
		require.Len(t, all, bytes.Count(whole, []byte(`"request_hex"`)))
	}
	for _, e := range all {
		require.GreaterOrEqual(t, len(e.Request), 10, e.Name)
	}
}

type replay struct {
	cluster *fastdfstest.Cluster
	options *fastdfstest.Options
	ours    map[string]string // by recorded names
	theirs  map[string]string
	kept    net.Conn // of an exchange that is followed by another on the same connection
}

// prepare brings a cluster into the state of the recording.
func (r *replay) prepare(t *testing.T, setup string) {
	switch setup {
	case "reserved-99pct":
		client, err := fastdfs.NewClient(r.cluster.Config())
		require.NoError(t, err)
		defer client.Close()
		_, err = client.Upload(t.Context(), strings.NewReader("abc"), 3, nil)
		require.NoError(t, err)
	case "emfile":
		r.cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandDownload, Rewrite: func([]byte) []byte {
			answer := binary.BigEndian.AppendUint64(nil, 5000)
			return append(answer, 100, 24)
		}, CutAnswer: 10})
	}
}

func (r *replay) server(e recorded.Exchange) *fastdfstest.Server {
	if !e.Storage() {
		return r.cluster.Trackers()[0]
	}
	for i, address := range r.options.Advertise {
		if strings.HasSuffix(e.Server, address) {
			return r.cluster.Storages()[i]
		}
	}
	return r.cluster.Storages()[0]
}

func (r *replay) exchange(t *testing.T, e recorded.Exchange) {
	conn := r.kept
	r.kept = nil
	if conn == nil {
		var err error
		conn, err = net.Dial("tcp", r.server(e).Address())
		require.NoError(t, err)
	}
	require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	if strings.HasSuffix(e.Name, "_1") {
		r.kept = conn
	} else {
		defer conn.Close()
	}
	_, err := conn.Write(replaceAll(e.WholeRequest(), r.ours))
	if !e.Closed {
		require.NoError(t, err, e.Name)
	}
	got := make([]byte, len(e.Answer))
	n, err := io.ReadFull(conn, got)
	if len(e.Answer) > 0 {
		require.NoError(t, err, "%s: %x", e.Name, got[:n])
	}
	r.compare(t, e, got)
	switch {
	case e.Closed:
		_, err := conn.Read(make([]byte, 1))
		require.Error(t, err, e.Name)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, e.Name)
	case strings.HasSuffix(e.Name, "_pipelined") && e.Storage():
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded, e.Name)
	default:
		next := append(make([]byte, 8), 111, 0)
		if strings.HasSuffix(e.Name, "_pipelined") {
			next = nil // the second answer comes by itself
		}
		_, err := conn.Write(next)
		require.NoError(t, err)
		_, err = io.ReadFull(conn, got[:10])
		require.NoError(t, err, e.Name)
		require.Equal(t, append(make([]byte, 8), 100, 0), got[:10], e.Name)
	}
}

func replaceAll(b []byte, names map[string]string) []byte {
	for from, to := range names {
		// Only as a whole: a slave's name begins like its master's.
		for at := 0; ; {
			i := bytes.Index(b[at:], []byte(from))
			if i < 0 {
				break
			}
			at += i
			b = append(append(bytes.Clone(b[:at]), to...), b[at+len(from):]...)
			at += len(to)
		}
	}
	return b
}

func (r *replay) compare(t *testing.T, e recorded.Exchange, got []byte) {
	want := bytes.Clone(e.Answer)
	switch fastdfs.Command(e.Command()) {
	case fastdfs.CommandUpload, fastdfs.CommandUploadAppender, fastdfs.CommandUploadSlave, fastdfs.CommandRegenerate:
		if len(want) > 10 {
			require.Equal(t, want[:26], got[:26], e.Name)
			r.compareNames(t, e, string(want[26:]), string(got[26:]))
			return
		}
	case fastdfs.CommandFileInfo:
		if len(want) > 10 {
			require.InDelta(t, time.Now().Unix(), int64(binary.BigEndian.Uint64(got[18:])), 60, e.Name)
			zero(want, got, 18, 8)
		}
	default:
		for _, m := range masks[fastdfs.Command(e.Command())] {
			m.apply(want, got)
		}
	}
	got = replaceAll(got, r.theirs)
	require.Equal(t, hex.Dump(want), hex.Dump(got), e.Name)
}

// compareNames masks what is random in a name and remembers the pair.
func (r *replay) compareNames(t *testing.T, e recorded.Exchange, want, got string) {
	w, err := fastdfs.ParseFileID("g/" + want)
	require.NoError(t, err, e.Name)
	g, err := fastdfs.ParseFileID("g/" + got)
	require.NoError(t, err, e.Name)
	require.Len(t, got, len(want), e.Name)
	const random = 0x7FFFFF << 32
	require.Equal(t, w.SizeField&^random, g.SizeField&^random, e.Name)
	g.SizeField, g.Created = w.SizeField, w.Created
	require.Equal(t, strings.TrimLeft(w.Tail, "0123456789"), strings.TrimLeft(g.Tail, "0123456789"), e.Name)
	g.Tail = w.Tail
	require.Equal(t, w, g, e.Name)
	r.ours[want], r.theirs[got] = got, want
}

func zero(want, got []byte, at, n int) {
	for i := at; i < at+n; i++ {
		if i < len(want) && i < len(got) {
			want[i], got[i] = 0, 0
		}
	}
}

// mask says which bytes of records depend on the machine and the time.
type mask struct {
	head, size int      // bytes before the first record, and of each; of the size that fits
	parts      [][2]int // offset and length
}

func (m mask) apply(want, got []byte) {
	if len(want) <= 10 || (len(want)-10-m.head)%m.size != 0 {
		return
	}
	for at := 10 + m.head; at < len(want); at += m.size {
		for _, part := range m.parts {
			zero(want, got, at+part[0], part[1])
		}
	}
}

var groupMask = mask{0, 113, [][2]int{{17, 24}, {17 + 8*8, 8}}} // MB, and whose turn it is

var masks = map[fastdfs.Command][]mask{
	fastdfs.CommandListGroup:  {groupMask},
	fastdfs.CommandListGroups: {groupMask},
	fastdfs.CommandListStorages: {
		{0, 487, [][2]int{{58, 40}, {138, 348}}}, // times and MB, and the counters
		{0, 517, [][2]int{{88, 40}, {168, 348}}},
	},
	fastdfs.CommandTrackerStat: {{1, 90, [][2]int{{54, 12}, {74, 16}}}},            // connections and times
	fastdfs.CommandStorageStat: {{6, 106, [][2]int{{32, 36}, {70, 12}, {90, 16}}}}, // what stands behind the address, and the same
	fastdfs.CommandVolumeStat:  {{5, 59, [][2]int{{7, 10}, {17, 40}}}},             // what stands behind the name, and MB
}
