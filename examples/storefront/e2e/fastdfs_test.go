package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/media/fastdfs/fastdfstest"
)

// The whole journey, with the pictures in FastDFS: in the shop's own process, on servers beside it
// and, if FASTDFS_TRACKERS names the trackers of one that may be written to, on a real cluster.
func TestHeadlessCheckOnFastDFS(t *testing.T) {
	t.Parallel()
	cluster := fastdfstest.Start(t, nil)
	clusters := map[string]string{"in process": "test", "beside": strings.Join(cluster.Config().Trackers, ",")}
	if trackers := os.Getenv("FASTDFS_TRACKERS"); trackers != "" {
		clusters["real"] = trackers
	}
	for name, trackers := range clusters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output, err := exec.CommandContext(t.Context(), binary, "-headless-check", "-fastdfs", trackers).CombinedOutput()
			require.NoError(t, err, "%s", output)
			require.Regexp(t, `\d+ steps passed`, string(output))
			if name == "beside" {
				stored := 0
				for _, storage := range cluster.Storages() {
					stored += len(cluster.Files(storage))
				}
				require.NotZero(t, stored, "the pictures went there")
			}
		})
	}
}

func TestFastDFSMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, says string }{
		{"-fastdfs test -data " + t.TempDir(), "leave out -data"},
		{"-fastdfs 127.0.0.1:1", "-fastdfs: "},
	} {
		output, err := exec.CommandContext(t.Context(), binary, strings.Fields(test.args)...).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(output), test.says)
	}
}
