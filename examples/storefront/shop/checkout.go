package shop

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/examples/storefront/i18n"
	"github.com/seed82d84382/commerce/inventory"
)

// NewOrderID makes the id that a checkout form carries. Sent twice, the form
// still makes one order.
func NewOrderID() string { return rand.Text() }

var orderID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// Placement is a checkout form.
type Placement struct {
	OrderID   string // from NewOrderID
	AccountID string
	Language  i18n.Language
	Contact   Contact
}

// Place turns an account's cart into an order whose stock is held. The order,
// the reservation and the emptied cart are one transaction. A repeat with the
// same order id returns the order that the first one made.
//
// Errors: *InvalidError, ErrEmptyCart, ErrNotFound for another account's id,
// and *inventory.InsufficientError when someone else was faster.
func (s *Shop) Place(ctx context.Context, p Placement) (*Order, error) {
	if !orderID.MatchString(p.OrderID) {
		return nil, &InvalidError{Field: "order", Reason: "error.order"}
	}
	if placed, err := s.Order(ctx, p.AccountID, p.OrderID); err == nil {
		return placed, nil
	} else if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err := p.Contact.check(); err != nil {
		return nil, err
	}
	// Products are read before the transaction: inside it, a second connection
	// could wait for callers that wait for this one.
	lines, err := s.Cart(ctx, p.AccountID)
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 { // perhaps since a moment ago, by the same form
		if placed, err := s.Order(ctx, p.AccountID, p.OrderID); err == nil {
			return placed, nil
		}
	}
	draft, err := s.draft(ctx, p, lines)
	if err != nil {
		return nil, err
	}
	var placed *Order
	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := lock(ctx, tx, "accounts", p.AccountID); err != nil { // the same form sent twice at once
			return err
		}
		placed, err = s.place(ctx, tx, draft)
		return err
	})
	if err != nil {
		return nil, err
	}
	return placed, nil
}

// draft prices the lines of a cart.
func (s *Shop) draft(ctx context.Context, p Placement, lines []CartLine) (*Order, error) {
	if len(lines) == 0 {
		return nil, ErrEmptyCart
	}
	skus := make([]string, len(lines))
	for i := range lines {
		skus[i] = lines[i].SKU
	}
	products, err := s.products.BySKUs(ctx, skus)
	if err != nil {
		return nil, err
	}
	bySKU := map[string]*catalogue.Product{}
	for i := range products {
		bySKU[products[i].SKU] = &products[i]
	}
	o := &Order{ID: p.OrderID, AccountID: p.AccountID, Status: Held, Language: string(p.Language), Contact: p.Contact}
	for _, line := range lines {
		product, ok := bySKU[line.SKU]
		if !ok {
			return nil, &InvalidError{Field: "cart", Reason: "cart.gone"}
		}
		o.Lines = append(o.Lines, OrderLine{SKU: line.SKU, Title: product.Title.In(catalogue.Language(p.Language)), Quantity: line.Quantity, PriceCents: product.PriceCents})
		o.TotalCents += product.PriceCents * int64(line.Quantity)
	}
	return o, nil
}

func (s *Shop) place(ctx context.Context, tx *database.Tx, o *Order) (*Order, error) {
	if placed, err := order(ctx, tx, o.ID); err == nil {
		if placed.AccountID != o.AccountID {
			return nil, ErrNotFound
		}
		return placed, nil
	} else if !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	reservation := inventory.Order{Key: o.ID, TTL: s.hold}
	for _, line := range o.Lines {
		reservation.Lines = append(reservation.Lines, inventory.Line{SKU: line.SKU, Quantity: int64(line.Quantity)})
	}
	hold, err := s.stock.ReserveTx(ctx, tx.SQL(), reservation)
	if unknown, ok := errors.AsType[*inventory.UnknownSKUError](err); ok { // never stocked is sold out
		return nil, &inventory.InsufficientError{SKU: unknown.SKU, Location: unknown.Location, Want: 1}
	}
	if err != nil {
		return nil, err
	}
	o.CreatedAt, o.HeldUntil = s.now().Truncate(time.Millisecond), hold.ExpiresAt.Truncate(time.Millisecond)
	_, err = tx.ExecContext(ctx, `INSERT INTO orders (id, account_id, status, total_cents, language, name, email, address, created_at, held_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		o.ID, o.AccountID, o.Status, o.TotalCents, o.Language, o.Contact.Name, o.Contact.Email, o.Contact.Address, o.CreatedAt.UnixMilli(), o.HeldUntil.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("shop: place order: %w", err)
	}
	for i, line := range o.Lines {
		_, err = tx.ExecContext(ctx, `INSERT INTO order_lines (order_id, position, sku, title, quantity, price_cents) VALUES (?, ?, ?, ?, ?, ?)`,
			o.ID, i, line.SKU, line.Title, line.Quantity, line.PriceCents)
		if err == nil { // a line that changed since it was read stays in the cart
			_, err = tx.ExecContext(ctx, `DELETE FROM cart_lines WHERE owner = ? AND sku = ? AND quantity = ?`, o.AccountID, line.SKU, line.Quantity)
		}
		if err != nil {
			return nil, fmt.Errorf("shop: place order: %w", err)
		}
	}
	_, err = tx.ExecContext(ctx, `UPDATE accounts SET name = ?, email = ?, address = ? WHERE id = ?`, o.Contact.Name, o.Contact.Email, o.Contact.Address, o.AccountID)
	if err != nil {
		return nil, fmt.Errorf("shop: place order: %w", err)
	}
	return o, nil
}

// lock keeps others from changing a row until the transaction ends; no row is no error.
func lock(ctx context.Context, tx *database.Tx, table, id string) error {
	err := tx.QueryRowContext(ctx, `SELECT id FROM `+table+` WHERE id = ? FOR UPDATE`, id).Scan(new(string))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("shop: lock %s: %w", table, err)
	}
	return nil
}

// Pay takes the test payment of an order: the order is paid, its stock is sold
// and its mail is queued in one transaction, so that no crash comes between
// them. A repeat is answered as the first.
//
// Errors: ErrNotFound, and ErrExpired when the hold is over or was given back.
func (s *Shop) Pay(ctx context.Context, accountID, id string) (*Order, error) {
	var o *Order
	err := s.db.InTx(ctx, func(tx *database.Tx) (err error) {
		if err := lock(ctx, tx, "orders", id); err != nil {
			return err
		}
		if o, err = ownOrder(ctx, tx, accountID, id); err != nil {
			return err
		}
		switch o.Status {
		case Paid:
			return nil
		case Expired, Cancelled:
			return ErrExpired
		}
		if err := s.stock.CommitTx(ctx, tx.SQL(), id); err != nil {
			if errors.Is(err, inventory.ErrExpired) {
				return ErrExpired
			}
			return err
		}
		o.Status, o.PaidAt = Paid, s.now().Truncate(time.Millisecond)
		if _, err := tx.ExecContext(ctx, `UPDATE orders SET status = ?, paid_at = ? WHERE id = ?`, Paid, o.PaidAt.UnixMilli(), id); err != nil {
			return fmt.Errorf("shop: pay: %w", err)
		}
		_, err = mailOrder.EnqueueTx(ctx, s.orderJobs, tx.SQL(), orderJob{OrderID: id})
		return err
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Cancel gives the stock of a held order back. An order that is final stays as it is.
func (s *Shop) Cancel(ctx context.Context, accountID, id string) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := lock(ctx, tx, "orders", id); err != nil {
			return err
		}
		o, err := ownOrder(ctx, tx, accountID, id)
		if err != nil || o.Status != Held {
			return err
		}
		if err := s.stock.ReleaseTx(ctx, tx.SQL(), id); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE orders SET status = ? WHERE id = ?`, Cancelled, id); err != nil {
			return fmt.Errorf("shop: cancel: %w", err)
		}
		return nil
	})
}

// Again puts the lines of an order that came to nothing back into the cart.
func (s *Shop) Again(ctx context.Context, accountID, id string) error {
	o, err := s.Order(ctx, accountID, id)
	if err != nil {
		return err
	}
	if o.Status == Paid || o.Status == Held && s.now().Before(o.HeldUntil) {
		return ErrNotFound
	}
	for _, line := range o.Lines {
		if err := s.AddToCart(ctx, accountID, line.SKU, line.Quantity); err != nil {
			return err
		}
	}
	return nil
}

// Expire gives back the stock of holds whose time is over, and marks their
// orders. It returns how many orders it marked.
func (s *Shop) Expire(ctx context.Context) (int64, error) {
	if _, err := s.stock.Sweep(ctx); err != nil {
		return 0, err
	}
	result, err := s.db.ExecContext(ctx, `UPDATE orders SET status = ? WHERE status = ? AND held_until <= ?`, Expired, Held, s.now().UnixMilli())
	if err != nil {
		return 0, fmt.Errorf("shop: expire: %w", err)
	}
	return result.RowsAffected()
}
