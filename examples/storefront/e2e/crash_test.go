package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/seed82d84382/commerce/internal/testenv/testenvtest"
	"github.com/seed82d84382/commerce/inventory"
)

// What all the shoppers of the crash want: fewer pieces than there are shoppers.
const (
	wanted      = "charger-gan-65"
	wantedSKU   = "CHARGER-GAN-65"
	wantedStock = 88
	shoppers    = 200
	hold        = 4 * time.Second
)

// TestChaosKillDuringCheckouts kills the storefront in the middle of 200
// concurrent checkouts, starts it again on the same data, and requires that
// every order that a shopper was told of is there, that nothing is sold twice,
// and that no hold outlives its time.
func TestChaosKillDuringCheckouts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		testenvtest.Skip(t, "starts and kills the storefront, and -short means no servers")
	}
	everywhere(t, func(t *testing.T, kept *kept) {
		points := []int64{40}
		switch {
		case testenvtest.Long():
			points = []int64{1, 2, 10, 25, 40, 60, 70, 80}
		case kept.flag == "":
			points = []int64{1, 40}
		}
		for _, killAfter := range points {
			t.Run(fmt.Sprintf("after %d paid orders", killAfter), func(t *testing.T) { killDuringCheckouts(t, kept.anew(t), killAfter) })
		}
	})
}

func killDuringCheckouts(t *testing.T, kept *kept, killAfter int64) {
	data, flags := t.TempDir(), append(kept.flags(), "-hold", hold.String())
	shop := open(t, data, flags...)
	crowd := gather(t, shop)
	var paid atomic.Int64
	enough := make(chan struct{})
	var rush sync.WaitGroup
	for _, s := range crowd {
		rush.Go(func() {
			s.buy(t.Context(), shop.URL)
			if s.paid && paid.Add(1) == killAfter {
				close(enough)
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(waitLong):
		t.Fatal("too few checkouts came through")
	}
	shop.kill(t)
	rush.Wait() // those under way see their connection break
	var told, placed int
	for _, s := range crowd {
		if s.paid {
			told++
		}
		if s.placed {
			placed++
		}
	}
	require.Less(t, told, wantedStock, "the shop died in the middle, not after the rush")

	shop = open(t, data, flags...)
	for _, s := range crowd {
		status := s.status(t, shop.URL)
		if s.paid {
			require.Equal(t, "paid", status, "order %s was acknowledged as paid", s.order)
		}
		if s.placed {
			require.NotEqual(t, "missing", status, "order %s was acknowledged", s.order)
		}
	}
	// The others try again with the form they have: the same order, once.
	again, ctx := errgroup.WithContext(t.Context())
	again.SetLimit(16)
	for _, s := range crowd {
		if !s.paid {
			again.Go(func() error { s.buy(ctx, shop.URL); return nil })
		}
	}
	require.NoError(t, again.Wait())
	onHand := shop.settled(t)
	sold := 0
	for _, s := range crowd {
		status := s.status(t, shop.URL)
		require.NotEqual(t, "held", status, "order %s outlived its hold", s.order)
		if s.paid {
			require.Equal(t, "paid", status, "order %s", s.order)
		}
		if status == "paid" {
			sold++
		}
	}
	require.Equal(t, wantedStock, onHand+sold, "pieces on the shelf and sold")
	shop.stop(t)
	audit(t, kept.stock(t, data), crowd, sold)
	t.Logf("killed after %d paid and %d placed orders were told of; %d sold in the end", told, placed, sold)
}

// shopper is one of the crowd: logged in, with a filled cart and the checkout
// form before them.
type shopper struct {
	client *http.Client
	order  string

	placed, paid bool // what the shop has told them
}

// gather logs the crowd in.
func gather(t *testing.T, shop *process) []*shopper {
	t.Helper()
	crowd := make([]*shopper, shoppers)
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for i := range crowd {
		group.Go(func() (err error) {
			crowd[i], err = newShopper(ctx, shop, fmt.Sprintf("+447701%06d", i))
			return err
		})
	}
	require.NoError(t, group.Wait())
	return crowd
}

var orderField = regexp.MustCompile(`name="order" value="([A-Z2-7]{26})"`)

func newShopper(ctx context.Context, shop *process, number string) (*shopper, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &shopper{client: &http.Client{Jar: jar, Timeout: waitLong}}
	if _, err := s.post(ctx, shop.URL+"/login/code", url.Values{"phone": {number}}); err != nil {
		return nil, err
	}
	code, err := shop.texted(ctx, number)
	if err != nil {
		return nil, err
	}
	if _, err = s.post(ctx, shop.URL+"/login/verify", url.Values{"code": {code}}); err != nil {
		return nil, err
	}
	if _, err = s.post(ctx, shop.URL+"/cart/add", url.Values{"sku": {wantedSKU}, "quantity": {"1"}}); err != nil {
		return nil, err
	}
	form, err := s.get(ctx, shop.URL+"/checkout")
	if err != nil {
		return nil, err
	}
	field := orderField.FindStringSubmatch(form)
	if field == nil {
		return nil, fmt.Errorf("%s has no checkout form", number)
	}
	s.order = field[1]
	return s, nil
}

// texted waits for the code that the shop prints for a phone number.
func (p *process) texted(ctx context.Context, number string) (string, error) {
	line := regexp.MustCompile(`SMS to ` + regexp.QuoteMeta(number) + `:.*?\b(\d{6})\b`)
	ctx, cancel := context.WithTimeout(ctx, waitLong)
	defer cancel()
	ticker := time.NewTicker(waitStep)
	defer ticker.Stop()
	for {
		if m := line.FindStringSubmatch(p.output.String()); m != nil {
			return m[1], nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no code for %s: %w", number, ctx.Err())
		case <-ticker.C:
		}
	}
}

// buy places the order and pays it, and notes what the shop acknowledged. That
// the shop dies, or is out of stock, ends it.
func (s *shopper) buy(ctx context.Context, shop string) {
	page, err := s.post(ctx, shop+"/checkout", url.Values{
		"order": {s.order}, "name": {"One of many"}, "email": {"crowd@example.com"}, "address": {"The queue"},
	})
	if err != nil || statusOf(page) == "missing" {
		return
	}
	s.placed = true
	page, err = s.post(ctx, shop+"/order/"+s.order+"/pay", nil)
	s.paid = err == nil && statusOf(page) == "paid"
}

// status is what the order's page says: held, paid, over, or missing.
func (s *shopper) status(t *testing.T, shop string) string {
	t.Helper()
	page, err := s.get(t.Context(), shop+"/order/"+s.order)
	if err != nil {
		require.ErrorIs(t, err, errNotFound)
		return "missing"
	}
	return statusOf(page)
}

func statusOf(orderPage string) string {
	switch {
	case strings.Contains(orderPage, `id="countdown"`):
		return "held"
	case strings.Contains(orderPage, `class="notice success"`):
		return "paid"
	case strings.Contains(orderPage, `/again"`):
		return "over"
	}
	return "missing"
}

var errNotFound = errors.New("not found")

func (s *shopper) get(ctx context.Context, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	return s.do(request)
}

func (s *shopper) post(ctx context.Context, address string, form url.Values) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", request.URL.Scheme+"://"+request.URL.Host)
	return s.do(request)
}

func (s *shopper) do(request *http.Request) (string, error) {
	answer, err := s.client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<20))
	switch {
	case err != nil:
		return "", err
	case answer.StatusCode == http.StatusNotFound:
		return "", errNotFound
	case answer.StatusCode >= http.StatusBadRequest:
		return "", fmt.Errorf("%s answered %s", request.URL.Path, answer.Status)
	}
	return string(body), nil
}

var (
	reservedField = regexp.MustCompile(`id="reserved">(-?\d+)<`)
	onHandField   = regexp.MustCompile(`id="on-hand">(-?\d+)<`)
)

// settled waits until the admin's page says that nothing is held any more, and
// returns what it says is on hand.
func (p *process) settled(t *testing.T) int {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	admin := &shopper{client: &http.Client{Jar: jar}}
	_, err = admin.post(t.Context(), p.URL+"/admin/login", url.Values{"password": {adminPassword}})
	require.NoError(t, err)
	var onHand int
	require.Eventually(t, func() bool {
		page, err := admin.get(t.Context(), p.URL+"/admin/stock/"+wantedSKU)
		if err != nil {
			return false
		}
		reserved, hand := reservedField.FindStringSubmatch(page), onHandField.FindStringSubmatch(page)
		if reserved == nil || hand == nil || reserved[1] != "0" {
			return false
		}
		onHand, err = strconv.Atoi(hand[1])
		return err == nil
	}, waitLong, 10*waitStep, "stock stays held after every hold is over")
	return onHand
}

// audit reads the ledger that the storefront left behind.
func audit(t *testing.T, stock *inventory.Inventory, crowd []*shopper, sold int) {
	t.Helper()
	differences, err := stock.Reconcile(t.Context())
	require.NoError(t, err)
	require.Empty(t, differences, "the ledger and the levels")
	committed := 0
	for _, s := range crowd {
		page, err := stock.Movements(t.Context(), inventory.MovementQuery{Key: s.order})
		require.NoError(t, err)
		taken := int64(0)
		for _, m := range page.Movements {
			taken -= m.OnHand
		}
		require.Contains(t, []int64{0, 1}, taken, "order %s", s.order)
		if s.paid {
			require.Equal(t, int64(1), taken, "order %s is paid, and not in the ledger", s.order)
		}
		committed += int(taken)
	}
	require.Equal(t, sold, committed, "orders sold and committed in the ledger")
}
