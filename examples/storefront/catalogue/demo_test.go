package catalogue

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

func TestDemoIsAShop(t *testing.T) {
	t.Parallel()
	demo := Demo()
	require.InDelta(t, 60, len(demo), 5)
	brands, categories := map[string]bool{}, map[string]bool{}
	var low, single, soldOut, mixed int
	for _, p := range demo {
		brands[p.Brand] = true
		categories[p.Category[:strings.IndexByte(p.Category, '/')]] = true
		switch {
		case p.Stock == 0:
			soldOut++
		case p.Stock == 1:
			single++
		case p.Stock <= 5:
			low++
		}
		if strings.HasPrefix(p.Title.ZH, "Lumo15手机壳") {
			mixed++
		}
		require.Greater(t, len(p.Description.EN), 60, p.ID)
		require.Greater(t, len([]rune(p.Description.ZH)), 15, p.ID)
		require.GreaterOrEqual(t, p.PriceCents, int64(500), p.ID)
		require.NotEmpty(t, p.Drawing.Shape, p.ID)
		require.Len(t, p.Drawing.Colours, 3, p.ID)
		require.False(t, p.Released.IsZero(), p.ID)
		require.NotEqual(t, p.Title.EN, p.Title.ZH, p.ID)
	}
	require.Len(t, brands, 9)
	require.Len(t, categories, 7)
	require.Equal(t, 1, soldOut)
	require.Equal(t, 1, single)
	require.GreaterOrEqual(t, low, 3)
	require.Positive(t, mixed, "names that mix scripts are what search must cope with")
}

// TestDemoSpeaksBothLanguages holds that no English word is left on a Chinese
// page: brands, categories, attribute names and all values but measures.
func TestDemoSpeaksBothLanguages(t *testing.T) {
	t.Parallel()
	for _, p := range Demo() {
		require.NotEmpty(t, ValueLabel(p.Brand).ZH, p.Brand)
		for _, c := range CategoryTrail(p.Category) {
			require.NotEmpty(t, c.Label.ZH, c.Path)
		}
		for _, s := range p.Specifications() {
			require.NotEmpty(t, s.Name.ZH, s.Key)
			for _, value := range p.Values(s.Key) {
				if words(value) != words(ValueLabel(value).In(Chinese)) {
					continue
				}
				for word := range strings.FieldsSeq(value) {
					letters := strings.TrimFunc(word, func(r rune) bool { return !unicode.IsLetter(r) })
					// Units and norms are the same in both: ml, W, mAh, HRC, USB-C, IP67.
					require.True(t, len(letters) <= 4 || value == "Wi-Fi" || strings.HasPrefix(letters, "USB"), "%s: %s has no Chinese", s.Key, value)
				}
			}
		}
	}
}

func TestSpecificationsBeginWithWhatShoppersFilterBy(t *testing.T) {
	t.Parallel()
	for _, p := range Demo() {
		if p.ID != "powerbank-10k" {
			continue
		}
		sheet := p.Specifications()
		require.Equal(t, Specification{Key: "colour", Name: Text{"Colour", "颜色"}, Value: Text{"Green", "绿色"}}, sheet[0])
		require.Equal(t, Text{"USB-C, USB-A", "USB-C、USB-A"}, sheet[3].Value)
		require.Equal(t, "10,000 mAh", sheet[len(sheet)-2].Value.EN, "a comma in a number does not split it")
		return
	}
	t.Fatal("the power bank is gone")
}

func TestLabels(t *testing.T) {
	t.Parallel()
	require.Equal(t, Text{"Green tea", "绿茶"}, CategoryLabel("tea/green"))
	require.Equal(t, Text{EN: "Garden gnomes"}, CategoryLabel("home/garden-gnomes"), "unknown to the menu")
	require.Equal(t, []Category{{"tea", Text{"Tea", "茶叶"}}, {"tea/green", Text{"Green tea", "绿茶"}}}, CategoryTrail("tea/green"))
	require.Empty(t, CategoryTrail(""))
	require.Equal(t, Text{EN: "Processor cores"}, AttributeLabel("processor_cores_"))
	require.Equal(t, "Black", Text{EN: "Black"}.In(Chinese), "no Chinese: the English")
	require.Equal(t, "黑", Text{ZH: "黑"}.In(English))
	seen := map[string]bool{"": true}
	for _, c := range Categories() {
		require.True(t, seen[c.Parent()], "%s comes before its parent", c.Path)
		require.False(t, seen[c.Path], "%s is there twice", c.Path)
		seen[c.Path] = true
	}
}
