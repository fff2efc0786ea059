package main

import (
	"context"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/shop"
)

// warmPictures bounds the warm-up: a catalogue of thousands is drawn as shoppers ask.
const warmPictures = 100

// warmUp makes the pictures that a new shop shows first, so that its pages do
// not fill in while somebody looks.
func warmUp(ctx context.Context, products *catalogue.Table, s *shop.Shop, pictures *shop.Pictures) error {
	first, err := firstSeen(ctx, products, s)
	if err != nil || len(first) == 0 {
		return err
	}
	if err := pictures.WarmUp(ctx, first[:1], "product", "card"); err != nil { // the front page shows it large
		return err
	}
	return pictures.WarmUp(ctx, first[1:], "card")
}

// firstSeen returns products in the order in which shoppers come to see them:
// the best seller that opens the front page, the face of each category there,
// and then what sells best.
func firstSeen(ctx context.Context, products *catalogue.Table, s *shop.Shop) ([]catalogue.Product, error) {
	popular, err := products.List(ctx, "", 0, warmPictures)
	if err != nil || len(popular) == 0 {
		return nil, err
	}
	categories, err := s.TopCategories(ctx)
	if err != nil {
		return nil, err
	}
	order := popular[:1:1]
	for _, c := range categories {
		face, err := products.List(ctx, c.Path, 0, 1)
		if err != nil {
			return nil, err
		}
		order = append(order, face...)
	}
	order = append(order, popular[1:]...)
	seen, first := make(map[string]bool, len(order)), make([]catalogue.Product, 0, warmPictures)
	for _, p := range order {
		if !seen[p.SKU] && len(first) < warmPictures {
			seen[p.SKU] = true
			first = append(first, p)
		}
	}
	return first, nil
}
