package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	good := sqlite.DSN(filepath.Join(t.TempDir(), "stock.db"))
	for field, dsn := range map[string]string{
		"journal_mode": "file:" + filepath.Join(t.TempDir(), "plain.db"),
		"synchronous":  strings.ReplaceAll(good, "FULL", "NORMAL"),
		"busy_timeout": strings.ReplaceAll(good, "10000", "0"),
	} {
		require.NotEqual(t, good, dsn)
		_, err := sqlite.Open(t.Context(), openDB(t, dsn), nil)
		bad, ok := errors.AsType[*inventory.InvalidError](err)
		require.True(t, ok, "%s: %v", field, err)
		require.Equal(t, field, bad.Field)
		require.Contains(t, err.Error(), "sqlite.DSN")
	}
	_, err := sqlite.Open(t.Context(), openDB(t, ":memory:"), nil)
	require.ErrorIs(t, err, inventory.ErrInvalid, "every connection would have a database of its own")
	_, err = sqlite.Open(t.Context(), nil, nil)
	require.ErrorIs(t, err, inventory.ErrInvalid)
}

func TestSettingsOfOneConnectionOnly(t *testing.T) {
	t.Parallel()
	db := openDB(t, "file:"+filepath.Join(t.TempDir(), "stock.db")+"?_pragma=journal_mode(WAL)")
	db.SetMaxIdleConns(1)
	for _, pragma := range []string{"busy_timeout = 1000", "synchronous = FULL"} {
		_, err := db.Exec("PRAGMA " + pragma)
		require.NoError(t, err)
	}
	_, err := sqlite.Open(t.Context(), db, nil)
	require.ErrorIs(t, err, inventory.ErrInvalid)
}

func TestDSNTakesAnyPath(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"stock.db", "a b.db", "50%.db", "what?.db", "#1.db", "茶.db", "a&b=c.db"} {
		path := filepath.Join(t.TempDir(), name)
		stock, err := sqlite.Open(t.Context(), openDB(t, sqlite.DSN(path)), nil)
		require.NoError(t, err, name)
		require.NoError(t, stock.Close())
		require.FileExists(t, path)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stock.db")
	stock, err := sqlite.Open(t.Context(), openDB(t, sqlite.DSN(path)), nil)
	require.NoError(t, err)
	fill(t, stock, 10)
	require.NoError(t, buy(t.Context(), stock, "order"))
	require.NoError(t, stock.Close())
	stock, err = sqlite.Open(t.Context(), openDB(t, sqlite.DSN(path)), nil)
	require.NoError(t, err)
	level, err := stock.Level(t.Context(), "tea", "")
	require.NoError(t, err)
	require.EqualValues(t, 9, level.OnHand)
	require.NoError(t, stock.Close())
}

// TestDiskFull lets the database grow to a bound and no further.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "stock.db"))+"&_pragma=max_page_count(30)")
	stock, err := sqlite.Open(t.Context(), db, nil)
	require.NoError(t, err)
	defer stock.Close()
	fill(t, stock, 100_000)
	bought := 0
	for ; err == nil; bought++ {
		err = buy(t.Context(), stock, strings.Repeat("k", 100)+string(rune('a'+bought%26))+strings.Repeat("x", bought/26))
		require.Less(t, bought, 700, "the bound was meant to be hit")
	}
	require.ErrorIs(t, err, inventory.ErrFull)
	differences, err := stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
	level, err := stock.Level(t.Context(), "tea", "")
	require.NoError(t, err)
	require.EqualValues(t, 100_000-bought+1, level.OnHand, "what failed has taken nothing")
}

func fill(t *testing.T, stock *inventory.Inventory, units int64) {
	t.Helper()
	_, err := stock.Receive(t.Context(), inventory.Receipt{Key: "delivery", Lines: []inventory.Line{{SKU: "tea", Quantity: units}}})
	require.NoError(t, err)
}

func buy(ctx context.Context, stock *inventory.Inventory, key string) error {
	if _, err := stock.Reserve(ctx, inventory.Order{Key: key, Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}}); err != nil {
		return err
	}
	return stock.Commit(ctx, key)
}

// TestHostTransaction: a deferred transaction that has read takes the write lock late, and says so if it cannot.
func TestHostTransaction(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stock.db")
	db := openDB(t, sqlite.DSN(path))
	stock, err := sqlite.Open(t.Context(), db, nil)
	require.NoError(t, err)
	defer stock.Close()
	fill(t, stock, 10)
	deferred := openDB(t, strings.ReplaceAll(sqlite.DSN(path), "_txlock=immediate", ""))
	tx, err := deferred.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	require.NoError(t, tx.QueryRow("SELECT on_hand FROM inventory_levels").Scan(new(sql.NullInt64)))
	require.NoError(t, buy(t.Context(), stock, "meanwhile"))
	_, err = stock.ReserveTx(t.Context(), tx, inventory.Order{Key: "late", Lines: []inventory.Line{{SKU: "tea", Quantity: 1}}})
	require.ErrorIs(t, err, inventory.ErrContention, "the transaction's view is old: try it again")
}

// TestInterrupted: a caller whose time is over while another program holds the database is told so, and nothing is written.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "stock.db")
	other := openDB(t, sqlite.DSN(path))
	patient, err := sqlite.Open(t.Context(), other, nil)
	require.NoError(t, err)
	defer patient.Close()
	fill(t, patient, 5)
	for _, strategy := range strategies {
		stock, err := sqlite.Open(t.Context(), openDB(t, sqlite.DSN(path)), &inventory.Options{Strategy: strategy, Timeout: 50 * time.Millisecond})
		require.NoError(t, err)
		tx, err := other.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		err = buy(t.Context(), stock, "order")
		require.ErrorIs(t, err, context.DeadlineExceeded, "%v", strategy)
		require.NotErrorIs(t, err, inventory.ErrOutcomeUnknown)
		require.NoError(t, tx.Rollback())
		_, err = patient.Reservation(t.Context(), "order")
		require.ErrorIs(t, err, inventory.ErrNotFound)
		require.NoError(t, stock.Close())
	}
}
