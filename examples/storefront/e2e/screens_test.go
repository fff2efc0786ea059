package e2e

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// screensEnv names the directory that gets the screenshots of a run. docs/screens
// of the repository is made with it.
const screensEnv = "STOREFRONT_SCREENS"

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
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	require.NoError(w.t, encoder.Encode(&small, fewColours(picture, 256)))
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, name+".png"), small.Bytes(), 0o644))
}

// fewColours repaints a picture with n colours by median cut: the box of
// colours that spreads the most is halved until there are n.
func fewColours(m image.Image, n int) *image.Paletted {
	b := m.Bounds()
	counts := map[[3]uint8]int{}
	at := func(x, y int) [3]uint8 {
		r, g, bl, _ := m.At(x, y).RGBA()
		return [3]uint8{uint8(r >> 8), uint8(g >> 8), uint8(bl >> 8)}
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	all := make([][3]uint8, 0, len(counts))
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b [3]uint8) int { return slices.Compare(a[:], b[:]) }) // the same picture gives the same file
	boxes := [][][3]uint8{all}
	for len(boxes) < n {
		most, score, axis := -1, 0, 0
		for i, box := range boxes {
			if a, spread := widest(box); spread*min(len(box), 2000) > score && len(box) > 1 {
				most, score, axis = i, spread*min(len(box), 2000), a
			}
		}
		if most < 0 {
			break
		}
		box := boxes[most]
		slices.SortStableFunc(box, func(a, b [3]uint8) int { return cmp.Compare(a[axis], b[axis]) })
		boxes[most] = box[:len(box)/2]
		boxes = append(boxes, box[len(box)/2:])
	}
	index := map[[3]uint8]uint8{}
	palette := make(color.Palette, len(boxes))
	for i, box := range boxes {
		var sum [3]int
		total := 0
		for _, c := range box {
			k := counts[c]
			total += k
			for j := range 3 {
				sum[j] += int(c[j]) * k
			}
			index[c] = uint8(i)
		}
		palette[i] = color.RGBA{uint8(sum[0] / total), uint8(sum[1] / total), uint8(sum[2] / total), 255}
	}
	out := image.NewPaletted(b, palette)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			out.SetColorIndex(x, y, index[at(x, y)])
		}
	}
	return out
}

func widest(box [][3]uint8) (axis, spread int) {
	for j := range 3 {
		low, high := 255, 0
		for _, c := range box {
			low, high = min(low, int(c[j])), max(high, int(c[j]))
		}
		if high-low > spread {
			axis, spread = j, high-low
		}
	}
	return axis, spread
}
