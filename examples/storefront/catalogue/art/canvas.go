package art

import (
	"image"
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
	toward affine       // scene to pixels
	mask   *image.Alpha // nil: nothing is masked; what lies outside its rectangle is
	raster vector.Rasterizer
	cover  []uint8
	row    []float64
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
	c.blend(cover.Rect, paint, func(x0, y int, row []float64) {
		from := cover.PixOffset(x0, y)
		for i, a := range cover.Pix[from : from+len(row)] {
			row[i] = float64(a) / 255
		}
	})
}

// blend paints the pixels of a rectangle by how much of each is covered: cover
// tells it of a row at a time, from x0 on.
func (c *canvas) blend(bounds image.Rectangle, paint paint, cover func(x0, y int, row []float64)) {
	back := c.toward.inverse()
	c.rows(bounds, cover, func(y int, pix []uint8, row []float64, x0 int) {
		py := float64(y) + 0.5
		bx, by := back.b*py, back.e*py
		for i, a := range row {
			if a == 0 {
				continue
			}
			px := float64(x0+i) + 0.5
			put(pix[4*i:4*i+4:4*i+4], paint(back.a*px+bx+back.c, back.d*px+by+back.f), a)
		}
	})
}

// rows calls paint for each row of a rectangle that the mask allows, with its
// pixels and how much of each is to be painted.
func (c *canvas) rows(bounds image.Rectangle, cover func(x0, y int, row []float64), paint func(y int, pix []uint8, row []float64, x0 int)) {
	if c.mask != nil {
		bounds = bounds.Intersect(c.mask.Rect)
	}
	if c.row == nil {
		c.row = make([]float64, c.img.Rect.Dx())
	}
	row := c.row[:bounds.Dx()]
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		cover(bounds.Min.X, y, row)
		if c.mask != nil {
			from := c.mask.PixOffset(bounds.Min.X, y)
			for i, m := range c.mask.Pix[from : from+len(row)] {
				row[i] *= float64(m) / 255
			}
		}
		from := c.img.PixOffset(bounds.Min.X, y)
		paint(y, c.img.Pix[from:from+4*len(row)], row, bounds.Min.X)
	}
}

// put lays a colour over a pixel of which a part a is covered.
func put(pix []uint8, above colour, a float64) {
	a *= above.a
	if a < 0.5/255 {
		return // too little to change any of the 256 steps
	}
	a = min(a, 1)
	below := 1 - a
	a *= 255
	pix[0] = uint8(float64(pix[0])*below + clamp(above.r)*a + 0.5)
	pix[1] = uint8(float64(pix[1])*below + clamp(above.g)*a + 0.5)
	pix[2] = uint8(float64(pix[2])*below + clamp(above.b)*a + 0.5)
	pix[3] = 255
}

// clamp is quicker than min and max, which look for NaN too.
func clamp(v float64) float64 {
	if v < 0 {
		return 0
	}
	if v > 1 {
		return 1
	}
	return v
}

// whole covers all of a row.
func whole(_, _ int, row []float64) {
	for i := range row {
		row[i] = 1
	}
}

// everywhere paints the whole canvas.
func (c *canvas) everywhere(paint paint) { c.blend(c.img.Rect, paint, whole) }

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
	line := make([]colour, size)
	c.rows(c.img.Rect, whole, func(y int, pix []uint8, row []float64, x0 int) {
		j, fy := y/pitch, (float64(y%pitch)+0.5)/pitch
		for i := range line {
			line[i] = grid[j*size+i].mix(grid[(j+1)*size+i], fy)
		}
		for i, a := range row {
			if a > 0 {
				x := x0 + i
				put(pix[4*i:4*i+4:4*i+4], line[x/pitch].mix(line[x/pitch+1], (float64(x%pitch)+0.5)/pitch), a)
			}
		}
	})
}

// inside draws only where p is, and where enclosing calls allow.
func (c *canvas) inside(p *path, draw func()) {
	mask := &image.Alpha{} // allows nothing
	if cover := c.coverage(p); cover != nil {
		bounds := cover.Rect
		if c.mask != nil {
			bounds = bounds.Intersect(c.mask.Rect)
		}
		mask = image.NewAlpha(bounds)
		for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
			line := mask.Pix[mask.PixOffset(bounds.Min.X, y):][:bounds.Dx()]
			copy(line, cover.Pix[cover.PixOffset(bounds.Min.X, y):])
			if c.mask != nil {
				outer := c.mask.Pix[c.mask.PixOffset(bounds.Min.X, y):]
				for i, a := range line {
					line[i] = uint8(uint16(a) * uint16(outer[i]) / 255)
				}
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
	field, half := make([]float64, size*size), make([]float64, size*size)
	for y := cover.Rect.Min.Y; y < cover.Rect.Max.Y; y++ {
		from := cover.PixOffset(cover.Rect.Min.X, y)
		for i, a := range cover.Pix[from : from+cover.Rect.Dx()] {
			field[y*size+cover.Rect.Min.X+i] = float64(a) / 255
		}
	}
	radius := int(blur*math.Abs(c.toward.a+c.toward.b)/coarse/2) + 1
	for range 3 { // three box blurs are nearly a Gaussian
		boxBlur(half, field, size, 1, size, radius)
		boxBlur(field, half, size, size, 1, radius)
	}
	reach := 3*radius + 2
	spread := cover.Rect.Inset(-reach)
	dark := image.Rect(spread.Min.X*coarse, spread.Min.Y*coarse, spread.Max.X*coarse, spread.Max.Y*coarse).Intersect(c.img.Rect)
	line := make([]float64, size) // of the field, at the height of a row
	c.blend(dark, solid(colour{0.10, 0.08, 0.10, strength}), func(x0, y int, row []float64) {
		top, fy := y/coarse, float64(y%coarse)/coarse
		bottom := min(top+1, size-1)
		for x := range line {
			line[x] = field[top*size+x]*(1-fy) + field[bottom*size+x]*fy
		}
		for i := range row {
			x := x0 + i
			fx := float64(x%coarse) / coarse
			row[i] = line[x/coarse]*(1-fx) + line[min(x/coarse+1, size-1)]*fx
		}
	})
}

// boxBlur averages field along lines into out: step goes along one, stride from
// one to the next.
func boxBlur(out, field []float64, size, step, stride, radius int) {
	share := 1 / float64(2*radius+1)
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
			out[base+i*step] = sum * share
		}
	}
}
