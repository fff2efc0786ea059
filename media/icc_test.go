package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// icc makes a colour profile (ICC.1:2001-04, version 2.4) with the primaries of Display P3 and a gamma of 2.2. Its copyright has padding bytes more.
func icc(space string, padding int) []byte {
	fixed := func(values ...float64) (b []byte) { // s15Fixed16Number
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
		}
		return b
	}
	xyz := func(x, y, z float64) []byte { return append([]byte("XYZ \x00\x00\x00\x00"), fixed(x, y, z)...) }
	description := binary.BigEndian.AppendUint32([]byte("desc\x00\x00\x00\x00"), 5)
	description = append(description, "Test\x00"...)
	description = append(description, make([]byte, 4+4+2+1+67)...)
	curve := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33")
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", description}, {"cprt", []byte("text\x00\x00\x00\x00public domain\x00" + strings.Repeat("p", padding))}, {"wtpt", xyz(0.9642, 1, 0.8249)},
		{"rXYZ", xyz(0.51512, 0.2412, -0.00105)}, {"gXYZ", xyz(0.29198, 0.69225, 0.04189)}, {"bXYZ", xyz(0.1571, 0.06657, 0.78407)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	for _, tag := range tags {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		table = append(table, tag.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(profileHeader+4+12*len(tags)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tag.data)))
		data = append(data, tag.data...)
	}
	head := make([]byte, profileHeader)
	binary.BigEndian.PutUint32(head, uint32(len(head)+len(table)+len(data)))
	copy(head[8:], "\x02\x40\x00\x00mntr"+space+"XYZ \x07\xea\x00\x0b\x00\x1a\x00\x00\x00\x00\x00\x00acsp")
	copy(head[68:], fixed(0.9642, 1, 0.8249))
	return bytes.Join([][]byte{head, table, data}, nil)
}

// A profile comes back out of the pieces that it is written in, and out of nothing less.
func TestProfilePieces(t *testing.T) {
	t.Parallel()
	for _, padding := range []int{0, 65_000, 200_000} {
		want := newProfile(icc("RGB ", padding))
		require.NotNil(t, want)
		var b bytes.Buffer
		require.NoError(t, encodeImage(&b, JPEG, gradient(9, 9), 90, want))
		_, st := cleanBytes(t, JPEG, b.Bytes())
		require.Equal(t, want, st.profile)
		b.Reset()
		require.NoError(t, encodeImage(&b, PNG, gradient(9, 9), 0, want))
		_, st = cleanBytes(t, PNG, b.Bytes())
		require.Equal(t, want, st.profile)
	}
	part := func(number, count byte, body string) []byte {
		return []byte(jpegProfile + string([]byte{number, count}) + body)
	}
	whole := string(icc("RGB ", 0))
	for name, parts := range map[string][][]byte{
		"none":           nil,
		"one is missing": {part(1, 2, whole[:300])},
		"twice":          {part(1, 1, whole), part(1, 1, whole)},
		"number 0":       {part(0, 1, whole)},
		"beyond":         {part(2, 1, whole)},
		"other count":    {part(1, 2, whole[:300]), part(2, 3, whole[300:])},
		"no number":      {[]byte(jpegProfile)},
		"cut":            {part(1, 1, whole[:len(whole)-1])},
		"no profile":     {part(1, 1, strings.Repeat("x", 300))},
		"too short":      {part(1, 1, whole[:100])},
	} {
		var j jpegParts
		for _, p := range parts {
			j.add(p)
		}
		require.Nil(t, j.profile(), name)
	}
	var j jpegParts
	j.add(part(2, 2, whole[300:]))
	j.add(part(1, 2, whole[:300]))
	require.EqualValues(t, whole, j.profile(), "in any order")
}
