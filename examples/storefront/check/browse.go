package check

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // pictures come as JPEG or PNG
	_ "image/png"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

func (j *journey) health(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, "/healthz")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(p.body)) != "ok" {
		return "", fmt.Errorf("/healthz says %q", p.body)
	}
	if p, err = j.shopper.page(ctx, "/"); err != nil {
		return "", err
	}
	policy := p.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		return "", fmt.Errorf("content security policy is %q", policy)
	}
	for _, inline := range p.all(func(n *html.Node) bool {
		return n.Data == "style" || n.Data == "script" && !has(n, "src") || has(n, "style") || has(n, "onclick")
	}) {
		return "", fmt.Errorf("the home page has an inline %s, which the policy forbids", inline.Data)
	}
	return "", nil
}

// cards returns the products of a grid.
func cards(p *page) []*html.Node { return p.all(withClass("card")) }

func within(n *html.Node, fits func(*html.Node) bool) *html.Node {
	for child := range n.Descendants() {
		if child.Type == html.ElementNode && fits(child) {
			return child
		}
	}
	return nil
}

func isImage(n *html.Node) bool { return n.Data == "img" }

func (j *journey) home(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, "/")
	if err != nil {
		return "", err
	}
	list := cards(p)
	if len(list) < 4 {
		return "", fmt.Errorf("home shows %d products", len(list))
	}
	for _, card := range list {
		picture := within(card, isImage)
		if picture == nil || attribute(picture, "alt") == "" || attribute(picture, "srcset") == "" {
			return "", errors.New("a product has no picture with sizes and a description")
		}
		if j.product.path == "" && within(card, withClass("plenty")) != nil {
			if j.product.path, err = link(card); err != nil {
				return "", err
			}
			j.product.title = text(within(card, withClass("card-title")))
		}
	}
	if j.product.path == "" {
		return "", errors.New("nothing on the home page is in stock")
	}
	if p, err = j.shopper.page(ctx, j.product.path); err != nil {
		return "", err
	}
	buy, err := p.form("/cart/add")
	if err != nil {
		return "", err
	}
	j.product.sku = buy.Get("sku")
	return fmt.Sprintf("%d products, among them %s", len(list), j.product.title), nil
}

func (j *journey) language(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, "/search")
	if err != nil {
		return "", err
	}
	for _, want := range []struct{ form, tag, word string }{{"zh", "zh-Hans", "购物车"}, {"en", "en", "Cart"}} {
		if p, err = j.shopper.submitted(ctx, p, "/language", url.Values{"language": {want.form}}); err != nil {
			return "", err
		}
		root := p.find(func(n *html.Node) bool { return n.Data == "html" })
		if attribute(root, "lang") != want.tag || !p.contains(want.word) {
			return "", fmt.Errorf("after switching to %s the page is in %q", want.form, attribute(root, "lang"))
		}
		if p.url.Path != "/search" {
			return "", fmt.Errorf("switching the language led to %s", p.url.Path)
		}
	}
	return "", nil
}

// word is the longest word of the product's title in Latin letters.
func (j *journey) word() string {
	longest := ""
	for _, word := range strings.FieldsFunc(j.product.title, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) }) {
		if len(word) > len(longest) {
			longest = word
		}
	}
	return strings.ToLower(longest)
}

func (c *client) searchFor(ctx context.Context, query url.Values) (*page, error) {
	return c.page(ctx, "/search?"+query.Encode())
}

func (j *journey) search(ctx context.Context) (string, error) {
	p, err := j.shopper.searchFor(ctx, url.Values{"q": {j.word()}})
	if err != nil {
		return "", err
	}
	list := cards(p)
	if len(list) == 0 {
		return "", fmt.Errorf("%q finds nothing", j.word())
	}
	marks := p.all(func(n *html.Node) bool { return n.Data == "mark" })
	if len(marks) == 0 {
		return "", fmt.Errorf("nothing is marked in the results for %q", j.word())
	}
	return fmt.Sprintf("%q finds %d on the first page, marks “%s”", j.word(), len(list), text(marks[0])), nil
}

func checkboxes(p *page, name string) []*html.Node {
	return p.all(func(n *html.Node) bool { return n.Data == "input" && attribute(n, "name") == name })
}

func (j *journey) facets(ctx context.Context) (string, error) {
	all, err := j.shopper.page(ctx, "/search")
	if err != nil {
		return "", err
	}
	brands := checkboxes(all, "brand")
	if len(brands) < 2 {
		return "", fmt.Errorf("%d brands to choose from", len(brands))
	}
	brand := attribute(brands[0], "value")
	p, err := j.shopper.searchFor(ctx, url.Values{"brand": {brand}})
	if err != nil {
		return "", err
	}
	list := cards(p)
	if len(list) == 0 {
		return "", fmt.Errorf("nothing of brand %q", brand)
	}
	for _, card := range list {
		if got := text(within(card, withClass("brand-name"))); got != brand {
			return "", fmt.Errorf("a product of %q among those of %q", got, brand)
		}
	}
	if left := checkboxes(p, "brand"); len(left) < 2 || !has(left[0], "checked") && !anyChecked(left) {
		return "", errors.New("the chosen brand hides the others, or is not shown as chosen")
	}
	if p.find(withClass("chips")) == nil {
		return "", errors.New("the chosen brand cannot be taken off")
	}
	return fmt.Sprintf("%s of %d brands", brand, len(brands)), nil
}

func anyChecked(boxes []*html.Node) bool {
	for _, box := range boxes {
		if has(box, "checked") {
			return true
		}
	}
	return false
}

func (j *journey) typo(ctx context.Context) (string, error) {
	word := []byte(j.word())
	if len(word) < 4 {
		return "", fmt.Errorf("no word to misspell in %q", j.product.title)
	}
	for i := len(word) / 2; i < len(word)-1; i++ { // two neighbours change places
		if word[i] != word[i+1] {
			word[i], word[i+1] = word[i+1], word[i]
			break
		}
	}
	p, err := j.shopper.searchFor(ctx, url.Values{"q": {string(word)}})
	if err != nil {
		return "", err
	}
	if len(cards(p)) == 0 || p.find(withClass("notice")) == nil {
		return "", fmt.Errorf("%q finds %d products, and a hint: %v", word, len(cards(p)), p.find(withClass("notice")) != nil)
	}
	return fmt.Sprintf("%q: %s", word, strings.Join(strings.Fields(text(p.find(withClass("notice")))), " ")), nil
}

func (j *journey) chinese(ctx context.Context) (string, error) {
	visitor, err := newClient(j.base, "storefront-check/1.0 (zh)")
	if err != nil {
		return "", err
	}
	p, err := visitor.page(ctx, "/")
	if err != nil {
		return "", err
	}
	if p, err = visitor.submitted(ctx, p, "/language", url.Values{"language": {"zh"}}); err != nil {
		return "", err
	}
	menu := p.find(withClass("categories"))
	if menu == nil {
		return "", errors.New("the shop has no menu")
	}
	name := text(within(menu, func(n *html.Node) bool { return n.Data == "a" }))
	if !strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return "", fmt.Errorf("the Chinese menu begins with %q", name)
	}
	if p, err = visitor.searchFor(ctx, url.Values{"q": {name}}); err != nil {
		return "", err
	}
	if len(cards(p)) == 0 {
		return "", fmt.Errorf("%s finds nothing", name)
	}
	return fmt.Sprintf("%s finds %d on the first page", name, len(cards(p))), nil
}

func (j *journey) suggestions(ctx context.Context) (string, error) {
	word := j.word()
	typed := word[:min(4, len(word))]
	p, err := j.shopper.page(ctx, "/suggest?"+url.Values{"q": {typed}}.Encode())
	if err != nil {
		return "", err
	}
	var answer struct{ Suggestions []string }
	if err := json.Unmarshal(p.body, &answer); err != nil {
		return "", err
	}
	if len(answer.Suggestions) == 0 {
		return "", fmt.Errorf("nothing for %q", typed)
	}
	return fmt.Sprintf("%q: %s", typed, strings.Join(answer.Suggestions, ", ")), nil
}

func (j *journey) nothing(ctx context.Context) (string, error) {
	p, err := j.shopper.searchFor(ctx, url.Values{"q": {"qzxvwkjq"}})
	if err != nil {
		return "", err
	}
	empty := p.find(withClass("empty"))
	if empty == nil {
		return "", errors.New("no help on an empty result")
	}
	if within(empty, withClass("card")) == nil {
		return "", errors.New("no other products on an empty result")
	}
	return "", nil
}

// pictures loads each size of the product's picture, as a browser that chose it would.
func (j *journey) pictures(ctx context.Context) (string, error) {
	p, err := j.shopper.page(ctx, j.product.path)
	if err != nil {
		return "", err
	}
	return j.loadSizes(ctx, p)
}

func (j *journey) loadSizes(ctx context.Context, p *page) (string, error) {
	frame := p.find(withClass("large"))
	if frame == nil || within(frame, isImage) == nil {
		return "", errors.New("no picture on the product page")
	}
	var seen []string
	modern := *j.shopper
	modern.accept = "image/avif,image/webp,*/*;q=0.8"
	for candidate := range strings.SplitSeq(attribute(within(frame, isImage), "srcset"), ", ") {
		address, descriptor, _ := strings.Cut(candidate, " ")
		width, err := strconv.Atoi(strings.TrimSuffix(descriptor, "w"))
		if err != nil {
			return "", fmt.Errorf("size %q: %w", candidate, err)
		}
		file, err := j.shopper.page(ctx, address)
		if err != nil {
			return "", err
		}
		config, format, err := image.DecodeConfig(bytes.NewReader(file.body))
		if err != nil {
			return "", fmt.Errorf("%s: %w", address, err)
		}
		if config.Width != width || file.header.Get("Etag") == "" {
			return "", fmt.Errorf("%s is %d pixels wide, the page says %d; its ETag is %q", address, config.Width, width, file.header.Get("Etag"))
		}
		small, err := modern.page(ctx, address)
		if err != nil {
			return "", err
		}
		if kind := small.header.Get("Content-Type"); kind != "image/webp" || small.header.Get("Vary") != "Accept" || small.header.Get("Etag") == file.header.Get("Etag") {
			return "", fmt.Errorf("%s for a browser that takes WebP is %s, Vary %q", address, kind, small.header.Get("Vary"))
		}
		seen = append(seen, fmt.Sprintf("%d %s of %d bytes, %d as WebP", width, format, len(file.body), len(small.body)))
	}
	if len(seen) < 2 {
		return "", fmt.Errorf("%d sizes", len(seen))
	}
	return strings.Join(seen, ", "), nil
}
