package shop

import (
	"context"
	"fmt"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/database"
)

// GuestPrefix begins the id of the cart of someone who is not logged in.
const GuestPrefix = "guest-"

// guestCartLife is how long such a cart is kept after it was last added to.
const guestCartLife = 30 * 24 * time.Hour

// MaxQuantity is the most of one product a cart takes.
const MaxQuantity = 99

// maxCartLines bounds a cart, and with it the reservation of its order.
const maxCartLines = 100

// CartLine is a product in a cart and how many of it.
type CartLine struct {
	SKU      string
	Quantity int
}

// Cart returns the lines of an owner's cart in the order they were added. The
// owner is an account's id or the id of a guest's cart.
func (s *Shop) Cart(ctx context.Context, owner string) ([]CartLine, error) {
	return cart(ctx, s.db, owner)
}

func cart(ctx context.Context, q database.Querier, owner string) ([]CartLine, error) {
	rows, err := q.QueryContext(ctx, `SELECT sku, quantity FROM cart_lines WHERE owner = ? ORDER BY added_at, sku`, owner)
	if err != nil {
		return nil, fmt.Errorf("shop: cart: %w", err)
	}
	defer rows.Close()
	var lines []CartLine
	for rows.Next() {
		var line CartLine
		if err := rows.Scan(&line.SKU, &line.Quantity); err != nil {
			return nil, fmt.Errorf("shop: cart: %w", err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("shop: cart: %w", err)
	}
	return lines, nil
}

// CartCount returns how many pieces are in a cart.
func (s *Shop) CartCount(ctx context.Context, owner string) (int, error) {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT COALESCE(SUM(quantity), 0) FROM cart_lines WHERE owner = ?`, owner).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("shop: cart count: %w", err)
	}
	return n, nil
}

// AddToCart adds quantity pieces of a product, up to MaxQuantity.
func (s *Shop) AddToCart(ctx context.Context, owner, sku string, quantity int) error {
	if quantity < 1 || quantity > MaxQuantity {
		return &InvalidError{Field: "quantity", Reason: "error.quantity"}
	}
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		var lines int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM cart_lines WHERE owner = ? AND sku <> ?`, owner, sku).Scan(&lines); err != nil {
			return fmt.Errorf("shop: add to cart: %w", err)
		}
		if lines >= maxCartLines {
			return &InvalidError{Field: "cart", Reason: "error.cart.full"}
		}
		return addLine(ctx, tx, owner, CartLine{SKU: sku, Quantity: quantity}, s.now().UnixMilli())
	})
}

func addLine(ctx context.Context, tx *database.Tx, owner string, line CartLine, at int64) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO cart_lines (owner, sku, quantity, added_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (owner, sku) DO UPDATE SET quantity =
		CASE WHEN cart_lines.quantity + excluded.quantity > ? THEN ? ELSE cart_lines.quantity + excluded.quantity END`,
		owner, line.SKU, line.Quantity, at, MaxQuantity, MaxQuantity)
	if err != nil {
		return fmt.Errorf("shop: add to cart: %w", err)
	}
	return nil
}

// SetCartQuantity sets how many of a product are in a cart; 0 takes it out.
func (s *Shop) SetCartQuantity(ctx context.Context, owner, sku string, quantity int) error {
	if quantity < 0 || quantity > MaxQuantity {
		return &InvalidError{Field: "quantity", Reason: "error.quantity"}
	}
	var err error
	if quantity == 0 {
		_, err = s.db.ExecContext(ctx, `DELETE FROM cart_lines WHERE owner = ? AND sku = ?`, owner, sku)
	} else {
		_, err = s.db.ExecContext(ctx, `UPDATE cart_lines SET quantity = ? WHERE owner = ? AND sku = ?`, quantity, owner, sku)
	}
	if err != nil {
		return fmt.Errorf("shop: set cart quantity: %w", err)
	}
	return nil
}

// MoveCart adds a guest's cart to an account's when the guest logs in.
func (s *Shop) MoveCart(ctx context.Context, guest, account string) error {
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		lines, err := cart(ctx, tx, guest)
		if err != nil || len(lines) == 0 {
			return err
		}
		own, err := cart(ctx, tx, account)
		if err != nil {
			return err
		}
		room := maxCartLines - len(own)
		at := s.now().UnixMilli()
		for i, line := range lines {
			if i >= room {
				break
			}
			if err := addLine(ctx, tx, account, line, at+int64(i)); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM cart_lines WHERE owner = ?`, guest); err != nil {
			return fmt.Errorf("shop: move cart: %w", err)
		}
		return nil
	})
}

// ForgetCarts removes the carts of guests who have not come back.
func (s *Shop) ForgetCarts(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM cart_lines WHERE owner LIKE ? AND added_at < ?`, GuestPrefix+"%", s.now().Add(-guestCartLife).UnixMilli())
	if err != nil {
		return fmt.Errorf("shop: forget carts: %w", err)
	}
	return nil
}
