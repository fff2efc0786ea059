package shop

import (
	"context"

	"github.com/seed82d84382/commerce/inventory"
)

// Levels returns the stock of products by SKU. A SKU that was never stocked has none.
func (s *Shop) Levels(ctx context.Context, skus []string) (map[string]inventory.Level, error) {
	bySKU := make(map[string]inventory.Level, len(skus))
	if len(skus) == 0 {
		return bySKU, nil
	}
	levels, err := s.stock.Levels(ctx, skus...)
	if err != nil {
		return nil, err
	}
	for _, level := range levels {
		bySKU[level.SKU] = level
	}
	return bySKU, nil
}

// Available returns how many pieces of products can be bought now, by SKU.
func (s *Shop) Available(ctx context.Context, skus []string) (map[string]int, error) {
	levels, err := s.Levels(ctx, skus)
	if err != nil {
		return nil, err
	}
	available := make(map[string]int, len(levels))
	for sku, level := range levels {
		available[sku] = int(level.Available())
	}
	return available, nil
}

// StockChange is a change of a product's stock by hand. The key makes a repeat
// the same change: twice the same form is one delivery.
type StockChange func(ctx context.Context, sku string, quantity int64, reason, key string) error

// Receive adds pieces that arrived.
func (s *Shop) Receive(ctx context.Context, sku string, quantity int64, reason, key string) error {
	return s.stock.Receive(ctx, inventory.Change{Key: key, SKU: sku, Quantity: quantity, Reason: reason})
}

// Adjust corrects what is on hand by a difference.
func (s *Shop) Adjust(ctx context.Context, sku string, quantity int64, reason, key string) error {
	return s.stock.Adjust(ctx, inventory.Change{Key: key, SKU: sku, Quantity: quantity, Reason: reason})
}

// LowStock returns up to limit levels with at most threshold pieces available, least first.
func (s *Shop) LowStock(ctx context.Context, threshold int64, limit int) ([]inventory.Level, error) {
	return s.stock.LowStock(ctx, threshold, limit)
}

// Movements returns the last changes of a product's stock, newest first.
func (s *Shop) Movements(ctx context.Context, sku string, limit int) ([]inventory.Movement, error) {
	return s.stock.Movements(ctx, sku, limit)
}
