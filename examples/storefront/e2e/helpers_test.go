package e2e

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue/art"
)

// How long, and how often, tests ask for what comes by itself.
const (
	waitLong = 30 * time.Second
	waitStep = 50 * time.Millisecond
)

// picture writes a picture to upload and returns its path.
func picture(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notebook.png")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, png.Encode(file, art.Draw("notebook", []string{"#7a4432"}, "", 2)))
	require.NoError(t, file.Close())
	return path
}
