package prooftest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// TestChaosForgetfulDatabase: the check that the other tests rest on finds out when a killed database has lost what it had
// acknowledged. From some moment on this one does, as if it had not synced its log since.
func TestChaosForgetfulDatabase(t *testing.T) {
	t.Parallel()
	server := mariadb.private(t, nil)
	config, err := mysql.ParseDSN(testenvtest.Database(t, server))
	require.NoError(t, err)
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	require.NoError(t, err)
	line := &forgetful{Connector: connector}
	db := sql.OpenDB(line)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	s := &shop{diary: newDiary(), db: db}
	s.stock = mariadb.stockWith(t, db, &inventory.Options{SweepInterval: -1})
	fill(t, s.stock)

	stop := s.callers(t.Context(), s.stock, 8, "durable")
	s.waitFor(t, 40)
	stop()
	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
	s.check(t, s.stock, db) // it has kept all of that

	line.forgets.Store(true)
	lost := newSale("forgotten", 0)
	lost.run(t.Context(), s.stock)
	require.Equal(t, done, lost.reserved, "acknowledged: %v", lost.reserveError)
	s.sales = append(s.sales, lost)
	require.NoError(t, server.Kill())
	require.NoError(t, server.Restart(t.Context()))
	w := &witness{TB: t}
	w.watch(func() { s.check(w, s.stock, db) })
	require.Contains(t, w.said(), "forgotten: acknowledged and lost")
	require.Contains(t, w.said(), "reserved of")
}

// forgetful is a line to a database that acknowledges commits and, while it forgets, rolls them back.
type forgetful struct {
	driver.Connector
	forgets atomic.Bool
}

func (f *forgetful) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := f.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &forgetfulConn{conn.(fullConn), f}, nil
}

type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type forgetfulConn struct {
	fullConn
	line *forgetful
}

func (c *forgetfulConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.line.forgets.Load() {
		query = strings.ReplaceAll(query, "COMMIT;", "ROLLBACK;")
	}
	return c.fullConn.ExecContext(ctx, query, args)
}

// witness hears of a check's failures, which are then not the test's.
type witness struct {
	testing.TB
	mu    sync.Mutex
	words []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.words = append(w.words, fmt.Sprintf(format, args...))
}

func (w *witness) FailNow() { runtime.Goexit() }

// watch waits for the check, which may end itself.
func (w *witness) watch(check func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		check()
	}()
	<-ended
}

func (w *witness) said() string { return strings.Join(w.words, "\n") }
