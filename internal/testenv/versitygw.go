package testenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A GoProgram is a server that is built from its Go module. Command getservers
// builds it into the user's cache, where this package finds it.
type GoProgram struct {
	Name    string // of the program
	Package string // its import path
	Version string
}

// GoPrograms are those that tests use.
var GoPrograms = []GoProgram{NATSServer, VersityGW}

// VersityGW is a gateway that speaks S3 over a folder.
var VersityGW = GoProgram{Name: "versitygw", Package: "github.com/versity/versitygw/cmd/versitygw", Version: "v1.8.0"}

// Dir is the directory the program is built into.
func (p GoProgram) Dir() (string, error) { return cacheDir(p.Name + "-" + p.Version) }

// Look returns the path of the program: that in the cache, or one in PATH.
func (p GoProgram) Look() (string, error) {
	dir, err := p.Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, p.Name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return LookPath(p.Name, "")
}

// The credentials of an S3 server.
const (
	S3AccessKey = "commerce"
	S3SecretKey = "only-for-tests"
)

// S3 starts a server that speaks S3. DSN is its address, as http://127.0.0.1:7070.
// Its region is us-east-1, its credentials are S3AccessKey and S3SecretKey. NewDatabase
// makes a bucket.
//
// It returns an [UnavailableError] when versitygw is not installed.
func S3(ctx context.Context, opts *Options) (*Server, error) {
	health := "/" + rand.Text()
	return start(ctx, kind{
		name: "versitygw",
		find: VersityGW.Look,
		prepare: func(_ context.Context, _, data string) error {
			return os.Mkdir(filepath.Join(data, "buckets"), 0o700)
		},
		args: func(_, data string, port int) []string {
			return []string{
				"--port", "127.0.0.1:" + strconv.Itoa(port), "--access", S3AccessKey, "--secret", S3SecretKey, "--health", health, "--quiet",
				// Metadata goes into extended attributes: with --sidecar it would change after the content.
				"posix", filepath.Join(data, "buckets"),
			}
		},
		dsn:         func(addr string) string { return "http://" + addr },
		ready:       func(ctx context.Context, s *Server) error { return answers(ctx, s.DSN+health) },
		portTaken:   [][]byte{[]byte("address already in use")},
		newDatabase: newBucket,
	}, opts)
}

// answers reports whether an address can be fetched. The path is known to one server only.
func answers(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("answer %d", answer.StatusCode)
	}
	return nil
}

// newBucket makes a bucket, which is a folder to this server.
func newBucket(_ context.Context, s *Server) (string, func(context.Context) error, error) {
	name := strings.ToLower(rand.Text())
	folder := filepath.Join(s.data(), "buckets", name)
	return s.DSN + "/" + name, func(context.Context) error { return os.RemoveAll(folder) }, os.Mkdir(folder, 0o700)
}
