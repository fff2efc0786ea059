package shop

import (
	"context"
	"crypto/rand"
	"iter"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/inventory"
)

// LowStock is from where on a product is running low: shoppers are told how many
// are left, and the admin that more are needed. In pieces.
const LowStock = 5

// Levels returns the stock of products by SKU. A SKU that was never stocked has none.
func (s *Shop) Levels(ctx context.Context, skus []string) (map[string]inventory.Level, error) {
	levels, err := s.stock.Levels(ctx, skus...)
	if err != nil {
		return nil, err
	}
	bySKU := make(map[string]inventory.Level, len(levels))
	for _, level := range levels {
		bySKU[level.SKU] = level // the shop has one location
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
		available[sku] = int(level.Sellable())
	}
	return available, nil
}

// StockChange is a change of a product's stock by hand. The key makes a repeat
// the same change: twice the same form is one delivery.
type StockChange func(ctx context.Context, sku string, quantity int64, reason, key string) error

// Receive adds pieces that arrived. Errors are those of inventory.Receive.
func (s *Shop) Receive(ctx context.Context, sku string, quantity int64, reason, key string) error {
	_, err := s.stock.Receive(ctx, inventory.Receipt{Key: key, Lines: []inventory.Line{{SKU: sku, Quantity: quantity}}, Reason: reason})
	return err
}

// Adjust corrects what is on hand by a difference. Errors are those of inventory.Adjust.
func (s *Shop) Adjust(ctx context.Context, sku string, quantity int64, reason, key string) error {
	_, err := s.stock.Adjust(ctx, inventory.Adjustment{Key: key, Lines: []inventory.Line{{SKU: sku, Quantity: quantity}}, Reason: reason})
	return err
}

// Low returns a page of the levels that are running low, by SKU.
func (s *Shop) Low(ctx context.Context, cursor string) (inventory.LevelPage, error) {
	return s.stock.LowStock(ctx, inventory.ListQuery{Cursor: cursor, Limit: 50})
}

// Movements returns the last changes of a product's stock, newest first.
func (s *Shop) Movements(ctx context.Context, sku string) ([]inventory.Movement, error) {
	page, err := s.stock.Movements(ctx, inventory.MovementQuery{SKU: sku, Limit: 50})
	return page.Movements, err
}

// StockUp gives every product of the catalogue that has no stock record yet what
// the catalogue says is on hand. Stock that is kept already is left alone.
func (s *Shop) StockUp(ctx context.Context) error {
	_, err := s.stock.Import(ctx, "opening-"+rand.Text(), s.unstocked(ctx), &inventory.ImportOptions{Reason: "catalogue"})
	return err
}

// unstocked yields the opening levels, looking chunks of products up at a time.
func (s *Shop) unstocked(ctx context.Context) iter.Seq2[inventory.Level, error] {
	return func(yield func(inventory.Level, error) bool) {
		chunk := make([]catalogue.Product, 0, 500)
		flush := func() bool {
			skus := make([]string, len(chunk))
			for i := range chunk {
				skus[i] = chunk[i].SKU
			}
			known, err := s.Levels(ctx, skus)
			if err != nil {
				return yield(inventory.Level{}, err)
			}
			for i := range chunk {
				if _, ok := known[chunk[i].SKU]; ok {
					continue
				}
				if !yield(inventory.Level{SKU: chunk[i].SKU, OnHand: int64(chunk[i].Stock), ReorderPoint: LowStock}, nil) {
					return false
				}
			}
			chunk = chunk[:0]
			return true
		}
		for p, err := range s.products.All(ctx) {
			if err != nil {
				yield(inventory.Level{}, err)
				return
			}
			if chunk = append(chunk, p); len(chunk) == cap(chunk) && !flush() {
				return
			}
		}
		flush()
	}
}
