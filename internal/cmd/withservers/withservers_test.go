package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCommandFindsServersAndItsExitCodeCounts(t *testing.T) {
	t.Parallel()
	testenvtest.Program(t, "mariadbd", "mariadb-server")
	testenvtest.Program(t, "redis-server", "redis-server")
	said := filepath.Join(t.TempDir(), "said")
	code, err := run("sh", []string{"-c", `echo "$COMMERCE_MARIADB_ADDR $COMMERCE_REDIS_ADDR" >"$0"; exit 7`, said})
	require.NoError(t, err)
	require.Equal(t, 7, code)

	text, err := os.ReadFile(said)
	require.NoError(t, err)
	addrs := strings.Fields(string(text))
	require.Len(t, addrs, 2)
	for _, addr := range addrs {
		_, _, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		_, err = net.Dial("tcp", addr)
		require.Error(t, err, "stopped when the command had ended")
	}
}

func TestCommandThatIsNotThere(t *testing.T) {
	t.Parallel()
	code, err := run("no-such-command", nil)
	require.Error(t, err)
	require.Equal(t, 1, code)
}
