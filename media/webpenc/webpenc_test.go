package webpenc_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/image/webp"

	"github.com/seed82d84382/commerce/media"
	"github.com/seed82d84382/commerce/media/webpenc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// firstEncodes makes the test binary the child of TestFirstEncodesTogether.
const firstEncodes = "WEBPENC_FIRST_ENCODES"

// The first pictures of a process are encoded at once and are as good as any later one: the library fills tables in its
// first call, so they are a process of their own.
func TestFirstEncodesTogether(t *testing.T) {
	t.Parallel()
	if os.Getenv(firstEncodes) == "" {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFirstEncodesTogether$")
		child.Env = append(os.Environ(), firstEncodes+"=1")
		out, err := child.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	img := paint(5, 64, 64, 1)
	made := make([]bytes.Buffer, 16)
	var start, encodes sync.WaitGroup
	start.Add(1)
	for i := range made {
		encodes.Go(func() {
			start.Wait()
			assert.NoError(t, webpenc.New().Encode(&made[i], img, 80))
		})
	}
	start.Done()
	encodes.Wait()
	var later bytes.Buffer
	require.NoError(t, webpenc.New().Encode(&later, img, 80))
	for i := range made {
		require.Equal(t, later.Bytes(), made[i].Bytes())
	}
}

// paint fills an image with content of some kind: even, noise, black and white noise, a slope, a chequerboard, or something like a photo.
func paint(kind uint8, width, height int, seed uint64) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	r := rand.New(rand.NewPCG(seed, 1))
	for y := range height {
		for x := range width {
			c := color.NRGBA{uint8(seed), uint8(seed >> 8), uint8(seed >> 16), 255}
			switch kind % 6 {
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
			case 5:
				v := 110 + 60*math.Sin(float64(x)/31)*math.Cos(float64(y)/27) + 20*math.Sin(float64(x+y)/9) + 8*r.Float64()
				c = color.NRGBA{uint8(v), uint8(v*0.8 + 20), uint8(200 - v*0.6), 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// likeness is the peak signal-to-noise ratio of the luma, in decibels.
func likeness(a *image.NRGBA, b *image.YCbCr) float64 {
	var squares float64
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			c := a.NRGBAAt(x, y)
			want := 16 + (65.738*float64(c.R)+129.057*float64(c.G)+25.064*float64(c.B))/256 // ITU-R BT.601
			d := want - float64(b.Y[b.YOffset(x, y)])
			squares += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(len(a.Pix)/4)/(squares+1e-9))
}

// Pixels of any kind, in any size and quality, make a file that another decoder reads.
func FuzzEncode(f *testing.F) {
	for kind := range uint8(6) {
		f.Add(kind, uint16(1), uint16(1), uint64(7), uint8(80))
		f.Add(kind, uint16(67), uint16(130), uint64(0xFF00), uint8(1))
		f.Add(kind, uint16(129), uint16(64), uint64(0xFF), uint8(100))
	}
	f.Add(uint8(5), uint16(299), uint16(199), uint64(3), uint8(89))
	f.Fuzz(func(t *testing.T, kind uint8, width, height uint16, seed uint64, quality uint8) {
		w, h := int(width)%300+1, int(height)%300+1
		var b bytes.Buffer
		require.NoError(t, webpenc.New().Encode(&b, paint(kind, w, h, seed), int(quality)%100+1))
		decoded, err := webp.Decode(&b)
		require.NoError(t, err)
		require.Equal(t, image.Rect(0, 0, w, h), decoded.Bounds())
		if quality%100 < 50 || kind%6 == 1 || kind%6 == 2 {
			return // noise has no likeness
		}
		if l := likeness(paint(kind, w, h, seed), decoded.(*image.YCbCr)); l < 25 {
			t.Fatalf("%.1f dB", l)
		}
	})
}

// BenchmarkPeak measures the memory of the worst there is: noise, as large as is allowed. Its heap is to stay below what Memory says.
func BenchmarkPeak(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	const width, height = 4096, media.MaxWebPPixels / 4096
	img, encoder := paint(1, width, height, 1), webpenc.New()
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

// photo is an upload.
func photo() *bytes.Buffer {
	var b bytes.Buffer
	if err := png.Encode(&b, paint(5, 300, 200, 1)); err != nil {
		panic(err)
	}
	return &b
}

func BenchmarkEncode(b *testing.B) {
	img := paint(3, 400, 300, 1)
	for b.Loop() {
		var out bytes.Buffer
		require.NoError(b, webpenc.New().Encode(&out, img, media.DefaultWebPQuality))
	}
}
