package prooftest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
)

// TestFullDisk takes the database's room away while callers sell, and gives it back. What could not be stored has not happened, the
// levels could be read all the time, and selling goes on as if nothing had been.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		*backend
		args []string
		fill func(*testing.T, *sql.DB) (free func())
	}{
		{mariadb, oneSmallFile, fillOneFile},
		{mysql8, oneSmallFile, fillOneFile},
		{postgresql, nil, fillLedger},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := test.private(t, &testenv.Options{Args: test.args})
			var shops []*shop
			for _, strategy := range strategies {
				s := &shop{diary: newDiary()}
				s.db = test.db(t, testenvtest.Database(t, server), 10)
				s.stock = test.stock(t, s.db, strategy)
				fill(t, s.stock)
				shops = append(shops, s)
			}
			for n, s := range shops {
				free := test.fill(t, s.db)
				// They sell what still finds room; each goes when it is told of a failure.
				for caller := range 4 {
					s.sell(t.Context(), s.stock, fmt.Sprint("full/", caller))
				}
				require.NotEmpty(t, s.sales)
				broken := s.sales[len(s.sales)-1]
				require.True(t, broken.broken())
				_, err := s.stock.Levels(t.Context(), "tea")
				require.NoError(t, err)
				t.Logf("%s was told: %v %v", strategies[n], broken.reserveError, broken.settlementError)
				free()
				again := s.callers(t.Context(), s.stock, 4, "again")
				s.waitFor(t, 40)
				again()
				s.check(t, s.stock, s.db)
			}
		})
	}
}

// oneSmallFile lets InnoDB have one file of 24 MB for everything.
var oneSmallFile = []string{"--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:24M"}

func fillOneFile(t *testing.T, db *sql.DB) (free func()) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), "CREATE TABLE junk (b LONGBLOB)")
	require.NoError(t, err)
	for _, size := range []int{1 << 20, 1 << 14, 1 << 8} {
		for err = nil; err == nil; {
			_, err = db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO junk VALUES (REPEAT('x', %d))", size))
		}
		require.ErrorContains(t, err, "is full")
	}
	return func() {
		_, err := db.ExecContext(context.WithoutCancel(t.Context()), "DROP TABLE junk")
		require.NoError(t, err)
	}
}

// fillLedger bounds the size of each of the server's files, which PostgreSQL takes as a full disk, and puts rows into the ledger
// until it is as large.
func fillLedger(t *testing.T, db *sql.DB) (free func()) {
	t.Helper()
	prlimit := testenvtest.Program(t, "prlimit", "util-linux")
	var data string
	require.NoError(t, db.QueryRowContext(t.Context(), "SHOW data_directory").Scan(&data))
	pid, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(pid), "\n")
	// A file of its log of changes has 16 MiB and must find room.
	out, err := exec.CommandContext(t.Context(), prlimit, "--pid="+first, "--fsize=17000000").CombinedOutput()
	require.NoError(t, err, string(out))
	db.SetMaxIdleConns(0) // the bound holds for connections made after it
	db.SetMaxIdleConns(10)
	const junk = `INSERT INTO inventory_movements (document, kind, request_key, line, sku, location, on_hand, reserved, reason, reference, at)
		SELECT 'junk %d ' || n, 'adjust', '', 0, 'junk', '', 0, 0, repeat('x', 200), '', 0 FROM generate_series(1, %d) n`
	for step, rows := range []int{5000, 500, 50, 5, 1} {
		err = nil
		for n := 0; err == nil; n++ {
			_, err = db.ExecContext(t.Context(), fmt.Sprintf(junk, 1000*step+n, rows))
		}
		require.ErrorContains(t, err, "could not extend file")
	}
	return func() {
		for _, statement := range []string{"DELETE FROM inventory_movements WHERE sku = 'junk'", "VACUUM inventory_movements"} {
			_, err := db.ExecContext(context.WithoutCancel(t.Context()), statement)
			require.NoError(t, err)
		}
	}
}
