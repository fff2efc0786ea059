package bench

import (
	"fmt"
	"html/template"
	"math"
	"strings"
)

// Plot is a line chart with logarithmic axes: throughput and latency over
// callers span several powers of ten, and equal ratios should look equal.
type Plot struct {
	Title  string
	XLabel string
	YLabel string
	Lines  []Line
}

// Line is one named series of a Plot.
type Line struct {
	Name   string
	Dashed bool // set apart from the others, as what they are compared with
	Points []Point
}

// dashes is the attribute of a line's stroke.
func (l Line) dashes() string {
	if l.Dashed {
		return ` stroke-dasharray="7 5"`
	}
	return ""
}

// Point is one measured value, with its spread if Low and High are not zero.
// Only points with a positive X and Y are drawn.
type Point struct{ X, Y, Low, High float64 }

// The palette keeps apart for colour-blind readers (Okabe and Ito, 2008).
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#8c6d1f", "#7f7f7f"}

const (
	plotWidth, plotHeight                          = 640, 380
	marginLeft, marginRight, marginTop, marginFoot = 74, 16, 40, 52
)

// SVG draws the plot. The result is safe to place in a page.
func (p Plot) SVG() template.HTML {
	x, y := p.scales()
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg">`,
		plotWidth, plotHeight, template.HTMLEscapeString(p.Title))
	text := func(px, py float64, anchor, class, content string) {
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f" text-anchor="%s" class="%s">%s</text>`, px, py, anchor, class, template.HTMLEscapeString(content))
	}
	text(plotWidth/2, 22, "middle", "title", p.Title)
	text((marginLeft+plotWidth-marginRight)/2, plotHeight-8, "middle", "label", p.XLabel)
	fmt.Fprintf(&out, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle" class="label">%s</text>`,
		(marginTop+plotHeight-marginFoot)/2, template.HTMLEscapeString(p.YLabel))
	for _, tick := range y.ticks() {
		fmt.Fprintf(&out, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" class="grid"/>`, marginLeft, plotWidth-marginRight, y.at(tick), y.at(tick))
		text(marginLeft-6, y.at(tick)+4, "end", "tick", short(tick))
	}
	for _, tick := range p.xValues() {
		fmt.Fprintf(&out, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" class="grid"/>`, x.at(tick), x.at(tick), marginTop, plotHeight-marginFoot)
		text(x.at(tick), plotHeight-marginFoot+16, "middle", "tick", short(tick))
	}
	for i, line := range p.Lines {
		drawLine(&out, line, palette[i%len(palette)], x, y)
	}
	out.WriteString(`</svg>`)
	out.WriteString(p.legend())
	return template.HTML(out.String())
}

func drawLine(out *strings.Builder, line Line, colour string, x, y scale) {
	var path []string
	for _, point := range line.Points {
		if point.X <= 0 || point.Y <= 0 {
			continue
		}
		path = append(path, fmt.Sprintf("%.1f,%.1f", x.at(point.X), y.at(point.Y)))
		if point.Low > 0 && point.High > 0 {
			fmt.Fprintf(out, `<line x1="%[1]s" x2="%[1]s" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="1.5" opacity=".5"/>`,
				fmt.Sprintf("%.1f", x.at(point.X)), y.at(point.Low), y.at(point.High), colour)
		}
		fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %s at %s</title></circle>`,
			x.at(point.X), y.at(point.Y), colour, template.HTMLEscapeString(line.Name), short(point.Y), short(point.X))
	}
	fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>`, strings.Join(path, " "), colour, line.dashes())
}

func (p Plot) legend() string {
	var out strings.Builder
	out.WriteString(`<ul class="legend">`)
	for i, line := range p.Lines {
		fmt.Fprintf(&out, `<li><svg width="22" height="10" aria-hidden="true"><line x1="0" x2="22" y1="5" y2="5" stroke="%s" stroke-width="3"%s/></svg> %s</li>`,
			palette[i%len(palette)], line.dashes(), template.HTMLEscapeString(line.Name))
	}
	out.WriteString(`</ul>`)
	return out.String()
}

// scale maps values to pixels, logarithmically.
type scale struct{ low, high, from, to float64 }

func (s scale) at(value float64) float64 {
	return s.from + (math.Log(value)-math.Log(s.low))/(math.Log(s.high)-math.Log(s.low))*(s.to-s.from)
}

// ticks are the powers of ten in range, with 2 and 5 between them if there are few.
func (s scale) ticks() []float64 {
	var ticks []float64
	steps := []float64{1, 2, 5}
	if s.high/s.low > 1e4 {
		steps = steps[:1]
	}
	for exponent := math.Floor(math.Log10(s.low)); exponent <= math.Ceil(math.Log10(s.high)); exponent++ {
		for _, step := range steps {
			if tick := step * math.Pow(10, exponent); tick >= s.low && tick <= s.high {
				ticks = append(ticks, tick)
			}
		}
	}
	return ticks
}

func (p Plot) scales() (x, y scale) {
	x = scale{low: math.Inf(1), from: marginLeft + 12, to: plotWidth - marginRight - 12}
	y = scale{low: math.Inf(1), from: plotHeight - marginFoot, to: marginTop}
	for _, line := range p.Lines {
		for _, point := range line.Points {
			if point.X <= 0 || point.Y <= 0 {
				continue
			}
			x.low, x.high = min(x.low, point.X), max(x.high, point.X)
			y.low, y.high = min(y.low, point.Y), max(y.high, point.Y, point.High)
			if point.Low > 0 {
				y.low = min(y.low, point.Low)
			}
		}
	}
	return x.widened(1), y.widened(1.25)
}

// widened leaves room at both ends, and turns an empty or single-valued range into one that can be drawn.
func (s scale) widened(by float64) scale {
	if math.IsInf(s.low, 1) {
		s.low, s.high = 1, 10
	}
	s.low, s.high = s.low/by, s.high*by
	if s.high <= s.low {
		s.low, s.high = s.low/2, s.high*2
	}
	return s
}

// xValues are the distinct measured positions: a reader looks for those, not for round numbers.
func (p Plot) xValues() []float64 {
	var values []float64
	seen := map[float64]bool{}
	for _, line := range p.Lines {
		for _, point := range line.Points {
			if point.X > 0 && !seen[point.X] {
				seen[point.X] = true
				values = append(values, point.X)
			}
		}
	}
	return values
}

func short(value float64) string {
	switch {
	case value >= 1e6:
		return fmt.Sprintf("%gM", value/1e6)
	case value >= 1e3:
		return fmt.Sprintf("%gk", math.Round(value/100)/10)
	case value >= 10:
		return fmt.Sprintf("%g", math.Round(value))
	default:
		return fmt.Sprintf("%.2g", value)
	}
}
