package testenv_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/stretchr/testify/require"
)

// victimEnv makes this test binary a process that starts a server and then
// comes to harm in the way that the variable names.
const victimEnv = "COMMERCE_TEST_VICTIM"

func victim() {
	server, err := testenv.Redis(context.Background(), nil)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	if os.Getenv(victimEnv) == "paused" {
		if err := server.Pause(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	fmt.Println(server.Addr, server.LogFile())
	if os.Getenv(victimEnv) == "panic" {
		panic("on purpose")
	}
	select {} // until killed
}

func TestGuardCleansUpAfterItsProcess(t *testing.T) {
	t.Parallel()
	testenvtest.Program(t, "redis-server", "redis-server")
	for _, harm := range []string{"killed", "paused", "panic"} {
		t.Run(harm, func(t *testing.T) {
			t.Parallel()
			temporary := t.TempDir()
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), victimEnv+"="+harm, "TMPDIR="+temporary, "COMMERCE_TESTENV_LOGS=")
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err)
			addr, log, ok := strings.Cut(strings.TrimSpace(line), " ")
			require.True(t, ok, line)
			if harm != "panic" { // else it may be over already
				require.FileExists(t, log)
				conn, err := net.Dial("tcp", addr)
				require.NoError(t, err)
				require.NoError(t, conn.Close())
			}

			_ = cmd.Process.Kill()
			require.Error(t, cmd.Wait())

			require.Eventually(t, func() bool {
				_, err := os.Stat(filepath.Dir(log))
				return os.IsNotExist(err)
			}, 30*time.Second, 10*time.Millisecond, "the directory stays")
			require.Eventually(t, func() bool {
				conn, err := net.Dial("tcp", addr)
				if err == nil {
					_ = conn.Close()
				}
				return err != nil
			}, 30*time.Second, 10*time.Millisecond, "the server stays")
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}
