package art

import "math"

func earbuds(c *canvas, p palette) {
	c.ground(500, 785, 230)
	// The lid stands open behind the case.
	lid := at(286, 520).cubic(286, 380, 360, 330, 500, 330).cubic(640, 330, 714, 380, 714, 520)
	c.fill(lid, linear(286, 330, 714, 540, stop{0, p.body.lighter(0.2)}, stop{1, p.body.darker(0.22)}))
	c.fill(at(312, 520).cubic(312, 400, 374, 356, 500, 356).cubic(626, 356, 688, 400, 688, 520), linear(0, 356, 0, 520, stop{0, p.accent.darker(0.30)}, stop{1, p.accent.darker(0.05)}))
	for _, side := range []float64{-1, 1} {
		x := 500 + side*88
		c.fill(roundRect(x-23, 440, 46, 150, 23), linear(x-23, 0, x+23, 0, stop{0, p.body.lighter(0.4)}, stop{0.5, p.body}, stop{1, p.body.darker(0.3)}))
		c.fill(ellipse(x-side*10, 434, 54, 50), radial(x-18, 414, 74, 70, stop{0, p.body.lighter(0.7)}, stop{0.5, p.body}, stop{1, p.body.darker(0.30)}))
		c.fill(ellipse(x-side*36, 448, 22, 27), solid(colour{0.20, 0.20, 0.22, 1}))
		c.fill(roundRect(x-3, 430, 6, 26, 3), solid(colour{0.15, 0.15, 0.17, 0.8}))
	}
	box := at(278, 540).cubic(278, 526, 286, 520, 300, 520).line(700, 520).cubic(714, 520, 722, 526, 722, 540).cubic(722, 730, 650, 790, 500, 790).cubic(350, 790, 278, 730, 278, 540)
	c.fill(box, linear(278, 0, 722, 0, stop{0, p.body.darker(0.06)}, stop{0.25, p.body.lighter(0.45)}, stop{0.6, p.body}, stop{1, p.body.darker(0.32)}))
	c.inside(box, func() {
		c.fill(rect(270, 515, 460, 14), solid(black.alpha(0.16)))
		c.wash(linear(0, 520, 0, 790, stop{0, white.alpha(0.10)}, stop{0.6, white.alpha(0)}, stop{1, black.alpha(0.22)}))
	})
	c.fill(ellipse(500, 610, 8, 8), solid(p.detail.lighter(0.2)))
	c.fill(ellipse(500, 610, 20, 20), radial(500, 610, 20, 20, stop{0, p.detail.alpha(0.5)}, stop{1, p.detail.alpha(0)}))
}

func headphones(c *canvas, p palette) {
	c.shadow(ellipse(540, 800, 260, 28), 0, 0, 50, 0.38)
	var outer, inner []point
	for i := range 50 {
		a := math.Pi + float64(i)/49*math.Pi
		outer = append(outer, point{500 + 232*math.Cos(a), 460 + 262*math.Sin(a)})
		inner = append(inner, point{500 + 214*math.Cos(a), 462 + 240*math.Sin(a)})
	}
	c.shadow(stroke(46, outer...), 24, 20, 40, 0.22)
	c.fill(stroke(26, outer...), linear(260, 200, 740, 480, stop{0, p.detail.lighter(0.4)}, stop{0.3, p.detail.darker(0.2)}, stop{0.6, p.detail.lighter(0.3)}, stop{1, p.detail.darker(0.4)}))
	c.fill(stroke(34, inner[8:42]...), linear(300, 220, 700, 400, stop{0, p.body.lighter(0.25)}, stop{1, p.body.darker(0.15)}))
	for _, side := range []float64{-1, 1} {
		x := 500 + side*232
		c.fill(roundRect(x-13, 440, 26, 130, 12), linear(x-13, 0, x+13, 0, stop{0, p.detail.lighter(0.5)}, stop{0.5, p.detail.darker(0.1)}, stop{1, p.detail.darker(0.45)}))
		c.with(rotateAbout(x, 630, side*-7), func() {
			pad := ellipse(x-side*50, 632, 62, 146)
			c.fill(pad, linear(x-side*50-62, 500, x-side*50+62, 780, stop{0, p.accent.lighter(0.3)}, stop{0.5, p.accent}, stop{1, p.accent.darker(0.45)}))
			cup := ellipse(x, 632, 86, 158)
			c.shadow(cup, -side*8, 6, 16, 0.35)
			c.fill(cup, linear(x-90, 480, x+80, 790, stop{0, p.body.lighter(0.42)}, stop{0.4, p.body.lighter(0.05)}, stop{1, p.body.darker(0.4)}))
			c.fill(ellipse(x+side*14, 632, 60, 122), linear(x-60, 510, x+60, 750, stop{0, p.body.darker(0.25)}, stop{1, p.body.lighter(0.12)}))
			c.fill(ellipse(x+side*16, 632, 52, 112), linear(x-60, 520, x+60, 750, stop{0, p.body.lighter(0.22)}, stop{1, p.body.darker(0.2)}))
			c.fill(ring(x+side*16, 632, 20, 44, 3, 4), solid(p.detail))
		})
	}
}

// speaker is a pebble covered in cloth.
func speaker(c *canvas, p palette) {
	c.ground(500, 775, 235)
	pebble := at(210, 610).cubic(200, 420, 340, 330, 520, 330).cubic(700, 330, 806, 440, 796, 610).cubic(788, 730, 680, 780, 500, 780).cubic(320, 780, 216, 730, 210, 610)
	c.fill(pebble, func(x, y float64) colour {
		dots := math.Sin(x*0.62+math.Sin(y*0.01)*4) * math.Sin(y*0.62)
		base := p.body.darker(0.10 * (0.5 + 0.5*dots))
		d := math.Hypot((x-400)/470, (y-420)/430)
		return ramp(d, []stop{{0, base.lighter(0.30)}, {0.5, base}, {1, base.darker(0.48)}})
	})
	c.inside(pebble, func() {
		c.fill(at(190, 700).cubic(330, 772, 680, 772, 820, 690).line(820, 830).line(190, 830), solid(p.detail))
		c.fill(at(190, 700).cubic(330, 772, 680, 772, 820, 690).line(820, 698).cubic(680, 780, 330, 780, 190, 708), solid(white.alpha(0.18)))
	})
	strap := smooth(point{720, 440}, point{806, 420}, point{846, 480}, point{812, 560}, point{770, 570})
	c.fill(stroke(20, strap...), fade(720, 420, 840, 580, p.accent.lighter(0.15), p.accent.darker(0.25)))
	top := ellipse(505, 374, 120, 22)
	c.fill(top, solid(p.body.darker(0.35)))
	for i := range 3 {
		x := 440 + float64(i)*65
		c.fill(ellipse(x, 374, 13, 6), solid(white.alpha(0.75)))
	}
	c.fill(ellipse(505, 412, 5, 4), solid(p.accent))
}
