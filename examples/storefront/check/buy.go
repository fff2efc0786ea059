package check

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/html"
)

func (j *journey) guestCart(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, j.product.path)
	if err != nil {
		return "", err
	}
	p, err = j.shopper.submitted(ctx, p, "/cart/add", url.Values{"quantity": {"1"}})
	if err != nil {
		return "", err
	}
	if !p.contains(j.product.title) {
		return "", fmt.Errorf("the cart does not hold %s", j.product.title)
	}
	return "", nil
}

var codeDigits = regexp.MustCompile(`\b\d{6}\b`)

// code reads the last code sent to a phone number from the development outbox,
// waiting for one other than those seen before.
func code(ctx context.Context, c *client, phone string) (string, error) {
	var found string
	err := eventually(ctx, 15*time.Second, func() (bool, error) {
		p, err := c.page(ctx, "/dev/outbox")
		if err != nil {
			return false, err
		}
		for _, message := range p.all(withClass("message")) {
			if words := text(message); strings.Contains(words, phone) {
				found = codeDigits.FindString(text(within(message, func(n *html.Node) bool { return n.Data == "pre" })))
				return found != "", nil
			}
		}
		return false, nil
	})
	if err != nil {
		return "", fmt.Errorf("no code in the outbox: %w", err)
	}
	return found, nil
}

// eventually asks until it is so.
func eventually(ctx context.Context, atMost time.Duration, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		if ok, err := so(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v", atMost)
		case <-ticker.C:
		}
	}
}

// signUp opens an account for a phone number.
func signUp(ctx context.Context, c *client, phone string, wrongFirst bool) error {
	p, err := c.page(ctx, "/login")
	if err != nil {
		return err
	}
	if p, err = c.submitted(ctx, p, "/login/code", url.Values{"phone": {phone}}); err != nil {
		return err
	}
	right, err := code(ctx, c, phone)
	if err != nil {
		return err
	}
	if wrongFirst {
		wrong := "000000"
		if right == wrong {
			wrong = "000001"
		}
		if p, err = c.submit(ctx, p, "/login/verify", url.Values{"code": {wrong}}); err != nil {
			return err
		}
		if err := p.want(http.StatusUnprocessableEntity); err != nil {
			return fmt.Errorf("a wrong code: %w", err)
		}
	}
	if p, err = c.submitted(ctx, p, "/login/verify", url.Values{"code": {right}}); err != nil {
		return err
	}
	if p.url.Path != "/account" {
		return fmt.Errorf("the code led to %s", p.url.Path)
	}
	return nil
}

func (j *journey) signUp(ctx context.Context) (string, error) {
	return "", signUp(ctx, j.shopper, j.phone, true)
}

func (j *journey) cartCameAlong(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, "/cart")
	if err != nil {
		return "", err
	}
	if !p.contains(j.product.title) {
		return "", errors.New("it is empty")
	}
	return "", nil
}

func (j *journey) contact() url.Values {
	return url.Values{"name": {"Wang Walker"}, "email": {j.email}, "address": {"1 Lantern Lane\nShanghai"}}
}

// reserved is how many pieces of the product are held, as the admin sees it.
func (j *journey) reserved(ctx context.Context) (int, error) {
	p, err := j.admin.page(ctx, j.stockPath(j.product.sku))
	if err != nil {
		return 0, err
	}
	return p.number("reserved")
}

func (j *journey) stockPath(sku string) string { return "/admin/stock/" + url.PathEscape(sku) }

func (j *journey) checkout(ctx context.Context) (string, error) {
	before, err := j.reserved(ctx)
	if err != nil {
		return "", err
	}
	form, err := j.shopper.page(ctx, "/checkout")
	if err != nil {
		return "", err
	}
	first, err := j.shopper.submitted(ctx, form, "/checkout", j.contact())
	if err != nil {
		return "", err
	}
	second, err := j.shopper.submitted(ctx, form, "/checkout", j.contact())
	if err != nil {
		return "", err
	}
	j.order = first.url.Path
	if !strings.HasPrefix(j.order, "/order/") || second.url.Path != j.order {
		return "", fmt.Errorf("two clicks led to %s and %s", j.order, second.url.Path)
	}
	countdown, err := first.byID("countdown")
	if err != nil {
		return "", err
	}
	after, err := j.reserved(ctx)
	if err != nil {
		return "", err
	}
	if after != before+1 {
		return "", fmt.Errorf("%d pieces were held before, %d after", before, after)
	}
	j.orderNo = strings.TrimPrefix(text(first.find(func(n *html.Node) bool { return n.Data == "h1" })), "Order ")
	return fmt.Sprintf("order %s, %s left to pay", j.orderNo, text(countdown)), nil
}

func (j *journey) pay(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, j.order)
	if err != nil {
		return "", err
	}
	for range 2 {
		answer, err := j.shopper.submitted(ctx, p, j.order+"/pay", nil)
		if err != nil {
			return "", err
		}
		if answer.find(withClass("success")) == nil {
			return "", errors.New("the order is not paid")
		}
	}
	cart, err := j.shopper.page(ctx, "/cart")
	if err != nil {
		return "", err
	}
	if cart.find(withClass("line")) != nil {
		return "", errors.New("the cart still holds what was bought")
	}
	return "", nil
}

func (j *journey) mail(ctx context.Context) (string, error) {
	err := eventually(ctx, 30*time.Second, func() (bool, error) {
		p, err := j.shopper.page(ctx, "/dev/outbox")
		if err != nil {
			return false, err
		}
		for _, message := range p.all(withClass("message")) {
			if words := text(message); strings.Contains(words, j.email) && strings.Contains(words, j.orderNo) && strings.Contains(words, j.product.title) {
				return true, nil
			}
		}
		return false, nil
	})
	return "to " + j.email, err
}

func (j *journey) cancel(ctx context.Context) (string, error) {
	before, err := j.reserved(ctx)
	if err != nil {
		return "", err
	}
	if err := j.fillCart(ctx, j.shopper); err != nil {
		return "", err
	}
	form, err := j.shopper.page(ctx, "/checkout")
	if err != nil {
		return "", err
	}
	order, err := j.shopper.submitted(ctx, form, "/checkout", j.contact())
	if err != nil {
		return "", err
	}
	if order, err = j.shopper.submitted(ctx, order, order.url.Path+"/cancel", nil); err != nil {
		return "", err
	}
	if order.find(withClass("warning")) == nil {
		return "", errors.New("the order is not cancelled")
	}
	after, err := j.reserved(ctx)
	if err != nil {
		return "", err
	}
	if after != before {
		return "", fmt.Errorf("%d pieces were held before, %d after", before, after)
	}
	return "", nil
}

func (j *journey) fillCart(ctx context.Context, c *client) error {
	p, err := c.page(ctx, j.product.path)
	if err != nil {
		return err
	}
	_, err = c.submitted(ctx, p, "/cart/add", url.Values{"quantity": {"1"}})
	return err
}

func (j *journey) devices(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, "/account")
	if err != nil {
		return "", err
	}
	if _, err = j.shopper.submitted(ctx, p, "/account/password", url.Values{"password": {j.shopPass}}); err != nil {
		return "", err
	}
	phone, err := newClient(j.base, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1")
	if err != nil {
		return "", err
	}
	login, err := phone.page(ctx, "/login")
	if err != nil {
		return "", err
	}
	wrong, err := phone.submit(ctx, login, "/login/password", url.Values{"phone": {j.phone}, "password": {"not it at all"}})
	if err != nil {
		return "", err
	}
	if err := wrong.want(http.StatusUnprocessableEntity); err != nil {
		return "", fmt.Errorf("a wrong password: %w", err)
	}
	if _, err = phone.submitted(ctx, login, "/login/password", url.Values{"phone": {j.phone}, "password": {j.shopPass}}); err != nil {
		return "", err
	}
	if p, err = j.shopper.page(ctx, "/account"); err != nil {
		return "", err
	}
	devices := p.all(withClass("device"))
	if len(devices) != 2 {
		return "", fmt.Errorf("%d devices are listed", len(devices))
	}
	if _, err = j.shopper.submitted(ctx, p, "/account/logout-all", nil); err != nil {
		return "", err
	}
	for who, c := range map[string]*client{"this one": j.shopper, "the other": phone} {
		if p, err = c.page(ctx, "/account"); err != nil {
			return "", err
		}
		if p.url.Path != "/login" {
			return "", fmt.Errorf("after logging out everywhere %s still sees %s", who, p.url.Path)
		}
	}
	return "Firefox on Linux and Safari on an iPhone", nil
}

// race lets two shoppers press the button for the last piece at the same moment.
func (j *journey) race(ctx context.Context) (string, error) {
	left, err := j.available(ctx)
	if err != nil {
		return "", err
	}
	racers := make([]*client, 2)
	forms := make([]*page, 2)
	for i := range racers {
		if racers[i], err = newClient(j.base, fmt.Sprintf("storefront-check/1.0 (racer %d)", i+1)); err != nil {
			return "", err
		}
		if err := signUp(ctx, racers[i], fmt.Sprintf("%s%d", j.phone[:len(j.phone)-1], i)+"7", false); err != nil {
			return "", err
		}
		if err := j.fillCart(ctx, racers[i]); err != nil {
			return "", err
		}
		if forms[i], err = racers[i].page(ctx, "/checkout"); err != nil {
			return "", err
		}
	}
	if err := j.adjust(ctx, 1-left, "all but one put away"); err != nil {
		return "", err
	}
	answers, failures := make([]*page, 2), make([]error, 2)
	var both sync.WaitGroup
	for i := range racers {
		both.Go(func() { answers[i], failures[i] = racers[i].submit(ctx, forms[i], "/checkout", j.contact()) })
	}
	both.Wait()
	if err := errors.Join(failures...); err != nil {
		return "", err
	}
	winner, loser := 0, 1
	if answers[0].status == http.StatusConflict {
		winner, loser = 1, 0
	}
	if err := errors.Join(answers[winner].want(http.StatusOK), answers[loser].want(http.StatusConflict)); err != nil {
		return "", err
	}
	told := answers[loser].find(withClass("warning"))
	if told == nil || answers[loser].find(withClass("card")) == nil {
		return "", errors.New("the slower shopper is not told kindly, with something else to buy")
	}
	order := answers[winner].url.Path
	paid, err := racers[winner].submitted(ctx, answers[winner], order+"/pay", nil)
	if err != nil {
		return "", err
	}
	if paid.find(withClass("success")) == nil {
		return "", errors.New("the faster shopper could not pay")
	}
	now, err := j.available(ctx)
	if err != nil {
		return "", err
	}
	if now != 0 {
		return "", fmt.Errorf("%d pieces are available after the last one was sold", now)
	}
	if err := j.lowListed(ctx); err != nil {
		return "", err
	}
	return text(within(told, func(n *html.Node) bool { return n.Data == "h2" })), j.adjust(ctx, left, "taken out again")
}
