package art

import "math"

// tin is a round tea caddy with a lid, a paper band and an emblem.
func tin(c *canvas, p palette) {
	body := straight(500, 196, 330, 200, 338, 200, 770, 194, 778)
	c.ground(500, 778, 196)
	c.turn(body, material{gloss: 0.5, pattern: func(t, u float64) colour {
		switch {
		case t > 0.20 && t < 0.83:
			if t < 0.215 || t > 0.815 {
				return p.detail
			}
			return p.accent
		}
		return p.body
	}})
	lid := straight(500, 200, 232, 207, 240, 207, 352, 205, 356)
	c.shadow(straight(500, 203, 340, 203, 366).outline(), 0, 6, 10, 0.30)
	c.turn(lid, material{base: p.body, gloss: 0.6, pattern: func(t, _ float64) colour {
		if t > 0.88 && t < 0.96 {
			return p.detail
		}
		return p.body
	}})
	c.fill(ellipse(500, 232, 200, 200*tilt), linear(300, 200, 700, 260, stop{0, p.body.lighter(0.30)}, stop{0.5, p.body.lighter(0.08)}, stop{1, p.body.darker(0.12)}))
	c.fill(ring(500, 232, 172, 172*tilt, 4, 3), solid(p.detail.alpha(0.8)))
	c.with(translate(0, 52), func() { c.leafEmblem(500, 560, 86, p.body, p.detail) })
}

// leafEmblem is a sprig of two leaves and a bud in a ring.
func (c *canvas) leafEmblem(x, y, r float64, ink, gold colour) {
	c.fill(ring(x, y, r*0.94, r, 4, 4), solid(gold))
	leaf := func(length, width, degrees float64) {
		c.with(rotateAbout(x, y+r*0.5, degrees), func() {
			tip := y + r*0.5 - length
			c.fill(at(x, y+r*0.5).cubic(x-width, y+r*0.3, x-width*0.8, tip+length*0.3, x, tip).
				cubic(x+width*0.8, tip+length*0.3, x+width, y+r*0.3, x, y+r*0.5), solid(ink))
			c.fill(stroke(2, point{x, y + r*0.45}, point{x, tip + length*0.18}), solid(white.alpha(0.55)))
		})
	}
	leaf(r*1.05, r*0.24, -42)
	leaf(r*1.05, r*0.24, 42)
	leaf(r*1.25, r*0.18, 0)
	c.fill(stroke(4, point{x, y + r*0.45}, point{x, y + r*0.72}), solid(ink))
}

// pouch is a stand-up paper bag with a folded top and a window-shaped label.
func pouch(c *canvas, p palette) {
	outline := at(318, 300).line(682, 300).cubic(690, 420, 712, 640, 704, 778).quad(500, 812, 296, 778).cubic(288, 640, 310, 420, 318, 300)
	c.slab(outline, 300, 704, 782, linear(296, 0, 704, 0, stop{0, p.body.lighter(0.16)}, stop{0.22, p.body.lighter(0.28)}, stop{0.5, p.body}, stop{0.86, p.body.darker(0.18)}, stop{1, p.body.darker(0.30)}))
	c.inside(outline, func() {
		c.fill(polygon(296, 778, 500, 690, 704, 778, 704, 830, 296, 830), solid(black.alpha(0.10)))
		c.fill(stroke(3, point{340, 320}, point{328, 760}), solid(white.alpha(0.20)))
		c.fill(stroke(5, point{664, 320}, point{680, 760}), solid(black.alpha(0.12)))
	})
	fold := polygon(316, 222, 684, 222, 688, 318, 312, 318)
	c.shadow(fold, 0, 12, 14, 0.30)
	c.fill(fold, linear(0, 222, 0, 318, stop{0, p.body.lighter(0.22)}, stop{0.85, p.body.lighter(0.06)}, stop{1, p.body.darker(0.2)}))
	c.fill(polygon(316, 246, 684, 246, 684, 258, 316, 258), solid(p.detail))
	label := roundRect(376, 392, 248, 300, 124)
	c.fill(label, fade(376, 392, 624, 690, p.accent.lighter(0.2), p.accent.darker(0.05)))
	c.leafEmblem(500, 520, 78, p.body, p.detail)
	for i, w := range []float64{96, 64} {
		c.fill(roundRect(500-w/2, 624+float64(i)*18, w, 5, 2), solid(p.body.alpha(0.7)))
	}
}

// teacake is a pressed disc, half out of its paper.
func teacake(c *canvas, p palette) {
	c.ground(500, 765, 300)
	c.shadow(ellipse(500, 520, 262, 262), 30, 20, 50, 0.22)
	c.fill(ellipse(500, 520, 264, 264), radial(440, 450, 380, 380, stop{0, p.body.lighter(0.16)}, stop{0.7, p.body}, stop{1, p.body.darker(0.35)}))
	c.inside(ellipse(500, 520, 262, 262), func() {
		for i := range 620 { // the leaves
			a, r := noise(i, 1)*2*math.Pi, 262*math.Sqrt(noise(i, 2))
			x, y := 500+r*math.Cos(a), 520+r*math.Sin(a)
			d, n := a+1.2+noise(i, 3), 9+16*noise(i, 4)
			tone := p.body.lighter(0.30 * noise(i, 5)).darker(0.45 * noise(i, 6))
			if i%23 == 0 {
				tone = colour{0.78, 0.60, 0.34, 1}
			}
			c.fill(taper(6, 2, point{x, y}, point{x + n*math.Cos(d), y + n*math.Sin(d)}), solid(tone.alpha(0.8)))
		}
		c.wash(radial(420, 420, 420, 420, stop{0, white.alpha(0.14)}, stop{0.6, white.alpha(0)}, stop{1, black.alpha(0.30)}))
	})
	// The wrapper hides the lower part; its torn edge curls.
	wrap := at(214, 560).cubic(320, 500, 380, 610, 500, 566).cubic(600, 528, 690, 596, 786, 540).
		cubic(784, 700, 660, 806, 500, 806).cubic(340, 806, 216, 700, 214, 560)
	c.shadow(wrap, 0, -10, 18, 0.35)
	c.fill(wrap, linear(214, 520, 786, 790, stop{0, p.accent.lighter(0.35)}, stop{0.5, p.accent}, stop{1, p.accent.darker(0.20)}))
	c.inside(wrap, func() {
		for i := range 9 {
			x := 240 + float64(i)*65
			c.fill(taper(3, 1, point{x, 600}, point{500 + (x-500)*0.5, 800}), solid(black.alpha(0.07)))
		}
		c.fill(ring(500, 680, 66, 66, 6, 6), solid(p.detail))
		c.leafEmblem(500, 680, 44, p.detail, p.accent)
	})
}
