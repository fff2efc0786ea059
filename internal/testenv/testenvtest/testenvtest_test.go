package testenvtest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// victimEnv makes TestVictim ask for something, in a process of its own.
const victimEnv = "COMMERCE_TEST_VICTIM"

func TestVictim(t *testing.T) {
	switch os.Getenv(victimEnv) {
	case "skip":
		testenvtest.Skip(t, "the reason")
	case "program":
		testenvtest.Program(t, "no-such-program", "no-such-package")
	case "shared":
		testenvtest.Redis(t)
	case "private":
		testenvtest.PrivateRedis(t, nil)
	case "failed":
		testenvtest.PrivateRedis(t, nil)
		t.Fail()
	}
}

func TestSkips(t *testing.T) {
	t.Parallel()
	const skipped, failed = "--- SKIP: TestVictim", "--- FAIL: TestVictim"
	for _, test := range []struct {
		name   string
		victim string
		env    []string
		args   []string
		prints []string
	}{
		{"for a reason", "skip", nil, nil, []string{skipped, "the reason"}},
		{"not under CI", "skip", []string{"CI=true"}, nil, []string{failed, "required here, so not skipped: the reason"}},
		{"not where all is required", "skip", []string{"COMMERCE_REQUIRE=all"}, nil, []string{failed, "the reason"}},
		{"without a program", "program", nil, nil, []string{skipped, "apt-get install no-such-package"}},
		{"without the shared server", "shared", []string{"PATH="}, nil, []string{skipped, "apt-get install redis-server"}},
		{"without a private server", "private", []string{"PATH="}, nil, []string{skipped, "apt-get install redis-server"}},
		{"without a server that is required", "shared", []string{"PATH=", "CI=true"}, nil, []string{failed, "apt-get install redis-server"}},
		{"the shared server with -short", "shared", nil, []string{"-test.short"}, []string{skipped, "-short"}},
		{"a private server with -short", "private", nil, []string{"-test.short"}, []string{skipped, "-short"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-test.run=^TestVictim$", "-test.v"}, test.args...)...)
			cmd.Env = append(os.Environ(), victimEnv+"="+test.victim, "CI=", "COMMERCE_REQUIRE=", testenv.RedisEnv+"=")
			cmd.Env = append(cmd.Env, test.env...)
			out, _ := cmd.CombinedOutput()
			for _, text := range test.prints {
				require.Contains(t, string(out), text)
			}
		})
	}
}

func TestFailedTestShowsItsServersLog(t *testing.T) {
	t.Parallel()
	testenvtest.Program(t, "redis-server", "redis-server")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$")
	cmd.Env = append(os.Environ(), victimEnv+"=failed", "COMMERCE_TESTENV_LOGS=", "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "Ready to accept connections")
}

func TestSharedServerIsTheOneThatTheRunNames(t *testing.T) {
	server := testenvtest.PrivateRedis(t, nil)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestShared$", "-test.v")
	cmd.Env = append(os.Environ(), testenv.RedisEnv+"="+server.Addr)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "on "+server.Addr)
}

func TestShared(t *testing.T) {
	server := testenvtest.Redis(t)
	require.Same(t, server, testenvtest.Redis(t))
	t.Log("on", server.Addr)
}
