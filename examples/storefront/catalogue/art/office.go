package art

// printer, cartridge, chip, drive and box stand for whole departments of an
// imported catalogue, so they are plain and take the product's colour in one
// place.

var machine = colour{0.84, 0.84, 0.83, 1}

func printer(c *canvas, p palette) {
	c.shadow(polygon(190, 740, 810, 740, 860, 800, 220, 810), 20, 10, 60, 0.40)
	c.fill(polygon(300, 210, 680, 190, 700, 400, 300, 400), fade(300, 190, 700, 400, white, white.darker(0.12))) // paper at the back
	c.fill(at(230, 380).line(770, 380).line(816, 470).line(184, 470), fade(0, 380, 0, 470, machine.lighter(0.3), machine))
	front := roundRect(180, 460, 640, 310, 32)
	c.fill(front, linear(180, 460, 820, 770, stop{0, machine.lighter(0.35)}, stop{0.5, machine}, stop{1, machine.darker(0.2)}))
	c.fill(roundRect(180, 460, 640, 66, 28), fade(180, 0, 820, 0, p.body.lighter(0.1), p.body.darker(0.25)))
	c.fill(roundRect(560, 474, 150, 38, 8), solid(colour{0.08, 0.10, 0.12, 1}))
	c.fill(roundRect(572, 484, 74, 18, 4), solid(p.accent))
	for i := range 3 {
		c.fill(ellipse(740+float64(i)*24, 493, 8, 8), solid(white.alpha(0.8)))
	}
	c.fill(roundRect(270, 590, 460, 92, 12), linear(0, 590, 0, 682, stop{0, black.alpha(0.85)}, stop{1, colour{0.25, 0.25, 0.26, 1}}))
	c.fill(polygon(306, 640, 694, 640, 736, 770, 264, 770), fade(0, 640, 0, 770, white.darker(0.16), white))
	for i, w := range []float64{190, 240, 150} {
		c.fill(roundRect(350, 690+float64(i)*22, w, 8, 4), solid(p.body.alpha(0.5)))
	}
}

func cartridge(c *canvas, p palette) {
	c.shadow(polygon(260, 760, 700, 760, 800, 800, 300, 810), 20, 8, 50, 0.40)
	dark := colour{0.17, 0.17, 0.19, 1}
	c.fill(polygon(640, 330, 730, 290, 730, 720, 640, 782), linear(640, 0, 730, 0, stop{0, dark.darker(0.2)}, stop{1, dark.lighter(0.08)}))
	c.fill(polygon(300, 330, 390, 290, 730, 290, 640, 330), fade(300, 290, 730, 330, dark.lighter(0.35), dark.lighter(0.1)))
	front := roundRect(296, 326, 348, 460, 16)
	c.fill(front, linear(296, 326, 644, 786, stop{0, dark.lighter(0.24)}, stop{1, dark}))
	label := roundRect(322, 400, 296, 260, 12)
	c.fill(label, linear(322, 400, 618, 660, stop{0, p.body.lighter(0.25)}, stop{1, p.body.darker(0.12)}))
	c.fill(at(470, 440).cubic(510, 510, 530, 540, 530, 572).cubic(530, 612, 500, 632, 470, 632).cubic(440, 632, 410, 612, 410, 572).cubic(410, 540, 430, 510, 470, 440), solid(white.alpha(0.92)))
	c.fill(ellipse(448, 580, 12, 22), solid(p.body.alpha(0.6)))
	for i := range 6 {
		c.fill(roundRect(360+float64(i)*40, 706, 24, 50, 4), fade(0, 706, 0, 756, colour{0.90, 0.74, 0.36, 1}, colour{0.62, 0.46, 0.18, 1}))
	}
}

func chip(c *canvas, p palette) {
	c.with(affine{0.94, -0.30, 190, 0.20, 0.80, 20}, func() {
		board := roundRect(220, 260, 560, 560, 18)
		c.shadow(board, 20, 30, 40, 0.40)
		c.with(translate(0, 16), func() { c.fill(board, solid(p.body.darker(0.55))) })
		c.fill(board, linear(220, 260, 780, 820, stop{0, p.body.lighter(0.1)}, stop{1, p.body.darker(0.25)}))
		gold := colour{0.86, 0.70, 0.36, 1}
		for i := range 13 {
			for _, q := range []point{{240 + float64(i)*41, 274}, {240 + float64(i)*41, 792}, {234, 280 + float64(i)*41}, {752, 280 + float64(i)*41}} {
				c.fill(roundRect(q.x, q.y, 18, 16, 4), solid(gold))
			}
		}
		lid := roundRect(320, 360, 360, 360, 24)
		steel := colour{0.78, 0.79, 0.81, 1}
		c.shadow(lid, 8, 12, 16, 0.4)
		c.fill(lid, linear(320, 360, 680, 720, stop{0, steel.lighter(0.5)}, stop{0.45, steel}, stop{0.55, steel.lighter(0.35)}, stop{1, steel.darker(0.2)}))
		c.fill(roundRect(370, 420, 180, 16, 8), solid(p.body.alpha(0.5)))
		c.fill(roundRect(370, 452, 120, 12, 6), solid(black.alpha(0.25)))
		c.fill(roundRect(370, 478, 150, 12, 6), solid(black.alpha(0.25)))
		c.fill(polygon(340, 700, 366, 700, 340, 674), solid(gold))
	})
}

func drive(c *canvas, p palette) {
	c.with(rotateAbout(500, 500, -7), func() {
		outline := roundRect(330, 210, 350, 570, 26)
		steel := colour{0.70, 0.72, 0.74, 1}
		c.slab(outline, 330, 680, 784, linear(330, 210, 680, 780, stop{0, steel.lighter(0.5)}, stop{0.5, steel}, stop{0.6, steel.lighter(0.25)}, stop{1, steel.darker(0.25)}))
		c.fill(roundRect(356, 240, 298, 400, 16), linear(356, 240, 654, 640, stop{0, p.body.lighter(0.2)}, stop{1, p.body.darker(0.15)}))
		c.fill(ring(505, 420, 108, 108, 6, 6), solid(white.alpha(0.85)))
		c.fill(ellipse(505, 420, 26, 26), solid(white.alpha(0.85)))
		c.fill(taper(16, 7, point{622, 560}, point{530, 446}), solid(p.accent))
		c.fill(roundRect(380, 664, 150, 12, 6), solid(black.alpha(0.35)))
		c.fill(roundRect(380, 690, 210, 12, 6), solid(black.alpha(0.22)))
		for _, q := range []point{{350, 230}, {660, 230}, {350, 758}, {660, 758}} {
			c.fill(ellipse(q.x, q.y, 9, 9), solid(steel.darker(0.45)))
		}
	})
}

// box is a parcel: what is inside is up to the page.
func box(c *canvas, p palette) {
	card := colour{0.80, 0.66, 0.48, 1}
	c.shadow(polygon(240, 740, 640, 800, 860, 730, 560, 690), 30, 10, 60, 0.45)
	c.fill(polygon(220, 400, 560, 470, 560, 800, 220, 716), linear(220, 400, 560, 800, stop{0, card.lighter(0.18)}, stop{1, card.darker(0.06)}))
	c.fill(polygon(560, 470, 800, 390, 800, 700, 560, 800), linear(560, 0, 800, 0, stop{0, card.darker(0.22)}, stop{1, card.darker(0.34)}))
	c.fill(polygon(220, 400, 470, 330, 800, 390, 560, 470), linear(220, 330, 800, 470, stop{0, card.lighter(0.45)}, stop{1, card.lighter(0.15)}))
	c.fill(polygon(372, 432, 612, 356, 664, 365, 424, 443), solid(p.body.alpha(0.9)))
	c.fill(polygon(372, 432, 424, 443, 424, 520, 372, 508), solid(p.body.darker(0.12).alpha(0.9)))
	c.fill(polygon(256, 560, 396, 592, 396, 690, 256, 656), solid(white.alpha(0.85)))
	c.fill(polygon(272, 584, 360, 604, 360, 614, 272, 594), solid(p.body))
	c.fill(polygon(272, 610, 330, 623, 330, 632, 272, 619), solid(black.alpha(0.35)))
	c.fill(polygon(272, 632, 345, 649, 345, 658, 272, 641), solid(black.alpha(0.35)))
}
