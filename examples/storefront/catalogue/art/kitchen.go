package art

import "math"

// wok hangs before the wall, tipped towards the eye.
func wok(c *canvas, p palette) {
	c.shadow(ellipse(540, 770, 270, 34), 0, 0, 50, 0.38)
	body := turned(470, 290, 560, 282, 600, 240, 680, 160, 745, 90, 772)
	handle := smooth(point{740, 556}, point{800, 520}, point{860, 478}, point{930, 440})
	c.fill(taper(30, 24, handle[:14]...), fade(740, 500, 780, 560, p.detail, p.detail.darker(0.5)))
	c.fill(taper(38, 46, handle[12:]...), linear(800, 440, 850, 540, stop{0, p.accent.lighter(0.25)}, stop{1, p.accent.darker(0.35)}))
	c.turn(body, material{gloss: 0.35, pattern: func(t, u float64) colour {
		n := noise(int((u+2)*17), int(t*13))
		return p.body.lighter(0.13 * n)
	}})
	c.mouth(body, p.detail, p.body.lighter(0.12), 10, nil, 0)
	c.inside(ellipse(470, 560, 278, 278*tilt-6), func() {
		for i := range 260 { // hammer marks
			a, r := noise(i, 9)*2*math.Pi, 280*math.Sqrt(noise(i, 8))
			x, y := 470+r*math.Cos(a), 570+r*tilt*math.Sin(a)
			c.fill(ellipse(x, y, 12, 4), solid(white.alpha(0.05+0.06*noise(i, 7))))
		}
		c.fill(ellipse(390, 585, 120, 30), radial(390, 585, 120, 30, stop{0, white.alpha(0.30)}, stop{1, white.alpha(0)}))
	})
}

func pot(c *canvas, p palette) {
	c.ground(500, 775, 205)
	for _, side := range []float64{-1, 1} {
		c.fill(stroke(34, smooth(point{500 + side*226, 560}, point{500 + side*286, 566}, point{500 + side*282, 616}, point{500 + side*222, 622})...), fade(280, 540, 720, 640, p.accent.lighter(0.15), p.accent.darker(0.2)))
	}
	body := turned(500, 232, 500, 236, 560, 232, 650, 210, 730, 190, 775)
	c.turn(body, material{gloss: 0.22, pattern: func(t, u float64) colour {
		if t < 0.34 {
			return p.accent
		}
		return p.body.darker(0.08 * noise(int((u+2)*90), int(t*90)))
	}})
	lid := turned(500, 40, 352, 48, 366, 34, 392, 70, 404, 166, 440, 226, 480, 236, 502)
	c.shadow(ellipse(500, 512, 234, 58), 0, 5, 10, 0.4)
	c.turn(lid, material{gloss: 0.5, pattern: func(t, _ float64) colour {
		if t > 0.93 {
			return p.body
		}
		return p.accent
	}})
	c.fill(ellipse(500, 352, 38, 11), solid(p.accent.lighter(0.2)))
	c.fill(ellipse(622, 462, 9, 5), solid(black.alpha(0.7)))
}

// blade is brushed steel with a ground edge.
func (c *canvas) blade(outline, edge *path, steel colour) {
	c.shadow(outline, 24, 26, 34, 0.32)
	c.fill(outline, func(x, y float64) colour {
		brushed := 0.03 * math.Sin(y*2.1+math.Sin(x*0.02)*3)
		t := (x + y - 500) / 900
		return ramp(t, []stop{{0, steel.lighter(0.55)}, {0.35, steel}, {0.5, steel.lighter(0.65)}, {0.62, steel.darker(0.10)}, {1, steel.lighter(0.2)}}).darker(0.03 + brushed)
	})
	c.fill(edge, fade(300, 600, 800, 700, steel.lighter(0.85), steel.lighter(0.4)))
}

func (c *canvas) handle(p *path, wood colour) {
	c.shadow(p, 20, 24, 26, 0.34)
	c.fill(p, woodGrain(wood, 0.45))
	c.inside(p, func() {
		c.wash(linear(0, 380, 0, 640, stop{0, white.alpha(0.25)}, stop{0.4, white.alpha(0)}, stop{1, black.alpha(0.35)}))
	})
}

func cleaver(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -18), func() {
		c.handle(roundRect(110, 420, 250, 66, 30), p.accent)
		for _, x := range []float64{165, 235, 305} {
			c.fill(ellipse(x, 453, 9, 9), fade(x-9, 444, x+9, 462, p.detail.lighter(0.6), p.detail.darker(0.2)))
		}
		c.fill(roundRect(350, 414, 34, 78, 10), fade(350, 414, 350, 492, p.body.lighter(0.4), p.body.darker(0.3)))
		blade := at(380, 400).line(872, 388).cubic(884, 388, 888, 398, 888, 410).line(886, 628).quad(640, 668, 392, 640).quad(380, 600, 380, 560)
		c.blade(blade, at(386, 616).quad(640, 646, 887, 606).line(886, 628).quad(640, 668, 392, 640), p.body)
	})
}

func knife(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -24), func() {
		c.handle(at(140, 470).quad(260, 448, 420, 466).line(424, 530).quad(270, 552, 140, 528).quad(122, 500, 140, 470), p.accent)
		c.fill(roundRect(414, 460, 22, 76, 8), fade(414, 460, 414, 536, p.detail.lighter(0.3), p.detail.darker(0.3)))
		c.blade(at(434, 466).line(700, 462).cubic(790, 466, 840, 488, 872, 522).cubic(760, 540, 600, 540, 434, 534), at(440, 520).cubic(600, 526, 760, 528, 860, 514).line(872, 522).cubic(760, 540, 600, 540, 434, 534), p.body)
	})
	c.with(rotateAbout(500, 500, -24), func() {
		c.handle(at(470, 640).line(790, 636).cubic(850, 640, 890, 660, 910, 684).cubic(800, 712, 620, 712, 470, 708).quad(460, 674, 470, 640), p.detail)
	})
}

func board(c *canvas, p palette) {
	outline := roundRect(300, 190, 400, 590, 46)
	c.slab(outline, 300, 700, 784, woodGrain(p.body, 1.6))
	c.inside(outline, func() {
		c.fill(rect(300, 190, 400, 600), sheen(0.22))
		c.fill(ellipse(500, 250, 34, 34), solid(p.accent.darker(0.55)))
		c.fill(ellipse(503, 254, 29, 29), solid(backdrop(p).lighter(0.2)))
		c.fill(rect(300, 190, 10, 600), solid(white.alpha(0.22)))
		c.fill(rect(690, 190, 12, 600), solid(black.alpha(0.22)))
		c.fill(rect(300, 762, 400, 20), solid(black.alpha(0.16)))
	})
}

func grinder(c *canvas, p palette) {
	wood := func(t, u float64) colour { return woodGrain(p.accent, 1.1)(t*420, u*160) }
	c.stand(turned(500, 92, 470, 84, 520, 104, 620, 136, 700, 142, 760, 138, 778), material{gloss: 0.35, pattern: wood})
	c.turn(straight(500, 104, 420, 108, 426, 108, 478, 102, 484), material{gloss: 0.3, pattern: func(t, u float64) colour {
		return p.body.lighter(0.25 * noise(int((u+2)*60), int(t*22)))
	}})
	c.turn(turned(500, 28, 246, 82, 276, 104, 326, 92, 380, 78, 408, 84, 426), material{gloss: 0.35, pattern: wood})
	c.turn(turned(500, 10, 206, 22, 222, 16, 244, 20, 254), material{base: colour{0.72, 0.72, 0.72, 1}, gloss: 0.9, metal: true})
}

func kettle(c *canvas, p palette) {
	c.ground(500, 785, 215)
	c.turn(straight(480, 206, 752, 212, 758, 212, 782, 206, 788), material{base: p.body.lighter(0.08), gloss: 0.4})
	c.fill(ellipse(480, 752, 206, 206*tilt), solid(p.body.darker(0.3)))
	spout := smooth(point{600, 690}, point{716, 672}, point{716, 560}, point{706, 470}, point{752, 408}, point{830, 420})
	c.fill(taper(46, 22, spout...), linear(640, 0, 800, 0, stop{0, p.body.lighter(0.30)}, stop{1, p.body.darker(0.2)}))
	grip := smooth(point{380, 420}, point{250, 392}, point{196, 470}, point{190, 600}, point{216, 640})
	c.fill(stroke(46, grip...), woodGrain(p.accent, 0.7))
	c.with(translate(-8, -6), func() { c.fill(stroke(10, grip...), solid(white.alpha(0.22))) })
	c.turn(turned(480, 138, 420, 152, 470, 172, 560, 194, 660, 200, 720, 196, 748), material{base: p.body, gloss: 0.55})
	c.turn(turned(480, 16, 346, 30, 362, 20, 384, 70, 392, 130, 410, 140, 424), material{gloss: 0.5, pattern: func(t, _ float64) colour {
		if t < 0.42 {
			return p.accent
		}
		return p.body
	}})
	c.fill(roundRect(548, 772, 66, 20, 6), solid(p.detail.alpha(0.95)))
	c.fill(ellipse(640, 780, 7, 6), solid(colour{1, 0.6, 0.25, 1}))
}

func chopsticks(c *canvas, p palette) {
	for i := range 5 {
		for j := range 2 {
			x := 250 + float64(i)*118 + float64(j)*34
			lean := float64(j)*10 - 5
			top, low := point{x + lean, 170}, point{x - lean*0.6 + 6, 800}
			shape := taper(25, 13, top, low)
			c.shadow(shape, 26, 14, 16, 0.30)
			c.fill(shape, linear(x-14, 0, x+16, 0, stop{0, p.body.lighter(0.35)}, stop{0.4, p.body}, stop{1, p.body.darker(0.35)}))
			c.inside(shape, func() {
				c.fill(rect(x-40, 150, 90, 46), solid(p.accent))
				c.fill(rect(x-40, 204, 90, 5), solid(p.accent))
				for k := range 4 {
					c.fill(rect(x-40, 760+float64(k)*10, 90, 3), solid(black.alpha(0.35)))
				}
			})
		}
	}
}
