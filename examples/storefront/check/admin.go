package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

func (j *journey) adminDoor(ctx context.Context) (string, error) {
	p, err := j.admin.page(ctx, "/admin/stock")
	if err != nil {
		return "", err
	}
	if p.url.Path != "/admin/login" {
		return "", fmt.Errorf("a stranger sees %s", p.url.Path)
	}
	wrong, err := j.admin.submit(ctx, p, "/admin/login", url.Values{"password": {"wide open door"}})
	if err != nil {
		return "", err
	}
	if err := wrong.want(http.StatusUnprocessableEntity); err != nil {
		return "", err
	}
	if p, err = j.admin.submitted(ctx, p, "/admin/login", url.Values{"password": {j.password}}); err != nil {
		return "", err
	}
	if p.url.Path != "/admin/stock" {
		return "", fmt.Errorf("the right password leads to %s", p.url.Path)
	}
	return "", nil
}

func (j *journey) available(ctx context.Context) (int, error) {
	p, err := j.admin.page(ctx, j.stockPath(j.product.sku))
	if err != nil {
		return 0, err
	}
	return p.number("available")
}

// adjust changes the product's stock by a difference.
func (j *journey) adjust(ctx context.Context, by int, reason string) error {
	if by == 0 {
		return nil
	}
	path := j.stockPath(j.product.sku)
	p, err := j.admin.page(ctx, path)
	if err != nil {
		return err
	}
	_, err = j.admin.submitted(ctx, p, path+"/adjust", url.Values{"quantity": {strconv.Itoa(by)}, "reason": {reason}})
	return err
}

func (j *journey) lowListed(ctx context.Context) error {
	for path := "/admin/low"; path != ""; {
		p, err := j.admin.page(ctx, path)
		if err != nil {
			return err
		}
		if p.contains(j.product.sku) {
			return nil
		}
		path = ""
		if next := p.find(func(n *html.Node) bool { return attribute(n, "rel") == "next" }); next != nil {
			path = attribute(next, "href")
		}
	}
	return errors.New("what is sold out is not listed as running low")
}

func (j *journey) adminStock(ctx context.Context) (string, error) {
	path := j.stockPath(j.product.sku)
	p, err := j.admin.page(ctx, path)
	if err != nil {
		return "", err
	}
	before, err := p.number("on-hand")
	if err != nil {
		return "", err
	}
	reason := "delivery " + j.orderNo
	for range 2 { // the same form twice is one delivery
		if _, err = j.admin.submitted(ctx, p, path+"/receive", url.Values{"quantity": {"3"}, "reason": {reason}}); err != nil {
			return "", err
		}
	}
	if err := j.adjust(ctx, -3, "broken "+j.orderNo); err != nil {
		return "", err
	}
	if p, err = j.admin.page(ctx, path); err != nil {
		return "", err
	}
	after, err := p.number("on-hand")
	if err != nil {
		return "", err
	}
	if after != before || !p.contains(reason) || !p.contains("broken "+j.orderNo) {
		return "", fmt.Errorf("%d on hand before and %d after, or a movement is missing", before, after)
	}
	refused, err := j.admin.submit(ctx, p, path+"/adjust", url.Values{"quantity": {"-999999"}, "reason": {"too much"}})
	if err != nil {
		return "", err
	}
	return "", refused.want(http.StatusUnprocessableEntity)
}

// adminPicture uploads the product's own picture again, so that the shop looks
// as before, and then something that is no picture.
func (j *journey) adminPicture(ctx context.Context) (string, error) {
	p, err := j.admin.page(ctx, j.product.path)
	if err != nil {
		return "", err
	}
	sizes := strings.Split(attribute(within(p.find(withClass("large")), isImage), "srcset"), ", ")
	address, _, _ := strings.Cut(sizes[len(sizes)-1], " ")
	picture, err := j.admin.page(ctx, address)
	if err != nil {
		return "", err
	}
	for _, upload := range []struct {
		content []byte
		status  int
	}{{[]byte("GIF, or so it says"), http.StatusUnprocessableEntity}, {picture.body, http.StatusOK}} {
		answer, err := j.upload(ctx, upload.content)
		if err != nil {
			return "", err
		}
		if err := answer.want(upload.status); err != nil {
			return "", err
		}
	}
	if p, err = j.shopper.page(ctx, j.product.path); err != nil {
		return "", err
	}
	return j.loadSizes(ctx, p)
}

func (j *journey) upload(ctx context.Context, content []byte) (*page, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("image", "picture.jpg")
	if err != nil {
		return nil, err
	}
	if _, err := part.Write(content); err != nil {
		return nil, err
	}
	if err := form.Close(); err != nil {
		return nil, err
	}
	return j.admin.do(ctx, http.MethodPost, j.stockPath(j.product.sku)+"/image", form.FormDataContentType(), body.Bytes())
}

func (j *journey) adminReindex(ctx context.Context) (string, error) {
	p, err := j.admin.page(ctx, "/admin/search")
	if err != nil {
		return "", err
	}
	if p.find(withClass("without-script")) == nil { // not under way already
		if p, err = j.admin.submitted(ctx, p, "/admin/search/reindex", nil); err != nil {
			return "", err
		}
	}
	err = eventually(ctx, stepTimeout, func() (bool, error) {
		p, err = j.admin.page(ctx, "/admin/search")
		return err == nil && p.find(withClass("without-script")) == nil, err
	})
	if err != nil {
		return "", err
	}
	done := p.find(withClass("success"))
	if done == nil {
		return "", errors.New("it does not end well")
	}
	found, err := j.shopper.searchFor(ctx, url.Values{"q": {j.word()}})
	if err != nil {
		return "", err
	}
	if len(cards(found)) == 0 {
		return "", fmt.Errorf("the new index does not find %q", j.word())
	}
	return text(done), nil
}

func (j *journey) adminQueues(ctx context.Context) (string, error) {
	p, err := j.admin.page(ctx, "/admin/queues/")
	if err != nil {
		return "", err
	}
	if !p.contains("default") {
		return "", errors.New("the queue of the shop's mails is not shown")
	}
	stranger, err := newClient(j.base, "storefront-check/1.0 (stranger)")
	if err != nil {
		return "", err
	}
	if p, err = stranger.page(ctx, "/admin/queues/"); err != nil {
		return "", err
	}
	if p.url.Path != "/admin/login" {
		return "", fmt.Errorf("a stranger sees %s", p.url.Path)
	}
	return "", nil
}
