package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// lockerVariable makes the test binary another storefront that holds a data directory.
const lockerVariable = "STOREFRONT_TEST_HOLDS"

func TestMain(m *testing.M) {
	if path := os.Getenv(lockerVariable); path != "" {
		holdDataDir(path)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// holdDataDir locks a directory, says so, and waits for its input to end.
func holdDataDir(path string) {
	dir, err := openDataDir(path)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = dir.Close()
	os.Exit(0)
}

func noEnvironment(string) string { return "" }

// output collects what a shop prints, from several goroutines.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"an unknown flag":           {[]string{"-color"}, "flag provided but not defined: -color"},
		"an argument":               {[]string{"serve"}, `unexpected argument "serve"`},
		"an address without port":   {[]string{"-addr", "127.0.0.1"}, `-addr "127.0.0.1": want host:port`},
		"a port that is none":       {[]string{"-addr", "127.0.0.1:http"}, `port "http" is not a number`},
		"a port too large":          {[]string{"-addr", "127.0.0.1:65536"}, `port "65536" is not a number from 0 to 65535`},
		"a bad line nobody handles": {[]string{"-on-bad-line", "ignore"}, `-on-bad-line "ignore": want skip or abort`},
		"a hold of no time":         {[]string{"-hold", "0s"}, "-hold 0s: want 1s to 24h"},
		"a hold that is no time":    {[]string{"-hold", "soon"}, `invalid value "soon" for flag -hold`},
		"a hold of a year":          {[]string{"-hold", "8760h"}, "-hold 8760h0m0s: want 1s to 24h"},
		"no log-ins at all":         {[]string{"-login-limit", "0"}, "-login-limit 0: want 1 to 100000"},
		"a short password":          {[]string{"-admin-password", "secret"}, "-admin-password: want at least 10 characters"},
		"a catalogue that is not":   {[]string{"-catalogue", "/no/such/file"}, "-catalogue: stat /no/such/file: no such file or directory"},
		"a catalogue of a folder":   {[]string{"-catalogue", "/"}, "-catalogue /: not a file"},
		"an address of no scheme":   {[]string{"-url", "shop.example"}, `-url "shop.example": want https://host`},
		"an address with a path":    {[]string{"-url", "https://shop.example/a"}, "want https://host without a path"},
		"two databases":             {[]string{"-mysql", "shop:secret@/shop", "-postgres", "postgres://shop:secret@/shop"}, "-mysql and -postgres: want one of them"},
		"a strategy nobody knows":   {[]string{"-inventory-strategy", "hopeful"}, `-inventory-strategy "hopeful": want one of grouped, pessimistic, optimistic, conditional`},
		"a Redis of no scheme":      {[]string{"-redis", "user:secret@localhost:6379"}, "-redis: want redis://"},
		"a Redis of a bad port":     {[]string{"-redis", "redis://user:secret@localhost:port"}, "-redis: want redis://"},
		"a queue nobody knows":      {[]string{"-queue", "post"}, `-queue "post": want one of sql, redis, rabbitmq`},
		"a queue of no place":       {[]string{"-queue", "rabbitmq"}, "-queue rabbitmq: say where it is with -rabbitmq"},
		"a short code key":          {[]string{"-code-key", "0123456789"}, "-code-key: want at least 16 characters"},
		"a log level nobody knows":  {[]string{"-log-level", "loud"}, `invalid value "loud" for flag -log-level`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs output
			require.Equal(t, exitUsage, run(t.Context(), test.args, noEnvironment, &out, &errs))
			require.Contains(t, errs.String(), test.want)
			require.Equal(t, 1, strings.Count(errs.String(), "\n"), "one line says it: %s", errs.String())
			require.NotContains(t, errs.String(), "secret")
			require.Empty(t, out.String())
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out, errs output
	require.Equal(t, exitOK, run(t.Context(), []string{"-help"}, noEnvironment, &out, &errs))
	for _, flag := range []string{"-addr", "-data", "-catalogue", "-on-bad-line", "-headless-check", "-admin-password"} {
		require.Contains(t, errs.String(), flag)
	}
}

func TestDevelopmentIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want bool
	}{
		{nil, true},
		{[]string{"-addr", "localhost:8080"}, true},
		{[]string{"-addr", "[::1]:8080"}, true},
		{[]string{"-addr", ":8080"}, false},
		{[]string{"-addr", "0.0.0.0:8080"}, false},
		{[]string{"-url", "https://shop.example"}, false},
		{[]string{"-addr", ":8080", "-dev"}, true},
		{[]string{"-dev=false"}, false},
	} {
		cfg, err := parseConfig(test.args, noEnvironment, io.Discard)
		require.NoError(t, err)
		require.Equal(t, test.want, cfg.development, "%v", test.args)
	}
	environment := map[string]string{adminPasswordEnv: "from the environment", mysqlEnv: "shop@/environment"}
	cfg, err := parseConfig(nil, func(name string) string { return environment[name] }, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "from the environment", cfg.adminPassword)
	require.Equal(t, "shop@/environment", cfg.mysql)
	cfg, err = parseConfig([]string{"-postgres", "postgres://flag/shop"}, func(name string) string { return environment[name] }, io.Discard)
	require.NoError(t, err)
	require.Empty(t, cfg.mysql, "the flag says which")
}

func TestPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	data := t.TempDir()
	var out, errs output
	require.Equal(t, exitFailed, run(t.Context(), []string{"-addr", taken.Addr().String(), "-data", data}, noEnvironment, &out, &errs))
	require.Contains(t, errs.String(), taken.Addr().String()+" is taken by another program: choose another with -addr")
	files, err := os.ReadDir(data)
	require.NoError(t, err)
	require.Empty(t, files, "nothing was begun")
}

func TestDataDirInUseByAnotherProcess(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), lockerVariable+"="+data)
	input, err := other.StdinPipe()
	require.NoError(t, err)
	said, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	line := make([]byte, len("held\n"))
	_, err = io.ReadFull(said, line)
	require.NoError(t, err)
	require.Equal(t, "held\n", string(line))

	var out, errs output
	require.Equal(t, exitFailed, run(t.Context(), []string{"-addr", "127.0.0.1:0", "-data", data}, noEnvironment, &out, &errs))
	require.Contains(t, errs.String(), "data directory "+data+": in use by another storefront")

	require.NoError(t, input.Close())
	require.NoError(t, other.Wait())
	dir, err := openDataDir(data)
	require.NoError(t, err, "it is free again")
	require.NoError(t, dir.Close())
}

func TestDataDirNotWritable(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	closed := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(closed, 0o500))
	tests := map[string]string{
		filepath.Join(file, "data"): "not a directory",
		"/proc/storefront":          "no such file or directory",
	}
	if os.Geteuid() != 0 { // root may write anywhere
		tests[closed] = "cannot be written: "
	}
	for data, want := range tests {
		var out, errs output
		require.Equal(t, exitFailed, run(t.Context(), []string{"-addr", "127.0.0.1:0", "-data", data}, noEnvironment, &out, &errs))
		require.Contains(t, errs.String(), "data directory "+data)
		require.Contains(t, errs.String(), want)
	}
}

// shopUnderTest is a storefront that runs in this process.
type shopUnderTest struct {
	url       string
	out, errs *output
	stop      func() int // ends it and returns its exit status
}

var readyLine = regexp.MustCompile(`storefront ready on (http://\S+)`)

func startShop(t *testing.T, args ...string) *shopUnderTest {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &shopUnderTest{out: &output{}, errs: &output{}}
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, append([]string{"-addr", "127.0.0.1:0", "-log-level", "warn", "-warm-up=false"}, args...), noEnvironment, s.out, s.errs)
	}()
	s.stop = sync.OnceValue(func() int {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		return <-status
	})
	t.Cleanup(func() { s.stop() })
	require.Eventually(t, func() bool {
		match := readyLine.FindStringSubmatch(s.out.String())
		if match == nil {
			return len(status) > 0
		}
		s.url = match[1]
		return true
	}, 2*time.Minute, 5*time.Millisecond, "no shop")
	require.NotEmpty(t, s.url, "the shop did not open: %s", s.errs)
	return s
}

func TestShopOpensAndCloses(t *testing.T) {
	t.Parallel()
	s := startShop(t)
	match := regexp.MustCompile(`data in (\S+), removed at exit`).FindStringSubmatch(s.out.String())
	require.NotNil(t, match, s.out)
	require.DirExists(t, match[1])
	require.Regexp(t, `admin password \(shown once\): [A-Z2-7]{26}`, s.out.String())

	answer, err := http.Get(s.url + "/healthz")
	require.NoError(t, err)
	answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)

	require.Equal(t, exitOK, s.stop(), s.errs)
	require.NoDirExists(t, match[1])
	require.NotContains(t, s.errs.String(), "ERROR")
}

func TestHeadlessCheckPasses(t *testing.T) {
	t.Parallel()
	var out, errs output
	require.Equal(t, exitOK, run(t.Context(), []string{"-headless-check"}, noEnvironment, &out, &errs), "%s\n%s", &out, &errs)
	require.NotContains(t, out.String(), "✗")
	require.Regexp(t, `\d+ steps passed`, out.String())
}

func TestHeadlessCheckOfARunningShopCanFail(t *testing.T) {
	t.Parallel()
	s := startShop(t, "-admin-password", "walk on through")
	addr := strings.TrimPrefix(s.url, "http://")
	var out, errs output
	require.Equal(t, exitFailed, run(t.Context(), []string{"-headless-check", "-addr", addr}, noEnvironment, &out, &errs))
	require.Contains(t, errs.String(), "needs its -admin-password")

	out, errs = output{}, output{}
	require.Equal(t, exitFailed, run(t.Context(), []string{"-headless-check", "-addr", addr, "-admin-password", "not that one at all"}, noEnvironment, &out, &errs), "a check must be able to fail")
	require.Contains(t, out.String(), "✗ the admin's door stays shut without the password")
}
