package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLimiter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLimiter(3, func() time.Time { return now })
	for range 3 {
		_, ok := l.allow("a")
		require.True(t, ok)
	}
	wait, ok := l.allow("a")
	require.False(t, ok)
	require.InDelta(t, 20*time.Second, wait, float64(time.Millisecond))
	_, ok = l.allow("b")
	require.True(t, ok, "another key has its own tokens")

	now = now.Add(wait)
	_, ok = l.allow("a")
	require.True(t, ok, "waiting as long as told is enough")
	_, ok = l.allow("a")
	require.False(t, ok, "and no longer lasting: a refusal took no token")

	for i := range maxKeys + 10 {
		l.allow(fmt.Sprint("flood ", i))
	}
	require.Len(t, l.byKey, maxKeys)
	require.Equal(t, maxKeys, l.order.Len())
}

func TestAddressKey(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"203.0.113.7":                 "203.0.113.7",
		"::ffff:203.0.113.7":          "203.0.113.7",
		"2001:db8:1:2:3:4:5:6":        "2001:db8:1:2::/64",
		"2001:db8:1:2:ffff::1":        "2001:db8:1:2::/64",
		"fe80::1%eth0":                "fe80::/64",
		"not an address but a socket": "not an address but a socket",
	} {
		require.Equal(t, want, addressKey(address))
	}
}

func TestClientAddress(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "192.0.2.1:4711"
	r.Header.Add("X-Forwarded-For", "10.9.9.9, 203.0.113.7")
	require.Equal(t, "192.0.2.1", (&Server{}).clientAddress(r), "the header is a stranger's word")
	require.Equal(t, "203.0.113.7", (&Server{trustProxy: true}).clientAddress(r), "what the own proxy added")
	r.Header.Set("X-Forwarded-For", "<script>")
	require.Equal(t, "192.0.2.1", (&Server{trustProxy: true}).clientAddress(r))
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/checkout":                    "/checkout",
		"/search?q=tea&brand=A%26B":    "/search?q=tea&brand=A%26B",
		"":                             "/else",
		"checkout":                     "/else",
		"//evil.example":               "/else",
		"/\\evil.example":              "/else",
		"https://evil.example/":        "/else",
		"javascript:alert(1)":          "/else",
		"/a\r\nSet-Cookie: x=y":        "/else",
		"///evil.example":              "/else",
		"/" + strings.Repeat("x", 4e3): "/else",
	} {
		require.Equal(t, want, localPath(target, "/else"), "%.60q", target)
	}
}

func FuzzLocalPath(f *testing.F) {
	f.Add("//evil.example")
	f.Add("/search?q=1#x")
	f.Fuzz(func(t *testing.T, target string) {
		path := localPath(target, "/")
		require.True(t, strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "/\\"), "%q leads to %q", target, path)
		require.NotContains(t, path, "\n")
	})
}

func TestDeviceName(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  "Firefox, Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":                   "Edge, Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Linux; Android 15; V2309A) AppleWebKit/537.36 Version/4.0 Chrome/130.0 Mobile Safari/537.36 MicroMessenger/8.0.50":          "WeChat, Android",
		"curl/8.14.1":               "curl",
		"":                          "",
		strings.Repeat("\xff", 300): "",
	} {
		require.Equal(t, want, deviceName(agent))
	}
	require.LessOrEqual(t, len(deviceName(strings.Repeat("x", 1e5))), 40)
}

func TestPagesParseInBothLanguages(t *testing.T) {
	t.Parallel()
	assets, err := assetURLs()
	require.NoError(t, err)
	all, err := parsePages(assets)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.ElementsMatch(t, keys(all[i18n.English]), keys(all[i18n.Chinese]))
	require.Greater(t, len(all[i18n.English]), 10)
}

func keys[V any](m map[string]V) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	return list
}

func TestPriceValues(t *testing.T) {
	t.Parallel()
	for i := range len(priceEdges) + 1 {
		low, high, ok := priceBounds(rangeValue(i))
		require.True(t, ok, rangeValue(i))
		require.True(t, high == 0 || low < high, rangeValue(i))
	}
	for _, bad := range []string{"", "-", "1000", "1-2", "1000--", "1e3-2500", "2500-9223372036854775808", "-1000-2500"} {
		_, _, ok := priceBounds(bad)
		require.False(t, ok, "%q", bad)
	}
}

func TestReadAskRefuses(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"a query of 1 MB":        "q=" + strings.Repeat("x", 1<<20),
		"a query of broken UTF8": "q=%ff",
		"a price nobody offered": "price=1-2",
		"a brand of 1 KB":        "brand=" + strings.Repeat("x", 1<<10),
		"a NUL":                  "brand=a%00b",
		"a thousand brands":      manyBrands(1000),
	} {
		_, err := readAsk(httptest.NewRequest(http.MethodGet, "/search?"+query, nil))
		require.Error(t, err, name)
		require.True(t, strings.Contains(err.Error(), "web:") || strings.Contains(err.Error(), "shop:"), name)
	}
	a, err := readAsk(httptest.NewRequest(http.MethodGet, "/search?q=+tea+&page=-7&sort=no&unknown=1&brand=A&brand=A", nil))
	require.NoError(t, err)
	require.Equal(t, "tea", a.text)
	require.Equal(t, 1, a.page)
	require.Empty(t, a.sort)
	require.Equal(t, "/search?brand=A&q=tea", a.address(a.values))
}

func manyBrands(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "&brand=b%d", i)
	}
	return b.String()
}

func TestFieldErrors(t *testing.T) {
	t.Parallel()
	errs, err := fieldErrors(i18n.English, &shop.InvalidError{Field: "phone", Reason: "error.phone"})
	require.NoError(t, err)
	require.Contains(t, errs["phone"], "country code")
	errs, err = fieldErrors(i18n.English, shop.ErrNotFound)
	require.ErrorIs(t, err, shop.ErrNotFound)
	require.Nil(t, errs)
}
