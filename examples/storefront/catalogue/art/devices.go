package art

import "math"

// frame is the metal rim of a device and its front.
func (c *canvas) frame(x, y, w, h, r float64, rim colour) {
	outline := roundRect(x, y, w, h, r)
	c.shadow(outline, 26, 20, 50, 0.30)
	c.fill(outline, linear(x, 0, x+w, 0, stop{0, rim.lighter(0.5)}, stop{0.06, rim.darker(0.15)}, stop{0.94, rim.darker(0.3)}, stop{1, rim.lighter(0.3)}))
}

// wallpaper is what a screen shows: dunes in the product's colours.
func (c *canvas) wallpaper(x, y, w, h, r float64, p palette) {
	screen := roundRect(x, y, w, h, r)
	c.inside(screen, func() {
		c.fill(rect(x, y, w, h), linear(x, y, x+w*0.3, y+h, stop{0, p.accent.darker(0.45)}, stop{0.5, p.accent}, stop{1, p.detail}))
		c.fill(ellipse(x+w*0.68, y+h*0.30, w*0.13, w*0.13), solid(p.detail.lighter(0.45)))
		for i := range 4 {
			t := float64(i)
			top := y + h*(0.46+0.13*t)
			c.fill(at(x, y+h).line(x, top).cubic(x+w*0.3, top-h*(0.10-0.03*t), x+w*0.55, top+h*0.10, x+w, top-h*0.05*(2-t)).line(x+w, y+h),
				solid(p.accent.mix(p.body, 0.25+0.22*t).darker(0.08*t).alpha(0.9)))
		}
		c.fill(polygon(x, y, x+w*0.55, y, x+w*0.1, y+h, x, y+h), solid(white.alpha(0.07)))
	})
}

func (c *canvas) phoneFront(p palette) {
	c.frame(0, 0, 296, 620, 46, p.body.mix(colour{0.6, 0.6, 0.6, 1}, 0.35))
	c.fill(roundRect(6, 6, 284, 608, 41), solid(colour{0.04, 0.04, 0.05, 1}))
	c.wallpaper(15, 15, 266, 590, 33, p)
	c.fill(ellipse(148, 36, 9, 9), solid(colour{0.02, 0.02, 0.03, 1}))
	// A clock without digits: two strokes and some notices.
	c.fill(roundRect(88, 88, 120, 18, 9), solid(white.alpha(0.92)))
	c.fill(roundRect(112, 118, 72, 9, 4), solid(white.alpha(0.7)))
	for i := range 4 {
		c.fill(roundRect(44+float64(i)*54, 536, 42, 42, 12), solid(white.alpha(0.85-0.14*float64(i))))
	}
}

func (c *canvas) phoneBack(p palette) {
	c.frame(0, 0, 296, 620, 46, p.body.mix(colour{0.6, 0.6, 0.6, 1}, 0.35))
	back := roundRect(6, 6, 284, 608, 41)
	c.fill(back, linear(0, 0, 296, 620, stop{0, p.body.lighter(0.26)}, stop{0.45, p.body}, stop{1, p.body.darker(0.22)}))
	c.lenses(p)
	c.fill(ellipse(148, 330, 17, 17), solid(p.body.mix(p.accent, 0.5).lighter(0.2)))
	c.fill(ellipse(156, 326, 15, 15), solid(p.body))
	c.inside(back, func() { c.fill(polygon(6, 6, 150, 6, 40, 614, 6, 614), solid(white.alpha(0.06))) })
}

func (c *canvas) lenses(p palette) {
	c.fill(roundRect(22, 22, 128, 160, 34), linear(22, 22, 150, 182, stop{0, p.body.lighter(0.20)}, stop{1, p.body.darker(0.18)}))
	for _, q := range []point{{60, 66}, {60, 138}, {114, 102}} {
		c.fill(ellipse(q.x, q.y, 29, 29), fade(q.x-29, q.y-29, q.x+29, q.y+29, white.darker(0.25), white.darker(0.62)))
		c.fill(ellipse(q.x, q.y, 24, 24), solid(colour{0.05, 0.05, 0.07, 1}))
		c.fill(ellipse(q.x, q.y, 13, 13), radial(q.x-4, q.y-4, 15, 15, stop{0, colour{0.35, 0.42, 0.62, 1}}, stop{1, colour{0.04, 0.05, 0.10, 1}}))
		c.fill(ellipse(q.x-7, q.y-8, 4, 4), solid(white.alpha(0.8)))
	}
	c.fill(ellipse(120, 50, 9, 9), solid(colour{1, 0.95, 0.80, 1}))
}

// phone shows both sides.
func phone(c *canvas, p palette) {
	c.shadow(ellipse(540, 790, 300, 28), 0, 0, 50, 0.36)
	c.with(translate(225, 150).then(rotateAbout(148, 310, -7)), func() { c.phoneBack(p) })
	c.with(translate(472, 172).then(rotateAbout(148, 310, 5)), func() { c.phoneFront(p) })
}

// phoneCase is drawn over the back of a phone, wider than it by its wall.
func phoneCase(c *canvas, p palette) {
	device := palette{colour{0.16, 0.17, 0.19, 1}, p.accent, p.detail}
	clear := p.body.luma() > 0.85
	c.shadow(ellipse(540, 800, 270, 26), 0, 0, 50, 0.36)
	c.with(translate(212, 150).then(rotateAbout(148, 310, -9)), func() { // inside of an empty one
		outline := roundRect(-14, -14, 324, 648, 58)
		c.shadow(outline, 26, 20, 50, 0.26)
		if clear {
			c.fill(outline, solid(p.body.alpha(0.45)))
			c.fill(ring(148, 330, 104, 104, 18, 18), solid(white.alpha(0.8)))
		} else {
			c.fill(outline, fade(0, 0, 300, 620, p.body, p.body.darker(0.2)))
			c.fill(roundRect(4, 4, 288, 612, 44), fade(0, 0, 0, 620, p.accent.darker(0.18), p.accent))
			c.fill(ring(148, 350, 96, 96, 12, 12), solid(p.accent.darker(0.12)))
		}
		c.fill(roundRect(16, 16, 140, 172, 40), solid(backdrop(p).darker(0.05)))
		c.caseEdge(p, clear)
	})
	c.with(translate(478, 168).then(rotateAbout(148, 310, 6)), func() {
		if clear {
			c.phoneBack(device)
			c.fill(roundRect(-14, -14, 324, 648, 58), solid(p.body.alpha(0.20)))
			c.fill(ring(148, 350, 98, 98, 15, 15), solid(white.alpha(0.72)))
			c.fill(roundRect(138, 480, 20, 70, 8), solid(white.alpha(0.72)))
		} else {
			outline := roundRect(-14, -14, 324, 648, 58)
			c.shadow(outline, 26, 20, 50, 0.30)
			c.fill(outline, linear(0, 0, 296, 620, stop{0, p.body.lighter(0.22)}, stop{0.5, p.body}, stop{1, p.body.darker(0.16)}))
			c.fill(roundRect(14, 14, 144, 176, 42), solid(p.body.darker(0.25)))
			c.lenses(device)
		}
		c.caseEdge(p, clear)
	})
}

func (c *canvas) caseEdge(p palette, clear bool) {
	strength := 0.35
	if clear {
		strength = 0.75
	}
	outer := roundRect(-14, -14, 324, 648, 58)
	c.inside(outer, func() {
		c.fill(stroke(9, point{-10, 40}, point{-10, 590}), solid(white.alpha(strength)))
		c.fill(stroke(9, point{306, 40}, point{306, 590}), solid(p.detail.alpha(0.5)))
		c.fill(stroke(9, point{40, -10}, point{256, -10}), solid(white.alpha(strength)))
		c.fill(stroke(9, point{40, 630}, point{256, 630}), solid(p.detail.alpha(0.5)))
	})
}

func reader(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -4), func() {
		c.slab(roundRect(292, 190, 416, 590, 30), 292, 708, 784, linear(292, 190, 708, 780, stop{0, p.body.lighter(0.2)}, stop{1, p.body.darker(0.2)}))
		c.fill(roundRect(320, 216, 330, 538, 8), fade(320, 216, 650, 754, p.accent, p.accent.darker(0.05)))
		text := colour{0.20, 0.20, 0.20, 1}
		for col := range 9 { // a page of vertical text
			x := 612 - float64(col)*31
			last := 13
			if col == 4 {
				last = 7
			}
			for row := range last {
				if noise(col, row) > 0.07 {
					c.fill(roundRect(x, 252+float64(row)*36, 15+3*noise(row, col), 22, 3), solid(text.alpha(0.55+0.25*noise(row+9, col))))
				}
			}
		}
		for _, y := range []float64{400, 500} {
			c.fill(roundRect(674, y, 12, 74, 6), solid(p.detail))
		}
	})
}

func watch(c *canvas, p palette) {
	c.shadow(ellipse(545, 800, 190, 24), 0, 0, 50, 0.36)
	strap := linear(400, 0, 600, 0, stop{0, p.body.lighter(0.2)}, stop{0.3, p.body.lighter(0.1)}, stop{1, p.body.darker(0.3)})
	band := at(412, 330).cubic(420, 200, 430, 160, 436, 130).line(564, 130).cubic(570, 160, 580, 200, 588, 330).
		line(588, 660).cubic(580, 780, 572, 810, 566, 850).line(434, 850).cubic(428, 810, 420, 780, 412, 660)
	c.shadow(band, 24, 12, 40, 0.28)
	c.fill(band, strap)
	for i := range 5 {
		c.fill(ellipse(500, 722+float64(i)*24, 8, 5), solid(black.alpha(0.45)))
	}
	c.fill(ellipse(500, 495, 196, 196), fade(320, 320, 680, 680, white.darker(0.12), colour{0.22, 0.23, 0.25, 1}))
	c.fill(roundRect(690, 470, 24, 50, 8), fade(690, 470, 714, 520, white.darker(0.2), white.darker(0.7)))
	c.fill(ellipse(500, 495, 182, 182), solid(colour{0.03, 0.03, 0.04, 1}))
	for i := range 60 {
		c.with(rotateAbout(500, 495, float64(i)*6), func() {
			if i%5 == 0 {
				c.fill(roundRect(497, 330, 6, 22, 3), solid(white.alpha(0.9)))
			} else {
				c.fill(roundRect(499, 330, 2, 10, 1), solid(white.alpha(0.4)))
			}
		})
	}
	arc := make([]point, 0, 40)
	for i := range 40 {
		a := -math.Pi/2 + float64(i)/39*4.2
		arc = append(arc, point{500 + 118*math.Cos(a), 495 + 118*math.Sin(a)})
	}
	c.fill(stroke(16, arc...), fade(400, 400, 600, 600, p.accent, p.detail))
	c.fill(stroke(10, point{500, 495}, point{430, 450}), solid(white))
	c.fill(stroke(6, point{500, 495}, point{572, 392}), solid(white))
	c.fill(stroke(3, point{480, 530}, point{540, 420}), solid(p.accent))
	c.fill(ellipse(500, 495, 9, 9), solid(white))
	c.inside(ellipse(500, 495, 182, 182), func() { c.fill(polygon(318, 300, 500, 300, 380, 700, 318, 700), solid(white.alpha(0.07))) })
}

func laptop(c *canvas, p palette) {
	rim := p.body.mix(colour{0.7, 0.7, 0.72, 1}, 0.5)
	c.shadow(polygon(150, 740, 850, 740, 930, 810, 70, 810), 20, 10, 50, 0.40)
	c.fill(roundRect(200, 270, 600, 410, 22), fade(200, 270, 800, 680, rim.lighter(0.2), rim.darker(0.3)))
	c.fill(roundRect(208, 278, 584, 396, 16), solid(colour{0.05, 0.05, 0.06, 1}))
	c.wallpaper(222, 294, 556, 356, 6, p)
	c.fill(polygon(200, 676, 800, 676, 890, 778, 110, 778), linear(0, 676, 0, 778, stop{0, rim.darker(0.15)}, stop{1, rim.lighter(0.25)}))
	for row := range 4 {
		for col := range 14 {
			y := 688 + float64(row)*13
			spread := 1 + float64(row)*0.035
			x := 500 + (float64(col)-7)*38*spread
			c.fill(polygon(x+2, y, x+36*spread-2, y, x+36*spread-1, y+10, x+1, y+10), solid(colour{0.14, 0.14, 0.16, 1}))
		}
	}
	c.fill(polygon(430, 744, 570, 744, 578, 770, 422, 770), solid(rim.darker(0.08)))
	c.fill(at(110, 778).line(890, 778).cubic(890, 796, 880, 800, 860, 800).line(140, 800).cubic(120, 800, 110, 796, 110, 778), fade(0, 778, 0, 800, rim.lighter(0.3), rim.darker(0.4)))
}

func monitor(c *canvas, p palette) {
	stand := colour{0.30, 0.31, 0.33, 1}
	c.ground(500, 790, 150)
	c.turn(straight(500, 150, 768, 154, 786), material{base: stand, gloss: 0.4})
	c.fill(rect(462, 600, 76, 172), linear(462, 0, 538, 0, stop{0, stand.lighter(0.3)}, stop{1, stand.darker(0.3)}))
	outline := roundRect(150, 220, 700, 430, 16)
	c.shadow(outline, 26, 24, 60, 0.28)
	c.fill(outline, fade(150, 220, 850, 650, colour{0.2, 0.2, 0.22, 1}, colour{0.08, 0.08, 0.09, 1}))
	c.wallpaper(164, 234, 672, 386, 4, p)
}

func keyboard(c *canvas, p palette) {
	c.with(affine{1, -0.22, 120, 0.05, 0.86, 40}, func() {
		base := roundRect(120, 380, 780, 330, 28)
		c.shadow(base, 24, 34, 40, 0.40)
		c.with(translate(0, 22), func() { c.fill(base, solid(p.body.darker(0.42))) })
		c.fill(base, linear(120, 380, 900, 710, stop{0, p.body.lighter(0.3)}, stop{1, p.body.darker(0.1)}))
		c.fill(roundRect(140, 398, 740, 294, 16), solid(p.body.darker(0.5)))
		rows := [][]float64{
			{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
			{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2},
			{1.5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.5},
			{1.75, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2.25},
			{2.25, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1.75, 1},
			{1.25, 1.25, 1.25, 6.25, 1, 1, 1, 1, 1},
		}
		for r, row := range rows {
			x := 147.0
			for k, width := range row {
				w, y := width*48.4, 404+float64(r)*47.6
				tone := p.body
				switch {
				case r == 0 && k == 0, r == 3 && width > 2:
					tone = p.detail
				case width > 1 && width < 6, r == 0 && (k-1)/4%2 == 0:
					tone = p.accent
				}
				c.fill(roundRect(x+2, y+2, w-4, 43, 8), solid(tone.darker(0.22)))
				c.fill(roundRect(x+7, y+3, w-14, 33, 7), fade(x, y, x, y+36, tone.lighter(0.35), tone.lighter(0.06)))
				x += w
			}
		}
	})
}

func camera(c *canvas, p palette) {
	c.shadow(ellipse(540, 762, 300, 30), 0, 0, 50, 0.4)
	dark := colour{0.13, 0.13, 0.14, 1}
	c.fill(roundRect(430, 288, 170, 90, 20), fade(430, 288, 600, 378, dark.lighter(0.25), dark))
	body := roundRect(200, 350, 600, 400, 44)
	c.shadow(body, 20, 10, 40, 0.3)
	c.fill(body, linear(200, 350, 800, 750, stop{0, dark.lighter(0.22)}, stop{1, dark.darker(0.3)}))
	c.fill(at(200, 440).line(800, 440).line(800, 690).line(200, 690), func(x, y float64) colour {
		return p.body.darker(0.25 + 0.15*noise(int(x/4), int(y/4)))
	})
	c.fill(roundRect(236, 330, 90, 26, 10), solid(colour{0.7, 0.7, 0.72, 1}))
	c.fill(ellipse(700, 344, 44, 14), solid(colour{0.7, 0.7, 0.72, 1}))
	c.fill(ellipse(500, 560, 190, 190), fade(330, 380, 680, 760, colour{0.42, 0.42, 0.44, 1}, colour{0.06, 0.06, 0.07, 1}))
	c.fill(ellipse(500, 560, 160, 160), solid(dark))
	c.fill(ring(500, 560, 170, 170, 5, 5), solid(p.accent))
	c.fill(ellipse(500, 560, 122, 122), radial(450, 500, 170, 170, stop{0, colour{0.42, 0.50, 0.68, 1}}, stop{0.6, colour{0.10, 0.12, 0.25, 1}}, stop{1, colour{0.02, 0.02, 0.05, 1}}))
	c.fill(ellipse(450, 505, 32, 22), solid(white.alpha(0.55)))
	c.fill(ellipse(548, 622, 16, 10), solid(colour{0.8, 0.6, 0.9, 0.4}))
	c.fill(ellipse(270, 404, 16, 16), solid(p.detail))
}
