package art

import (
	"image"
	"math"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// small keeps the tests short: a scene is the same in any size.
const small = 240

func TestEveryShapeIsAPicture(t *testing.T) {
	t.Parallel()
	for _, shape := range Shapes() {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			picture := render(small, shape, []string{"#3f6b4f", "#e9dfc3", "#c9a455"}, "", 0)
			require.True(t, picture.Opaque())
			// Something stands in the middle, and the corners are backdrop.
			require.Greater(t, contrast(picture, image.Rect(small/4, small/4, small*3/4, small*5/6)), 0.05, "the middle is empty")
			for _, corner := range []image.Point{{0, 0}, {small * 19 / 20, 0}, {0, small * 19 / 20}, {small * 19 / 20, small * 19 / 20}} {
				require.Less(t, contrast(picture, image.Rectangle{corner, corner.Add(image.Pt(small/20, small/20))}), 0.04, "drawn over the edge at %v", corner)
			}
		})
	}
}

// contrast is the standard deviation of the brightness, 0 to 0.5.
func contrast(m *image.RGBA, r image.Rectangle) float64 {
	var sum, squares, n float64
	for y := r.Min.Y; y < r.Max.Y; y += 3 {
		for x := r.Min.X; x < r.Max.X; x += 3 {
			c := m.RGBAAt(x, y)
			v := (float64(c.R) + float64(c.G) + float64(c.B)) / 765
			sum, squares, n = sum+v, squares+v*v, n+1
		}
	}
	return math.Sqrt(max(squares/n-sq(sum/n), 0))
}

func TestDrawIsRepeatable(t *testing.T) {
	t.Parallel()
	draw := func(shape string, view int) *image.RGBA { return render(small, shape, nil, "Yunling", view) }
	for view := range Views {
		first := draw("teacake", view)
		require.Equal(t, first, draw("teacake", view))
	}
	require.NotEqual(t, draw("mug", 0), draw("mug", 1))
	require.NotEqual(t, draw("mug", 0), draw("mug", 2))
	require.NotEqual(t, draw("phone", 2), draw("phone", 0))
}

func TestDrawTakesWhatItIsGiven(t *testing.T) {
	t.Parallel()
	require.Equal(t, image.Rect(0, 0, Size, Size), Draw("mug", nil, "a", 0).Bounds())
	require.Equal(t, render(small, "box", nil, "a", 0), render(small, "no such shape", nil, "a", 0))
	require.Equal(t, render(small, "mug", nil, "a", 0), render(small, "mug", nil, "a", 99))
	require.NotPanics(t, func() { render(small, "mug", []string{"red", "#zzzzzz", "", "#123456", "#654321"}, "", 0) })
}

// BenchmarkDraw draws a turned body and a flat one in each of their views.
func BenchmarkDraw(b *testing.B) {
	for _, shape := range []string{"teapot", "phone"} {
		for view := range Views {
			b.Run(shape+"/"+strconv.Itoa(view), func(b *testing.B) {
				for b.Loop() {
					Draw(shape, nil, "", view)
				}
			})
		}
	}
}
