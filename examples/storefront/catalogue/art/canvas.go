package art

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// colour is not premultiplied; every part is 0 to 1.
type colour struct{ r, g, b, a float64 }

var (
	white = colour{1, 1, 1, 1}
	black = colour{0, 0, 0, 1}
)

func (c colour) alpha(a float64) colour { return colour{c.r, c.g, c.b, c.a * a} }

// mix goes from c to d as t goes from 0 to 1.
func (c colour) mix(d colour, t float64) colour {
	return colour{c.r + (d.r-c.r)*t, c.g + (d.g-c.g)*t, c.b + (d.b-c.b)*t, c.a + (d.a-c.a)*t}
}

func (c colour) lighter(t float64) colour { return c.mix(colour{1, 1, 1, c.a}, t) }

// darker keeps the hue: it scales the light that the surface gives back.
func (c colour) darker(t float64) colour {
	return colour{c.r * (1 - t), c.g * (1 - t), c.b * (1 - t), c.a}
}

func (c colour) luma() float64 { return 0.299*c.r + 0.587*c.g + 0.114*c.b }

// paint is the colour of a point, in the coordinates of the scene.
type paint func(x, y float64) colour

func solid(c colour) paint { return func(_, _ float64) colour { return c } }

// stop is a colour at a place between 0 and 1 of a gradient.
type stop struct {
	at float64
	c  colour
}

func ramp(t float64, stops []stop) colour {
	if t <= stops[0].at {
		return stops[0].c
	}
	for i := 1; i < len(stops); i++ {
		if t <= stops[i].at {
			return stops[i-1].c.mix(stops[i].c, (t-stops[i-1].at)/(stops[i].at-stops[i-1].at))
		}
	}
	return stops[len(stops)-1].c
}

// linear is a gradient from (x0, y0) to (x1, y1).
func linear(x0, y0, x1, y1 float64, stops ...stop) paint {
	dx, dy := x1-x0, y1-y0
	n := dx*dx + dy*dy
	return func(x, y float64) colour { return ramp(((x-x0)*dx+(y-y0)*dy)/n, stops) }
}

// fade is a two-colour linear gradient.
func fade(x0, y0, x1, y1 float64, from, to colour) paint {
	return linear(x0, y0, x1, y1, stop{0, from}, stop{1, to})
}

// radial is a gradient from the middle of an ellipse to its edge.
func radial(cx, cy, rx, ry float64, stops ...stop) paint {
	return func(x, y float64) colour { return ramp(math.Sqrt(sq((x-cx)/rx)+sq((y-cy)/ry)), stops) }
}

// layers is paint over paint; the first is opaque.
func layers(paints ...paint) paint {
	return func(x, y float64) colour {
		out := paints[0](x, y)
		for _, p := range paints[1:] {
			above := p(x, y)
			out = out.mix(colour{above.r, above.g, above.b, 1}, above.a)
		}
		return out
	}
}

// affine maps scene coordinates (1000 by 1000) to pixels.
type affine struct{ a, b, c, d, e, f float64 } // x' = ax+by+c, y' = dx+ey+f

func (m affine) apply(p point) point { return point{m.a*p.x + m.b*p.y + m.c, m.d*p.x + m.e*p.y + m.f} }

// then returns the map that applies n first and m after it.
func (m affine) then(n affine) affine {
	return affine{
		m.a*n.a + m.b*n.d, m.a*n.b + m.b*n.e, m.a*n.c + m.b*n.f + m.c,
		m.d*n.a + m.e*n.d, m.d*n.b + m.e*n.e, m.d*n.c + m.e*n.f + m.f,
	}
}

func (m affine) inverse() affine {
	det := m.a*m.e - m.b*m.d
	return affine{
		m.e / det, -m.b / det, (m.b*m.f - m.e*m.c) / det,
		-m.d / det, m.a / det, (m.d*m.c - m.a*m.f) / det,
	}
}

func scaleAbout(x, y, s float64) affine { return affine{s, 0, x - s*x, 0, s, y - s*y} }

func rotateAbout(x, y, degrees float64) affine {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	return affine{cos, -sin, x - cos*x + sin*y, sin, cos, y - sin*x - cos*y}
}

func translate(dx, dy float64) affine { return affine{1, 0, dx, 0, 1, dy} }

// canvas is what a scene is drawn on.
type canvas struct {
	img    *image.RGBA
	toward affine // scene to pixels
	mask   *image.Alpha
	raster vector.Rasterizer
	cover  []uint8
}

func newCanvas(size int) *canvas {
	s := float64(size) / 1000
	return &canvas{img: image.NewRGBA(image.Rect(0, 0, size, size)), toward: affine{s, 0, 0, 0, s, 0}}
}

// with draws in coordinates moved by m.
func (c *canvas) with(m affine, draw func()) {
	before := c.toward
	c.toward = before.then(m)
	draw()
	c.toward = before
}

// coverage rasterizes p and returns how much of each pixel of the rectangle it
// covers. The next call uses the same memory.
func (c *canvas) coverage(p *path) *image.Alpha {
	bounds := p.bounds(c.toward).Intersect(c.img.Rect)
	if bounds.Empty() {
		return nil
	}
	w, h := bounds.Dx(), bounds.Dy()
	c.raster.Reset(w, h)
	p.rasterize(&c.raster, translate(-float64(bounds.Min.X), -float64(bounds.Min.Y)).then(c.toward))
	if cap(c.cover) < w*h {
		c.cover = make([]uint8, w*h)
	}
	alpha := &image.Alpha{Pix: c.cover[:w*h], Stride: w, Rect: image.Rect(0, 0, w, h)}
	c.raster.DrawOp = draw.Src
	c.raster.Draw(alpha, alpha.Rect, image.Opaque, image.Point{})
	alpha.Rect = bounds
	return alpha
}

// fill paints the inside of p.
func (c *canvas) fill(p *path, paint paint) {
	cover := c.coverage(p)
	if cover == nil {
		return
	}
	c.blend(cover.Rect, paint, func(x, y int) float64 {
		return float64(cover.Pix[(y-cover.Rect.Min.Y)*cover.Stride+x-cover.Rect.Min.X]) / 255
	})
}

// blend paints the pixels of a rectangle by how much of each is covered.
func (c *canvas) blend(bounds image.Rectangle, paint paint, cover func(x, y int) float64) {
	back := c.toward.inverse()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			a := cover(x, y)
			if a == 0 {
				continue
			}
			if c.mask != nil {
				m := c.mask.Pix[y*c.mask.Stride+x]
				if m == 0 {
					continue
				}
				a *= float64(m) / 255
			}
			px, py := float64(x)+0.5, float64(y)+0.5
			col := paint(back.a*px+back.b*py+back.c, back.d*px+back.e*py+back.f)
			if a *= col.a; a <= 0 {
				continue
			}
			i := y*c.img.Stride + 4*x
			pix := c.img.Pix[i : i+4 : i+4]
			pix[0] = over(pix[0], col.r, a)
			pix[1] = over(pix[1], col.g, a)
			pix[2] = over(pix[2], col.b, a)
			pix[3] = 255
		}
	}
}

func over(below uint8, above, alpha float64) uint8 {
	above = min(max(above, 0), 1) * 255
	return uint8(float64(below) + (above-float64(below))*min(alpha, 1) + 0.5)
}

// everywhere paints the whole canvas.
func (c *canvas) everywhere(paint paint) {
	c.blend(c.img.Rect, paint, func(_, _ int) float64 { return 1 })
}

// wash paints the whole canvas with a paint that changes slowly: it is asked
// at every sixteenth pixel, and what lies between is interpolated.
func (c *canvas) wash(slow paint) {
	const pitch = 16
	back, size := c.toward.inverse(), c.img.Rect.Dx()/pitch+2
	grid := make([]colour, size*size)
	for j := range size {
		for i := range size {
			q := back.apply(point{float64(i * pitch), float64(j * pitch)})
			grid[j*size+i] = slow(q.x, q.y)
		}
	}
	pixels := c.toward
	c.toward = affine{a: 1, e: 1} // the paint below counts in pixels
	c.everywhere(func(x, y float64) colour {
		i, j := int(x)/pitch, int(y)/pitch
		fx, fy := x/pitch-float64(i), y/pitch-float64(j)
		at := grid[j*size+i:]
		return at[0].mix(at[1], fx).mix(at[size].mix(at[size+1], fx), fy)
	})
	c.toward = pixels
}

// inside draws only where p is, and where enclosing calls allow.
func (c *canvas) inside(p *path, draw func()) {
	mask := image.NewAlpha(c.img.Rect)
	if cover := c.coverage(p); cover != nil {
		for y := cover.Rect.Min.Y; y < cover.Rect.Max.Y; y++ {
			for x := cover.Rect.Min.X; x < cover.Rect.Max.X; x++ {
				a := cover.AlphaAt(x, y).A
				if c.mask != nil {
					a = uint8(uint16(a) * uint16(c.mask.AlphaAt(x, y).A) / 255)
				}
				mask.SetAlpha(x, y, color.Alpha{A: a})
			}
		}
	}
	before := c.mask
	c.mask = mask
	draw()
	c.mask = before
}

// shadow darkens softly where p is, moved by (dx, dy): blur is the softness in
// scene units.
func (c *canvas) shadow(p *path, dx, dy, blur, strength float64) {
	const coarse = 4
	size := c.img.Rect.Dx()/coarse + 1
	small := canvas{
		img:    image.NewRGBA(image.Rect(0, 0, size, size)),
		toward: scaleAbout(0, 0, 1.0/coarse).then(c.toward).then(translate(dx, dy)),
	}
	cover := small.coverage(p)
	if cover == nil {
		return
	}
	field := make([]float64, size*size)
	for y := cover.Rect.Min.Y; y < cover.Rect.Max.Y; y++ {
		for x := cover.Rect.Min.X; x < cover.Rect.Max.X; x++ {
			field[y*size+x] = float64(cover.AlphaAt(x, y).A) / 255
		}
	}
	radius := int(blur*math.Abs(c.toward.a+c.toward.b)/coarse/2) + 1
	for range 3 { // three box blurs are nearly a Gaussian
		field = boxBlur(field, size, 1, size, radius)
		field = boxBlur(field, size, size, 1, radius)
	}
	reach := 3*radius + 2
	spread := cover.Rect.Inset(-reach)
	dark := image.Rect(spread.Min.X*coarse, spread.Min.Y*coarse, spread.Max.X*coarse, spread.Max.Y*coarse).Intersect(c.img.Rect)
	c.blend(dark, solid(colour{0.10, 0.08, 0.10, strength}), func(x, y int) float64 {
		fx, fy := float64(x)/coarse, float64(y)/coarse
		x0, y0 := int(fx), int(fy)
		x1, y1 := min(x0+1, size-1), min(y0+1, size-1)
		fx, fy = fx-float64(x0), fy-float64(y0)
		top := field[y0*size+x0]*(1-fx) + field[y0*size+x1]*fx
		return top*(1-fy) + (field[y1*size+x0]*(1-fx)+field[y1*size+x1]*fx)*fy
	})
}

// boxBlur averages along lines: step goes along one, stride from one to the next.
func boxBlur(field []float64, size, step, stride, radius int) []float64 {
	out := make([]float64, len(field))
	for line := range size {
		base, sum := line*stride, 0.0
		for i := range min(radius, size) {
			sum += field[base+i*step]
		}
		for i := range size {
			if j := i + radius; j < size {
				sum += field[base+j*step]
			}
			if j := i - radius - 1; j >= 0 {
				sum -= field[base+j*step]
			}
			out[base+i*step] = sum / float64(2*radius+1)
		}
	}
	return out
}
