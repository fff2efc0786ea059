package fastdfstest_test

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// As the real server does, this one reads on in what it has refused. A client that passes strangers' content on in one request lets them delete files.
func TestServerTakesContentForRequests(t *testing.T) {
	t.Parallel()
	const buffer = 16 << 10
	cluster := fastdfstest.Start(t, &fastdfstest.Options{Groups: []int{1}, BufferSize: buffer})
	client, err := fastdfs.NewClient(cluster.Config())
	require.NoError(t, err)
	defer client.Close()
	victim, err := client.Upload(t.Context(), strings.NewReader("victim"), 6, nil)
	require.NoError(t, err)
	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandUpload, Status: 28})

	request := make([]byte, 10+15+2*buffer)
	binary.BigEndian.PutUint64(request, uint64(len(request)-10))
	request[8] = byte(fastdfs.CommandUpload)
	binary.BigEndian.PutUint64(request[11:], uint64(len(request)-25))
	hidden := request[buffer:]
	name := strings.TrimPrefix(victim, "group1/")
	binary.BigEndian.PutUint64(hidden, uint64(16+len(name)))
	hidden[8] = byte(fastdfs.CommandDelete)
	copy(hidden[10:], "group1")
	copy(hidden[26:], name)
	conn, err := net.Dial("tcp", cluster.Storages()[0].Address())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.Write(request)
	require.NoError(t, err)
	answers := make([]byte, 20)
	_, err = io.ReadFull(conn, answers)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0, 0, 0, 0, 0, 100, 28, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0}, answers)
	_, err = client.Info(t.Context(), victim, false)
	require.ErrorIs(t, err, media.ErrNotFound)
}
