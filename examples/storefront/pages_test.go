package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", body)
	return string(body)
}

// visitor is a client that keeps its cookies and does not follow redirects.
func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func do(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := c.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer, string(body)
}

func request(t *testing.T, method, address string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// TestPages asks for each page as a stranger, good requests and bad ones.
func TestPages(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-admin-password", "walk on through", "-login-limit", "100000")
	for _, test := range []struct {
		method, path string
		form         url.Values
		status       int
		want         string // in the body, or the place redirected to
	}{
		{"GET", "/", nil, 200, "Well loved this week"},
		{"HEAD", "/", nil, 200, ""},
		{"GET", "/search", nil, 200, "Everything"},
		{"GET", "/search?q=green+tea&sort=price-up", nil, 200, "<mark>"},
		{"GET", "/search?q=%E7%BB%BF%E8%8C%B6", nil, 200, "class=\"card\""},
		{"GET", "/search?q=qzxvwkjq", nil, 200, "We found nothing for that"},
		{"GET", "/search?q=" + strings.Repeat("x", 500), nil, 422, "too long"},
		{"GET", "/search?q=" + strings.Repeat("x", 60_000), nil, 422, "too long"},
		{"GET", "/search?q=%ff%fe", nil, 422, "cannot be read"},
		{"GET", "/search?page=99999", nil, 200, "We found nothing"},
		{"GET", "/search?page=-1", nil, 200, "Everything"},
		{"GET", "/search?price=1-2", nil, 400, "could not read that"},
		{"GET", "/search?sort=by-magic&unknown=1", nil, 200, "Everything"},
		{"GET", "/category/tea", nil, 200, "Green tea"},
		{"GET", "/category/no/such", nil, 200, "We found nothing"},
		{"GET", "/product/tea-longjing-100", nil, 200, "Dragon Well"},
		{"GET", "/product/tea-longjing-100?view=2", nil, 200, "Dragon Well"},
		{"GET", "/product/no-such", nil, 404, "There is nothing here"},
		{"GET", "/product/..%2f..%2fetc%2fpasswd", nil, 404, "There is nothing here"},
		{"GET", "/product/%00", nil, 404, "There is nothing here"},
		{"GET", "/product/tea-longjing-100/stock", nil, 200, `"class":"plenty"`},
		{"GET", "/product/no-such/stock", nil, 404, ""},
		{"GET", "/picture/no-such", nil, 404, ""},
		{"GET", "/img/..%2fshop.db", nil, 404, ""},
		{"GET", "/img/products/none.jpg", nil, 404, ""},
		{"GET", "/static/shop.css", nil, 200, ":root"},
		{"GET", "/static/..%2fserver.go", nil, 400, ""},
		{"GET", "/suggest?q=te", nil, 200, `"suggestions":[`},
		{"GET", "/suggest?q=", nil, 400, ""},
		{"GET", "/suggest?q=" + strings.Repeat("x", 500), nil, 400, ""},
		{"GET", "/cart", nil, 200, "Your cart is empty"},
		{"GET", "/login", nil, 200, "six-digit code"},
		{"GET", "/login/verify", nil, 303, "/login"},
		{"GET", "/account", nil, 303, "/login?next=%2Faccount"},
		{"GET", "/checkout", nil, 303, "/login?next=%2Fcheckout"},
		{"GET", "/order/AAAAAAAAAAAAAAAAAAAAAAAAAA", nil, 303, "/login?next="},
		{"POST", "/order/AAAAAAAAAAAAAAAAAAAAAAAAAA/pay", nil, 303, "/login"},
		{"GET", "/dev/outbox", nil, 200, "DEVELOPMENT ONLY"},
		{"GET", "/nowhere", nil, 404, "There is nothing here"},
		{"GET", "/admin", nil, 303, "/admin/login"},
		{"GET", "/admin/stock", nil, 303, "/admin/login"},
		{"GET", "/admin/queues/", nil, 303, "/admin/login"},
		{"POST", "/admin/queues/pause", url.Values{"queue": {"default"}}, 303, "/admin/login"},
		{"POST", "/admin/search/reindex", nil, 303, "/admin/login"},
		{"POST", "/admin/stock/TEA-LONGJING-100/adjust", url.Values{"quantity": {"1"}}, 303, "/admin/login"},

		{"POST", "/cart/add", url.Values{"sku": {"TEA-LONGJING-100"}, "quantity": {"2"}}, 303, "/cart"},
		{"POST", "/cart/add", url.Values{"sku": {"NO-SUCH"}, "quantity": {"1"}}, 404, ""},
		{"POST", "/cart/add", url.Values{"sku": {"TEA-LONGJING-100"}, "quantity": {"0"}}, 422, "1 to 99"},
		{"POST", "/cart/add", url.Values{"sku": {"TEA-LONGJING-100"}, "quantity": {"-1"}}, 422, "1 to 99"},
		{"POST", "/cart/add", url.Values{"sku": {"TEA-LONGJING-100"}, "quantity": {"99999999999999999999"}}, 422, "1 to 99"},
		{"POST", "/cart/add", url.Values{"sku": {strings.Repeat("x", 100_000)}, "quantity": {"1"}}, 413, "too large"},
		{"POST", "/login/code", url.Values{"phone": {"12"}}, 422, "country code"},
		{"POST", "/login/verify", url.Values{"code": {"123456"}}, 303, "/login"},
		{"POST", "/login/password", url.Values{"phone": {"+447700900999"}, "password": {"whatever it is"}}, 422, "do not go together"},
		{"POST", "/language", url.Values{"language": {"fr"}}, 400, ""},
		{"POST", "/language", url.Values{"language": {"zh"}, "back": {"//evil.example/"}}, 303, "/"},
		{"POST", "/language", url.Values{"language": {"zh"}, "back": {"/search?q=tea"}}, 303, "/search?q=tea"},
		{"POST", "/logout", nil, 303, "/login"},
	} {
		t.Run(fmt.Sprintf("%s %.60s", test.method, test.path), func(t *testing.T) {
			t.Parallel()
			answer, body := do(t, visitor(t), request(t, test.method, s.url+test.path, test.form))
			require.Equal(t, test.status, answer.StatusCode, "%.2000s", body)
			if answer.StatusCode == http.StatusSeeOther {
				require.Truef(t, strings.HasPrefix(answer.Header.Get("Location"), test.want), "led to %s", answer.Header.Get("Location"))
			} else {
				require.Contains(t, body, test.want)
			}
			require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
			require.NotContains(t, answer.Header.Get("Content-Security-Policy"), "unsafe")
			require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
			for _, cookie := range answer.Cookies() {
				require.True(t, cookie.HttpOnly, cookie.Name)
				require.NotEqual(t, http.SameSiteDefaultMode, cookie.SameSite, cookie.Name)
			}
		})
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-admin-password", "walk on through")
	for _, header := range [][2]string{{"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
		r := request(t, http.MethodPost, s.url+"/cart/add", url.Values{"sku": {"TEA-LONGJING-100"}, "quantity": {"1"}})
		r.Header.Set(header[0], header[1])
		answer, body := do(t, visitor(t), r)
		require.Equal(t, http.StatusForbidden, answer.StatusCode, header)
		require.Contains(t, body, "did not come from this shop")
		require.Empty(t, answer.Cookies())
	}
}

func TestLogInsAreRationed(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-login-limit", "5", "-admin-password", "walk on through")
	tries := map[string]url.Values{
		"/login/code":     {"phone": {"12"}},
		"/login/password": {"phone": {"+447700900999"}, "password": {"whatever it is"}},
		"/admin/login":    {"password": {"whatever it is"}},
	}
	for range 5 { // of whatever kind, they share the address's tokens
		answer, _ := do(t, visitor(t), request(t, http.MethodPost, s.url+"/login/code", tries["/login/code"]))
		require.Equal(t, http.StatusUnprocessableEntity, answer.StatusCode)
	}
	for path, form := range tries {
		answer, body := do(t, visitor(t), request(t, http.MethodPost, s.url+path, form))
		require.Equal(t, http.StatusTooManyRequests, answer.StatusCode, path)
		require.Regexp(t, `^\d+$`, answer.Header.Get("Retry-After"))
		require.Contains(t, body, "Please wait")
	}
	answer, _ := do(t, visitor(t), request(t, http.MethodGet, s.url+"/", nil))
	require.Equal(t, http.StatusOK, answer.StatusCode, "browsing is not rationed")
}

func TestCookiesAreSecureBehindHTTPS(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-url", "https://shop.example", "-admin-password", "walk on through")
	answer, _ := do(t, visitor(t), request(t, http.MethodPost, s.url+"/cart/add", url.Values{"sku": {"TEA-LONGJING-100"}, "quantity": {"1"}}))
	require.Len(t, answer.Cookies(), 1)
	cookie := answer.Cookies()[0]
	require.Equal(t, "__Host-shop", cookie.Name)
	require.True(t, cookie.Secure && cookie.HttpOnly)
	require.NotEmpty(t, answer.Header.Get("Strict-Transport-Security"))
	answer, _ = do(t, visitor(t), request(t, http.MethodGet, s.url+"/dev/outbox", nil))
	require.Equal(t, http.StatusNotFound, answer.StatusCode, "the outbox is for development")
	require.NotContains(t, s.out.String(), "SMS")
}

func TestAdminRefusesBadPictures(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-admin-password", "walk on through")
	admin := visitor(t)
	answer, _ := do(t, admin, request(t, http.MethodPost, s.url+"/admin/login", url.Values{"password": {"walk on through"}}))
	require.Equal(t, http.StatusSeeOther, answer.StatusCode)
	for name, test := range map[string]struct {
		content []byte
		want    string
		status  int
	}{
		"0 bytes":           {nil, "cannot be read", 422},
		"text":              {[]byte("hello"), "Please choose a JPEG or PNG", 422},
		"a script as SVG":   {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "Please choose a JPEG or PNG", 422},
		"a truncated PNG":   {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x06\x00\x00\x00\x1f\xf3\xffa"), "cannot be read", 422},
		"a pixel bomb":      {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x01\x00\x00\x00\x01\x00\x00\x08\x06\x00\x00\x00J\xb0\xc3\xb3"), "", 422},
		"more than 10 MB":   {append([]byte("\xff\xd8\xff\xe0"), make([]byte, 11<<20)...), "", 0},
		"a GIF, not wanted": {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), "Please choose a JPEG or PNG", 422},
	} {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("image", "../../etc/passwd.png")
		require.NoError(t, err)
		_, err = part.Write(test.content)
		require.NoError(t, err)
		require.NoError(t, form.Close())
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/admin/stock/TEA-LONGJING-100/image", &body)
		require.NoError(t, err)
		r.Header.Set("Content-Type", form.FormDataContentType())
		answer, page := do(t, admin, r)
		if test.status == 0 {
			require.Contains(t, []int{http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge}, answer.StatusCode, name)
			continue
		}
		require.Equal(t, test.status, answer.StatusCode, "%s: %.3000s", name, page)
		require.Contains(t, page, test.want, name)
	}
	answer, page := do(t, admin, request(t, http.MethodGet, s.url+"/product/tea-longjing-100", nil))
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Contains(t, page, "/picture/tea-longjing-100", "it still is the drawing")
}
