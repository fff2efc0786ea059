package jpegscale

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixtures are small pictures out of libjpeg, of every kind of sampling, sequential and progressive, with and without restarts.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.jpg")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	all := map[string][]byte{}
	for _, path := range paths {
		all[strings.TrimSuffix(filepath.Base(path), ".jpg")], err = os.ReadFile(path)
		require.NoError(t, err)
	}
	return all
}

func unsupported(name string) bool { return name == "cmyk" || name == "rgb" }

// What comes out is what the standard decoder gives, averaged over squares.
func TestDecode(t *testing.T) {
	t.Parallel()
	for name, data := range fixtures(t) {
		if unsupported(name) || name == restarts {
			continue
		}
		whole, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		for _, n := range []int{1, 2, 4} {
			img, err := Decode(data, n)
			require.NoError(t, err, "%s at %d/8", name, n)
			b := whole.Bounds()
			require.Equal(t, image.Rect(0, 0, (b.Dx()*n+7)/8, (b.Dy()*n+7)/8), img.Bounds())
			// Half the size leaves out frequencies that averaging keeps in part, and keeps chroma that is sampled at
			// half the size at half again, so at hard edges they differ.
			require.Greater(t, likeness(img, averaged(whole, 8/n)), map[int]float64{1: 36, 2: 30, 4: 27}[n], "%s at %d/8", name, n)
		}
	}
}

// restarts is the one fixture that the standard decoder refuses, as of Go 1.26: restarts in progressive scans.
const restarts = "420-progressive-restarts"

func TestProgressiveRestarts(t *testing.T) {
	t.Parallel()
	all := fixtures(t)
	for _, n := range []int{1, 2, 4} {
		want, err := Decode(all["420-progressive"], n)
		require.NoError(t, err)
		got, err := Decode(all[restarts], n)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// An eighth of a grey image is exactly the average of each block, up to rounding.
func TestDecodeAverages(t *testing.T) {
	t.Parallel()
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = byte(40 + i%64*2 + i/64)
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}))
	small, err := Decode(b.Bytes(), 1)
	require.NoError(t, err)
	for y := range 6 {
		for x := range 8 {
			sum := 0
			for i := range 64 {
				sum += int(img.GrayAt(8*x+i%8, 8*y+i/8).Y)
			}
			require.InDelta(t, float64(sum)/64, small.(*image.Gray).GrayAt(x, y).Y, 1.1)
		}
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	all := fixtures(t)
	for _, name := range []string{"cmyk", "rgb"} {
		_, err := Decode(all[name], 1)
		require.ErrorIs(t, err, ErrUnsupported, name)
	}
	_, err := Decode(all["420"], 3)
	require.ErrorIs(t, err, ErrUnsupported)
}

// Whatever is cut off is found.
func TestCut(t *testing.T) {
	t.Parallel()
	for name, data := range fixtures(t) {
		for cut := range len(data) - 2 {
			if _, err := Decode(data[:cut], 2); err == nil {
				t.Fatalf("%s: %d of %d bytes pass", name, cut, len(data))
			}
		}
	}
}

// averaged shrinks an image by a whole factor.
func averaged(img image.Image, factor int) image.Image {
	b := img.Bounds()
	out := image.NewRGBA64(image.Rect(0, 0, (b.Dx()+factor-1)/factor, (b.Dy()+factor-1)/factor))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			var sum [3]uint32
			count := uint32(0)
			for i := range factor * factor {
				px, py := x*factor+i%factor, y*factor+i/factor
				if px >= b.Dx() || py >= b.Dy() {
					continue
				}
				r, g, bl, _ := img.At(px, py).RGBA()
				sum[0], sum[1], sum[2] = sum[0]+r, sum[1]+g, sum[2]+bl
				count++
			}
			out.SetRGBA64(x, y, color.RGBA64{uint16(sum[0] / count), uint16(sum[1] / count), uint16(sum[2] / count), 0xFFFF})
		}
	}
	return out
}

// likeness is the peak signal-to-noise ratio in decibels, without the last row and column, which hold padding.
func likeness(a, b image.Image) float64 {
	var squares, count float64
	for y := range a.Bounds().Dy() - 1 {
		for x := range a.Bounds().Dx() - 1 {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			for _, d := range []float64{float64(ar) - float64(br), float64(ag) - float64(bg), float64(ab) - float64(bb)} {
				squares += d / 257 * d / 257
				count++
			}
		}
	}
	return 10 * math.Log10(255*255*count/squares)
}

// Nothing that comes in may panic, or make an image of other dimensions than its header says.
func FuzzDecode(f *testing.F) {
	for _, data := range fixtures(f) {
		f.Add(data, 1)
		f.Add(data, 4)
	}
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || config.Width*config.Height > 1<<20 {
			return
		}
		img, err := Decode(data, n)
		if err == nil && img.Bounds() != image.Rect(0, 0, (config.Width*n+7)/8, (config.Height*n+7)/8) {
			t.Fatal(img.Bounds(), config.Width, config.Height)
		}
		if err == nil {
			img.At(img.Bounds().Dx()-1, img.Bounds().Dy()-1)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	img := image.NewNRGBA(image.Rect(0, 0, 4000, 3000))
	for i := range img.Pix {
		x, y := i/4%4000, i/16000
		img.Pix[i] = byte(x*x/97 + y*y/131 + (x^y)&31)
	}
	var data bytes.Buffer
	require.NoError(b, jpeg.Encode(&data, img, &jpeg.Options{Quality: 90}))
	for _, n := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("%d of 8", n), func(b *testing.B) {
			for b.Loop() {
				_, err := Decode(data.Bytes(), n)
				require.NoError(b, err)
			}
		})
	}
	b.Run("image/jpeg", func(b *testing.B) {
		for b.Loop() {
			_, err := jpeg.Decode(bytes.NewReader(data.Bytes()))
			require.NoError(b, err)
		}
	})
}
