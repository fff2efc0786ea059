package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// client is one visitor: a browser without scripts, which keeps its cookies,
// follows redirects and fills in the forms that pages hold.
type client struct {
	base *url.URL
	http *http.Client
	name string // its User-Agent
	// accept is its Accept header; none unless set.
	accept string
}

const maxPage = 8 << 20

func newClient(base *url.URL, name string) (*client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &client{base: base, name: name, http: &http.Client{Jar: jar, Timeout: time.Minute}}, nil
}

// page is an answer, parsed when it is HTML.
type page struct {
	url    *url.URL
	status int
	header http.Header
	body   []byte
	root   *html.Node
}

// get asks for a page by its path.
func (c *client) get(ctx context.Context, path string) (*page, error) {
	return c.do(ctx, http.MethodGet, path, "", nil)
}

// do sends one request. Told to wait, it waits once, for as long as a person would.
func (c *client) do(ctx context.Context, method, path, contentType string, body []byte) (*page, error) {
	p, err := c.send(ctx, method, path, contentType, body)
	if err != nil || p.status != http.StatusTooManyRequests {
		return p, err
	}
	seconds, err := strconv.Atoi(p.header.Get("Retry-After"))
	if err != nil || seconds > 90 {
		return p, nil
	}
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
		return c.send(ctx, method, path, contentType, body)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *client) send(ctx context.Context, method, path, contentType string, body []byte) (*page, error) {
	target, err := c.base.Parse(path)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", c.name)
	if c.accept != "" {
		request.Header.Set("Accept", c.accept)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("Origin", c.base.Scheme+"://"+c.base.Host)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	p := &page{url: answer.Request.URL, status: answer.StatusCode, header: answer.Header}
	if p.body, err = io.ReadAll(io.LimitReader(answer.Body, maxPage)); err != nil {
		return nil, err
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
		if p.root, err = html.Parse(bytes.NewReader(p.body)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// page asks for a page that must be there.
func (c *client) page(ctx context.Context, path string) (*page, error) {
	p, err := c.get(ctx, path)
	if err != nil {
		return nil, err
	}
	return p, p.want(http.StatusOK)
}

// submit fills in the form of a page that is sent to action and sends it.
// Fields it holds already keep their values unless values says otherwise.
func (c *client) submit(ctx context.Context, p *page, action string, values url.Values) (*page, error) {
	fields, err := p.form(action)
	if err != nil {
		return nil, err
	}
	for name, value := range values {
		fields[name] = value
	}
	return c.do(ctx, http.MethodPost, action, "application/x-www-form-urlencoded", []byte(fields.Encode()))
}

// submitted is submit where the answer must be a good one.
func (c *client) submitted(ctx context.Context, p *page, action string, values url.Values) (*page, error) {
	answer, err := c.submit(ctx, p, action, values)
	if err != nil {
		return nil, err
	}
	return answer, answer.want(http.StatusOK)
}

func (p *page) want(status int) error {
	if p.status != status {
		return fmt.Errorf("%s answered %d, wanted %d", p.url.Path, p.status, status)
	}
	return nil
}

// form collects the fields of the form with an action.
func (p *page) form(action string) (url.Values, error) {
	form := p.find(func(n *html.Node) bool { return n.Data == "form" && attribute(n, "action") == action })
	if form == nil {
		return nil, fmt.Errorf("%s has no form for %s", p.url.Path, action)
	}
	fields := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		switch {
		case n.Data == "textarea":
			fields.Set(name, text(n))
		case n.Data == "input" && attribute(n, "type") == "checkbox":
			if has(n, "checked") {
				fields.Add(name, attribute(n, "value"))
			}
		case n.Data == "input":
			fields.Set(name, attribute(n, "value"))
		}
	}
	return fields, nil
}

// find returns the first element that fits, or nil.
func (p *page) find(fits func(*html.Node) bool) *html.Node {
	for _, n := range p.all(fits) {
		return n
	}
	return nil
}

// all returns the elements that fit, in order.
func (p *page) all(fits func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	if p.root == nil {
		return nil
	}
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && fits(n) {
			found = append(found, n)
		}
	}
	return found
}

func (p *page) byID(id string) (*html.Node, error) {
	n := p.find(func(n *html.Node) bool { return attribute(n, "id") == id })
	if n == nil {
		return nil, fmt.Errorf("%s has nothing with the id %q", p.url.Path, id)
	}
	return n, nil
}

// number reads the number that an element shows.
func (p *page) number(id string) (int, error) {
	n, err := p.byID(id)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(text(n)))
}

// contains reports whether the page's words hold s.
func (p *page) contains(s string) bool {
	return p.root != nil && strings.Contains(text(p.root), s)
}

// withClass fits elements of a class.
func withClass(class string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		return slices.Contains(strings.Fields(attribute(n, "class")), class)
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// text returns the words of an element, spaced as they were written.
func text(n *html.Node) string {
	var b strings.Builder
	for child := range n.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// link returns the address of the first link within an element.
func link(n *html.Node) (string, error) {
	for child := range n.Descendants() {
		if child.Type == html.ElementNode && child.Data == "a" {
			return attribute(child, "href"), nil
		}
	}
	return "", errors.New("an element that should be a link is none")
}
