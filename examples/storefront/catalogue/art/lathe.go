package art

import "math"

// tilt is how far the eye is above the table: a circle lying on it is seen as
// an ellipse of this proportion.
const tilt = 0.26

// Light comes from the upper left, towards the eye; halfway is Blinn's vector
// between the two.
var (
	light   = unit(-0.50, -0.62, 0.70)
	halfway = unit(light[0], light[1], light[2]+1)
)

func unit(x, y, z float64) [3]float64 {
	n := math.Sqrt(x*x + y*y + z*z)
	return [3]float64{x / n, y / n, z / n}
}

// material says how a surface gives back light.
type material struct {
	base  colour
	gloss float64 // 0 matt to 1 glazed
	metal bool    // reflects its surroundings
	// pattern replaces base: t goes down the profile from 0 to 1, u across the
	// visible half from -1 to 1.
	pattern func(t, u float64) colour
}

// lathe is a body of revolution that stands on the table: radii down its axis.
type lathe struct {
	cx      float64
	profile []point // x: radius, y: height on the screen; downwards
}

// turned makes a body from radii and heights, top first, as a smooth curve.
func turned(cx float64, radiusAndY ...float64) *lathe {
	return &lathe{cx: cx, profile: smooth(pairs(radiusAndY)...)}
}

// straight makes a body whose profile keeps its corners.
func straight(cx float64, radiusAndY ...float64) *lathe {
	return &lathe{cx: cx, profile: pairs(radiusAndY)}
}

func pairs(xy []float64) []point {
	points := make([]point, 0, len(xy)/2)
	for i := 0; i+1 < len(xy); i += 2 {
		points = append(points, point{xy[i], xy[i+1]})
	}
	return points
}

func (l *lathe) top() point    { return l.profile[0] }
func (l *lathe) bottom() point { return l.profile[len(l.profile)-1] }

// slopes finds the piece of a profile at a height without walking down to it.
type slopes struct {
	pieces []piece
	top    float64
	first  []int // by whole units below the top: the piece that may be there, or one before it
}

// piece is a straight part of a profile.
type piece struct{ r, slope, y0, y1 float64 }

func (l *lathe) slopes() *slopes {
	s := &slopes{top: l.top().y}
	for i, b := range l.profile[1:] {
		a := l.profile[i]
		s.pieces = append(s.pieces, piece{a.x, (b.x - a.x) / max(b.y-a.y, 1e-6), a.y, b.y})
	}
	at := 0
	for y := s.top; y < l.bottom().y; y++ {
		at = s.from(at, y)
		s.first = append(s.first, at)
	}
	return s
}

// from returns the first piece, starting at i, that ends at y or below.
func (s *slopes) from(i int, y float64) int {
	for i < len(s.pieces)-1 && s.pieces[i].y1 < y {
		i++
	}
	return i
}

// radius returns the radius and its slope at a height of the profile.
func (s *slopes) radius(y float64) (r, slope float64) {
	i := 0
	if n := len(s.first); n > 0 && y > s.top {
		i = s.first[min(int(y-s.top), n-1)]
	}
	p := &s.pieces[s.from(i, y)]
	if y > p.y1 {
		y = p.y1
	}
	if y <= p.y0 {
		return p.r, p.slope
	}
	return p.r + p.slope*(y-p.y0), p.slope
}

// outline is the silhouette: the near half of the foot, the sides, and the far
// half of the rim.
func (l *lathe) outline() *path {
	p := &path{}
	for _, q := range l.profile {
		// A union of the rings is the silhouette also where the body widens
		// faster than the eye looks down on it.
		if q.x > 0.5 {
			p.add(ellipse(l.cx, q.y, q.x, q.x*tilt))
		}
	}
	body := at(l.cx+l.top().x, l.top().y)
	for _, q := range l.profile[1:] {
		body.line(l.cx+q.x, q.y)
	}
	for i := len(l.profile) - 1; i >= 0; i-- {
		body.line(l.cx-l.profile[i].x, l.profile[i].y)
	}
	return p.add(body)
}

// draw draws the outside of the body.
func (c *canvas) turn(l *lathe, m material) {
	y0, y1 := l.top().y, l.bottom().y
	profile := l.slopes()
	c.fill(l.outline(), func(x, y float64) colour {
		// The visible point is on the near side: its ring hangs below its height.
		t := y
		var r, slope, u, w float64
		for range 4 {
			r, slope = profile.radius(t)
			u, w = x-l.cx, 0
			switch {
			case u >= r:
				u = 1
			case u <= -r:
				u = -1
			default:
				u /= r
				w = math.Sqrt(1 - u*u)
			}
			before := t
			if t = y - tilt*r*w; t == before {
				break // as on an upright wall: nothing would change
			}
		}
		base := m.base
		if m.pattern != nil {
			base = m.pattern(min(max((t-y0)/(y1-y0), 0), 1), math.Asin(u)*2/math.Pi)
		}
		n := math.Sqrt(1 + slope*slope)
		return m.shade(base, u/n, -slope/n, w/n)
	})
}

// shade returns what a surface of colour base with the given normal looks like.
func (m material) shade(base colour, nx, ny, nz float64) colour {
	diffuse := nx*light[0] + ny*light[1] + nz*light[2]
	// Walls and table send light back from below and from the right.
	bounce := 0.16*max(nx, 0) + 0.10*max(ny, 0)
	lit := 0.50 + 0.56*max(diffuse, 0) + bounce - 0.12*max(-diffuse, 0)
	out := colour{base.r * lit, base.g * lit, base.b * lit, base.a}
	if m.metal {
		// A bright and a dark strip: the softbox and the dark room beside it.
		strip := math.Exp(-sq((nx+0.55)/0.16))*0.55 + math.Exp(-sq((nx-0.70)/0.10))*0.30 - math.Exp(-sq((nx-0.22)/0.22))*0.22
		if strip > 0 {
			out = out.mix(colour{1, 1, 1, out.a}, min(strip, 1))
		} else {
			out = out.darker(-strip)
		}
	}
	if m.gloss == 0 {
		return out
	}
	spec := max(nx*halfway[0]+ny*halfway[1]+nz*halfway[2], 0)
	broad := spec * spec * spec * spec * spec * spec
	narrow := broad * broad * broad * broad * broad * broad * broad
	shine := m.gloss * (0.62*narrow + 0.10*broad)
	return out.mix(colour{1, 1, 1, out.a}, min(shine, 1))
}

func sq(x float64) float64 { return x * x }

// mouth draws the open top of a body: the wall's edge, the inside in shade,
// and what it holds, level fractions of the radius down.
func (c *canvas) mouth(l *lathe, wall, inside colour, edge float64, contents *colour, level float64) {
	r, y := l.top().x, l.top().y
	ry := r * tilt
	c.fill(ellipse(l.cx, y, r, ry), fade(l.cx-r, y, l.cx+r, y, wall.lighter(0.35), wall.darker(0.08)))
	ri, ryi := r-edge, ry-edge*0.6
	c.fill(ellipse(l.cx, y, ri, ryi), linear(l.cx, y-ryi, l.cx, y+ryi, stop{0, inside.darker(0.42)}, stop{1, inside.darker(0.05)}))
	if contents != nil {
		c.inside(ellipse(l.cx, y, ri, ryi), func() {
			rl := ri * (1 - 0.25*level)
			p := ellipse(l.cx, y+level*r*0.55, rl, rl*tilt)
			c.fill(p, linear(l.cx-rl, y, l.cx+rl, y, stop{0, contents.darker(0.15)}, stop{0.45, contents.lighter(0.18)}, stop{1, contents.darker(0.25)}))
			c.fill(ellipse(l.cx-rl*0.35, y+level*r*0.55-rl*tilt*0.25, rl*0.28, rl*tilt*0.16), solid(white.alpha(0.22)))
		})
	}
}

// ground lets a body stand: a tight dark line under it and a long soft shadow
// away from the light.
func (c *canvas) ground(cx, y, r float64) {
	c.shadow(ellipse(cx+r*0.42, y+r*0.10, r*1.22, r*tilt*0.95), 0, 0, 70, 0.30)
	c.shadow(ellipse(cx+r*0.06, y+r*tilt*0.35, r*1.02, r*tilt*0.9), 0, 0, 18, 0.42)
}

// stand is a lathe on the table, in one call.
func (c *canvas) stand(l *lathe, m material) {
	c.ground(l.cx, l.bottom().y, l.bottom().x)
	c.turn(l, m)
}
