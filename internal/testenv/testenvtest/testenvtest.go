// Package testenvtest gives tests the servers of package testenv, with skips,
// logs and clean-up.
//
// A test that needs a server which is not installed is skipped and says how to
// get it, and with -short all of them are. It fails instead when the
// environment has CI=true or COMMERCE_REQUIRE=all.
//
// MariaDB, MySQL, Postgres and Redis are the shared servers of the run: those
// named by COMMERCE_MARIADB_ADDR and its like (host:port; "make test" sets
// them), else one that the test binary starts when it is first asked for and
// that goes when the binary ends. Tests share them with others that run at the
// same time, so they ask for a database of their own with [Database] or
// [RedisURL]. A test that wants to hurt a server takes a private one.
package testenvtest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/internal/testenv"
)

// dropTimeout is for the clean-up after a test.
const dropTimeout = 30 * time.Second

// Skip skips the test for a reason outside of it, or fails it where nothing
// may be skipped (see [testenv.Required]). Tests call this instead of t.Skip.
// The reason says how to get what is missing.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if testenv.Required() {
		t.Fatalf("required here, so not skipped: %s", reason)
	}
	t.Skip(reason)
}

// shared is a server that all tests of this binary use. Nothing closes one
// that was started here: its guard does when the binary ends.
type shared struct {
	env   string
	start func(context.Context, *testenv.Options) (*testenv.Server, error)
	at    func(addr string) *testenv.Server

	once   sync.Once
	server *testenv.Server
	err    error
}

func (s *shared) get(t testing.TB) *testenv.Server {
	t.Helper()
	skipShort(t)
	s.once.Do(func() {
		if addr := os.Getenv(s.env); addr != "" {
			s.server = s.at(addr)
			return
		}
		s.server, s.err = s.start(context.Background(), &testenv.Options{Brief: true})
	})
	return check(t, s.server, s.err)
}

func private(t testing.TB, start func(context.Context, *testenv.Options) (*testenv.Server, error), opts *testenv.Options) *testenv.Server {
	t.Helper()
	skipShort(t)
	brief := testenv.Options{}
	if opts != nil {
		brief = *opts
	}
	brief.Brief = true
	server, err := start(t.Context(), &brief)
	check(t, server, err)
	t.Cleanup(func() {
		if t.Failed() {
			kept, err := server.KeepLog()
			t.Logf("end of the server's log (whole: %s %v):\n%s", kept, err, server.LogTail())
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func skipShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		Skip(t, "needs a server, and -short means none")
	}
}

func check(t testing.TB, server *testenv.Server, err error) *testenv.Server {
	t.Helper()
	switch {
	case errors.Is(err, testenv.ErrUnavailable):
		Skip(t, err.Error())
	case err != nil:
		t.Fatal(err)
	}
	return server
}

// Program returns the path of a program that the test runs, as Chromium. It
// skips the test when the program is not installed; debian is the package that
// has it.
func Program(t testing.TB, program, debian string) string {
	t.Helper()
	path, err := testenv.LookPath(program, debian)
	if err != nil {
		Skip(t, err.Error())
	}
	return path
}

// Long reports whether a test that wreaks havoc may take its time: "make
// chaos" sets COMMERCE_CHAOS=long. Such tests are named TestChaos…, and run a
// short round with all the others.
func Long() bool { return os.Getenv("COMMERCE_CHAOS") == "long" }

// Proxy puts a proxy before addr for the duration of the test.
func Proxy(t testing.TB, addr string) *testenv.Proxy {
	t.Helper()
	proxy, err := testenv.NewProxy(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	})
	return proxy
}

// Database makes an empty database on a MariaDB, MySQL or PostgreSQL server and
// returns its DSN, in go-sql-driver's form or as a URL. It is dropped at the end
// of the test.
func Database(t testing.TB, server *testenv.Server) string {
	t.Helper()
	return database(t, server)
}

// RedisURL returns the URL of an empty logical database on a Redis server that
// no other test uses, as redis://127.0.0.1:6379/17. It is flushed at the end
// of the test. Scripts, channels and FLUSHALL reach beyond it: a test of those
// takes a private server.
func RedisURL(t testing.TB, server *testenv.Server) string {
	t.Helper()
	return database(t, server)
}

func database(t testing.TB, server *testenv.Server) string {
	t.Helper()
	dsn, drop, err := server.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// The test's context has ended, and a private server may be down on purpose.
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		if err := drop(ctx); err != nil {
			t.Logf("database not dropped: %v", err)
		}
	})
	return dsn
}
