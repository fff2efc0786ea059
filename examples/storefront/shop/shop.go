// Package shop is what the storefront does, without its pages: accounts, carts,
// and orders whose stock, state and mail change in one transaction.
package shop

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/seed82d84382/commerce/examples/storefront/catalogue"
	"github.com/seed82d84382/commerce/examples/storefront/database"
	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/otp"
)

//go:embed schema
var schemas embed.FS

// Options wire a Shop. All but Log and Now are required.
type Options struct {
	DB       *database.DB
	Products *catalogue.Table
	Stock    *inventory.Inventory // on DB, so that orders and stock share transactions
	Jobs     *notify.Client       // on DB, so that orders and mails do
	Codes    *otp.Codes
	Hold     time.Duration // how long a checkout keeps its stock
	URL      string        // the shop's address, for links in mails
	Log      *slog.Logger
	Now      func() time.Time
}

// Shop is safe for concurrent use.
type Shop struct {
	db        *database.DB
	products  *catalogue.Table
	stock     *inventory.Inventory
	jobs      *notify.Client
	codes     *otp.Codes
	hold      time.Duration
	url       string
	log       *slog.Logger
	now       func() time.Time
	passwords *passwordHasher
	sealer    *sealer

	categories struct {
		sync.Mutex
		fingerprint string
		top         []catalogue.Stocked
	}
}

// Open creates the shop's tables when they are not there yet.
func Open(ctx context.Context, o Options) (*Shop, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := o.DB.Create(ctx, schemas); err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	sealer, err := newSealer()
	if err != nil {
		return nil, err
	}
	return &Shop{
		db: o.DB, products: o.Products, stock: o.Stock, jobs: o.Jobs, codes: o.Codes, hold: o.Hold, url: o.URL,
		log: o.Log, now: o.Now, passwords: newPasswordHasher(), sealer: sealer,
	}, nil
}

// Ping reports whether the shop's database answers.
func (s *Shop) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// TopCategories returns the first level of the menu. It is read once a catalogue.
func (s *Shop) TopCategories(ctx context.Context) ([]catalogue.Stocked, error) {
	fingerprint, err := s.products.Fingerprint(ctx)
	if err != nil {
		return nil, err
	}
	s.categories.Lock()
	defer s.categories.Unlock()
	if s.categories.fingerprint == fingerprint && fingerprint != "" {
		return s.categories.top, nil
	}
	stocked, err := s.products.Categories(ctx)
	if err != nil {
		return nil, err
	}
	var top []catalogue.Stocked
	for _, c := range stocked {
		if c.Parent() == "" && c.Path != "" {
			top = append(top, c)
		}
	}
	s.categories.fingerprint, s.categories.top = fingerprint, top
	return top, nil
}
