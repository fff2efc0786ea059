package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scripted is a kind of server that is a shell script.
func scripted(script string) kind {
	return kind{
		name:      "scripted",
		program:   "sh",
		args:      func(_, _ string, port int) []string { return []string{"-c", script, "scripted", strconv.Itoa(port)} },
		dsn:       func(addr string) string { return addr },
		portTaken: redisKind.portTaken,
		ready: func(_ context.Context, s *Server) error {
			if !strings.Contains(s.LogTail(), "ready on "+strconv.Itoa(s.port)) {
				return errors.New("not ready")
			}
			return nil
		},
	}
}

func TestStartTriesAnotherPort(t *testing.T) {
	t.Parallel()
	server, err := start(t.Context(), scripted(`
		echo "$1" >>tries
		test "$(wc -l <tries)" -gt 2 || { echo "bind: Address already in use"; exit 1; }
		echo "ready on $1"
		exec sleep 600`), nil)
	require.NoError(t, err)
	defer server.Close()
	tries, err := os.ReadFile(filepath.Join(server.data(), "tries"))
	require.NoError(t, err)
	ports := strings.Fields(string(tries))
	require.Len(t, ports, 3)
	require.NotEqual(t, ports[0], ports[1])
	require.Equal(t, server.Addr, "127.0.0.1:"+ports[2])
	require.Equal(t, server.DSN, server.Addr)
}

func TestStartGivesUp(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // for the logs that are kept
	_, err := start(t.Context(), scripted(`echo "Address already in use"; exit 1`), nil)
	require.ErrorIs(t, err, errPortTaken)
	_, err = start(t.Context(), scripted(`echo "out of order"; exit 1`), nil)
	require.ErrorContains(t, err, "out of order")
	require.NotErrorIs(t, err, errPortTaken)
}
