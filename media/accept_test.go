package media

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAcceptsWebP(t *testing.T) {
	t.Parallel()
	for _, yes := range []string{
		"image/webp", "image/avif,image/webp,*/*", "text/html, image/webp ; q=0.001", "image/webp;Q=1.0", "image/webp\t", "image/png,, ,image/webp", "image/webp;v=1;q=0.5",
	} {
		require.True(t, acceptsWebP([]string{yes}), yes)
	}
	for _, no := range []string{
		"", "*/*", "image/*", "image/webp;q=0", "image/webp; q=0.000", "image/webp;q=", "image/webp;q=NaN", "image/webp;q=-1", "image/webp;q=1e9", "image/webpx", "image", ";image/webp",
	} {
		require.False(t, acceptsWebP([]string{no}), no)
	}
	require.True(t, acceptsWebP([]string{"image/png", "image/webp"}), "in several lines")
}

func FuzzAcceptsWebP(f *testing.F) {
	f.Add("image/avif,image/webp;q=0.8,*/*;q=0.1")
	f.Add("image/webp;q=0")
	f.Fuzz(func(t *testing.T, line string) {
		if acceptsWebP([]string{line}) && !strings.Contains(strings.ToLower(line), WebP) {
			t.Fatalf("%q", line)
		}
	})
}
