package art

import "math"

// studio is the first picture: a seamless backdrop in a pale tone of the
// product.
func (c *canvas) studio(p palette, draw func(*canvas, palette)) {
	tone := backdrop(p)
	c.backdrop(tone)
	c.with(translate(0, 40).then(scaleAbout(500, 620, 1.16)), func() { draw(c, p) })
}

// backdrop is a seamless paper: wall and floor meet in a soft curve.
func (c *canvas) backdrop(tone colour) {
	wall, floor := tone.lighter(0.30), tone.lighter(0.55)
	c.wash(layers(
		linear(0, 0, 0, 1000, stop{0, wall.darker(0.03)}, stop{0.52, wall}, stop{0.70, floor.darker(0.03)}, stop{1, floor}),
		radial(360, 330, 760, 620, stop{0, white.alpha(0.38)}, stop{1, white.alpha(0)}),
		radial(500, 560, 900, 860, stop{0.55, black.alpha(0)}, stop{1, black.alpha(0.07)}),
	))
}

// backdrop's tone: the accent or the body, whichever leaves the product the
// contrast it needs, with most of its colour taken out.
func backdrop(p palette) colour {
	pale := func(c colour) colour {
		grey := c.luma()
		c = c.mix(colour{grey, grey, grey, 1}, 0.35)
		return c.lighter(0.62)
	}
	tone := pale(p.accent)
	if math.Abs(tone.luma()-p.body.luma()) < 0.16 {
		tone = pale(p.body).darker(0.22)
		if p.body.luma() > 0.72 {
			tone = colour{0.66, 0.70, 0.70, 1}.mix(p.accent, 0.15)
		}
	}
	return tone.mix(colour{0.93, 0.91, 0.88, 1}, 0.35)
}

// closeUp is the second picture: nearer, against the product's own colour.
func (c *canvas) closeUp(p palette, draw func(*canvas, palette)) {
	tone := p.body.mix(p.accent, 0.25).lighter(0.40)
	if p.body.luma() > 0.6 {
		tone = p.body.mix(p.detail, 0.3).darker(0.32)
	}
	c.backdrop(tone.mix(colour{0.75, 0.73, 0.70, 1}, 0.35))
	c.with(translate(-60, 130).then(scaleAbout(500, 500, 1.62)), func() { draw(c, p) })
}

// table is the third picture: on a wooden table, with the light of a window.
func (c *canvas) table(p palette, draw func(*canvas, palette)) {
	wall := colour{0.91, 0.89, 0.85, 1}.mix(p.accent, 0.10)
	c.wash(linear(0, 0, 1000, 600, stop{0, wall.lighter(0.25)}, stop{1, wall.darker(0.10)}))
	const edge = 560
	c.fill(rect(0, edge, 1000, 1000-edge), woodGrain(oak, 1.1))
	c.fill(rect(0, edge, 1000, 1000-edge), linear(0, edge, 0, 1000, stop{0, black.alpha(0.20)}, stop{0.25, black.alpha(0.05)}, stop{1, white.alpha(0.08)}))
	// Four panes of light fall across the wall.
	for i := range 4 {
		x, y := 70+float64(i%2)*215, 40+float64(i/2)*225
		c.fill(polygon(x, y, x+190, y+46, x+190, y+246, x, y+200), fade(0, 0, 700, 500, colour{1, 0.97, 0.86, 0.50}, colour{1, 0.97, 0.86, 0.12}))
	}
	c.with(translate(20, 40).then(scaleAbout(500, 780, 0.94)), func() { draw(c, p) })
	c.wash(radial(420, 480, 950, 900, stop{0.5, black.alpha(0)}, stop{1, black.alpha(0.16)}))
}

var oak = colour{0.76, 0.60, 0.43, 1}

// tableTop is the third picture of flat things: from above, with the light of
// the window and the shadow of a branch across the boards.
func (c *canvas) tableTop(p palette, draw func(*canvas, palette)) {
	c.everywhere(woodGrain(oak.lighter(0.12), 1.5))
	for _, y := range []float64{236, 508, 784} {
		c.fill(rect(0, y, 1000, 3), solid(black.alpha(0.30)))
		c.fill(rect(0, y+3, 1000, 2), solid(white.alpha(0.14)))
	}
	c.wash(linear(0, 0, 1000, 1000, stop{0, colour{1, 0.97, 0.86, 0.30}}, stop{0.5, colour{1, 0.97, 0.86, 0}}, stop{1, black.alpha(0.14)}))
	for i := range 9 {
		t := float64(i)
		x, y := 1010-t*58, 60+t*t*5
		c.with(rotateAbout(x, y, 118+22*math.Sin(t*1.9)), func() {
			leaf := at(x, y).cubic(x+60, y-46, x+120, y-40, x+176, y).cubic(x+120, y+40, x+60, y+46, x, y)
			c.shadow(leaf, 0, 0, 12, 0.14)
		})
	}
	c.with(translate(0, 10).then(scaleAbout(500, 500, 0.96)), func() { draw(c, p) })
}

// woodGrain is long wavy lines; scale is how wide.
func woodGrain(base colour, scale float64) paint {
	return func(x, y float64) colour {
		v := y*0.16/scale + 3*wave(x*0.006/scale) + 1.3*wave(x*0.017/scale+y*0.02)
		g := 0.5 + 0.5*wave(v+2*wave(v*0.37))
		fine := 0.5 + 0.5*wave(y*1.9/scale+wave(x*0.03)*2)
		return base.darker(0.16*g+0.04*fine).mix(base.lighter(0.2), 0.25*(1-g))
	}
}

// wave is math.Sin to four digits, from a table: wood asks for six a pixel.
func wave(x float64) float64 {
	x *= waveSteps / (2 * math.Pi)
	from := math.Floor(x)
	i := int(from) & (waveSteps - 1)
	return waves[i] + (waves[i+1]-waves[i])*(x-from)
}

const waveSteps = 1024 // a power of two

var waves = func() (table [waveSteps + 1]float64) {
	for i := range table {
		table[i] = math.Sin(float64(i) * 2 * math.Pi / waveSteps)
	}
	return table
}()

// noise is a repeatable value between 0 and 1 for a grid cell.
func noise(x, y int) float64 {
	h := uint32(x)*374761393 + uint32(y)*668265263
	h = (h ^ h>>13) * 1274126177
	return float64(h^h>>16) / math.MaxUint32
}

// slab is a flat thing seen from the front that stands on the table: shadow,
// body with light from the left, and a bright upper edge.
func (c *canvas) slab(p *path, x0, x1, ground float64, body paint) {
	mid, half := (x0+x1)/2, (x1-x0)/2
	c.shadow(ellipse(mid+40, ground+4, half*1.12, 34), 0, 0, 60, 0.34)
	c.shadow(ellipse(mid+6, ground, half, 13), 0, 0, 16, 0.45)
	c.shadow(p, 26, 14, 60, 0.16)
	c.fill(p, body)
}

// sheen is the light on a flat surface: a diagonal that fades.
func sheen(strength float64) paint {
	return linear(150, 150, 850, 850, stop{0, white.alpha(strength)}, stop{0.42, white.alpha(strength * 0.25)}, stop{0.5, white.alpha(0)}, stop{1, black.alpha(strength * 0.5)})
}
