package catalogue

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/database"
)

//go:embed schema
var schemas embed.FS

// Table is the products in the shop's database. It is safe for
// concurrent use.
type Table struct {
	db *database.DB
}

// Open creates the tables catalogue_products and catalogue_source when they do
// not exist yet. The caller keeps, and closes, db.
func Open(ctx context.Context, db *database.DB) (*Table, error) {
	if err := db.Create(ctx, schemas); err != nil {
		return nil, fmt.Errorf("catalogue: open: %w", err)
	}
	return &Table{db: db}, nil
}

// Fingerprint returns what the imported products were imported from, as given
// to Import, or "" before the first import. A start that finds the fingerprint
// of its own catalogue has nothing to import.
func (t *Table) Fingerprint(ctx context.Context) (string, error) {
	var fingerprint string
	err := t.db.QueryRowContext(ctx, `SELECT fingerprint FROM catalogue_source WHERE one = 1`).Scan(&fingerprint)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("catalogue: fingerprint: %w", err)
	}
	return fingerprint, nil
}

// Get returns one product, or ErrNotFound.
func (t *Table) Get(ctx context.Context, id string) (Product, error) {
	products, err := t.ByIDs(ctx, []string{id})
	if err != nil {
		return Product{}, err
	}
	if len(products) == 0 {
		return Product{}, ErrNotFound
	}
	return products[0], nil
}

// ByIDs returns products in the order of ids; those that do not exist are left
// out. Pages ask for some tens of ids, and never for more than 10,000.
func (t *Table) ByIDs(ctx context.Context, ids []string) ([]Product, error) {
	return t.byKeys(ctx, "id", ids, func(p *Product) string { return p.ID })
}

// BySKUs is ByIDs for stock keeping units.
func (t *Table) BySKUs(ctx context.Context, skus []string) ([]Product, error) {
	return t.byKeys(ctx, "sku", skus, func(p *Product) string { return p.SKU })
}

func (t *Table) byKeys(ctx context.Context, column string, keys []string, keyOf func(*Product) string) ([]Product, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = key
	}
	marks := strings.Repeat(",?", len(keys))[1:]
	found := make(map[string]Product, len(keys))
	for p, err := range t.query(ctx, `WHERE `+column+` IN (`+marks+`)`, args...) {
		if err != nil {
			return nil, err
		}
		found[keyOf(&p)] = p
	}
	products := make([]Product, 0, len(found))
	for _, key := range keys {
		if p, ok := found[key]; ok {
			products = append(products, p)
		}
	}
	return products, nil
}

// List returns a page of a category and of all below it, what sells best and
// is newest first. The empty category is the whole shop.
func (t *Table) List(ctx context.Context, category string, offset, limit int) ([]Product, error) {
	where, args := below(category)
	var products []Product
	for p, err := range t.query(ctx, where+` ORDER BY popularity DESC, released DESC, position LIMIT ? OFFSET ?`, append(args, limit, offset)...) {
		if err != nil {
			return nil, err
		}
		products = append(products, p)
	}
	return products, nil
}

// Count returns how many products a category and all below it hold.
func (t *Table) Count(ctx context.Context, category string) (int, error) {
	where, args := below(category)
	var n int
	if err := t.db.QueryRowContext(ctx, `SELECT count(*) FROM catalogue_products `+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("catalogue: count: %w", err)
	}
	return n, nil
}

// All yields every product in the order of the catalogue file, holding one at
// a time: for indexing. An error is the last thing yielded.
func (t *Table) All(ctx context.Context) iter.Seq2[Product, error] {
	return t.query(ctx, `ORDER BY position`)
}

// Stocked is a category that has products.
type Stocked struct {
	Category
	Products int // in it and below
}

// Categories returns the categories that have products, in the order of the
// shop's menu; categories of the catalogue that the menu does not know come
// last.
func (t *Table) Categories(ctx context.Context) ([]Stocked, error) {
	rows, err := t.db.QueryContext(ctx, `SELECT category, count(*) FROM catalogue_products GROUP BY category ORDER BY category`)
	if err != nil {
		return nil, fmt.Errorf("catalogue: categories: %w", err)
	}
	defer rows.Close()
	counts, order := map[string]int{}, Categories()
	known := map[string]bool{}
	for _, c := range order {
		known[c.Path] = true
	}
	for rows.Next() {
		var path string
		var n int
		if err := rows.Scan(&path, &n); err != nil {
			return nil, fmt.Errorf("catalogue: categories: %w", err)
		}
		for _, c := range CategoryTrail(path) {
			counts[c.Path] += n
			if !known[c.Path] {
				known[c.Path] = true
				order = append(order, c)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("catalogue: categories: %w", err)
	}
	var stocked []Stocked
	for _, c := range order {
		if counts[c.Path] > 0 {
			stocked = append(stocked, Stocked{Category: c, Products: counts[c.Path]})
		}
	}
	return stocked, nil
}

func below(category string) (where string, args []any) {
	if category == "" {
		return "", nil
	}
	// '0' follows '/': the range is every path below, and the index serves it.
	return `WHERE (category = ? OR category > ? AND category < ?)`, []any{category, category + "/", category + "0"}
}

func (t *Table) query(ctx context.Context, clauses string, args ...any) iter.Seq2[Product, error] {
	return func(yield func(Product, error) bool) {
		rows, err := t.db.QueryContext(ctx, `SELECT product FROM catalogue_products `+clauses, args...)
		if err != nil {
			yield(Product{}, fmt.Errorf("catalogue: query: %w", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var raw sql.RawBytes
			var p Product
			if err = rows.Scan(&raw); err == nil {
				err = json.Unmarshal(raw, &p)
			}
			if err != nil {
				yield(Product{}, fmt.Errorf("catalogue: query: %w", err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(Product{}, fmt.Errorf("catalogue: query: %w", err))
		}
	}
}

func unixSeconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
