package e2e

import (
	"bytes"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// screensEnv names the directory that gets the screenshots of a run. docs/screens
// of the repository is made with it.
const screensEnv = "STOREFRONT_SCREENS"

// screenQuality keeps soft backdrops free of bands and a picture below 150 KB.
const screenQuality = 88

// screen keeps what the window shows, when asked to.
func (w *window) screen(name string) {
	w.t.Helper()
	dir := os.Getenv(screensEnv)
	if dir == "" {
		return
	}
	// Pictures are decoded and fonts are there before the shutter opens.
	eval[bool](w, `Promise.all([document.fonts.ready, ...[...document.images].filter((i) => i.checkVisibility() && i.getBoundingClientRect().top < innerHeight).map((i) => i.decode().catch(() => {}))]).then(() => true)`)
	shot, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	require.NoError(w.t, err)
	picture, err := png.Decode(bytes.NewReader(shot))
	require.NoError(w.t, err)
	require.NoError(w.t, os.MkdirAll(dir, 0o755))
	var small bytes.Buffer
	require.NoError(w.t, jpeg.Encode(&small, picture, &jpeg.Options{Quality: screenQuality}))
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, name+".jpg"), small.Bytes(), 0o644))
}
