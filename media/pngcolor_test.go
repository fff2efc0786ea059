package media

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// values reads numbers of 16 and 16 bits out of a tag of a profile, behind its first skip bytes.
func (p profile) values(t testing.TB, tag string, skip int) (out []float64) {
	t.Helper()
	count := int(binary.BigEndian.Uint32(p[profileHeader:]))
	for i := range count {
		entry := p[profileHeader+4+12*i:]
		if string(entry[:4]) == tag {
			at, size := int(binary.BigEndian.Uint32(entry[4:])), int(binary.BigEndian.Uint32(entry[8:]))
			for b := p[at+skip : at+size]; len(b) > 0; b = b[4:] {
				out = append(out, float64(int32(binary.BigEndian.Uint32(b)))/65536)
			}
		}
	}
	require.NotEmpty(t, out, tag)
	return out
}

func numbers(values ...uint32) string {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return string(b)
}

// What a PNG says about its colours, in whatever way, comes out as the profile that its variants carry.
func TestPNGColors(t *testing.T) {
	t.Parallel()
	gamma := func(g uint32) []byte { return pngChunk("gAMA", numbers(g)) }
	srgbChroma := pngChunk("cHRM", numbers(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
	adobeChroma := pngChunk("cHRM", numbers(31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))
	own := newProfile(icc("RGB ", 0))
	chunk, err := own.chunk()
	require.NoError(t, err)
	cicp := func(primaries, transfer byte) []byte {
		return pngChunk("cICP", string([]byte{primaries, transfer, 0, 1}))
	}
	// Colours under D50: Display P3 as in Apple's profile, Adobe RGB (1998) as in Adobe's.
	p3 := [][]float64{{0.51512, 0.24120, -0.00105}, {0.29198, 0.69225, 0.04189}, {0.15710, 0.06657, 0.78407}}
	adobe := [][]float64{{0.60974, 0.31111, 0.01947}, {0.20528, 0.62567, 0.06087}, {0.14919, 0.06322, 0.74457}}
	srgb := [][]float64{{0.43607, 0.22249, 0.01392}, {0.38515, 0.71687, 0.09708}, {0.14307, 0.06061, 0.71410}}
	for name, c := range map[string]struct {
		chunks [][]byte
		colors [][]float64
		curve  []float64
	}{
		"nothing":                      {},
		"gamma of sRGB":                {chunks: [][]byte{gamma(45455)}},
		"gamma and colours of sRGB":    {chunks: [][]byte{gamma(45455), srgbChroma}},
		"colours of sRGB":              {chunks: [][]byte{srgbChroma}},
		"sRGB before gamma":            {chunks: [][]byte{gamma(100000), pngChunk("sRGB", "\x00")}},
		"linear":                       {[][]byte{gamma(100000)}, srgb, []float64{1}},
		"gamma 1.8":                    {[][]byte{gamma(55556)}, srgb, []float64{1.8}},
		"the first counts":             {[][]byte{gamma(55556), gamma(100000)}, srgb, []float64{1.8}},
		"colours of Adobe RGB":         {[][]byte{gamma(45455), adobeChroma}, adobe, curveSRGB},
		"Display P3":                   {[][]byte{cicp(12, 13)}, p3, curveSRGB},
		"Display P3 before a profile":  {[][]byte{cicp(12, 13), chunk}, p3, curveSRGB},
		"sRGB before a profile":        {chunks: [][]byte{cicp(1, 13), chunk}},
		"P3, linear":                   {[][]byte{cicp(12, 8)}, p3, []float64{1}},
		"gamma 0":                      {chunks: [][]byte{gamma(0)}},
		"gamma out of bounds":          {chunks: [][]byte{gamma(1)}},
		"colours that are none":        {chunks: [][]byte{pngChunk("cHRM", numbers(0, 0, 0, 0, 0, 0, 0, 0))}},
		"colours all the same":         {chunks: [][]byte{pngChunk("cHRM", numbers(31270, 32900, 64000, 33000, 64000, 33000, 64000, 33000))}},
		"PQ, which no profile has":     {chunks: [][]byte{cicp(9, 16)}},
		"YCbCr, which no PNG has":      {chunks: [][]byte{pngChunk("cICP", "\x0c\x0d\x01\x01")}},
		"gamma of the wrong size":      {chunks: [][]byte{pngChunk("gAMA", "\x00\x00")}},
		"PQ, with linear to fall back": {[][]byte{cicp(9, 16), gamma(100000)}, srgb, []float64{1}},
	} {
		png := encoded(t, PNG, gradient(9, 9))
		_, st := cleanBytes(t, PNG, insert(png, 33, bytes.Join(c.chunks, nil)))
		if c.curve == nil {
			require.Nil(t, st.profile, name)
			continue
		}
		require.NotNil(t, st.profile, name)
		require.Equal(t, st.profile, newProfile(st.profile), name)
		require.NotNil(t, st.profile.of(gradient(1, 1)), name)
		for i, tag := range []string{"rXYZ", "gXYZ", "bXYZ"} {
			require.InDeltaSlice(t, c.colors[i], st.profile.values(t, tag, 8), 0.0006, "%s %s", name, tag)
		}
		require.InDeltaSlice(t, c.curve, st.profile.values(t, "gTRC", 12), 0.0001, name)
	}
	_, st := cleanBytes(t, PNG, insert(encoded(t, PNG, gradient(9, 9)), 33, append(gamma(100000), chunk...)))
	require.Equal(t, own, st.profile, "a profile before gamma")
	_, st = cleanBytes(t, PNG, insert(encoded(t, PNG, gradient(9, 9)), 33, append(cicp(9, 16), chunk...)))
	require.Equal(t, own, st.profile, "a profile beside PQ")
}
