package media

import (
	"encoding/binary"
	"math"
	"slices"
)

// pngColor is what a PNG says about its colours (W3C PNG, third edition, sections 11.3.2 and 13): cICP goes before iCCP, that before sRGB, and
// that before gAMA and cHRM. Whatever counts comes out as an ICC profile, the one form that all formats of variants can carry; sRGB as none,
// since that is what an image without a profile means.
type pngColor struct {
	seen   map[string]bool
	cicp   []byte
	icc    profile
	gamma  float64 // the exponent of decoding; 0 if none is told
	chroma []float64
}

// pngColorChunks are the kinds that count, with the size of their bodies; -1 is any.
var pngColorChunks = map[string]int64{"cICP": 4, "iCCP": -1, "sRGB": 1, "gAMA": 4, "cHRM": 32}

// wants reports whether the body of a chunk is needed. Each kind counts once: a second one is against the rules, and each costs.
func (c *pngColor) wants(kind string, length int64) bool {
	size, ok := pngColorChunks[kind]
	return ok && (size == length || size < 0) && !c.seen[kind]
}

func (c *pngColor) add(kind string, body []byte) {
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[kind] = true
	const unit = 100_000
	switch kind {
	case "cICP":
		c.cicp = slices.Clone(body)
	case "iCCP":
		c.icc = inflateProfile(body)
	case "gAMA":
		if g := binary.BigEndian.Uint32(body); g > 0 {
			c.gamma = unit / float64(g)
		}
	case "cHRM":
		for at := range 8 {
			c.chroma = append(c.chroma, float64(binary.BigEndian.Uint32(body[4*at:]))/unit)
		}
	}
}

// Chromaticities: x and y of white, red, green and blue.
var (
	bt709     = []float64{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06} // also those of sRGB
	bt2020    = []float64{0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046}
	displayP3 = []float64{0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}
)

// Curves as parameters of ICC's parametric type: g alone is v^g; with five it is type 3, (a·v+b)^g from d on, and c·v below.
var (
	curveSRGB  = []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}
	curveBT709 = []float64{1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081}
)

// Code points of ITU-T H.273. Those for high dynamic range (PQ, HLG) are not among them: no profile describes them to
// programs of today, so that for them, as for unknown ones, the other chunks count.
var (
	cicpPrimaries = map[byte][]float64{1: bt709, 9: bt2020, 12: displayP3}
	cicpCurves    = map[byte][]float64{1: curveBT709, 4: {2.2}, 5: {2.8}, 6: curveBT709, 8: {1}, 13: curveSRGB, 14: curveBT709, 15: curveBT709}
)

func (c *pngColor) profile() profile {
	if len(c.cicp) == 4 && c.cicp[2] == 0 && c.cicp[3] == 1 { // RGB, full range
		primaries, curve := cicpPrimaries[c.cicp[0]], cicpCurves[c.cicp[1]]
		if primaries != nil && curve != nil {
			return rgbProfile(primaries, curve)
		}
	}
	if c.icc != nil {
		return c.icc
	}
	if c.seen["sRGB"] || c.gamma == 0 && c.chroma == nil {
		return nil
	}
	primaries, curve := bt709, curveSRGB
	if c.chroma != nil && !near(c.chroma, bt709) {
		primaries = c.chroma
	}
	// The exponent of 1/0.45455 stands for sRGB in most files that have it.
	if c.gamma != 0 && math.Abs(c.gamma-2.2) > 0.03 {
		curve = []float64{c.gamma}
	}
	return rgbProfile(primaries, curve)
}

func near(a, b []float64) bool {
	for i := range a {
		if math.Abs(a[i]-b[i]) > 0.002 {
			return false
		}
	}
	return true
}

// d50 is the white of ICC profiles, XYZ.
var d50 = [3]float64{0.9642, 1, 0.8249}

type matrix [3][3]float64

func (m matrix) times(v [3]float64) (out [3]float64) {
	for i := range out {
		for j := range v {
			out[i] += m[i][j] * v[j]
		}
	}
	return out
}

func (m matrix) inverse() matrix {
	var out matrix
	cofactor := func(i, j int) float64 {
		a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}
	determinant := m[0][0]*cofactor(0, 0) + m[0][1]*cofactor(0, 1) + m[0][2]*cofactor(0, 2)
	for i := range 3 {
		for j := range 3 {
			out[j][i] = cofactor(i, j) / determinant
		}
	}
	return out
}

// bradford turns XYZ into cone responses, in which whites are adapted (ICC.1:2022, annex E).
var bradford = matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}

// rgbProfile makes a profile (ICC.1:2022, matrix and curves) out of chromaticities and a curve. It is nil for sRGB, and
// for numbers that describe no colours.
func rgbProfile(chroma, curve []float64) profile {
	if near(chroma, bt709) && slices.Equal(curve, curveSRGB) {
		return nil
	}
	var xyz matrix // a column each of red, green and blue
	for i := range 3 {
		x, y := chroma[2+2*i], chroma[3+2*i]
		xyz[0][i], xyz[1][i], xyz[2][i] = x/y, 1, (1-x-y)/y
	}
	white := [3]float64{chroma[0] / chroma[1], 1, (1 - chroma[0] - chroma[1]) / chroma[1]}
	scale := xyz.inverse().times(white)
	from, to := bradford.times(white), bradford.times(d50)
	var colors [3][3]float64 // red, green and blue under D50
	for i := range 3 {
		color := bradford.times([3]float64{xyz[0][i] * scale[i], xyz[1][i] * scale[i], xyz[2][i] * scale[i]})
		for j := range 3 {
			color[j] *= to[j] / from[j]
		}
		colors[i] = bradford.inverse().times(color)
		for _, v := range colors[i] {
			if !(math.Abs(v) < 4) { // NaN too; real ones are below 1.2
				return nil
			}
		}
	}
	if !(curve[0] > 0.1 && curve[0] < 10) {
		return nil
	}
	return writeProfile(colors, curve)
}

// writeProfile lays out the profile: header, table of tags, tags.
func writeProfile(colors [3][3]float64, curve []float64) profile {
	fixed := func(b []byte, values ...float64) []byte { // s15Fixed16Number
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536)))) //nolint:gosec // bounded above, and negative ones are meant to wrap
		}
		return b
	}
	text := func(s string) []byte { // multiLocalizedUnicodeType
		b := []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS\x00\x00\x00" + string(rune(2*len(s))) + "\x00\x00\x00\x1c")
		for _, c := range []byte(s) {
			b = append(b, 0, c)
		}
		return b
	}
	xyz := func(v [3]float64) []byte { return fixed([]byte("XYZ \x00\x00\x00\x00"), v[:]...) }
	kind := "\x00\x00"
	if len(curve) > 1 {
		kind = "\x00\x03"
	}
	trc := fixed([]byte("para\x00\x00\x00\x00"+kind+"\x00\x00"), curve...)
	tags := []struct {
		names []string
		data  []byte
	}{
		{[]string{"desc"}, text("RGB of a PNG")}, {[]string{"cprt"}, text("CC0")}, {[]string{"wtpt"}, xyz(d50)},
		{[]string{"rXYZ"}, xyz(colors[0])}, {[]string{"gXYZ"}, xyz(colors[1])}, {[]string{"bXYZ"}, xyz(colors[2])},
		{[]string{"rTRC", "gTRC", "bTRC"}, trc},
	}
	const count = 9
	table, data := binary.BigEndian.AppendUint32(nil, count), []byte(nil)
	for _, tag := range tags {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		for _, name := range tag.names {
			table = append(table, name...)
			table = binary.BigEndian.AppendUint32(table, uint32(profileHeader+4+12*count+len(data))) //nolint:gosec // a few hundred
			table = binary.BigEndian.AppendUint32(table, uint32(len(tag.data)))                      //nolint:gosec // a few hundred
		}
		data = append(data, tag.data...)
	}
	for len(data)%4 != 0 {
		data = append(data, 0)
	}
	head := make([]byte, profileHeader)
	binary.BigEndian.PutUint32(head, uint32(len(head)+len(table)+len(data))) //nolint:gosec // a few hundred
	copy(head[8:], "\x04\x40\x00\x00mntrRGB XYZ \x07\xea\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00acsp")
	copy(head[68:], fixed(nil, d50[:]...))
	return slices.Concat(profile(head), table, data)
}
