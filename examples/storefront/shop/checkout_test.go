package shop

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed82d84382/commerce/inventory"
)

func TestPlaceHoldsStockAndEmptiesTheCart(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei := b.shopper(t, 1, CartLine{b.skus[0], 3}, CartLine{b.skus[1], 1})

		placed, err := b.Place(t.Context(), b.placement(mei))
		require.NoError(t, err)
		require.Equal(t, Held, placed.Status)
		require.WithinDuration(t, b.clock.now().Add(testHold), placed.HeldUntil, time.Millisecond)
		require.Equal(t, 7, b.available(t, b.skus[0]))

		lines, err := b.Cart(t.Context(), mei.ID)
		require.NoError(t, err)
		require.Empty(t, lines)
		stored, err := b.Order(t.Context(), mei.ID, placed.ID)
		require.NoError(t, err)
		require.Equal(t, placed.TotalCents, stored.TotalCents)
		require.Len(t, stored.Lines, 2)
		var sum int64
		for _, line := range stored.Lines {
			sum += line.PriceCents * int64(line.Quantity)
		}
		require.Equal(t, sum, stored.TotalCents)
		b.reconciled(t)
	})
}

func TestPlaceTwiceIsOneOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei := b.shopper(t, 1)
		for round := range 10 { // a moment between two reads of a click; in ten rounds it is met more often than not
			require.NoError(t, b.AddToCart(t.Context(), mei.ID, b.skus[0], 1))
			placement := b.placement(mei)
			orders, errs := make([]*Order, 8), make([]error, 8)
			var clicks sync.WaitGroup
			for i := range orders {
				clicks.Go(func() { orders[i], errs[i] = b.Place(t.Context(), placement) })
			}
			clicks.Wait()
			for i := range orders {
				// A click that came after the first one emptied the cart still finds its order.
				require.NoError(t, errs[i])
				require.Equal(t, placement.OrderID, orders[i].ID)
			}
			require.Equal(t, 9-round, b.available(t, b.skus[0]))
		}
	})
}

func TestPlaceRefuses(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei := b.shopper(t, 1, CartLine{b.skus[0], 1})
		other := b.shopper(t, 2, CartLine{b.skus[1], 1})
		taken, err := b.Place(t.Context(), b.placement(other))
		require.NoError(t, err)

		for name, test := range map[string]struct {
			change func(*Placement)
			want   error
			field  string
		}{
			"an id of no form":         {func(p *Placement) { p.OrderID = "1 OR 1=1" }, ErrInvalid, "order"},
			"another person's order":   {func(p *Placement) { p.OrderID = taken.ID }, ErrNotFound, ""},
			"no name":                  {func(p *Placement) { p.Contact.Name = "  " }, ErrInvalid, "name"},
			"a name of two lines":      {func(p *Placement) { p.Contact.Name = "Mei\r\nBcc: all@example.com" }, ErrInvalid, "name"},
			"no mail address":          {func(p *Placement) { p.Contact.Email = "mei" }, ErrInvalid, "email"},
			"two mail addresses":       {func(p *Placement) { p.Contact.Email = "a@example.com, b@example.com" }, ErrInvalid, "email"},
			"no address":               {func(p *Placement) { p.Contact.Address = "" }, ErrInvalid, "address"},
			"an address without end":   {func(p *Placement) { p.Contact.Address = strings.Repeat("x", 501) }, ErrInvalid, "address"},
			"an account that is not":   {func(p *Placement) { p.AccountID = "nobody" }, ErrEmptyCart, ""},
			"a contact of broken UTF8": {func(p *Placement) { p.Contact.Name = "\xff" }, ErrInvalid, "name"},
		} {
			t.Run(name, func(t *testing.T) {
				p := b.placement(mei)
				test.change(&p)
				_, err := b.Place(t.Context(), p)
				require.ErrorIs(t, err, test.want)
				if invalid, ok := errors.AsType[*InvalidError](err); ok {
					require.Equal(t, test.field, invalid.Field)
				}
			})
		}
		require.Equal(t, 10, b.available(t, b.skus[0]), "a refused order holds nothing")
	})
}

func TestTwentyShoppersRaceForTheLastPiece(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		sku := b.skus[0]
		require.NoError(t, b.Adjust(t.Context(), sku, -9, "all but one", "adjust-all-but-one"))
		const racers = 20
		accounts := make([]*Account, racers)
		for i := range accounts {
			accounts[i] = b.shopper(t, i, CartLine{sku, 1})
		}
		errs := make([]error, racers)
		var start sync.WaitGroup
		for i, account := range accounts {
			start.Go(func() {
				placed, err := b.Place(t.Context(), b.placement(account))
				if err == nil {
					_, err = b.Pay(t.Context(), account.ID, placed.ID)
				}
				errs[i] = err
			})
		}
		start.Wait()

		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				continue
			}
			short, ok := errors.AsType[*inventory.InsufficientError](err)
			require.True(t, ok, "racer %d: %v", i, err)
			require.Equal(t, sku, short.SKU)
			lines, err := b.Cart(t.Context(), accounts[i].ID)
			require.NoError(t, err)
			require.Len(t, lines, 1, "who was slower keeps the cart")
		}
		require.Equal(t, 1, won)
		require.Equal(t, 0, b.available(t, sku))
		require.Equal(t, 1, b.jobs(t, "mail.order"))
		b.reconciled(t)
	})
}

func TestPayOnceForManyClicks(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei, placed := b.placed(t, CartLine{b.skus[0], 2})

		var clicks sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			clicks.Go(func() { _, errs[i] = b.Pay(t.Context(), mei.ID, placed.ID) })
		}
		clicks.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, 1, b.jobs(t, "mail.order"), "one order, one mail")
		level, err := b.stock.Level(t.Context(), b.skus[0], "")
		require.NoError(t, err)
		require.EqualValues(t, 8, level.OnHand)
		require.EqualValues(t, 0, level.Reserved)

		require.NoError(t, b.Cancel(t.Context(), mei.ID, placed.ID))
		paid, err := b.Order(t.Context(), mei.ID, placed.ID)
		require.NoError(t, err)
		require.Equal(t, Paid, paid.Status, "what is paid cannot be cancelled")
		require.ErrorIs(t, b.Again(t.Context(), mei.ID, placed.ID), ErrNotFound)
	})
}

func TestPayIsOnlyForTheOwner(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei, thief := b.shopper(t, 1, CartLine{b.skus[0], 1}), b.shopper(t, 2)
		placed, err := b.Place(t.Context(), b.placement(mei))
		require.NoError(t, err)

		_, err = b.Order(t.Context(), thief.ID, placed.ID)
		require.ErrorIs(t, err, ErrNotFound)
		_, err = b.Pay(t.Context(), thief.ID, placed.ID)
		require.ErrorIs(t, err, ErrNotFound)
		require.ErrorIs(t, b.Cancel(t.Context(), thief.ID, placed.ID), ErrNotFound)
		require.ErrorIs(t, b.Again(t.Context(), thief.ID, placed.ID), ErrNotFound)
	})
}

func TestExpiredOrderGivesItsStockBack(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei, placed := b.placed(t, CartLine{b.skus[0], 4})

		n, err := b.Expire(t.Context())
		require.NoError(t, err)
		require.Zero(t, n, "its time is not over")
		b.clock.advance(testHold)
		_, err = b.Pay(t.Context(), mei.ID, placed.ID)
		require.ErrorIs(t, err, ErrExpired, "too late, even before the sweep")
		n, err = b.Expire(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 1, n)

		expired, err := b.Order(t.Context(), mei.ID, placed.ID)
		require.NoError(t, err)
		require.Equal(t, Expired, expired.Status)
		require.Equal(t, 10, b.available(t, b.skus[0]))
		_, err = b.Pay(t.Context(), mei.ID, placed.ID)
		require.ErrorIs(t, err, ErrExpired)
		require.Zero(t, b.jobs(t, "mail.order"))

		require.NoError(t, b.Again(t.Context(), mei.ID, placed.ID))
		lines, err := b.Cart(t.Context(), mei.ID)
		require.NoError(t, err)
		require.Equal(t, []CartLine{{b.skus[0], 4}}, lines)
		b.reconciled(t)
	})
}

func TestCancelGivesTheStockBack(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		mei, placed := b.placed(t, CartLine{b.skus[0], 4})
		for range 2 {
			require.NoError(t, b.Cancel(t.Context(), mei.ID, placed.ID))
		}
		require.Equal(t, 10, b.available(t, b.skus[0]))
		_, err := b.Pay(t.Context(), mei.ID, placed.ID)
		require.ErrorIs(t, err, ErrExpired)
		b.reconciled(t)
	})
}

func TestStockUpLeavesKnownStockAlone(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bench) {
		require.NoError(t, b.Receive(t.Context(), b.skus[0], 5, "delivery", "receive-1"))
		require.NoError(t, b.Receive(t.Context(), b.skus[0], 5, "delivery", "receive-1"), "a repeat")
		require.NoError(t, b.StockUp(t.Context()))
		require.Equal(t, 15, b.available(t, b.skus[0]))
		err := b.Receive(t.Context(), b.skus[0], 6, "delivery", "receive-1")
		require.ErrorIs(t, err, inventory.ErrConflict)
	})
}
