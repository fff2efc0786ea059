package media

import (
	"bytes"
	"context"
	"image"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// oneFile is a backend of a single file.
type oneFile struct {
	Driver
	file    File
	content []byte
}

func (o oneFile) OpenFile(context.Context, string) (File, io.ReadSeekCloser, error) {
	return o.file, nopCloser{bytes.NewReader(o.content)}, nil
}

// A variant of an image that was decoded at a fraction of its size looks like one of the whole.
func TestSmallDecodingLooksTheSame(t *testing.T) {
	t.Parallel()
	picture := image.NewRGBA(image.Rect(0, 0, 601, 451))
	quarters(picture, "RGBY")
	content := encoded(t, JPEG, picture)
	for o := upright; o <= quarterLeft; o++ {
		turned := insert(content, 2, segment(markerAPP1, "Exif\x00\x00"+string(orientationOnly(o))))
		f := File{Name: "a.jpg", Type: JPEG, Size: int64(len(turned)), SHA256: "x"}
		store, err := New(oneFile{file: f, content: turned}, nil)
		require.NoError(t, err)
		for _, v := range []Variant{
			{Width: 50, Height: 50}, {Width: 200, Height: 200}, {Height: 55}, {Width: 300, Height: 300},
			{Width: 60, Height: 45, Fit: Cover}, {Width: 30, Height: 150, Fit: Cover, Focus: Focus{X: -1, Y: 0.5}}, {Width: 1, Height: 1},
			{Width: 220, Height: 10, Fit: Cover, Focus: Focus{X: 1, Y: 1}},
		} {
			v.Format, v.Quality = PNG, DefaultQuality
			small, err := store.load(t.Context(), f, Variants{v})
			require.NoError(t, err)
			require.Less(t, small.Bounds().Dx(), 601, "decoded small")
			whole, err := store.load(t.Context(), f, Variants{v, {Width: 600, Height: 600}})
			require.NoError(t, err)
			require.Equal(t, 601, whole.Bounds().Dx())
			got, err := store.renderVariant(t.Context(), v, small)
			require.NoError(t, err)
			want, err := store.renderVariant(t.Context(), v, whole)
			require.NoError(t, err)
			small.release()
			whole.release()
			require.Equal(t, [2]int{want.width, want.height}, [2]int{got.width, got.height})
			a, _, err := image.Decode(bytes.NewReader(got.content))
			require.NoError(t, err)
			b, _, err := image.Decode(bytes.NewReader(want.content))
			require.NoError(t, err)
			require.Less(t, distance(a, b), 4.0, "orientation %d, %s", o, v)
		}
		require.NoError(t, store.Close())
	}
}

// Close leaves nothing.
func (oneFile) Close() error { return nil }

// distance is the mean difference of two images' channels, in 1/255.
func distance(a, b image.Image) float64 {
	var sum, count float64
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			sum += math.Abs(float64(ar)-float64(br)) + math.Abs(float64(ag)-float64(bg)) + math.Abs(float64(ab)-float64(bb))
			count += 3
		}
	}
	return sum / count / 257
}

// Decoding small never means enlarging: what is left of the source has at least the pixels of the variant, or is the whole.
func TestEighthsAreEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		config := image.Config{Width: rapid.IntRange(1, 9000).Draw(t, "width"), Height: rapid.IntRange(1, 9000).Draw(t, "height")}
		v := Variant{Width: rapid.IntRange(1, 2000).Draw(t, "box width"), Height: rapid.IntRange(1, 2000).Draw(t, "box height"), Fit: Fit(rapid.IntRange(0, 1).Draw(t, "fit"))}
		v.Focus = Focus{rapid.Float64Range(-1, 1).Draw(t, "x"), rapid.Float64Range(-1, 1).Draw(t, "y")}
		o := rapid.IntRange(upright, quarterLeft).Draw(t, "orientation")
		n := Variants{v}.eighths(config, o)
		full := image.Pt(config.Width, config.Height)
		small := image.Rect(0, 0, (config.Width*n+whole-1)/whole, (config.Height*n+whole-1)/whole)
		turned := v.turned(o, full.X, full.Y)
		part := turned.source(full)
		width, height := turned.Size(part.Dx(), part.Dy())
		left := inside(part, full, small)
		if !left.In(small) || left.Empty() {
			t.Fatalf("%v of %v is %v of %v", part, full, left, small)
		}
		// Rounding to whole pixels may take one away.
		if left.Dx() < width-1 || left.Dy() < height-1 {
			t.Fatalf("%v for %d×%d", left, width, height)
		}
	})
}
