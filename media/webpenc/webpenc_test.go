package webpenc_test

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/image/webp"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/webpenc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// paint fills an image with content of some kind: even, noise, black and white noise, a slope, or a chequerboard.
func paint(kind uint8, width, height int, seed uint64) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	r := rand.New(rand.NewPCG(seed, 1))
	for y := range height {
		for x := range width {
			c := color.NRGBA{uint8(seed), uint8(seed >> 8), uint8(seed >> 16), 255}
			switch kind % 5 {
			case 1:
				v := r.Uint32()
				c = color.NRGBA{uint8(v), uint8(v >> 8), uint8(v >> 16), 255}
			case 2:
				v := uint8(r.IntN(2) * 255)
				c = color.NRGBA{v, v, v, 255}
			case 3:
				c = color.NRGBA{uint8(x * 255 / width), uint8(y * 255 / height), 80, 255}
			case 4:
				v := uint8((x/8 + y/8) % 2 * 255)
				c = color.NRGBA{v, v, 255 - v, 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// Pixels of any kind, in any size, quality and effort, make a file that another decoder reads.
func FuzzEncode(f *testing.F) {
	for kind := range uint8(5) {
		f.Add(kind, uint16(1), uint16(1), uint64(7), uint8(80), uint8(4))
		f.Add(kind, uint16(67), uint16(130), uint64(0xFF00), uint8(1), uint8(kind))
		f.Add(kind, uint16(129), uint16(64), uint64(0xFF), uint8(100), uint8(6))
	}
	f.Fuzz(func(t *testing.T, kind uint8, width, height uint16, seed uint64, quality, effort uint8) {
		w, h := int(width)%300+1, int(height)%300+1
		var b bytes.Buffer
		require.NoError(t, webpenc.New(&webpenc.Options{Effort: int(effort)%6 + 1}).Encode(&b, paint(kind, w, h, seed), int(quality)%100+1))
		img, err := webp.Decode(&b)
		require.NoError(t, err)
		require.Equal(t, image.Rect(0, 0, w, h), img.Bounds())
	})
}

func TestEffort(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { webpenc.New(&webpenc.Options{Effort: 7}) })
	require.Panics(t, func() { webpenc.New(&webpenc.Options{Effort: -1}) })
}

// BenchmarkPeak measures the memory of the worst there is: noise, as large as is allowed. Its heap is to stay below what Memory says.
func BenchmarkPeak(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	const width, height = 4096, media.MaxWebPPixels / 4096
	img, encoder := paint(1, width, height, 1), webpenc.New(nil)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		runtime.GC()
		before, peak := heap(), uint64(0)
		done := make(chan error)
		go func() {
			var out bytes.Buffer
			done <- encoder.Encode(&out, img, 100)
		}()
		ticks := time.NewTicker(5 * time.Millisecond)
		for running := true; running; {
			select {
			case err := <-done:
				require.NoError(b, err)
				running = false
			case <-ticks.C:
				peak = max(peak, heap())
			}
		}
		ticks.Stop()
		b.ReportMetric(float64(peak-before)/(1<<20), "MiB-peak")
		b.ReportMetric(float64(peak-before)/width/height, "B/pixel")
		require.Less(b, int64(peak-before), encoder.Memory(width*height)) //nolint:gosec // far below
	}
}

func BenchmarkEncode(b *testing.B) {
	img := paint(3, 400, 300, 1)
	for b.Loop() {
		var out bytes.Buffer
		require.NoError(b, webpenc.New(nil).Encode(&out, img, media.DefaultWebPQuality))
	}
}
