package catalogue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/database"
)

func openDB(t *testing.T, path string) *database.DB {
	t.Helper()
	db, err := database.OpenSQLite(t.Context(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func openTable(t *testing.T) *Table {
	t.Helper()
	table, err := Open(t.Context(), openDB(t, filepath.Join(t.TempDir(), "shop.db")))
	require.NoError(t, err)
	return table
}

func ids(products []Product) []string {
	var out []string
	for _, p := range products {
		out = append(out, p.ID)
	}
	return out
}

func TestTableKeepsWhatWasImported(t *testing.T) {
	t.Parallel()
	ctx, table, demo := t.Context(), openTable(t), Demo()
	fingerprint, err := table.Fingerprint(ctx)
	require.NoError(t, err)
	require.Empty(t, fingerprint, "nothing has been imported")
	var progress []int
	imported, err := table.Import(ctx, DemoFingerprint(), Products(demo), &ImportOptions{Progress: func(n int) { progress = append(progress, n) }})
	require.NoError(t, err)
	require.Equal(t, Imported{Products: len(demo)}, imported)
	require.Equal(t, []int{len(demo)}, progress)

	var all []Product
	for p, err := range table.All(ctx) {
		require.NoError(t, err)
		all = append(all, p)
	}
	require.Equal(t, demo, all, "every field, in the order of the file")

	p, err := table.Get(ctx, "tea-puer-357")
	require.NoError(t, err)
	require.Equal(t, "熟普洱茶饼 357克", p.Title.In(Chinese))
	_, err = table.Get(ctx, "tea-pu")
	require.ErrorIs(t, err, ErrNotFound)

	some, err := table.ByIDs(ctx, []string{"phone-lumo-15", "no-such", "tea-puer-357", "cup-night-blue"})
	require.NoError(t, err)
	require.Equal(t, []string{"phone-lumo-15", "tea-puer-357", "cup-night-blue"}, ids(some), "in the order asked for")
	some, err = table.BySKUs(ctx, []string{"TEA-PUER-357"})
	require.NoError(t, err)
	require.Equal(t, []string{"tea-puer-357"}, ids(some))
	some, err = table.ByIDs(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, some)
}

func TestTableListsACategoryAndAllBelow(t *testing.T) {
	t.Parallel()
	ctx, table := t.Context(), openTable(t)
	_, err := table.Import(ctx, "1", Products([]Product{
		{ID: "a", SKU: "a", Category: "tea/green", Popularity: 10},
		{ID: "b", SKU: "b", Category: "tea", Popularity: 30},
		{ID: "c", SKU: "c", Category: "tea-ware/pots", Popularity: 90}, // begins alike, and is elsewhere
		{ID: "d", SKU: "d", Category: "tea/black", Popularity: 20},
		{ID: "e", SKU: "e", Category: "teas", Popularity: 50},
	}), nil)
	require.NoError(t, err)
	for _, test := range []struct {
		category      string
		offset, limit int
		want          []string
		count         int
	}{
		{"tea", 0, 10, []string{"b", "d", "a"}, 3},
		{"tea", 1, 1, []string{"d"}, 3},
		{"tea", 3, 10, nil, 3},
		{"tea/green", 0, 10, []string{"a"}, 1},
		{"", 0, 2, []string{"c", "e"}, 5},
		{"te", 0, 10, nil, 0},
		{"tea' OR 1=1 --", 0, 10, nil, 0},
	} {
		page, err := table.List(ctx, test.category, test.offset, test.limit)
		require.NoError(t, err)
		require.Equal(t, test.want, ids(page), test.category)
		n, err := table.Count(ctx, test.category)
		require.NoError(t, err)
		require.Equal(t, test.count, n, test.category)
	}
	stocked, err := table.Categories(ctx)
	require.NoError(t, err)
	var tree []string
	for _, s := range stocked {
		tree = append(tree, fmt.Sprint(s.Path, " ", s.Products))
	}
	require.Equal(t, []string{"tea 3", "tea/green 1", "tea/black 1", "tea-ware 1", "tea-ware/pots 1", "teas 1"}, tree)
}

// numbered yields n products, and after them err when it is not nil.
func numbered(n int, err error) iter.Seq2[Product, error] {
	return func(yield func(Product, error) bool) {
		for i := range n {
			id := fmt.Sprintf("p%d", i)
			if !yield(Product{ID: id, SKU: id, Category: "other", PriceCents: 1}, nil) {
				return
			}
		}
		if err != nil {
			yield(Product{}, err)
		}
	}
}

func TestImportIsAllOrNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	line := &LineError{Line: 7, Reason: "is odd"}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx      context.Context
		products iter.Seq2[Product, error]
		options  *ImportOptions
		want     error
	}{
		"reader fails":        {t.Context(), numbered(250, broken), nil, broken},
		"bad line":            {t.Context(), numbered(250, line), nil, line},
		"bad line is refused": {t.Context(), numbered(250, line), &ImportOptions{BadLine: func(*LineError) error { return broken }}, broken},
		"fatal although skip": {t.Context(), numbered(250, broken), &ImportOptions{BadLine: func(*LineError) error { return nil }}, broken},
		"cancelled":           {cancelled, numbered(250, nil), nil, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := openTable(t)
			_, err := table.Import(t.Context(), "before", Products(Demo()), nil)
			require.NoError(t, err)
			imported, err := table.Import(test.ctx, "after", test.products, test.options)
			require.ErrorIs(t, err, test.want)
			require.Zero(t, imported)
			n, err := table.Count(t.Context(), "")
			require.NoError(t, err)
			require.Equal(t, len(Demo()), n, "the old products are all there")
			fingerprint, err := table.Fingerprint(t.Context())
			require.NoError(t, err)
			require.Equal(t, "before", fingerprint)
		})
	}
}

func TestImportSkipsBadLinesWhenTold(t *testing.T) {
	t.Parallel()
	table := openTable(t)
	var told []int
	imported, err := table.Import(t.Context(), "f", numbered(205, &LineError{Line: 206, Reason: "is odd"}), &ImportOptions{
		BadLine: func(e *LineError) error { told = append(told, e.Line); return nil },
	})
	require.NoError(t, err)
	require.Equal(t, Imported{Products: 205, Skipped: 1}, imported)
	require.Equal(t, []int{206}, told)
	n, err := table.Count(t.Context(), "other")
	require.NoError(t, err)
	require.Equal(t, 205, n)
}

func TestFingerprintsTellCataloguesApart(t *testing.T) {
	t.Parallel()
	one, err := FileFingerprint("testdata/sample.ndjson")
	require.NoError(t, err)
	again, err := FileFingerprint("testdata/sample.ndjson")
	require.NoError(t, err)
	require.Equal(t, one, again)
	require.NotEqual(t, one, DemoFingerprint())
	_, err = FileFingerprint("testdata/none")
	require.ErrorContains(t, err, "catalogue: open testdata/none")
}
