package shop

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
	stockmysql "github.com/seed82d84382/commerce/inventory/mysql"
	stockpostgres "github.com/seed82d84382/commerce/inventory/postgres"
	stocksqlite "github.com/seed82d84382/commerce/inventory/sqlite"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/otp"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bench is a shop with the demo catalogue in a database of its own.
type bench struct {
	*Shop
	stock *inventory.Inventory
	queue *notify.Queue
	clock *clock
	skus  []string // of the demo, all stocked
}

const testHold = 10 * time.Minute

// newBench is a bench on SQLite.
func newBench(t *testing.T) *bench {
	t.Helper()
	db, err := database.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "shop.db"))
	require.NoError(t, err)
	return benchOn(t, db)
}

// everywhere runs a test on a bench on each kind of database.
func everywhere(t *testing.T, test func(*testing.T, *bench)) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *bench{
		"sqlite": newBench,
		"mariadb": func(t *testing.T) *bench {
			db, err := database.OpenMySQL(t.Context(), testenvtest.Database(t, testenvtest.MariaDB(t)))
			require.NoError(t, err)
			return benchOn(t, db)
		},
		"mysql": func(t *testing.T) *bench {
			db, err := database.OpenMySQL(t.Context(), testenvtest.Database(t, testenvtest.MySQL(t)))
			require.NoError(t, err)
			return benchOn(t, db)
		},
		"postgres": func(t *testing.T) *bench {
			db, err := database.OpenPostgres(t.Context(), testenvtest.Database(t, testenvtest.Postgres(t)))
			require.NoError(t, err)
			return benchOn(t, db)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func openStock(ctx context.Context, db *database.DB, options *inventory.Options) (*inventory.Inventory, error) {
	switch db.Dialect() {
	case database.MySQL:
		return stockmysql.Open(ctx, db.Pool(), options)
	case database.Postgres:
		return stockpostgres.Open(ctx, db.Pool(), options)
	default:
		return stocksqlite.Open(ctx, db.Pool(), options)
	}
}

func benchOn(t *testing.T, db *database.DB) *bench {
	t.Helper()
	ctx := t.Context()
	b := &bench{clock: &clock{at: time.Now()}}
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	products, err := catalogue.Open(ctx, db)
	require.NoError(t, err)
	_, err = products.Import(ctx, "test", func(yield func(catalogue.Product, error) bool) {
		for p := range slices.Values(catalogue.Demo()) {
			p.Stock = 10
			b.skus = append(b.skus, p.SKU)
			if !yield(p, nil) {
				return
			}
		}
	}, nil)
	require.NoError(t, err)
	b.stock, err = openStock(ctx, db, &inventory.Options{SweepInterval: -1, Now: b.clock.now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.stock.Close()) })
	b.queue, err = sqlqueue.Open(ctx, db.Pool(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.queue.Close()) })
	codes, err := otp.New(otp.NewMemoryStore(nil), &otp.Options{Pepper: []byte("a pepper for tests only"), Cooldown: -1})
	require.NoError(t, err)
	b.Shop, err = Open(ctx, Options{
		DB: db, Products: products, Stock: b.stock, Jobs: notify.NewClient(b.queue, nil), Codes: codes,
		Hold: testHold, URL: "http://shop.test", Now: b.clock.now,
	})
	require.NoError(t, err)
	require.NoError(t, b.StockUp(ctx))
	return b
}

// shopper opens an account with a cart.
func (b *bench) shopper(t *testing.T, number int, lines ...CartLine) *Account {
	t.Helper()
	account, _, err := b.AccountOf(t.Context(), fmt.Sprintf("+4477009%05d", number))
	require.NoError(t, err)
	for _, line := range lines {
		require.NoError(t, b.AddToCart(t.Context(), account.ID, line.SKU, line.Quantity))
	}
	return account
}

func (b *bench) placement(account *Account) Placement {
	return Placement{OrderID: NewOrderID(), AccountID: account.ID, Language: i18n.English,
		Contact: Contact{Name: "Mei", Email: "mei@example.com", Address: "1 Lantern Lane"}}
}

// placed opens an account that has placed an order.
func (b *bench) placed(t *testing.T, lines ...CartLine) (*Account, *Order) {
	t.Helper()
	account := b.shopper(t, 1, lines...)
	placed, err := b.Place(t.Context(), b.placement(account))
	require.NoError(t, err)
	return account, placed
}

func (b *bench) available(t *testing.T, sku string) int {
	t.Helper()
	available, err := b.Available(t.Context(), []string{sku})
	require.NoError(t, err)
	return available[sku]
}

// jobs counts the queued jobs of a kind.
func (b *bench) jobs(t *testing.T, kind string) int {
	t.Helper()
	records, err := b.queue.List(context.Background(), notify.Filter{Kind: kind, Limit: 500})
	require.NoError(t, err)
	return len(records)
}

// reconciled asserts that the ledger, the levels and the holds agree.
func (b *bench) reconciled(t *testing.T) {
	t.Helper()
	differences, err := b.stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences)
}
