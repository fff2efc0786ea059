package art

import (
	"image"
	"math"

	"golang.org/x/image/vector"
)

type point struct{ x, y float64 }

// path is a set of closed outlines. Overlapping outlines of one direction are
// one shape; those of opposite directions cut holes.
type path struct {
	steps []step
}

type step struct {
	kind    byte // 'm'ove, 'l'ine, 'q'uadratic, 'c'ubic
	a, b, c point
}

func at(x, y float64) *path { return (&path{}).move(x, y) }

func (p *path) move(x, y float64) *path {
	p.steps = append(p.steps, step{kind: 'm', a: point{x, y}})
	return p
}

func (p *path) line(x, y float64) *path {
	p.steps = append(p.steps, step{kind: 'l', a: point{x, y}})
	return p
}

func (p *path) quad(x1, y1, x, y float64) *path {
	p.steps = append(p.steps, step{kind: 'q', a: point{x1, y1}, b: point{x, y}})
	return p
}

func (p *path) cubic(x1, y1, x2, y2, x, y float64) *path {
	p.steps = append(p.steps, step{kind: 'c', a: point{x1, y1}, b: point{x2, y2}, c: point{x, y}})
	return p
}

func (p *path) add(q *path) *path {
	p.steps = append(p.steps, q.steps...)
	return p
}

func (p *path) rasterize(r *vector.Rasterizer, m affine) {
	f := func(q point) (float32, float32) {
		q = m.apply(q)
		return float32(q.x), float32(q.y)
	}
	open := false
	for _, s := range p.steps {
		ax, ay := f(s.a)
		switch s.kind {
		case 'm':
			if open {
				r.ClosePath()
			}
			open = true
			r.MoveTo(ax, ay)
		case 'l':
			r.LineTo(ax, ay)
		case 'q':
			bx, by := f(s.b)
			r.QuadTo(ax, ay, bx, by)
		case 'c':
			bx, by := f(s.b)
			cx, cy := f(s.c)
			r.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	if open {
		r.ClosePath()
	}
}

// bounds are those of the control points, which hold every curve.
func (p *path) bounds(m affine) image.Rectangle {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	grow := func(q point) {
		q = m.apply(q)
		x0, y0, x1, y1 = min(x0, q.x), min(y0, q.y), max(x1, q.x), max(y1, q.y)
	}
	for _, s := range p.steps {
		grow(s.a)
		if s.kind == 'q' || s.kind == 'c' {
			grow(s.b)
		}
		if s.kind == 'c' {
			grow(s.c)
		}
	}
	if x0 > x1 {
		return image.Rectangle{}
	}
	return image.Rect(int(math.Floor(x0)), int(math.Floor(y0)), int(math.Ceil(x1))+1, int(math.Ceil(y1))+1)
}

func polygon(xy ...float64) *path {
	p := at(xy[0], xy[1])
	for i := 2; i+1 < len(xy); i += 2 {
		p.line(xy[i], xy[i+1])
	}
	return p
}

// ellipse runs clockwise on the screen.
func ellipse(cx, cy, rx, ry float64) *path {
	const k = 0.5522847498 // the cubic nearest to a quarter of a circle
	return at(cx+rx, cy).
		cubic(cx+rx, cy+k*ry, cx+k*rx, cy+ry, cx, cy+ry).
		cubic(cx-k*rx, cy+ry, cx-rx, cy+k*ry, cx-rx, cy).
		cubic(cx-rx, cy-k*ry, cx-k*rx, cy-ry, cx, cy-ry).
		cubic(cx+k*rx, cy-ry, cx+rx, cy-k*ry, cx+rx, cy)
}

// ring is an ellipse with a smaller one cut out.
func ring(cx, cy, rx, ry, width, height float64) *path {
	rx1, ry1 := rx-width, ry-height
	const k = 0.5522847498
	return ellipse(cx, cy, rx, ry).move(cx+rx1, cy).
		cubic(cx+rx1, cy-k*ry1, cx+k*rx1, cy-ry1, cx, cy-ry1).
		cubic(cx-k*rx1, cy-ry1, cx-rx1, cy-k*ry1, cx-rx1, cy).
		cubic(cx-rx1, cy+k*ry1, cx-k*rx1, cy+ry1, cx, cy+ry1).
		cubic(cx+k*rx1, cy+ry1, cx+rx1, cy+k*ry1, cx+rx1, cy)
}

func rect(x, y, w, h float64) *path { return polygon(x, y, x+w, y, x+w, y+h, x, y+h) }

func roundRect(x, y, w, h, r float64) *path {
	const k = 0.4477152502
	return at(x+r, y).line(x+w-r, y).cubic(x+w-k*r, y, x+w, y+k*r, x+w, y+r).
		line(x+w, y+h-r).cubic(x+w, y+h-k*r, x+w-k*r, y+h, x+w-r, y+h).
		line(x+r, y+h).cubic(x+k*r, y+h, x, y+h-k*r, x, y+h-r).
		line(x, y+r).cubic(x, y+k*r, x+k*r, y, x+r, y)
}

// smooth returns points along a curve through all of the given ones
// (Catmull-Rom).
func smooth(through ...point) []point {
	var out []point
	n := len(through)
	for i := range n - 1 {
		p0, p1, p2, p3 := through[max(i-1, 0)], through[i], through[i+1], through[min(i+2, n-1)]
		for j := range 12 {
			t := float64(j) / 12
			out = append(out, point{catmull(p0.x, p1.x, p2.x, p3.x, t), catmull(p0.y, p1.y, p2.y, p3.y, t)})
		}
	}
	return append(out, through[n-1])
}

func catmull(p0, p1, p2, p3, t float64) float64 {
	return 0.5 * (2*p1 + (p2-p0)*t + (2*p0-5*p1+4*p2-p3)*t*t + (3*p1-p0-3*p2+p3)*t*t*t)
}

// stroke is a line of some width along points, with round ends.
func stroke(width float64, along ...point) *path {
	return taper(width, width, along...)
}

// taper is a stroke whose width goes from one value to another.
func taper(from, to float64, along ...point) *path {
	n := len(along)
	p := &path{}
	left, right := make([]point, n), make([]point, n)
	for i, q := range along {
		before, after := along[max(i-1, 0)], along[min(i+1, n-1)]
		dx, dy := after.x-before.x, after.y-before.y
		length := max(math.Hypot(dx, dy), 1e-9)
		half := (from + (to-from)*float64(i)/float64(max(n-1, 1))) / 2
		nx, ny := -dy/length*half, dx/length*half
		left[i], right[i] = point{q.x - nx, q.y - ny}, point{q.x + nx, q.y + ny}
	}
	// Each piece is a clockwise polygon of its own, so that a line that crosses
	// itself stays whole.
	for i := range n - 1 {
		p.add(polygon(left[i].x, left[i].y, left[i+1].x, left[i+1].y, right[i+1].x, right[i+1].y, right[i].x, right[i].y))
	}
	p.add(ellipse(along[0].x, along[0].y, from/2, from/2))
	return p.add(ellipse(along[n-1].x, along[n-1].y, to/2, to/2))
}
