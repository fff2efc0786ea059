package art

import "math"

// folded is a stack of folded cloth, lowest first.
func (c *canvas) folded(x, w, ground, h float64, cloths []colour, weave func(base colour, x, y float64) colour) {
	c.shadow(ellipse(x+w/2+50, ground, w*0.56, 36), 0, 0, 60, 0.36)
	for i, base := range cloths {
		low := ground - float64(i)*h
		top := low - h
		inset := float64(i%2) * 8
		x0, x1 := x+inset, x+w-inset*0.5
		roll := at(x0+h*0.4, top).line(x1-10, top).cubic(x1+4, top+h*0.1, x1+4, low-h*0.1, x1-10, low).
			line(x0+h*0.4, low).cubic(x0-h*0.22, low, x0-h*0.22, top, x0+h*0.4, top)
		c.shadow(roll, 6, 10, 14, 0.30)
		c.fill(roll, func(px, py float64) colour {
			v := (py - top) / h
			lit := weave(base, px, py)
			return ramp(v, []stop{{0, lit.lighter(0.26)}, {0.3, lit}, {0.75, lit.darker(0.10)}, {1, lit.darker(0.34)}})
		})
		c.inside(roll, func() { // the layers of the fold show at the open end
			for k := range 3 {
				y := top + h*(0.25+0.25*float64(k))
				c.fill(stroke(2.5, smooth(point{x1 - 90, y}, point{x1 - 40, y + 2}, point{x1 + 10, y - 3})...), solid(black.alpha(0.20)))
			}
			c.fill(rect(x0-30, top, 60, h), fade(x0-30, 0, x0+40, 0, white.alpha(0.18), white.alpha(0)))
		})
	}
}

func waffle(base colour, x, y float64) colour {
	return base.darker(0.16 * max(math.Abs(math.Sin(x*0.16)), math.Abs(math.Sin(y*0.16))) * max(math.Abs(math.Sin(x*0.16)), math.Abs(math.Sin(y*0.16))))
}

func plainWeave(base colour, x, y float64) colour {
	return base.lighter(0.06 * noise(int(x/2), int(y/9))).darker(0.06 * noise(int(x/9), int(y/2)))
}

func herringbone(base colour, x, y float64) colour {
	column := math.Mod(math.Abs(x), 56)
	dir := 1.0
	if column > 28 {
		dir = -1
	}
	return base.lighter(0.16 * max(0, math.Sin((y+dir*x)*0.42)))
}

func towel(c *canvas, p palette) {
	c.folded(236, 530, 780, 112, []colour{p.accent, p.detail, p.body}, waffle)
	c.fill(roundRect(300, 490, 54, 34, 4), solid(p.detail)) // a sewn label
}

func bedding(c *canvas, p palette) {
	c.folded(190, 620, 795, 84, []colour{p.body, p.accent, p.detail}, plainWeave)
	c.pillow(370, 460, 0.98, p.body, plainWeave)
	c.pillow(560, 500, 1.0, p.detail, plainWeave)
}

func (c *canvas) pillow(x, y, s float64, base colour, weave func(colour, float64, float64) colour) {
	c.with(translate(x-500, y-500).then(scaleAbout(500, 500, s)), func() {
		p := at(300, 400).cubic(420, 372, 580, 372, 700, 400).cubic(690, 460, 690, 540, 704, 600).cubic(580, 628, 420, 628, 296, 600).cubic(310, 540, 310, 460, 300, 400)
		c.shadow(p, 12, 22, 34, 0.34)
		c.fill(p, func(px, py float64) colour {
			b := weave(base, px, py)
			return ramp(math.Hypot((px-440)/330, (py-450)/220), []stop{{0, b.lighter(0.30)}, {0.55, b}, {1, b.darker(0.28)}})
		})
		c.fill(taper(5, 1, smooth(point{316, 420}, point{360, 452}, point{400, 462})...), solid(black.alpha(0.10)))
		c.fill(taper(5, 1, smooth(point{690, 420}, point{640, 458}, point{606, 466})...), solid(black.alpha(0.10)))
	})
}

func cushion(c *canvas, p palette) {
	c.ground(500, 775, 225)
	outline := at(236, 250).cubic(400, 300, 600, 300, 764, 246).cubic(716, 400, 716, 620, 772, 780).cubic(600, 734, 400, 734, 228, 782).cubic(284, 620, 284, 400, 236, 250)
	c.shadow(outline, 26, 18, 50, 0.24)
	c.fill(outline, func(x, y float64) colour {
		b := plainWeave(p.body, x, y)
		return ramp(math.Hypot((x-430)/400, (y-440)/400), []stop{{0, b.lighter(0.26)}, {0.55, b}, {1, b.darker(0.36)}})
	})
	c.inside(outline, func() {
		for i, x := range []float64{250, 750, 262, 738} { // creases from the corners
			y, d := 270.0, 1.0
			if i > 1 {
				y, d = 762, -1
			}
			c.fill(taper(9, 1, smooth(point{x, y}, point{x + (500-x)*0.22, y + d*70}, point{x + (500-x)*0.36, y + d*130})...), solid(p.accent.darker(0.3).alpha(0.35)))
		}
		c.everywhere(func(x, y float64) colour { // a woven stripe down the middle
			if math.Abs(x-500) < 4 || math.Abs(math.Abs(x-500)-26) < 2 {
				return p.detail.alpha(0.55)
			}
			return colour{}
		})
	})
	for _, q := range []point{{236, 250}, {764, 246}, {772, 780}, {228, 782}} {
		c.fill(ellipse(q.x, q.y, 13, 13), solid(p.accent))
	}
}

// throw hangs folded over a rail.
func throw(c *canvas, p palette) {
	c.shadow(ellipse(540, 806, 240, 24), 0, 0, 50, 0.30)
	wood := colour{0.62, 0.45, 0.30, 1}
	c.fill(roundRect(130, 208, 740, 26, 13), woodGrain(wood, 0.6))
	outline := at(262, 216).cubic(262, 192, 280, 186, 300, 186).line(700, 186).cubic(724, 186, 738, 194, 738, 216).cubic(742, 420, 730, 600, 742, 760).line(258, 760).cubic(270, 600, 258, 420, 262, 216)
	c.shadow(outline, 30, 14, 50, 0.30)
	c.fill(outline, func(x, y float64) colour {
		b := herringbone(p.body, x, y)
		if y > 660 && y < 690 || y > 706 && y < 714 {
			b = p.accent
		}
		fold := math.Sin(x*0.021+math.Sin(y*0.004)) * 0.5
		if fold > 0 {
			return b.lighter(0.20 * fold)
		}
		return b.darker(-0.42 * fold)
	})
	c.fill(rect(262, 186, 476, 44), linear(0, 186, 0, 236, stop{0, white.alpha(0.30)}, stop{1, white.alpha(0)}))
	for i := range 33 { // the fringe
		x := 264 + float64(i)*14.6
		c.fill(taper(6, 2, point{x, 754}, point{x + 4*math.Sin(float64(i)*1.7), 808}), solid(p.accent.darker(0.12*noise(i, 3))))
	}
}

func apron(c *canvas, p palette) {
	strap := func(q ...point) {
		c.fill(stroke(17, smooth(q...)...), fade(300, 100, 700, 400, p.accent.lighter(0.15), p.accent.darker(0.25)))
	}
	strap(point{410, 270}, point{440, 170}, point{500, 140}, point{560, 170}, point{590, 270})
	strap(point{300, 480}, point{220, 470}, point{200, 560}, point{216, 640})
	strap(point{700, 480}, point{780, 470}, point{800, 560}, point{784, 640})
	outline := at(398, 262).quad(500, 280, 602, 262).cubic(610, 380, 650, 450, 712, 474).cubic(722, 600, 728, 700, 740, 800).quad(500, 822, 260, 800).cubic(272, 700, 278, 600, 288, 474).cubic(350, 450, 390, 380, 398, 262)
	c.shadow(outline, 26, 16, 50, 0.30)
	c.fill(outline, func(x, y float64) colour {
		b := plainWeave(p.body, x, y)
		fold := math.Sin(x*0.024 + math.Sin(y*0.006)*1.4)
		return b.lighter(0.10 * max(fold, 0)).darker(0.22 * max(-fold, 0) * min(1, max(0, (y-380)/300)))
	})
	pocket := at(356, 560).line(644, 560).line(636, 700).quad(630, 722, 606, 722).line(394, 722).quad(370, 722, 364, 700)
	c.shadow(pocket, 4, 6, 10, 0.34)
	c.fill(pocket, func(x, y float64) colour { return plainWeave(p.body.lighter(0.07), x, y) })
	c.fill(stroke(3, point{356, 572}, point{644, 572}), solid(p.accent))
	c.fill(stroke(2, point{500, 572}, point{500, 722}), solid(p.accent.alpha(0.7)))
	for _, q := range []point{{410, 276}, {590, 276}} {
		c.fill(ellipse(q.x, q.y, 12, 12), fade(q.x-12, q.y-12, q.x+12, q.y+12, p.accent.lighter(0.5), p.accent.darker(0.4)))
	}
	c.fill(roundRect(466, 330, 68, 44, 4), solid(p.detail))
	c.fill(roundRect(478, 348, 44, 7, 3), solid(p.body))
}
