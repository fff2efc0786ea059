package shop

import (
	"context"
	"fmt"
	"sync"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/media"
)

// WarmUp makes what the first shoppers will ask for: the first picture of every
// product, in the order given, and of each the named variants. It works on one
// picture at a time, and on none while somebody waits for a drawing. It returns
// when all is made, at the first failure, or soon after ctx ends: a picture that
// was begun is finished, since a shopper may have come to wait for it. Variants
// that media.Shop does not have are a mistake of the caller and an error.
func (p *Pictures) WarmUp(ctx context.Context, products []catalogue.Product, variants ...string) error {
	for i := range products {
		if err := p.rush.wait(ctx); err != nil {
			return err
		}
		file, err := p.drawAhead(ctx, &products[i])
		if err != nil {
			return err
		}
		for _, name := range variants {
			if err := p.makeVariant(ctx, file, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// drawAhead is Draw for nobody in particular. It returns when no drawing of its
// own is left under way.
func (p *Pictures) drawAhead(ctx context.Context, product *catalogue.Product) (media.File, error) {
	file, ok, err := p.stored(ctx, product, 0)
	if err != nil || ok {
		return file, err
	}
	key := drawingKey(product, 0)
	drawn, err, _ := p.flights.Do(key, func() (any, error) {
		return p.draw(context.WithoutCancel(ctx), key, product, 0)
	})
	if err != nil {
		return media.File{}, err
	}
	return drawn.(media.File), nil
}

func (p *Pictures) makeVariant(ctx context.Context, file media.File, name string) error {
	variant, ok := media.Shop.Find(name)
	if !ok {
		return fmt.Errorf("shop: warm up: no variant %q", name)
	}
	if err := p.rush.wait(ctx); err != nil {
		return err
	}
	made, err := p.images.Variant(context.WithoutCancel(ctx), file.Name, variant) // what is begun must not go on behind our back
	if err != nil {
		return fmt.Errorf("shop: warm up: %w", err)
	}
	return made.Close()
}

// rush counts the drawings that somebody waits for. The zero value has none.
type rush struct {
	mu    sync.Mutex
	count int
	over  chan struct{} // closed when count is zero again
}

func (r *rush) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count++; r.count == 1 {
		r.over = make(chan struct{})
	}
}

func (r *rush) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count--; r.count == 0 {
		close(r.over)
	}
}

// wait returns when nobody waits, or with ctx's error.
func (r *rush) wait(ctx context.Context) error {
	for {
		r.mu.Lock()
		busy, over := r.count > 0, r.over
		r.mu.Unlock()
		if !busy {
			return ctx.Err()
		}
		select {
		case <-over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
