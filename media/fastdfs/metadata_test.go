package fastdfs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// A storage that is writing the metadata answers with an input/output error: reading is tried again, a few times.
func TestMetadataIsReadWhileItIsWritten(t *testing.T) {
	t.Parallel()
	cluster, c := start(t, &fastdfstest.Options{Groups: []int{1}})
	id, err := c.Upload(t.Context(), strings.NewReader("x"), 1, nil)
	require.NoError(t, err)
	want := map[string]string{"width": "160"}
	require.NoError(t, c.SetMetadata(t.Context(), id, want))

	cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandGetMetadata, Status: 5, Times: 3})
	got, err := c.Metadata(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want, got)

	remove := cluster.Inject(fastdfstest.Fault{Command: fastdfs.CommandGetMetadata, Status: 5})
	_, err = c.Metadata(t.Context(), id)
	var failed *fastdfs.StatusError
	require.ErrorAs(t, err, &failed, "a disk that is broken is told")
	require.EqualValues(t, 5, failed.Status)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Metadata(ctx, id)
	require.ErrorIs(t, err, context.Canceled)
	remove()
	got, err = c.Metadata(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, want, got)
}
