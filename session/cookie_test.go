package session

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Our own reading of the Cookie header finds the tokens that net/http finds.
func TestCookiesAreReadAsNetHTTPDoes(t *testing.T) {
	t.Parallel()
	c := CookieOptions{}
	require.NoError(t, c.complete())
	token := strings.Repeat("a", idLength) + "." + strings.Repeat("b", secretLength)
	other := strings.Repeat("c", idLength) + "." + strings.Repeat("d", secretLength)
	rapid.Check(t, func(t *rapid.T) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		for _, parts := range rapid.SliceOfN(rapid.SliceOf(rapid.SampledFrom([]string{
			c.Name, "=", token, other, ";", "; ", " ", "\t", "\"", "x", c.Name + "=" + token, c.Name + "=" + other + ";", "__host-session=" + token,
		})), 0, 3).Draw(t, "lines") {
			r.Header.Add("Cookie", strings.Join(parts, ""))
		}
		seen := map[string]bool{}
		for _, cookie := range r.CookiesNamed(c.Name) {
			if _, err := parseToken(cookie.Value); err == nil {
				seen[cookie.Value] = true
			}
		}
		found, ok := c.fromRequest(r)
		require.Equal(t, len(seen) == 1, ok, "%q", r.Header["Cookie"])
		if ok {
			require.True(t, seen[found.String()])
		}
	})
}
