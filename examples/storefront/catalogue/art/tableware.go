package art

import "math"

var (
	greenTea = colour{0.80, 0.80, 0.48, 1}
	blackTea = colour{0.62, 0.27, 0.12, 1}
)

// glaze is thinner, and shows the accent, at the rim and above the foot.
func glaze(p palette, speckled bool) func(t, u float64) colour {
	return func(t, u float64) colour {
		base := p.body.mix(p.accent, math.Exp(-t*22)*0.85)
		if t > 0.93 {
			base = p.accent
		}
		if speckled {
			cx, cy := int((u+2)*60), int(t*70)
			if n := noise(cx, cy); n > 0.95 {
				dx, dy := (u+2)*60-float64(cx)-0.5, t*70-float64(cy)-0.5
				if dx*dx+dy*dy < 0.16*n {
					return base.mix(p.accent.darker(0.3), 0.75)
				}
			}
		}
		return base
	}
}

func (c *canvas) smallCup(cx, cy, s float64, p palette, tea colour) {
	c.with(translate(cx-500, cy-780).then(scaleAbout(500, 780, s)), func() {
		body := turned(500, 190, 520, 186, 560, 168, 640, 132, 720, 96, 760, 92, 780)
		c.stand(body, material{gloss: 0.9, pattern: glaze(p, false)})
		c.mouth(body, p.body.mix(p.accent, 0.5), p.detail.mix(p.body, 0.5), 9, &tea, 0.22)
	})
}

// cup is a set of tea cups; those behind come first.
func cup(c *canvas, p palette) {
	c.smallCup(655, 640, 0.74, p, greenTea)
	c.smallCup(330, 655, 0.80, p, greenTea)
	c.smallCup(520, 800, 1.08, p, greenTea)
}

func mug(c *canvas, p palette) {
	handle := smooth(point{664, 440}, point{760, 430}, point{806, 520}, point{762, 630}, point{655, 668})
	c.ground(500, 775, 170)
	c.fill(stroke(48, handle...), fade(650, 420, 820, 680, p.body.lighter(0.05), p.body.darker(0.38)))
	c.with(translate(-5, -7), func() { c.fill(stroke(16, handle...), solid(white.alpha(0.16))) })
	body := turned(500, 182, 340, 182, 420, 182, 640, 180, 720, 168, 764, 156, 775)
	c.turn(body, material{gloss: 0.75, pattern: glaze(p, true)})
	coffee := colour{0.30, 0.17, 0.10, 1}
	c.mouth(body, p.accent.mix(p.body, 0.4), p.body, 11, &coffee, 0.26)
}

func gaiwan(c *canvas, p palette) {
	saucer := turned(500, 262, 730, 240, 750, 150, 772, 96, 780)
	c.ground(500, 780, 230)
	c.turn(saucer, material{base: p.body, gloss: 0.9})
	c.mouth(saucer, p.body, p.body.darker(0.02), 12, nil, 0)
	c.shadow(ellipse(520, 744, 120, 30), 0, 0, 22, 0.35)
	body := turned(500, 214, 452, 190, 490, 172, 560, 146, 650, 100, 716, 92, 742)
	gold := func(t, _ float64) colour {
		if t < 0.018 {
			return p.detail
		}
		return p.body
	}
	c.turn(body, material{gloss: 1, pattern: gold})
	c.orchid(455, 600, 1, p.accent.darker(0.35), p.detail)
	c.mouth(body, p.detail, p.body, 8, &greenTea, 0.12)
	lid := turned(500, 30, 322, 34, 334, 26, 352, 60, 366, 128, 398, 168, 436, 174, 452)
	c.shadow(ellipse(505, 462, 176, 46), 0, 4, 12, 0.35)
	c.turn(lid, material{base: p.body, gloss: 1})
	c.fill(ellipse(500, 322, 30, 30*tilt), solid(p.detail))
}

// orchid is a brushed spray of leaves with one flower.
func (c *canvas) orchid(x, y, s float64, ink, flower colour) {
	c.with(translate(x-500, y-500).then(scaleAbout(500, 500, s)), func() {
		c.fill(taper(7, 1, smooth(point{470, 580}, point{480, 520}, point{520, 470}, point{585, 450})...), solid(ink.alpha(0.8)))
		c.fill(taper(7, 1, smooth(point{470, 580}, point{462, 520}, point{450, 480}, point{415, 450})...), solid(ink.alpha(0.8)))
		c.fill(taper(6, 1, smooth(point{472, 580}, point{490, 540}, point{545, 515}, point{600, 525})...), solid(ink.alpha(0.6)))
		for i := range 5 {
			c.with(rotateAbout(505, 455, float64(i)*72), func() {
				c.fill(ellipse(505, 440, 7, 15), solid(flower.alpha(0.9)))
			})
		}
	})
}

func teapot(c *canvas, p palette) {
	c.ground(500, 770, 180)
	handle := smooth(point{322, 505}, point{236, 478}, point{176, 545}, point{214, 640}, point{330, 684})
	c.fill(stroke(38, handle...), fade(180, 460, 330, 700, p.accent.lighter(0.12), p.accent.darker(0.35)))
	c.with(translate(-4, -7), func() { c.fill(stroke(10, handle...), solid(white.alpha(0.18))) })
	spout := smooth(point{640, 668}, point{730, 640}, point{770, 560}, point{832, 500})
	c.fill(taper(96, 34, spout...), linear(660, 520, 800, 660, stop{0, p.body.lighter(0.12)}, stop{1, p.body.darker(0.30)}))
	c.fill(ellipse(836, 496, 16, 11), solid(p.body.darker(0.6)))
	body := turned(500, 96, 430, 150, 462, 204, 540, 218, 610, 196, 690, 140, 752, 120, 770)
	c.turn(body, material{base: p.body, gloss: 0.42})
	lid := turned(500, 22, 352, 34, 368, 24, 388, 44, 398, 88, 416, 104, 438)
	c.shadow(ellipse(502, 444, 104, 27), 0, 5, 8, 0.45)
	c.turn(lid, material{base: p.accent, gloss: 0.5})
	c.fill(ellipse(500, 352, 21, 7), solid(p.accent.lighter(0.25)))
}

func bowl(c *canvas, p palette) {
	c.ground(500, 775, 170)
	body := turned(500, 296, 500, 290, 540, 250, 630, 176, 710, 122, 744, 118, 775)
	brush := func(t, u float64) colour {
		if t < 0.022 {
			return p.accent
		}
		wave := 0.36 + 0.09*math.Sin(u*9+0.6)
		if d := math.Abs(t - wave); d < 0.030*(1+0.7*math.Sin(u*5)) {
			return p.body.mix(p.accent, 0.9-9*d)
		}
		if d := math.Abs(t - wave - 0.13); d < 0.012 {
			return p.body.mix(p.accent, 0.55)
		}
		if t > 0.9 {
			return p.body.mix(p.accent, 0.35)
		}
		return p.body
	}
	c.turn(body, material{gloss: 0.9, pattern: brush})
	c.mouth(body, p.body, p.body, 12, nil, 0)
	c.inside(ellipse(500, 500, 284, 284*tilt-7), func() {
		c.fill(ring(500, 512, 250, 250*tilt, 6, 3), solid(p.accent.alpha(0.55)))
		c.fill(ellipse(430, 530, 120, 22), solid(white.alpha(0.20)))
	})
}

// plate leans against the wall, which is how shops show them.
func plate(c *canvas, p palette) {
	c.shadow(ellipse(540, 776, 250, 30), 0, 0, 50, 0.4)
	c.shadow(ellipse(500, 500, 286, 286), 36, 26, 60, 0.26)
	c.fill(ellipse(500, 496, 288, 286), linear(260, 250, 740, 760, stop{0, p.body.lighter(0.42)}, stop{0.5, p.body}, stop{1, p.body.darker(0.22)}))
	c.fill(ring(500, 496, 288, 286, 7, 7), solid(p.accent))
	c.fill(ellipse(500, 498, 214, 212), linear(300, 300, 700, 720, stop{0, p.body.darker(0.20)}, stop{0.25, p.body.darker(0.04)}, stop{0.8, p.body.lighter(0.20)}, stop{1, p.body.lighter(0.36)}))
	c.fill(ellipse(500, 498, 200, 198), linear(300, 300, 700, 720, stop{0, p.body.lighter(0.10)}, stop{1, p.body.darker(0.06)}))
	for i := range 40 { // the carved petals under the glaze
		c.with(rotateAbout(500, 496, float64(i)*9), func() {
			c.fill(at(492, 288).quad(500, 232, 508, 288), solid(p.accent.darker(0.1).alpha(0.35)))
		})
	}
	c.fill(ellipse(400, 380, 90, 46), radial(400, 380, 90, 46, stop{0, white.alpha(0.55)}, stop{1, white.alpha(0)}))
}
