package art

import "math"

func bottle(c *canvas, p palette) {
	steel := colour{0.76, 0.77, 0.78, 1}
	c.stand(turned(500, 78, 330, 84, 352, 118, 400, 126, 440, 126, 560, 126, 720, 124, 764, 116, 782), material{gloss: 0.30, pattern: func(t, u float64) colour {
		if t > 0.955 {
			return steel
		}
		return p.body.darker(0.05 * noise(int((u+2)*140), int(t*240))) // powder coat
	}})
	c.turn(straight(500, 80, 318, 80, 336), material{base: steel, gloss: 0.9, metal: true})
	c.turn(straight(500, 76, 216, 84, 226, 84, 312, 80, 320), material{gloss: 0.4, pattern: func(t, u float64) colour {
		if t > 0.3 && t < 0.9 {
			return p.accent.lighter(0.08 * (0.5 + 0.5*math.Sin(u*60)))
		}
		return p.accent
	}})
	c.fill(ellipse(500, 216, 76, 76*tilt), fade(424, 200, 576, 232, p.accent.lighter(0.3), p.accent))
	c.fill(stroke(15, smooth(point{440, 212}, point{462, 160}, point{538, 160}, point{560, 212})...), fade(440, 160, 560, 212, p.accent.lighter(0.35), p.accent.darker(0.2)))
	c.peaks(486, 580, 58, p.detail)
}

// peaks is the emblem of the outdoors.
func (c *canvas) peaks(x, y, r float64, ink colour) {
	c.fill(polygon(x-r, y+r*0.6, x-r*0.25, y-r*0.7, x+r*0.08, y-r*0.1, x+r*0.36, y-r*0.45, x+r, y+r*0.6), solid(ink.alpha(0.92)))
	c.fill(ellipse(x+r*0.62, y-r*0.72, r*0.17, r*0.17), solid(ink.alpha(0.92)))
}

func backpack(c *canvas, p palette) {
	c.ground(500, 790, 210)
	for _, s := range []float64{-1, 1} {
		c.fill(stroke(34, smooth(point{500 + s*120, 250}, point{500 + s*236, 330}, point{500 + s*262, 520}, point{500 + s*214, 720})...), fade(250, 250, 750, 700, p.accent.lighter(0.12), p.accent.darker(0.2)))
	}
	c.fill(stroke(20, smooth(point{440, 226}, point{455, 150}, point{545, 150}, point{560, 226})...), solid(p.accent))
	body := at(290, 420).cubic(290, 270, 370, 206, 500, 206).cubic(630, 206, 710, 270, 710, 420).line(722, 720).cubic(722, 780, 690, 796, 640, 796).line(360, 796).cubic(310, 796, 278, 780, 278, 720)
	nylon := func(base colour) paint {
		return func(x, y float64) colour {
			b := base.darker(0.05 * noise(int(x/2), int(y/2)))
			return ramp(math.Hypot((x-410)/440, (y-360)/560), []stop{{0, b.lighter(0.22)}, {0.5, b}, {1, b.darker(0.36)}})
		}
	}
	c.fill(body, nylon(p.body))
	c.inside(body, func() {
		c.fill(stroke(9, smooth(point{270, 420}, point{330, 346}, point{500, 322}, point{670, 346}, point{730, 420})...), solid(p.accent))
		c.fill(stroke(3, smooth(point{270, 430}, point{330, 357}, point{500, 333}, point{670, 357}, point{730, 430})...), solid(black.alpha(0.25)))
		for _, x := range []float64{318, 682} {
			c.fill(roundRect(x-48, 640, 96, 170, 20), nylon(p.body.darker(0.16)))
		}
	})
	pocket := at(356, 520).quad(500, 494, 644, 520).line(652, 726).cubic(652, 760, 636, 768, 612, 768).line(388, 768).cubic(364, 768, 348, 760, 348, 726)
	c.shadow(pocket, 6, 10, 20, 0.36)
	c.fill(pocket, nylon(p.body.lighter(0.06)))
	c.fill(stroke(8, smooth(point{364, 556}, point{500, 534}, point{636, 556})...), solid(p.accent))
	c.fill(roundRect(604, 552, 14, 46, 6), solid(p.detail))
	c.peaks(500, 662, 50, p.detail)
	c.fill(roundRect(480, 392, 40, 54, 6), solid(p.accent))
	c.fill(roundRect(488, 402, 24, 14, 4), solid(p.detail))
}

func tent(c *canvas, p palette) {
	c.shadow(ellipse(520, 776, 420, 46), 0, 0, 60, 0.40)
	for _, s := range []float64{-1, 1} { // guy lines and pegs
		c.fill(stroke(3, point{500 + s*150, 420}, point{500 + s*430, 770}), solid(p.accent.alpha(0.7)))
		c.fill(stroke(8, point{500 + s*430, 760}, point{500 + s*436, 786}), solid(p.accent))
	}
	back := at(500, 250).cubic(610, 380, 760, 600, 880, 770).line(500, 790)
	c.fill(back, linear(500, 250, 860, 780, stop{0, p.body.darker(0.06)}, stop{1, p.body.darker(0.30)}))
	front := at(500, 250).cubic(390, 380, 240, 600, 120, 776).quad(320, 806, 620, 790).cubic(600, 600, 560, 400, 500, 250)
	c.fill(front, linear(140, 760, 560, 300, stop{0, p.body.darker(0.05)}, stop{0.5, p.body.lighter(0.16)}, stop{1, p.body.lighter(0.30)}))
	c.inside(front, func() {
		for i := range 5 {
			x := 190 + float64(i)*86
			c.fill(taper(2, 5, point{500, 256}, point{x, 800}), solid(black.alpha(0.06)))
		}
	})
	door := at(492, 330).cubic(440, 460, 360, 640, 300, 792).quad(440, 800, 560, 793).cubic(548, 620, 528, 460, 492, 330)
	c.fill(door, linear(300, 790, 520, 340, stop{0, colour{0.30, 0.20, 0.12, 1}}, stop{0.5, colour{0.45, 0.30, 0.16, 1}}, stop{1, p.accent.darker(0.4)}))
	c.inside(door, func() { // lamp light inside
		c.wash(radial(450, 690, 190, 170, stop{0, colour{1, 0.86, 0.50, 0.85}}, stop{1, colour{1, 0.80, 0.40, 0}}))
		c.fill(at(280, 800).quad(440, 740, 580, 770).line(580, 820).line(280, 820), solid(p.detail.darker(0.35)))
	})
	flap := at(492, 330).cubic(540, 460, 580, 620, 600, 791).line(560, 793).cubic(548, 620, 528, 460, 492, 330)
	c.fill(flap, solid(p.detail))
	c.fill(stroke(9, smooth(point{500, 244}, point{392, 380}, point{240, 600}, point{112, 784})...), solid(p.accent))
	c.fill(stroke(9, smooth(point{500, 244}, point{612, 380}, point{762, 600}, point{888, 778})...), solid(p.accent.darker(0.2)))
	c.fill(stroke(7, smooth(point{500, 250}, point{562, 400}, point{602, 600}, point{622, 792})...), solid(p.accent.alpha(0.8)))
}

func lantern(c *canvas, p palette) {
	c.wash(radial(500, 560, 480, 460, stop{0, p.accent.alpha(0.6)}, stop{1, p.accent.alpha(0)}))
	c.fill(stroke(13, smooth(point{388, 420}, point{380, 250}, point{500, 168}, point{620, 250}, point{612, 420})...), fade(380, 170, 620, 420, p.detail.lighter(0.4), p.detail))
	c.ground(500, 785, 150)
	c.turn(straight(500, 150, 716, 156, 724, 156, 780, 150, 786), material{base: p.body, gloss: 0.4})
	glass := turned(500, 132, 430, 146, 500, 150, 600, 142, 700, 138, 720)
	c.turn(glass, material{gloss: 0.2, pattern: func(t, u float64) colour {
		rib := math.Abs(math.Mod(t*8, 1) - 0.5)
		return p.accent.lighter(0.5 * math.Exp(-sq(u*1.4))).darker(0.10 * math.Exp(-sq(rib*6)))
	}})
	c.fill(glass.outline(), radial(500, 580, 170, 180, stop{0, colour{1, 1, 0.92, 0.85}}, stop{1, colour{1, 0.85, 0.5, 0.1}}))
	c.turn(turned(500, 70, 376, 110, 388, 140, 412, 146, 440), material{base: p.body, gloss: 0.4})
	c.fill(ellipse(500, 376, 68, 68*tilt), solid(p.body.lighter(0.2)))
	c.fill(ellipse(500, 374, 22, 7), solid(p.accent))
	c.fill(roundRect(462, 748, 76, 22, 11), solid(p.detail))
	c.fill(ellipse(560, 770, 5, 5), solid(p.accent))
}

func chair(c *canvas, p palette) {
	c.shadow(ellipse(540, 800, 310, 40), 0, 0, 60, 0.38)
	tube := func(w float64, a, b point) {
		c.fill(stroke(w, a, b), fade(a.x-w, a.y, a.x+w, a.y, p.accent.lighter(0.35), p.accent))
	}
	tube(15, point{700, 540}, point{360, 780})
	tube(15, point{300, 560}, point{650, 790})
	back := at(330, 220).quad(500, 252, 672, 214).cubic(690, 330, 700, 420, 712, 560).quad(500, 610, 296, 566).cubic(306, 430, 316, 330, 330, 220)
	canvasCloth := func(x, y float64) colour {
		b := plainWeave(p.body, x, y)
		sag := math.Hypot((x-470)/300, (y-470)/320)
		return ramp(sag, []stop{{0, b.darker(0.12)}, {0.5, b}, {1, b.lighter(0.16)}})
	}
	c.shadow(back, 26, 20, 50, 0.28)
	c.fill(back, canvasCloth)
	seat := at(296, 556).quad(500, 604, 712, 552).cubic(730, 610, 760, 650, 788, 676).quad(520, 738, 226, 690).cubic(250, 650, 276, 610, 296, 556)
	c.shadow(seat, 0, 16, 24, 0.34)
	c.fill(seat, linear(0, 556, 0, 720, stop{0, p.body.darker(0.20)}, stop{0.4, p.body}, stop{1, p.body.lighter(0.14)}))
	c.fill(stroke(3, smooth(point{250, 672}, point{520, 716}, point{770, 660})...), solid(p.detail.alpha(0.6)))
	tube(17, point{326, 212}, point{292, 570})
	tube(17, point{676, 206}, point{716, 566})
	tube(17, point{226, 690}, point{790, 676})
	tube(17, point{236, 690}, point{290, 800})
	tube(17, point{782, 680}, point{730, 796})
	for _, s := range []float64{0, 1} { // wooden arms
		x := 214 + s*500
		arm := roundRect(x, 500-s*8, 110, 26, 13)
		c.shadow(arm, 4, 10, 12, 0.34)
		c.fill(arm, woodGrain(p.detail, 0.6))
	}
	c.fill(roundRect(466, 300, 68, 50, 5), solid(p.detail))
	c.peaks(500, 328, 20, p.body)
}
