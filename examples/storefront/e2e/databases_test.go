package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/internal/testenv"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/mysql"
	"github.com/seed82d84382/commerce/inventory/postgres"
	"github.com/seed82d84382/commerce/inventory/sqlite"
)

// kept is where a shop keeps stock and orders.
type kept struct {
	flag   string // which says where, "" for the data directory
	server func(testing.TB) *testenv.Server
	name   string // of an empty database on the server
}

// anew is the same with a new database.
func (k *kept) anew(t *testing.T) *kept {
	t.Helper()
	if k.flag == "" {
		return k
	}
	return &kept{flag: k.flag, server: k.server, name: testenvtest.Database(t, k.server(t))}
}

// flags are the storefront's.
func (k *kept) flags() []string {
	if k.flag == "" {
		return nil
	}
	return []string{k.flag, k.name}
}

// stock opens what a storefront that was stopped has left behind.
func (k *kept) stock(t *testing.T, data string) *inventory.Inventory {
	t.Helper()
	db, err := k.open(t, data)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	var stock *inventory.Inventory
	switch k.flag {
	case "-mysql":
		stock, err = mysql.Open(t.Context(), db.Pool(), nil)
	case "-postgres":
		stock, err = postgres.Open(t.Context(), db.Pool(), nil)
	default:
		stock, err = sqlite.Open(t.Context(), db.Pool(), nil)
	}
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, stock.Close()) })
	return stock
}

func (k *kept) open(t *testing.T, data string) (*database.DB, error) {
	switch k.flag {
	case "-mysql":
		return database.OpenMySQL(t.Context(), k.name)
	case "-postgres":
		return database.OpenPostgres(t.Context(), k.name)
	default:
		return database.OpenSQLite(t.Context(), filepath.Join(data, "shop.db"))
	}
}

// everywhere runs a test of a shop on each kind of database.
func everywhere(t *testing.T, test func(*testing.T, *kept)) {
	for _, c := range []struct {
		name string
		kept kept
	}{
		{"sqlite", kept{}},
		{"mariadb", kept{flag: "-mysql", server: testenvtest.MariaDB}},
		{"mysql", kept{flag: "-mysql", server: testenvtest.MySQL}},
		{"postgres", kept{flag: "-postgres", server: testenvtest.Postgres}},
	} {
		t.Run(c.name, func(t *testing.T) { test(t, &c.kept) })
	}
}

// The whole journey on each database with each strategy.
func TestHeadlessCheckOnDatabases(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, k *kept) {
		for _, strategy := range []string{"grouped", "pessimistic", "optimistic", "conditional"} {
			t.Run(strategy, func(t *testing.T) {
				flags := append([]string{"-headless-check", "-inventory-strategy", strategy}, k.anew(t).flags()...)
				output, err := exec.CommandContext(t.Context(), binary, flags...).CombinedOutput()
				require.NoError(t, err, "%s", output)
				require.Regexp(t, `\d+ steps passed`, string(output))
			})
		}
	})
}

func TestDatabaseThatIsNotThere(t *testing.T) {
	t.Parallel()
	for flag, name := range map[string]string{
		"-mysql": "shop:secret@tcp(127.0.0.1:1)/shop", "-postgres": "postgres://shop:secret@127.0.0.1:1/shop",
	} {
		output, err := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0", flag, name).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(output), "storefront: "+flag+": ")
		require.NotContains(t, string(output), "secret")
	}
}
