package media

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the four quarters of a picture look like when it is stored in each
// orientation (EXIF 2.32: where the visual top left is by the side of row 0
// and column 0), top left, top right, bottom left, bottom right. Upright it is R G B Y.
var quartersByOrientation = map[int]string{1: "RGBY", 2: "GRYB", 3: "YBGR", 4: "BYRG", 5: "RBGY", 6: "GYRB", 7: "YGBR", 8: "BRYG"}

var quarterColor = map[byte]color.NRGBA{'R': {220, 40, 40, 255}, 'G': {40, 200, 60, 255}, 'B': {40, 60, 220, 255}, 'Y': {230, 210, 40, 255}}

func quarters(img draw.Image, letters string) {
	b := img.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			img.Set(b.Min.X+x, b.Min.Y+y, quarterColor[letters[2*(2*y/b.Dy())+2*x/b.Dx()]])
		}
	}
}

// seen returns the letters of the quarters, by the nearest colour in the middle of each.
func seen(img image.Image) string {
	b := img.Bounds()
	letters := ""
	for i := range 4 {
		x, y := b.Min.X+b.Dx()*(1+2*(i%2))/4, b.Min.Y+b.Dy()*(1+2*(i/2))/4
		c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		best, distance := byte('?'), 60
		for letter, q := range quarterColor {
			if d := max(abs(int(c.R)-int(q.R)), abs(int(c.G)-int(q.G)), abs(int(c.B)-int(q.B))); d < distance {
				best, distance = letter, d
			}
		}
		letters += string(best)
	}
	return letters
}

func abs(n int) int { return max(n, -n) }

func TestOrient(t *testing.T) {
	t.Parallel()
	palette := color.Palette{color.Black}
	for _, letter := range []byte("RGBY") {
		palette = append(palette, quarterColor[letter])
	}
	for o, letters := range quartersByOrientation {
		size := image.Rect(0, 0, 40, 20)
		upright := image.Rect(0, 0, 40, 20)
		if sideways(o) {
			upright = image.Rect(0, 0, 20, 40)
		}
		for _, img := range []draw.Image{
			image.NewRGBA(size), image.NewNRGBA(size), image.NewNRGBA64(size), image.NewRGBA64(size), image.NewPaletted(size, palette),
			image.NewNRGBA(image.Rect(0, 0, 60, 60)).SubImage(image.Rect(7, 9, 47, 29)).(draw.Image), image.NewCMYK(size),
		} {
			quarters(img, letters)
			turned := orient(img, o)
			require.Equal(t, upright.Size(), turned.Bounds().Size())
			require.Equal(t, "RGBY", seen(turned), "%T orientation %d", img, o)
		}
		// Each kind keeps its pixels as they are.
		gray := image.NewGray16(image.Rect(0, 0, 3, 2))
		for i := range gray.Pix {
			gray.Pix[i] = byte(i * 7)
		}
		turned := orient(gray, o).(*image.Gray16)
		turn := turning{o, 3, 2}
		for y := range 2 {
			for x := range 3 {
				tx, ty := turn.to(x, y)
				require.Equal(t, gray.Gray16At(x, y), turned.Gray16At(tx, ty))
			}
		}
		thin := image.NewGray(image.Rect(0, 0, 1, 5))
		require.Equal(t, 5, orient(thin, o).Bounds().Dx()*orient(thin, o).Bounds().Dy())
	}
}

func TestTurnedFocus(t *testing.T) {
	t.Parallel()
	// The focus on the red quarter, top left when upright, must select red out of every stored form.
	for o, letters := range quartersByOrientation {
		stored := image.NewRGBA(image.Rect(0, 0, 80, 40))
		quarters(stored, letters)
		v := Variant{Width: 10, Height: 10, Fit: Cover, Focus: Focus{X: -1, Y: -1}}
		if sideways(o) {
			v.Width, v.Height = 8, 4
		} else {
			v.Width, v.Height = 4, 8
		}
		out := orient(v.scale(&loaded{decoded: &decoded{Image: stored}, st: structure{orientation: o}, full: stored.Bounds().Size()}), o)
		require.Equal(t, image.Pt(v.Width, v.Height), out.Bounds().Size())
		c := color.NRGBAModel.Convert(out.At(0, 0)).(color.NRGBA)
		require.Equal(t, quarterColor['R'], c, "orientation %d", o)
	}
}
