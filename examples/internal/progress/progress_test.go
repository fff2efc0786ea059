package progress

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file and a buffer are no terminals: a log must not fill with bars.
func TestNothingIsDrawnWithoutATerminal(t *testing.T) {
	t.Parallel()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	var buffer bytes.Buffer
	for _, bar := range []interface {
		Add(int) error
		Finish() error
	}{Bar(log, 3, "counting"), Bar(&buffer, 3, "counting")} {
		require.NoError(t, bar.Add(1))
		require.NoError(t, bar.Finish())
	}
	require.NoError(t, log.Close())
	written, err := os.ReadFile(log.Name())
	require.NoError(t, err)
	require.Empty(t, written)
	require.Zero(t, buffer.Len())
}
