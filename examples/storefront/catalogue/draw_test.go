package catalogue

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue/art"
)

func TestEveryProductHasAShape(t *testing.T) {
	t.Parallel()
	known := art.Shapes()
	for _, p := range Demo() {
		require.Contains(t, known, p.Drawing.Shape, p.ID)
	}
	for path, shape := range categoryShapes {
		require.Contains(t, known, shape, path)
		require.True(t, slices.ContainsFunc(Categories(), func(c Category) bool { return c.Path == path }), path)
	}
	require.Equal(t, "cartridge", shapeOf("printing/toner"))
	require.Equal(t, "printer", shapeOf("printing/parts"), "the parent's")
	require.Equal(t, "box", shapeOf("other"))
}

func TestDrawTakesColourFromTheCatalogue(t *testing.T) {
	t.Parallel()
	p := Product{ID: "x", Category: "printing/ink", Attributes: map[string]string{"colour": "Magenta,Cyan"}}
	magenta := Draw(p, 0)
	p.Attributes["colour"] = "Cyan"
	require.NotEqual(t, magenta, Draw(p, 0))
}
