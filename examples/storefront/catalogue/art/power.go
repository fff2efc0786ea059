package art

import "math"

func charger(c *canvas, p palette) {
	c.shadow(polygon(300, 740, 700, 740, 800, 780, 340, 800), 20, 10, 50, 0.38)
	steel := colour{0.78, 0.79, 0.80, 1}
	for _, x := range []float64{420, 540} {
		c.fill(roundRect(x, 226, 26, 110, 6), linear(x, 0, x+26, 0, stop{0, steel.lighter(0.6)}, stop{0.5, steel}, stop{1, steel.darker(0.4)}))
	}
	side := at(668, 340).line(742, 310).cubic(756, 306, 764, 312, 764, 326).line(764, 690).cubic(764, 706, 758, 716, 744, 724).line(668, 778)
	c.fill(side, linear(668, 0, 764, 0, stop{0, p.body.darker(0.20)}, stop{1, p.body.darker(0.36)}))
	c.fill(at(324, 334).line(404, 300).line(742, 300).cubic(756, 304, 760, 310, 752, 318).line(676, 350).line(330, 350), fade(324, 300, 760, 350, p.body.lighter(0.6), p.body.lighter(0.1)))
	front := roundRect(312, 330, 372, 454, 40)
	c.fill(front, linear(312, 330, 684, 784, stop{0, p.body.lighter(0.35)}, stop{0.5, p.body}, stop{1, p.body.darker(0.12)}))
	for i, y := range []float64{480, 570} {
		c.fill(roundRect(428, y, 140, 44, 22), solid(p.accent.darker(0.10)))
		c.fill(roundRect(440, y+8, 116, 28, 14), solid(colour{0.10, 0.10, 0.12, 1}))
		c.fill(roundRect(460, y+18, 76, 8, 4), solid(p.detail.darker(0.1*float64(i)).alpha(0.9)))
	}
	c.fill(ellipse(498, 690, 8, 8), solid(p.detail))
	c.fill(at(510, 392).line(478, 428).line(498, 428).line(488, 456).line(520, 418).line(500, 418), solid(p.accent.darker(0.35)))
}

func powerbank(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, 8), func() {
		outline := roundRect(330, 200, 340, 580, 64)
		c.slab(outline, 330, 670, 786, linear(330, 0, 670, 0, stop{0, p.body.darker(0.15)}, stop{0.10, p.body.lighter(0.38)}, stop{0.3, p.body.lighter(0.08)}, stop{0.8, p.body.darker(0.10)}, stop{0.93, p.body.darker(0.35)}, stop{1, p.body.darker(0.1)}))
		c.inside(outline, func() {
			c.fill(rect(330, 200, 340, 580), func(x, y float64) colour { return white.alpha(0.04 * noise(int(x), int(y/40))) })
			c.fill(rect(330, 200, 340, 62), solid(black.alpha(0.28)))
			c.fill(rect(330, 262, 340, 3), solid(white.alpha(0.25)))
		})
		for _, x := range []float64{400, 500} {
			c.fill(roundRect(x, 220, 70, 24, 12), solid(colour{0.05, 0.05, 0.06, 1}))
			c.fill(roundRect(x+12, 229, 46, 6, 3), solid(white.alpha(0.5)))
		}
		display := roundRect(420, 330, 160, 92, 18)
		c.fill(display, solid(colour{0.07, 0.08, 0.09, 1}))
		c.digits(444, 350, 24, 52, p.detail, 0b1111111, 0b1101111) // 8 and 9, in seven segments
		c.fill(ellipse(556, 356, 5, 5), solid(p.detail))
		c.fill(ellipse(566, 392, 5, 5), solid(p.detail))
		c.fill(stroke(3, point{570, 354}, point{552, 396}), solid(p.detail))
		c.fill(ring(500, 620, 44, 44, 5, 5), solid(p.accent.alpha(0.6)))
		c.fill(at(512, 588).line(482, 626).line(500, 626).line(490, 652).line(520, 612).line(502, 612), solid(p.accent.alpha(0.8)))
	})
}

// digits draws seven-segment digits; bit 0 is the top segment, then clockwise,
// and bit 6 the middle one.
func (c *canvas) digits(x, y, w, h float64, lit colour, segments ...int) {
	for i, bits := range segments {
		left := x + float64(i)*(w+22)
		right, mid, low := left+w, y+h/2, y+h
		for bit, ends := range [][2]point{
			{{left, y}, {right, y}}, {{right, y}, {right, mid}}, {{right, mid}, {right, low}}, {{left, low}, {right, low}},
			{{left, mid}, {left, low}}, {{left, y}, {left, mid}}, {{left, mid}, {right, mid}},
		} {
			if bits>>bit&1 == 1 {
				c.fill(stroke(6, ends[0], ends[1]), solid(lit))
			}
		}
	}
}

func cable(c *canvas, p palette) {
	var coil []point
	for i := range 260 {
		a := float64(i) / 260 * 2 * math.Pi * 3.4
		r := 236 - float64(i)*0.16
		coil = append(coil, point{500 + r*math.Cos(a+0.6), 520 + r*0.86*math.Sin(a+0.6) + 8*math.Sin(a*2.3)})
	}
	tail := coil[len(coil)-1]
	coil = append(coil, smooth(tail, point{tail.x + 20, tail.y + 110}, point{620, 780}, point{690, 800})...)
	head := smooth(coil[0], point{coil[0].x + 50, coil[0].y - 70}, point{800, 500}, point{812, 400})
	braid := func(q []point) {
		line := stroke(24, q...)
		c.shadow(line, 14, 20, 22, 0.34)
		c.fill(line, func(x, y float64) colour {
			weave := math.Sin((x+y)*0.75) * math.Sin((x-y)*0.75)
			return p.body.lighter(0.10 + 0.20*max(weave, 0)).darker(0.25 * max(-weave, 0))
		})
		c.with(translate(-4, -5), func() { c.fill(stroke(5, q...), solid(white.alpha(0.16))) })
	}
	braid(coil)
	braid(head)
	plug := func(x, y, degrees float64) {
		c.with(translate(x, y).then(rotateAbout(0, 0, degrees)), func() {
			steel := colour{0.82, 0.83, 0.84, 1}
			c.shadow(roundRect(-30, -120, 60, 150, 10), 14, 16, 20, 0.3)
			c.fill(roundRect(-19, -126, 38, 66, 12), linear(-19, 0, 19, 0, stop{0, steel.darker(0.1)}, stop{0.35, white}, stop{1, steel.darker(0.45)}))
			c.fill(roundRect(-31, -66, 62, 104, 12), linear(-31, 0, 31, 0, stop{0, p.accent.lighter(0.1)}, stop{0.35, p.accent.lighter(0.5)}, stop{1, p.accent.darker(0.4)}))
			c.fill(roundRect(-15, 34, 30, 40, 6), linear(-15, 0, 15, 0, stop{0, p.body.lighter(0.3)}, stop{1, p.body.darker(0.2)}))
		})
	}
	plug(812, 340, 4)
	plug(742, 806, 96)
	c.with(rotateAbout(500, 520, -20), func() {
		band := roundRect(232, 470, 96, 84, 12)
		c.shadow(band, 6, 8, 12, 0.35)
		c.fill(band, linear(0, 470, 0, 554, stop{0, p.detail.lighter(0.3)}, stop{0.4, p.detail}, stop{1, p.detail.darker(0.3)}))
	})
}
