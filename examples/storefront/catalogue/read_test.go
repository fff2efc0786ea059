package catalogue

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

func sample(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/sample.ndjson")
	require.NoError(t, err)
	return text
}

func gzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func readAll(t testing.TB, r io.Reader) []Product {
	t.Helper()
	var products []Product
	for p, err := range Read(r) {
		require.NoError(t, err)
		products = append(products, p)
	}
	return products
}

func TestReadTakesPlainAndGzippedFiles(t *testing.T) {
	t.Parallel()
	text := sample(t)
	products := readAll(t, bytes.NewReader(text))
	require.Len(t, products, 20)
	require.Equal(t, products, readAll(t, bytes.NewReader(gzipped(t, text))))
	require.Equal(t, products, readAll(t, iotest.OneByteReader(bytes.NewReader(text))))
	require.Equal(t, products, readAll(t, strings.NewReader("\xef\xbb\xbf"+strings.ReplaceAll(string(text), "\n", "\r\n\r\n"))))

	printer := products[3]
	require.Equal(t, Product{
		ID: "9004", SKU: "9004", Model: "P210", Brand: "Brightmoor", Category: "printing/printers",
		Title:       Text{EN: "Brightmoor P210 Laser 1200 x 1200 DPI 24 ppm A4 printer"},
		Description: Text{EN: "Mono laser printer, duplex, Wi-Fi 250-sheet tray"},
		PriceCents:  18900, Released: time.Date(2019, 9, 3, 0, 0, 0, 0, time.UTC), EAN: []string{"4000000000042"},
		Attributes: map[string]string{"print_technology": "Laser printing", "colour": "White", "wi_fi": "Yes", "width": "360.5"},
		Stock:      defaultStock,
	}, printer)
	require.Equal(t, "Black toner, 9,000 pages", products[2].Description.EN)
	require.Equal(t, "Thin & light", products[8].Description.EN)
	require.Equal(t, []string{"Black", "Silver"}, products[9].Values("colour"))
	require.NotContains(t, products[0].Attributes, "pallet_weight", "what only a warehouse reads is left out")
	require.Equal(t, "Cyan", products[0].Attributes["colour"])
}

func TestReadDerivesCategories(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"9001": "printing/ink", "9003": "printing/toner", "9004": "printing/printers", "9005": "cables/network", "9006": "cables/video",
		"9007": "cables/power", "9008": "power/ups", "9009": "computers/notebooks", "9010": "computers/monitors", "9011": "computers/input",
		"9012": "audio-video/headphones", "9013": "audio-video/players", "9014": "audio-video/cameras", "9015": "office/labels",
		"9016": "appliances", "9017": "toys", "9018": "services", "9019": "computers/storage", "9020": "other",
	}
	for _, p := range readAll(t, bytes.NewReader(sample(t))) {
		if want[p.ID] != "" {
			require.Equal(t, want[p.ID], p.Category, p.Title.EN)
		}
	}
}

func TestReadNamesBadLinesAndGoesOn(t *testing.T) {
	t.Parallel()
	const good = `{"id":"good","title":"Good","price_cents":1}`
	for name, test := range map[string]struct{ line, reason string }{
		"not JSON":             {`{"id": "a"`, "is not a JSON object: unexpected end of JSON input"},
		"an array":             {`[1]`, "is not a JSON object"},
		"not UTF-8":            {"{\"id\":\"a\xff\"}", "is not UTF-8"},
		"too long":             {`{"id":"` + strings.Repeat("a", maxLine) + `"}`, "is longer than 1048576 bytes"},
		"no id":                {`{"title":"A","price_cents":1}`, "id: is missing"},
		"id with a path":       {`{"id":"../a","title":"A","price_cents":1}`, `id: "../a" is not 1 to 64 letters`},
		"id of dots":           {`{"id":"..","title":"A","price_cents":1}`, `id: ".." is not`},
		"id too long":          {`{"id":"` + strings.Repeat("a", 65) + `","title":"A","price_cents":1}`, "id: "},
		"sku":                  {`{"id":"a","sku":"a b","title":"A","price_cents":1}`, `sku: "a b" is not`},
		"no title":             {`{"id":"a","price_cents":1}`, "title: is missing"},
		"title too long":       {`{"id":"a","title":"` + strings.Repeat("a", 1001) + `","price_cents":1}`, "title: is longer than 1000 bytes"},
		"supplier too long":    {`{"id":"a","title":"A","supplier":"` + strings.Repeat("a", 1001) + `","price_cents":1}`, "supplier: is longer"},
		"description too long": {`{"id":"a","title":"A","description":"` + strings.Repeat("a", 64001) + `","price_cents":1}`, "description: is longer"},
		"no price":             {`{"id":"a","title":"A"}`, "price_cents: is missing"},
		"price of text":        {`{"id":"a","title":"A","price_cents":"1"}`, "price_cents: is a JSON string"},
		"price of a fraction":  {`{"id":"a","title":"A","price_cents":1.5}`, "price_cents: is a JSON number 1.5"},
		"price zero":           {`{"id":"a","title":"A","price_cents":0}`, "price_cents: 0 is not 1 to 100000000"},
		"price negative":       {`{"id":"a","title":"A","price_cents":-5}`, "price_cents: -5 is not"},
		"price overflows":      {`{"id":"a","title":"A","price_cents":99999999999999999999}`, "price_cents: is a JSON number"},
		"stock":                {`{"id":"a","title":"A","price_cents":1,"stock":-1}`, "stock: -1 is not 0 to 1000000"},
		"popularity":           {`{"id":"a","title":"A","price_cents":1,"popularity":101}`, "popularity: 101 is not 0 to 100"},
		"released":             {`{"id":"a","title":"A","price_cents":1,"released":"yesterday"}`, `released: "yesterday" is not an RFC 3339 time`},
		"category":             {`{"id":"a","title":"A","price_cents":1,"category":"Tea > Green"}`, `category: "Tea > Green" is not a path`},
		"category too deep":    {`{"id":"a","title":"A","price_cents":1,"category":"a/b/c/d/e"}`, "category: "},
		"nested attribute":     {`{"id":"a","title":"A","price_cents":1,"attributes":{"size":{"w":1}}}`, "attributes.size: is not text, a number or a boolean"},
		"long attribute":       {`{"id":"a","title":"A","price_cents":1,"attributes":{"size":"` + strings.Repeat("a", 64001) + `"}}`, "attributes.size: is longer than 64000 bytes"},
		"colour of a drawing":  {`{"id":"a","title":"A","price_cents":1,"drawing":{"colours":["red"]}}`, `drawing.colours: "red" is not #rrggbb`},
		"same id":              {good, `id: "good" is on an earlier line too`},
		"same sku":             {`{"id":"a","sku":"good","title":"A","price_cents":1}`, `sku: "good" is on an earlier line too`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []string
			var bad []*LineError
			for p, err := range Read(strings.NewReader(good + "\n\n" + test.line + "\n" + strings.Replace(good, "good", "after", 1))) {
				if err == nil {
					ids = append(ids, p.ID)
					continue
				}
				line, ok := errors.AsType[*LineError](err)
				require.True(t, ok, err)
				bad = append(bad, line)
			}
			require.Equal(t, []string{"good", "after"}, ids, "the lines around are not affected")
			require.Len(t, bad, 1)
			require.Equal(t, 3, bad[0].Line)
			require.Contains(t, bad[0].Reason, test.reason)
			require.Equal(t, fmt.Sprintf("catalogue: line 3: %s", bad[0].Reason), bad[0].Error())
		})
	}
}

func TestReadEndsWithTheReadersError(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	zipped := gzipped(t, sample(t))
	for name, test := range map[string]struct {
		r    io.Reader
		want error
	}{
		"reader":         {io.MultiReader(bytes.NewReader(sample(t)), iotest.ErrReader(broken)), broken},
		"truncated gzip": {bytes.NewReader(zipped[:len(zipped)-40]), io.ErrUnexpectedEOF},
		"bad gzip":       {strings.NewReader("\x1f\x8bnot really gzip"), gzip.ErrHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var last error
			for _, err := range Read(test.r) {
				require.NoError(t, last, "nothing follows the error")
				last = err
			}
			require.ErrorIs(t, last, test.want)
			_, isLine := errors.AsType[*LineError](last)
			require.False(t, isLine, "a file that cannot be read is no bad line")
		})
	}
}

func TestReadStopsWhenAsked(t *testing.T) {
	t.Parallel()
	n := 0
	for range Read(bytes.NewReader(sample(t))) {
		if n++; n == 3 {
			break
		}
	}
	require.Equal(t, 3, n)
}

// TestReadTheRealFile reads the 19,406 products that the relevance judgements
// are about, where they are at hand.
func TestReadTheRealFile(t *testing.T) {
	t.Parallel()
	const file = "../../../../shared/relevance/products.ndjson.gz"
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Log("the real catalogue is not part of a clone; the sample in testdata stands for it")
		return
	}
	require.NoError(t, err)
	defer f.Close()
	categories, colours, brands, n := map[string]int{}, 0, map[string]bool{}, 0
	for p, err := range Read(f) {
		require.NoError(t, err)
		n++
		categories[p.Category]++
		brands[p.Brand] = true
		if len(p.Values("colour")) > 0 {
			colours++
		}
	}
	require.Equal(t, 19406, n)
	require.Len(t, brands, 161)
	require.Greater(t, colours, 10_000)
	require.Less(t, categories[uncategorized], n/10, "the rules know nine products in ten")
	known := map[string]bool{}
	for _, c := range Categories() {
		known[c.Path] = true
	}
	for category := range categories {
		require.True(t, known[category], category)
	}
	t.Log(categories)
}

func FuzzRead(f *testing.F) {
	f.Add(sample(f))
	f.Add(gzipped(f, sample(f)[:2000]))
	f.Add([]byte(`{"id":"a","title":"<b>A</b> &amp; \\n B","price_cents":1,"attributes":{"colour":true,"product_colour":"Black,White","x":1e300}}`))
	f.Add([]byte("\xef\xbb\xbf{}\n\n[]\nnull\n\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for p, err := range Read(bytes.NewReader(text)) {
			if err != nil {
				continue
			}
			require.True(t, isIdentifier(p.ID) && isIdentifier(p.SKU))
			require.Positive(t, p.PriceCents)
			require.True(t, isCategoryPath(p.Category))
			for key, value := range p.Attributes {
				require.NotEmpty(t, key)
				require.LessOrEqual(t, len(value), maxValue)
			}
		}
	})
}
