package catalogue

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCategorizeTellsWhatCarriesANotebookFromOne holds titles as makers write
// them: what a thing is for must not decide what it is.
func TestCategorizeTellsWhatCarriesANotebookFromOne(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		`Urban Factory Modulo2 Laptop Bag 17.3" Black`:                               "computers/bags",
		"Targus 10 - 12.1 inch / 25.4 - 30.7cm Laptop Case – XS notebook case Black": "computers/bags",
		"Sleeve for a 13 inch laptop":                                                "computers/bags",
		"Laptop battery, 6 cells":                                                    "power/batteries",
		"A 15 inch laptop with two ports":                                            "computers/notebooks",
	} {
		p := Product{Title: Text{EN: title}}
		require.Equal(t, want, categorize(&p), title)
		if want == "computers/bags" {
			require.Equal(t, "backpack", shapeOf(want))
		}
	}
}
