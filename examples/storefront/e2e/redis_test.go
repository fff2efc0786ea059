package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

// The whole journey, with sessions and codes in Redis.
func TestHeadlessCheckOnRedis(t *testing.T) {
	t.Parallel()
	address := testenvtest.RedisURL(t, testenvtest.Redis(t))
	output, err := exec.CommandContext(t.Context(), binary, "-headless-check", "-redis", address).CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Regexp(t, `\d+ steps passed`, string(output))
	require.NotEmpty(t, keys(t, address, "session:*"))
	require.NotEmpty(t, keys(t, address, "otp:*"))
}

// Who is logged in stays so, and a code that was sent stays good, when the shop
// is killed and opened again: both are in Redis.
func TestRedisOutlivesTheShop(t *testing.T) {
	t.Parallel()
	address, data := testenvtest.RedisURL(t, testenvtest.Redis(t)), t.TempDir()
	shop := open(t, data, "-redis", address)
	const mine, theirs = "+447702000001", "+447702000002"
	loggedIn, err := newShopper(t.Context(), shop, mine)
	require.NoError(t, err)
	require.Len(t, keys(t, address, "session:user:*"), 1)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	waiting := &shopper{client: &http.Client{Jar: jar, Timeout: waitLong}}
	_, err = waiting.post(t.Context(), shop.URL+"/login/code", url.Values{"phone": {theirs}})
	require.NoError(t, err)
	code, err := shop.texted(t.Context(), theirs)
	require.NoError(t, err)
	shop.kill(t)

	shop = open(t, data, "-redis", address)
	_, err = waiting.post(t.Context(), shop.URL+"/login/verify", url.Values{"code": {code}})
	require.NoError(t, err)
	require.Equal(t, "/account", loggedIn.lands(t, shop.URL+"/account"))
	require.Equal(t, "/account", waiting.lands(t, shop.URL+"/account"))
	_, err = loggedIn.post(t.Context(), shop.URL+"/logout", nil)
	require.NoError(t, err)
	require.Equal(t, "/login", loggedIn.lands(t, shop.URL+"/account"))
}

// lands says where an address leads to.
func (s *shopper) lands(t *testing.T, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	answer, err := s.client.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	return answer.Request.URL.Path
}

func keys(t *testing.T, address, pattern string) []string {
	t.Helper()
	options, err := redis.ParseURL(address)
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	found, err := client.Keys(t.Context(), pattern).Result()
	require.NoError(t, err)
	return found
}
