// Package check walks the whole journey of the shop over HTTP, as shoppers and
// an admin without scripts would, and says of each step whether it holds.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"time"
)

// Options of a walk. All are required.
type Options struct {
	URL           string // of a running shop in development mode
	AdminPassword string
	Out           io.Writer // gets a line a step
}

// journey is what the steps of one walk share.
type journey struct {
	base     *url.URL
	password string // the admin's

	shopper *client
	admin   *client

	product  product // with stock, bought on the way
	phone    string
	order    string // path of the order's page
	orderNo  string
	shopPass string
	email    string
}

// product is what a walk knows of one.
type product struct {
	path, title, sku string
}

// ErrFailed says that a step did not hold; the line of the step says which and why.
var ErrFailed = errors.New("the journey failed")

// stepTimeout bounds a step: waiting for a mail, or for an index of a large catalogue.
const stepTimeout = 5 * time.Minute

// Run walks every step until one fails.
func Run(ctx context.Context, o Options) error {
	base, err := url.Parse(o.URL)
	if err != nil {
		return err
	}
	suffix := fmt.Sprintf("%06d", rand.IntN(1_000_000))
	j := &journey{
		base: base, password: o.AdminPassword, phone: "+447700" + suffix,
		shopPass: "walk the shop " + suffix, email: "walker" + suffix + "@example.com",
	}
	if j.shopper, err = newClient(base, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"); err != nil {
		return err
	}
	if j.admin, err = newClient(base, "storefront-check/1.0 (admin)"); err != nil {
		return err
	}
	began := time.Now()
	for _, step := range steps {
		at := time.Now()
		bounded, cancel := context.WithTimeout(ctx, stepTimeout)
		note, err := step.walk(j, bounded)
		cancel()
		if err != nil {
			fmt.Fprintf(o.Out, "✗ %s: %v\n", step.name, err)
			return fmt.Errorf("%w at “%s”", ErrFailed, step.name)
		}
		if note != "" {
			note = ": " + note
		}
		fmt.Fprintf(o.Out, "✓ %s%s (%v)\n", step.name, note, time.Since(at).Round(time.Millisecond))
	}
	fmt.Fprintf(o.Out, "%d steps passed in %v\n", len(steps), time.Since(began).Round(10*time.Millisecond))
	return nil
}

// step is one thing that must hold. Its note says what was seen.
type step struct {
	name string
	walk func(*journey, context.Context) (note string, err error)
}

var steps = []step{
	{"the shop is healthy and its pages are locked down", (*journey).health},
	{"home shows products with pictures", (*journey).home},
	{"the admin's door stays shut without the password", (*journey).adminDoor},
	{"the language switches to Chinese and back", (*journey).language},
	{"search finds and highlights", (*journey).search},
	{"a facet narrows, and keeps the other values in sight", (*journey).facets},
	{"a typo is forgiven", (*journey).typo},
	{"Chinese words find", (*journey).chinese},
	{"suggestions complete what is typed", (*journey).suggestions},
	{"a search without results helps on", (*journey).nothing},
	{"a product page offers its picture in several sizes", (*journey).pictures},
	{"a guest fills a cart", (*journey).guestCart},
	{"sign-up by code, and a wrong code does not do", (*journey).signUp},
	{"the guest's cart came along", (*journey).cartCameAlong},
	{"checkout holds the stock, once for two clicks", (*journey).checkout},
	{"the test payment sells it, once for two clicks", (*journey).pay},
	{"the order mail arrives", (*journey).mail},
	{"a cancelled order gives its stock back", (*journey).cancel},
	{"devices are listed, and logged out everywhere", (*journey).devices},
	{"two shoppers race for the last piece: one gets it", (*journey).race},
	{"the admin receives and adjusts stock, with reasons", (*journey).adminStock},
	{"the admin uploads a picture", (*journey).adminPicture},
	{"the admin builds the search index anew", (*journey).adminReindex},
	{"the admin sees the queues", (*journey).adminQueues},
}
