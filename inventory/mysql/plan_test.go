package mysql_test

import (
	"database/sql"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock/sqlstocktest"
	"github.com/seed82d84382/commerce/inventory/mysql"
)

func TestEveryStatementHasAnIndex(t *testing.T) {
	t.Parallel()
	server := testenvtest.MariaDB(t)
	for _, strategy := range strategies {
		t.Run(strategy.String(), func(t *testing.T) {
			t.Parallel()
			config, err := driver.ParseDSN(testenvtest.Database(t, server))
			require.NoError(t, err)
			config.InterpolateParams = true // so that statements are not prepared, and can be recorded
			connector, err := driver.NewConnector(config)
			require.NoError(t, err)
			recorder := sqlstocktest.Record(connector)
			db := sql.OpenDB(recorder)
			defer db.Close()
			sqlstocktest.Use(t, func(o *inventory.Options) (*inventory.Inventory, error) { return mysql.Open(t.Context(), db, o) }, strategy)
			statements := recorder.Statements()
			require.Greater(t, len(statements), 10)
			plain := openConfig(t, config)
			_, err = plain.Exec("ANALYZE TABLE inventory_levels, inventory_movements, inventory_returns")
			require.NoError(t, err)
			for _, statement := range statements {
				for _, row := range sqlstocktest.Explain(t, plain, "EXPLAIN ", statement) {
					paged := statement.Paged()
					scans := row["type"] == "ALL" || row["type"] == "index" && !paged
					sorts := strings.Contains(row["Extra"], "filesort") && paged
					require.False(t, (scans || sorts) && !most(statement), "%.300s\n%v", statement.Query, row)
				}
			}
		})
	}
}

// most: a statement that names much of a table may well be answered by reading all of it.
func most(s sqlstocktest.Statement) bool { return len(s.Args) > 200 }
