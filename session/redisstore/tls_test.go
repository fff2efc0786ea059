package redisstore_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/session"
	"github.com/seed82d84382/commerce/session/redisstore"
	"github.com/seed82d84382/commerce/session/sessiontest"
)

// A real server over TLS, as a user of its own: by the client's options, and by an
// address. A client that does not trust the certificate gets nothing.
func TestTLSAndUser(t *testing.T) {
	t.Parallel()
	signed := httptest.NewTLSServer(http.NotFoundHandler()) // has a certificate for 127.0.0.1
	defer signed.Close()
	certificate := signed.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}, "key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := free.Addr().(*net.TCPAddr).Port
	require.NoError(t, free.Close())
	server := testenvtest.PrivateRedis(t, &testenv.Options{Args: []string{
		"--tls-port", strconv.Itoa(port), "--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"),
		"--tls-auth-clients", "no",
	}})
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer admin.Close()
	require.NoError(t, admin.Do(t.Context(), "acl", "setuser", "shop", "on", ">secret", "~session:*", "+@all").Err())

	trusted := signed.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	address := "rediss://shop:secret@127.0.0.1:" + strconv.Itoa(port) + "/0"
	options := func(roots *x509.CertPool) *redis.Options {
		o, err := redis.ParseURL(address)
		require.NoError(t, err)
		o.TLSConfig = &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
		o.MaxRetries = -1
		return o
	}
	c := redis.NewClient(options(trusted))
	defer c.Close()
	m, err := redisstore.Open(c, nil)
	require.NoError(t, err)
	defer m.Close()
	token, err := m.Token(sessiontest.Context(t, m, session.User{ID: "42"}, nil))
	require.NoError(t, err)
	user, _ := m.User(m.Attach(t.Context(), token))
	require.Equal(t, "42", user.ID)
	who, err := c.Do(t.Context(), "acl", "whoami").Text()
	require.NoError(t, err)
	require.Equal(t, "shop", who)

	stranger := redis.NewClient(options(x509.NewCertPool()))
	defer stranger.Close()
	wary, err := redisstore.Open(stranger, nil)
	require.NoError(t, err)
	defer wary.Close()
	err = wary.Load(wary.Attach(t.Context(), token))
	require.ErrorIs(t, err, session.ErrUnavailable)
	require.NotContains(t, err.Error(), "secret")
}
