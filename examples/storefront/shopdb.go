package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/inventory"
	stockmysql "github.com/seed82d84382/commerce/inventory/mysql"
	stockpostgres "github.com/seed82d84382/commerce/inventory/postgres"
	stocksqlite "github.com/seed82d84382/commerce/inventory/sqlite"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue/pglisten"
)

const (
	mysqlEnv    = "STOREFRONT_MYSQL"
	postgresEnv = "STOREFRONT_POSTGRES"
)

var strategies = []inventory.Strategy{inventory.Grouped, inventory.Pessimistic, inventory.Optimistic, inventory.Conditional}

func strategyNames() string {
	names := make([]string, len(strategies))
	for i, s := range strategies {
		names[i] = s.String()
	}
	return strings.Join(names, ", ")
}

// checkDatabase validates the flags of the database, naming the flag.
func (c *config) checkDatabase(strategy string) error {
	if c.mysql != "" && c.postgres != "" {
		return errors.New("-mysql and -postgres: want one of them")
	}
	for _, s := range strategies {
		if s.String() == strategy {
			c.strategy = s
			return nil
		}
	}
	return fmt.Errorf("-inventory-strategy %q: want one of %s", strategy, strategyNames())
}

// openDatabase opens the database of accounts, carts, orders and products: that of
// -mysql or -postgres, or a file in the data directory.
func (b *backends) openDatabase(ctx context.Context, cfg *config, dir *dataDir) (err error) {
	b.local, err = database.OpenSQLite(ctx, dir.join("shop.db"))
	if err := closing(b, err, func() error { return b.local.Close() }); err != nil {
		return err
	}
	switch {
	case cfg.mysql != "":
		if b.db, err = database.OpenMySQL(ctx, cfg.mysql); err != nil {
			err = fmt.Errorf("-mysql: %w", err)
		}
	case cfg.postgres != "":
		if b.db, err = database.OpenPostgres(ctx, cfg.postgres); err != nil {
			err = fmt.Errorf("-postgres: %w", err)
		}
	default:
		b.db = b.local
		return nil
	}
	return closing(b, err, func() error { return b.db.Close() })
}

// openStock keeps stock in the database of the orders, so that both change in one transaction.
func openStock(ctx context.Context, cfg *config, db *database.DB, log *slog.Logger) (*inventory.Inventory, error) {
	options := &inventory.Options{Strategy: cfg.strategy, Logger: log}
	switch db.Dialect() {
	case database.MySQL:
		return stockmysql.Open(ctx, db.Pool(), options)
	case database.Postgres:
		return stockpostgres.Open(ctx, db.Pool(), options)
	default:
		return stocksqlite.Open(ctx, db.Pool(), options)
	}
}

// openQueue keeps jobs in the database of the orders, so that an order is paid and its
// mail is queued in one transaction.
func openQueue(ctx context.Context, db *database.DB, log *slog.Logger) (*notify.Queue, error) {
	options := &sqlqueue.Options{Options: notify.Options{Logger: log}}
	if db.Dialect() == database.Postgres {
		options.Listener = pglisten.New(db.Pool())
	}
	return sqlqueue.Open(ctx, db.Pool(), options)
}
