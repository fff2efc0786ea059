package art

import "math"

// notebook is linen-bound, with a ribbon, an elastic band and an emblem.
func notebook(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -5), func() {
		pages := roundRect(316, 196, 392, 590, 10)
		c.slab(roundRect(300, 186, 400, 604, 16), 300, 708, 790, solid(p.body.darker(0.3)))
		c.fill(pages, solid(p.detail.darker(0.05)))
		for i := range 6 {
			c.fill(rect(700+float64(i)*1.4, 200, 0.7, 582), solid(black.alpha(0.16)))
		}
		c.fill(taper(15, 15, point{600, 780}, point{606, 830}, point{598, 866}), fade(590, 780, 612, 860, p.accent, p.accent.darker(0.2)))
		cover := roundRect(292, 182, 404, 604, 16)
		c.shadow(cover, 6, 4, 8, 0.3)
		c.fill(cover, func(x, y float64) colour { // the weave
			thread := 0.07*(noise(int(x/2), int(y/9))-0.5) + 0.07*(noise(int(x/9), int(y/2))-0.5)
			return p.body.lighter(0.05 + thread)
		})
		c.inside(cover, func() {
			c.fill(rect(292, 182, 404, 604), sheen(0.20))
			c.fill(rect(292, 182, 40, 604), linear(292, 0, 332, 0, stop{0, black.alpha(0.28)}, stop{0.5, white.alpha(0.10)}, stop{0.9, black.alpha(0.02)}, stop{1, black.alpha(0.22)}))
			c.fill(rect(640, 182, 13, 604), linear(640, 0, 653, 0, stop{0, p.accent.lighter(0.2)}, stop{1, p.accent.darker(0.25)}))
			c.fill(rect(653, 182, 5, 604), solid(black.alpha(0.2)))
		})
		c.moonAndHills(486, 420, 92, p.accent, p.detail)
	})
}

// moonAndHills is the emblem of things to write on.
func (c *canvas) moonAndHills(x, y, r float64, gold, pale colour) {
	disc := ellipse(x, y, r, r)
	c.inside(disc, func() {
		c.fill(ellipse(x+r*0.30, y-r*0.34, r*0.24, r*0.24), solid(gold))
		for i, shade := range []float64{0.45, 0.7, 1} {
			h := y + r*(0.05+0.28*float64(i))
			c.fill(at(x-r, y+r).line(x-r, h).cubic(x-r*0.5, h-r*0.45, x-r*0.2, h+r*0.2, x+r*0.1, h).cubic(x+r*0.4, h-r*0.3, x+r*0.7, h+r*0.1, x+r, h-r*0.1).line(x+r, y+r), solid(pale.alpha(shade*0.8)))
		}
	})
	c.fill(ring(x, y, r+8, r+8, 3.5, 3.5), solid(gold))
}

// barrel paints a cylinder that lies along the x axis.
func barrel(y, r float64, base colour, metal bool) paint {
	m := material{base: base, gloss: 0.8, metal: metal}
	return func(_, py float64) colour {
		v := min(max((py-y)/r, -1), 1)
		// Turned on its side: the strip of light runs along it.
		return m.shade(base, v*0.9-0.1, v*0.35, math.Sqrt(1-v*v))
	}
}

func pen(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -32), func() {
		whole := roundRect(150, 560, 720, 60, 28)
		c.shadow(whole, 20, 30, 30, 0.36)
		c.fill(at(150, 574).quad(140, 590, 150, 606).line(520, 618).line(520, 562), barrel(590, 30, p.body, true))
		c.fill(rect(520, 566, 60, 48), barrel(590, 25, p.accent, false))
		c.fill(at(580, 572).line(720, 588).line(724, 591).line(580, 608), barrel(590, 20, colour{0.82, 0.82, 0.84, 1}, true))
		c.fill(stroke(2, point{600, 590}, point{716, 590}), solid(black.alpha(0.5)))
		c.fill(ellipse(622, 590, 5, 5), solid(black.alpha(0.6)))
		c.fill(rect(508, 560, 10, 60), barrel(590, 31, p.detail, true))
	})
	c.with(rotateAbout(500, 500, -32), func() { // the cap beside it
		capTop := roundRect(330, 400, 330, 66, 30)
		c.shadow(capTop, 20, 30, 28, 0.34)
		c.fill(capTop, barrel(433, 34, p.body, true))
		c.fill(rect(620, 400, 12, 66), barrel(433, 34, p.detail, true))
		c.fill(roundRect(344, 384, 210, 15, 7), fade(0, 384, 0, 400, p.detail, p.body.darker(0.3)))
	})
}

// pens are six of them, fanned out; the colours go from body through accent to
// detail.
func pens(c *canvas, p palette) {
	inks := []colour{p.body, p.accent, colour{0.20, 0.20, 0.21, 1}, colour{0.56, 0.38, 0.22, 1}, p.detail, colour{0.45, 0.27, 0.44, 1}}
	for i, inkColour := range inks {
		c.with(rotateAbout(500, 1120, float64(i)*9-22.5), func() {
			body := roundRect(476, 230, 48, 480, 14)
			c.shadow(body, 22, 10, 20, 0.28)
			c.fill(body, linear(476, 0, 524, 0, stop{0, white.darker(0.10)}, stop{0.25, white}, stop{0.6, colour{0.90, 0.90, 0.90, 1}}, stop{1, colour{0.66, 0.66, 0.67, 1}}))
			c.fill(rect(494, 320, 12, 370), linear(494, 0, 506, 0, stop{0, inkColour.darker(0.2)}, stop{0.3, inkColour.lighter(0.2)}, stop{1, inkColour.darker(0.3)}))
			tube := linear(470, 0, 530, 0, stop{0, inkColour.darker(0.1)}, stop{0.28, inkColour.lighter(0.4)}, stop{0.55, inkColour}, stop{1, inkColour.darker(0.4)})
			c.fill(roundRect(470, 196, 60, 130, 16), tube)
			c.fill(roundRect(522, 214, 12, 150, 5), solid(inkColour.darker(0.25)))
			c.fill(roundRect(478, 690, 44, 54, 10), tube)
		})
	}
}

func ink(c *canvas, p palette) {
	c.ground(500, 778, 205)
	glass := colour{0.86, 0.91, 0.95, 1}
	body := roundRect(306, 440, 388, 344, 60)
	c.fill(body, linear(306, 0, 694, 0, stop{0, glass.darker(0.12)}, stop{0.2, glass.lighter(0.5)}, stop{0.6, glass}, stop{1, glass.darker(0.28)}))
	inner := roundRect(336, 486, 328, 250, 40)
	c.fill(inner, linear(336, 486, 664, 736, stop{0, p.body.lighter(0.22)}, stop{0.4, p.body}, stop{1, p.body.darker(0.45)}))
	c.fill(roundRect(326, 462, 22, 290, 11), solid(white.alpha(0.55)))
	c.fill(roundRect(654, 490, 10, 230, 5), solid(white.alpha(0.30)))
	label := roundRect(392, 540, 216, 150, 6)
	c.fill(label, fade(392, 540, 608, 690, p.detail.lighter(0.4), p.detail.darker(0.08)))
	c.fill(at(430, 640).cubic(470, 560, 500, 680, 530, 600).cubic(545, 570, 560, 640, 580, 612).line(580, 622).cubic(556, 652, 546, 590, 534, 616).cubic(500, 700, 470, 590, 436, 648), solid(p.body))
	c.fill(rect(410, 552, 180, 3), solid(p.accent))
	c.fill(rect(410, 675, 180, 3), solid(p.accent))
	c.turn(straight(500, 108, 432, 112, 462), material{base: glass, gloss: 0.9})
	ridges := func(_, u float64) colour {
		return colour{0.15, 0.15, 0.17, 1}.lighter(0.14 * (0.5 + 0.5*math.Sin(u*70)))
	}
	c.turn(straight(500, 124, 316, 130, 324, 130, 424, 126, 430), material{gloss: 0.4, pattern: ridges})
	c.fill(ellipse(500, 316, 124, 124*tilt), linear(380, 300, 620, 330, stop{0, colour{0.34, 0.34, 0.36, 1}}, stop{1, colour{0.16, 0.16, 0.18, 1}}))
}

// tape is three rolls that lie in a heap.
func tape(c *canvas, p palette) {
	roll := func(cx, y float64, base colour, pattern int) {
		l := straight(cx, 150, y-84, 150, y)
		c.ground(cx, y, 150)
		c.turn(l, material{gloss: 0.15, pattern: func(t, u float64) colour {
			on := false
			switch pattern {
			case 1:
				on = math.Abs(math.Sin(u*12)*0.22+0.5-t) < 0.09
			case 2:
				fx, fy := math.Mod(u*9+20, 1)-0.5, t-0.5
				on = fx*fx*1.4+fy*fy < 0.07
			}
			if on {
				return base.lighter(0.72)
			}
			return base
		}})
		c.fill(ellipse(cx, y-84, 150, 150*tilt), linear(cx-150, 0, cx+150, 0, stop{0, base.lighter(0.6)}, stop{1, base.lighter(0.25)}))
		for i := range 4 {
			r := 146 - float64(i)*11
			c.fill(ring(cx, y-84, r, r*tilt, 1.6, 1), solid(base.darker(0.15).alpha(0.6)))
		}
		core := colour{0.86, 0.80, 0.70, 1}
		c.fill(ellipse(cx, y-84, 100, 100*tilt), solid(core))
		c.fill(ellipse(cx, y-84, 88, 88*tilt), linear(0, y-84-23, 0, y-84+23, stop{0, core.darker(0.55)}, stop{1, core.darker(0.25)}))
	}
	roll(360, 700, p.accent, 2)
	roll(650, 716, p.body, 1)
	roll(500, 600, p.detail, 0)
}

func lamp(c *canvas, p palette) {
	c.wash(radial(500, 400, 520, 480, stop{0, p.detail.alpha(0.65)}, stop{1, p.detail.alpha(0)}))
	c.ground(500, 780, 150)
	wood := func(t, u float64) colour { return woodGrain(p.accent, 1)(u*200, t*120) }
	c.turn(straight(500, 142, 742, 150, 750, 150, 774, 144, 780), material{gloss: 0.3, pattern: wood})
	c.fill(ellipse(500, 742, 142, 142*tilt), woodGrain(p.accent.lighter(0.15), 0.8))
	c.turn(straight(500, 13, 560, 13, 742), material{base: p.accent.darker(0.2), gloss: 0.3})
	shade := turned(500, 120, 210, 176, 290, 214, 400, 200, 510, 150, 584)
	c.turn(shade, material{pattern: func(t, u float64) colour {
		rib := math.Abs(math.Mod(t*11, 1) - 0.5)
		glow := p.body.mix(p.detail, math.Exp(-sq(u*1.2))*0.9).lighter(0.25 * math.Exp(-sq((t-0.5)*2.4)))
		if rib < 0.06 {
			return glow.darker(0.14)
		}
		return glow.mix(colour{1, 0.94, 0.76, 1}, 0.35)
	}})
	c.fill(shade.outline(), radial(500, 400, 230, 230, stop{0, colour{1, 0.96, 0.80, 0.75}}, stop{1, colour{1, 0.90, 0.62, 0.10}}))
	c.fill(ring(500, 210, 120, 120*tilt, 7, 4), solid(p.accent))
}

// labels is a stack of sheets with labels on the first.
func labels(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -6), func() {
		for i := range 3 {
			d := float64(2-i) * 14
			sheet := rect(300+d, 200-d, 400, 570)
			c.shadow(sheet, 14, 12, 30, 0.24)
			c.fill(sheet, fade(300, 200, 700, 770, white, white.darker(0.10)))
		}
		for row := range 6 {
			for col := range 2 {
				x, y := 330+float64(col)*176, 228+float64(row)*88
				tone := p.body
				if (row+col)%3 == 1 {
					tone = p.accent
				}
				c.fill(roundRect(x, y, 164, 74, 12), fade(x, y, x+164, y+74, tone.lighter(0.15), tone.darker(0.06)))
				c.fill(roundRect(x+18, y+24, 90, 8, 4), solid(white.alpha(0.75)))
				c.fill(roundRect(x+18, y+42, 60, 8, 4), solid(white.alpha(0.5)))
			}
		}
	})
}
