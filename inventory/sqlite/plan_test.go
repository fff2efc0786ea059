package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	driver "modernc.org/sqlite"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

func TestEveryStatementHasAnIndex(t *testing.T) {
	t.Parallel()
	for _, strategy := range strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			dsn := sqlite.DSN(filepath.Join(t.TempDir(), "stock.db"))
			connector, err := driver.NewConnector(dsn)
			require.NoError(t, err)
			recorder := sqlstocktest.Record(connector)
			db := sql.OpenDB(recorder)
			defer db.Close()
			sqlstocktest.Use(t, func(o *inventory.Options) (*inventory.Inventory, error) { return sqlite.Open(t.Context(), db, o) }, strategy)
			statements := recorder.Statements()
			require.Greater(t, len(statements), 10)
			plain := openDB(t, dsn)
			for _, statement := range statements {
				for _, row := range sqlstocktest.Explain(t, plain, "EXPLAIN QUERY PLAN ", statement) {
					// A scan along an index stops at the LIMIT; one of the table itself, or a sort before it, is a missing index.
					detail := row["detail"]
					scans := strings.HasPrefix(detail, "SCAN inventory_") && !strings.Contains(detail, "USING")
					sorts := strings.Contains(detail, "TEMP B-TREE FOR ORDER BY") && statement.Paged()
					require.False(t, scans || sorts, "%.300s\n%s", statement.Query, detail)
				}
			}
		})
	}
}
