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

// clusters are what the kit runs on: in process and, if FASTDFS_TRACKERS is set to the "host:port,…" of the trackers of one that may be
// written to, a real one.
func clusters(t *testing.T) map[string]func(*testing.T) *fastdfs.Config {
	t.Helper()
	inProcess := func(options *fastdfstest.Options) func(*testing.T) *fastdfs.Config {
		return func(t *testing.T) *fastdfs.Config {
			t.Helper()
			return fastdfstest.Start(t, options).Config()
		}
	}
	all := map[string]func(*testing.T) *fastdfs.Config{
		"in process": inProcess(nil),
		"in process, wide, trunk files, small buffer": inProcess(&fastdfstest.Options{Wide: true, Trunk: true, Trackers: 3, BufferSize: 8 << 10}),
	}
	if trackers := os.Getenv("FASTDFS_TRACKERS"); trackers != "" {
		all["real"] = func(*testing.T) *fastdfs.Config { return &fastdfs.Config{Trackers: strings.Split(trackers, ",")} }
	}
	return all
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, config := range clusters(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mediatest.Run(t, mediatest.Harness{OwnNames: true, Open: func(t *testing.T, o *media.Options) *media.Store {
				t.Helper()
				return open(t, config(t), o)
			}})
		})
	}
}
