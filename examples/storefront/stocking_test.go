package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func writeCatalogue(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "products.ndjson")
	require.NoError(t, os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600))
	return name
}

func productLine(id int) string {
	return fmt.Sprintf(`{"id": "p%d", "title": "Lamp number %d", "price_cents": 1999, "supplier": "Lumen", "stock": 7}`, id, id)
}

func TestCatalogueIsImportedOnce(t *testing.T) {
	t.Parallel()
	data, file := t.TempDir(), writeCatalogue(t, productLine(1), productLine(2), productLine(3))
	s := startShop(t, "-data", data, "-catalogue", file)
	require.Contains(t, s.out.String(), "3 products ready in")
	require.Equal(t, exitOK, s.stop())

	s = startShop(t, "-data", data, "-catalogue", file)
	require.NotContains(t, s.out.String(), "products ready in", "a second start has nothing to do")
	require.Equal(t, exitOK, s.stop())

	s = startShop(t, "-data", data)
	require.NotContains(t, s.out.String(), "products ready in", "without -catalogue the imported one stays")
	require.Contains(t, get(t, s.url+"/search"), "Lamp number 2")
	require.Equal(t, exitOK, s.stop())

	require.NoError(t, os.RemoveAll(filepath.Join(data, "search")))
	s = startShop(t, "-data", data, "-catalogue", file)
	require.Contains(t, get(t, s.url+"/search?q=lamp"), "number 2", "a lost index is built anew")
	require.Equal(t, exitOK, s.stop())
}

func TestBadCatalogueLines(t *testing.T) {
	t.Parallel()
	file := writeCatalogue(t, productLine(1), `{"id": "p2", "title": `, productLine(3), `{"id": "p4", "title": "Free", "price_cents": 0}`)

	var out, errs output
	data := t.TempDir()
	require.Equal(t, exitFailed, run(t.Context(), []string{"-addr", "127.0.0.1:0", "-data", data, "-catalogue", file}, noEnvironment, &out, &errs))
	require.Contains(t, errs.String(), "nothing was imported: catalogue: line 2: ")
	require.NotContains(t, out.String(), "ready on")

	s := startShop(t, "-data", data, "-catalogue", file, "-on-bad-line", "skip")
	require.Contains(t, s.out.String(), "catalogue: line 2: ")
	require.Contains(t, s.out.String(), "catalogue: line 4: ")
	require.Contains(t, s.out.String(), "2 of 4 lines skipped")
	require.Contains(t, s.out.String(), "2 products ready in")
	require.Equal(t, exitOK, s.stop())
}

func TestAFailedImportKeepsTheShopAsItWas(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := startShop(t, "-data", data, "-catalogue", writeCatalogue(t, productLine(1), productLine(2)))
	require.Equal(t, exitOK, s.stop())

	var out, errs output
	require.Equal(t, exitFailed, run(t.Context(), []string{"-addr", "127.0.0.1:0", "-data", data, "-catalogue", writeCatalogue(t, productLine(9), "not JSON")}, noEnvironment, &out, &errs))

	s = startShop(t, "-data", data)
	page := get(t, s.url+"/search")
	require.Contains(t, page, "Lamp number 1")
	require.NotContains(t, page, "Lamp number 9")
	require.Equal(t, exitOK, s.stop())
}
