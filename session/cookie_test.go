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
	check := func(t require.TestingT, lines []string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Cookie"] = lines
		seen := map[string]bool{}
		for _, cookie := range r.CookiesNamed(c.Name) {
			if _, err := parseToken(cookie.Value); err == nil {
				seen[cookie.Value] = true
			}
		}
		found, ok := c.fromRequest(r)
		require.Equal(t, len(seen) == 1, ok, "%q", lines)
		if ok {
			require.True(t, seen[found.String()])
		}
	}
	check(t, []string{c.Name + " = x; " + c.Name + "\t=" + token})
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for _, parts := range rapid.SliceOfN(rapid.SliceOf(rapid.SampledFrom([]string{
			c.Name, "=", token, other, ";", "; ", " ", "\t", "\"", "x", c.Name + "=" + token, c.Name + "=" + other + ";", "__host-session=" + token,
		})), 0, 3).Draw(t, "lines") {
			lines = append(lines, strings.Join(parts, ""))
		}
		check(t, lines)
	})
}
