package testenv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// SecureElasticsearch is a node of Elasticsearch 8.14 that speaks TLS and lets nobody in
// without a name. DSN is its URL, https and without credentials.
type SecureElasticsearch struct {
	*Server
	// Username and Password are those of a user who may do everything.
	Username, Password string
	// Authority knows who signed the certificate of the server.
	Authority *x509.CertPool
}

// NewSecureElasticsearch starts a node of its own certificate authority and password.
func NewSecureElasticsearch(ctx context.Context) (*SecureElasticsearch, error) {
	e := &SecureElasticsearch{Username: "shop", Password: rand.Text()}
	authority, certificate, key, err := newCertificate()
	if err != nil {
		return nil, fmt.Errorf("testenv: elasticsearch: certificate: %w", err)
	}
	e.Authority = x509.NewCertPool()
	e.Authority.AddCert(authority)
	hashed, err := hashForElasticsearch(e.Password)
	if err != nil {
		return nil, fmt.Errorf("testenv: elasticsearch: password: %w", err)
	}
	k := elasticsearch8.kind([]string{
		"xpack.security.enabled: true",
		"xpack.security.http.ssl.enabled: true",
		"xpack.security.http.ssl.certificate: http.crt",
		"xpack.security.http.ssl.key: http.key",
	})
	plain := k.prepare
	k.prepare = func(ctx context.Context, program, data string) error {
		if err := plain(ctx, program, data); err != nil {
			return err
		}
		var errs []error
		for name, text := range map[string][]byte{
			"http.crt": certificate, "http.key": key,
			"users":       []byte(e.Username + ":" + hashed + "\n"),
			"users_roles": []byte("superuser:" + e.Username + "\n"),
		} {
			errs = append(errs, os.WriteFile(filepath.Join(data, "config", name), text, 0o600))
		}
		return errors.Join(errs...)
	}
	k.dsn = func(addr string) string { return "https://" + addr }
	k.newDatabase = nil
	// No other server has a certificate of this authority.
	k.ready = func(ctx context.Context, s *Server) error {
		return e.ask(ctx, s.DSN+"/_cluster/health?wait_for_status=yellow&timeout=1s")
	}
	e.Server, err = start(ctx, k, &Options{Brief: true})
	return e, err
}

func (e *SecureElasticsearch) ask(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.SetBasicAuth(e.Username, e.Password)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.Authority, MinVersion: tls.VersionTLS12}}
	return elasticsearchSend(&http.Client{Transport: transport, Timeout: elasticsearchTimeout}, request, nil)
}

// newCertificate makes an authority, and a certificate of it for loopback with its key, as PEM.
func newCertificate() (authority *x509.Certificate, certificate, key []byte, err error) {
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, nil, nil, err
	}
	if authority, err = x509.ParseCertificate(der); err != nil {
		return nil, nil, nil, err
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	template = &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if der, err = x509.CreateCertificate(rand.Reader, template, authority, own.Public(), signer); err != nil {
		return nil, nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		return nil, nil, nil, err
	}
	return authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), nil
}

// hashForElasticsearch writes a password as the server's file of users holds it: PBKDF2
// with SHA-512, the rounds, the salt and the key of 32 bytes.
func hashForElasticsearch(password string) (string, error) {
	const rounds, length = 1000, 32
	salt := make([]byte, length)
	rand.Read(salt)
	key, err := pbkdf2.Key(sha512.New, password, salt, rounds, length)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("{PBKDF2}%d$%s$%s", rounds, base64.StdEncoding.EncodeToString(salt), base64.StdEncoding.EncodeToString(key)), nil
}
