package fastdfs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/fastdfs"
	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
	"github.com/seed82d84382/commerce/media/mediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, config *fastdfs.Config, options *media.Options) *media.Store {
	t.Helper()
	if options != nil {
		config.Store = *options
	}
	store, err := fastdfs.Open(t.Context(), config)
	require.NoError(t, err)
	return store
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]*fastdfstest.Options{
		"plain":        nil,
		"wide":         {Wide: true, Trackers: 3},
		"trunk":        {Trunk: true, Groups: []int{3}},
		"small buffer": {BufferSize: 8 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mediatest.Run(t, mediatest.Harness{OwnNames: true, Open: func(t *testing.T, o *media.Options) *media.Store {
				t.Helper()
				return open(t, fastdfstest.Start(t, options).Config(), o)
			}})
		})
	}
}

// realConfig is that of the real cluster of FASTDFS_TRACKERS.
func realConfig(t *testing.T) *fastdfs.Config {
	t.Helper()
	trackers := os.Getenv("FASTDFS_TRACKERS")
	if trackers == "" {
		t.Skip("no FastDFS: set FASTDFS_TRACKERS=host:port,… to the trackers of a cluster that may be written to")
	}
	return &fastdfs.Config{Trackers: strings.Split(trackers, ",")}
}

func TestConformanceOnRealCluster(t *testing.T) {
	t.Parallel()
	realConfig(t)
	mediatest.Run(t, mediatest.Harness{OwnNames: true, Open: func(t *testing.T, o *media.Options) *media.Store {
		t.Helper()
		return open(t, realConfig(t), o)
	}})
}
