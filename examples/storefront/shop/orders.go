package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/database"
)

// Status is where an order is: held leads to paid, expired or cancelled, and
// those three are final.
type Status string

// The states of an order.
const (
	Held      Status = "held"      // its stock is reserved until HeldUntil
	Paid      Status = "paid"      // its stock is sold
	Expired   Status = "expired"   // nobody paid in time, its stock went back
	Cancelled Status = "cancelled" // the shopper gave its stock back
)

// Order is what somebody buys.
type Order struct {
	ID         string
	AccountID  string
	Status     Status
	TotalCents int64
	Language   string // of the shopper, for the mail
	Contact    Contact
	CreatedAt  time.Time
	HeldUntil  time.Time
	PaidAt     time.Time // zero unless it is paid
	Lines      []OrderLine
}

// OrderLine is a product as it was when it was bought.
type OrderLine struct {
	SKU        string
	Title      string
	Quantity   int
	PriceCents int64
}

// Number is what people call the order: the first characters of its id, which
// are random enough among the orders of one person.
func (o *Order) Number() string { return OrderNumber(o.ID) }

// OrderNumber is the number of the order with an id.
func OrderNumber(id string) string {
	if len(id) < 8 {
		return id
	}
	return id[:4] + "-" + id[4:8]
}

const orderColumns = `id, account_id, status, total_cents, language, name, email, address, created_at, held_until, paid_at`

func scanOrder(scan func(...any) error) (*Order, error) {
	var o Order
	var created, held, paid int64
	err := scan(&o.ID, &o.AccountID, &o.Status, &o.TotalCents, &o.Language, &o.Contact.Name, &o.Contact.Email, &o.Contact.Address, &created, &held, &paid)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("shop: order: %w", err)
	}
	o.CreatedAt, o.HeldUntil = time.UnixMilli(created), time.UnixMilli(held)
	if paid != 0 {
		o.PaidAt = time.UnixMilli(paid)
	}
	return &o, nil
}

func order(ctx context.Context, q database.Querier, id string) (*Order, error) {
	o, err := scanOrder(q.QueryRowContext(ctx, `SELECT `+orderColumns+` FROM orders WHERE id = ?`, id).Scan)
	if err != nil {
		return nil, err
	}
	rows, err := q.QueryContext(ctx, `SELECT sku, title, quantity, price_cents FROM order_lines WHERE order_id = ? ORDER BY position`, id)
	if err != nil {
		return nil, fmt.Errorf("shop: order lines: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var line OrderLine
		if err := rows.Scan(&line.SKU, &line.Title, &line.Quantity, &line.PriceCents); err != nil {
			return nil, fmt.Errorf("shop: order lines: %w", err)
		}
		o.Lines = append(o.Lines, line)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("shop: order lines: %w", err)
	}
	return o, nil
}

// Order returns an order of an account, or ErrNotFound when it is not theirs.
func (s *Shop) Order(ctx context.Context, accountID, id string) (*Order, error) {
	return ownOrder(ctx, s.db, accountID, id)
}

func ownOrder(ctx context.Context, q database.Querier, accountID, id string) (*Order, error) {
	o, err := order(ctx, q, id)
	if err != nil {
		return nil, err
	}
	if o.AccountID != accountID {
		return nil, ErrNotFound
	}
	return o, nil
}

// listedOrders bounds an account's list.
const listedOrders = 100

// Orders returns the latest orders of an account, newest first, without their lines.
func (s *Shop) Orders(ctx context.Context, accountID string) ([]*Order, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+orderColumns+` FROM orders WHERE account_id = ? ORDER BY created_at DESC, id LIMIT ?`, accountID, listedOrders)
	if err != nil {
		return nil, fmt.Errorf("shop: orders: %w", err)
	}
	defer rows.Close()
	var orders []*Order
	for rows.Next() {
		o, err := scanOrder(rows.Scan)
		if err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("shop: orders: %w", err)
	}
	return orders, nil
}
