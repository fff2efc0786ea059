package catalogue

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"
	"unicode/utf8"
)

// Limits of a catalogue file.
const (
	maxLine        = 1 << 20 // bytes
	maxProducts    = 500_000
	maxID          = 64
	maxTitle       = 1_000  // bytes
	maxDescription = 64_000 // bytes
	maxAttributes  = 1_000
	maxValue       = 64_000      // bytes of one attribute
	maxPrice       = 100_000_000 // cents
	maxStock       = 1_000_000
)

// LineError says which line of a catalogue file could not be read, and why.
// The lines around it are not affected.
type LineError struct {
	Line   int // from 1
	Reason string
}

func (e *LineError) Error() string { return fmt.Sprintf("catalogue: line %d: %s", e.Line, e.Reason) }

// ErrTooMany ends the reading of a file of more than 500,000 products.
var ErrTooMany = errors.New("catalogue: more than 500000 products")

// Read reads products from newline-delimited JSON, plain or gzipped (told by
// its first bytes), one line at a time. Each line is an object:
//
//	id, title, price_cents             required
//	name, description, supplier        model name, text, brand
//	released, ean, attributes          RFC 3339, list of text, object of text, numbers and booleans
//	title_zh, description_zh           Chinese texts
//	sku, category, stock, popularity   derived when absent: the id, from the words of the title, 25, 0
//	drawing                            {"shape": …, "colours": ["#rrggbb", …]}
//
// Unknown members are ignored. A line that cannot be read is yielded as a
// [*LineError] and reading goes on; any other error is the last thing yielded.
// Empty lines are skipped; a line may have up to 1 MiB.
func Read(r io.Reader) iter.Seq2[Product, error] {
	return func(yield func(Product, error) bool) {
		buffered := bufio.NewReaderSize(r, 64<<10)
		if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			unzipped, err := gzip.NewReader(buffered)
			if err != nil {
				yield(Product{}, fmt.Errorf("catalogue: gzip: %w", err))
				return
			}
			buffered = bufio.NewReaderSize(unzipped, 64<<10)
		}
		ids, skus := map[string]bool{}, map[string]bool{}
		var line []byte
		for number := 1; ; number++ {
			var long bool
			var err error
			line, long, err = readLine(buffered, line[:0])
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Product{}, fmt.Errorf("catalogue: after line %d: %w", number-1, err))
				return
			}
			if number == 1 {
				line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
			}
			if line = bytes.TrimSpace(line); len(line) > 0 || long {
				if len(ids) == maxProducts {
					yield(Product{}, ErrTooMany)
					return
				}
				p, reason := parseLine(line, long)
				switch {
				case reason != "":
				case ids[p.ID]:
					reason = fmt.Sprintf("id: %q is on an earlier line too", p.ID)
				case skus[p.SKU]:
					reason = fmt.Sprintf("sku: %q is on an earlier line too", p.SKU)
				}
				var bad error
				if reason == "" {
					ids[p.ID], skus[p.SKU] = true, true
				} else {
					p, bad = Product{}, &LineError{Line: number, Reason: reason}
				}
				if !yield(p, bad) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// readLine appends the next line to buf, without keeping more than maxLine of
// it: of a longer line it reports long and reads on to the end.
func readLine(r *bufio.Reader, buf []byte) (line []byte, long bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if long = long || len(buf)+len(part) > maxLine+1; !long {
			buf = append(buf, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return buf, long, err
		}
	}
}

// record is a line of the file.
type record struct {
	ID            string         `json:"id"`
	SKU           string         `json:"sku"`
	Name          string         `json:"name"`
	Title         string         `json:"title"`
	TitleZH       string         `json:"title_zh"`
	Description   string         `json:"description"`
	DescriptionZH string         `json:"description_zh"`
	Supplier      string         `json:"supplier"`
	Category      string         `json:"category"`
	PriceCents    *int64         `json:"price_cents"`
	Released      string         `json:"released"`
	EAN           []string       `json:"ean"`
	Stock         *int           `json:"stock"`
	Popularity    int            `json:"popularity"`
	Attributes    map[string]any `json:"attributes"`
	Drawing       Drawing        `json:"drawing"`
}

// defaultStock opens a shop whose catalogue says nothing of stock.
const defaultStock = 25

func parseLine(line []byte, long bool) (p Product, reason string) {
	if long {
		return p, fmt.Sprintf("is longer than %d bytes", maxLine)
	}
	if !utf8.Valid(line) {
		return p, "is not UTF-8"
	}
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
			return p, fmt.Sprintf("%s: is a JSON %s", wrong.Field, wrong.Value)
		}
		return p, fmt.Sprintf("is not a JSON object: %v", err)
	}
	if reason = r.check(); reason != "" {
		return p, reason
	}
	p = Product{
		ID: r.ID, SKU: r.SKU, Model: r.Name, Brand: r.Supplier, Category: r.Category,
		Title:       Text{EN: plain(r.Title), ZH: plain(r.TitleZH)},
		Description: Text{EN: plain(r.Description), ZH: plain(r.DescriptionZH)},
		PriceCents:  *r.PriceCents, EAN: r.EAN, Stock: defaultStock, Popularity: r.Popularity, Drawing: r.Drawing,
	}
	if p.SKU == "" {
		p.SKU = p.ID
	}
	if r.Stock != nil {
		p.Stock = *r.Stock
	}
	if r.Released != "" {
		released, err := time.Parse(time.RFC3339, r.Released)
		if err != nil {
			return Product{}, fmt.Sprintf("released: %.40q is not an RFC 3339 time", r.Released)
		}
		p.Released = released.UTC()
	}
	if p.Attributes, reason = attributes(r.Attributes); reason != "" {
		return Product{}, reason
	}
	if p.Category == "" {
		p.Category = categorize(&p)
	}
	return p, ""
}

// check holds every member against its limits and names the first that fails.
func (r *record) check() string {
	switch {
	case r.ID == "":
		return "id: is missing"
	case !isIdentifier(r.ID):
		return fmt.Sprintf("id: %.80q is not 1 to %d letters, digits, '.', '_' and '-'", r.ID, maxID)
	case r.SKU != "" && !isIdentifier(r.SKU):
		return fmt.Sprintf("sku: %.80q is not 1 to %d letters, digits, '.', '_' and '-'", r.SKU, maxID)
	case r.Title == "":
		return "title: is missing"
	case len(r.Title) > maxTitle || len(r.TitleZH) > maxTitle:
		return fmt.Sprintf("title: is longer than %d bytes", maxTitle)
	case len(r.Name) > maxTitle:
		return fmt.Sprintf("name: is longer than %d bytes", maxTitle)
	case len(r.Supplier) > maxTitle:
		return fmt.Sprintf("supplier: is longer than %d bytes", maxTitle)
	case len(r.Description) > maxDescription || len(r.DescriptionZH) > maxDescription:
		return fmt.Sprintf("description: is longer than %d bytes", maxDescription)
	case r.PriceCents == nil:
		return "price_cents: is missing"
	case *r.PriceCents < 1 || *r.PriceCents > maxPrice:
		return fmt.Sprintf("price_cents: %d is not 1 to %d", *r.PriceCents, maxPrice)
	case r.Stock != nil && (*r.Stock < 0 || *r.Stock > maxStock):
		return fmt.Sprintf("stock: %d is not 0 to %d", *r.Stock, maxStock)
	case r.Popularity < 0 || r.Popularity > 100:
		return fmt.Sprintf("popularity: %d is not 0 to 100", r.Popularity)
	case r.Category != "" && !isCategoryPath(r.Category):
		return fmt.Sprintf("category: %.80q is not a path such as tea/green", r.Category)
	case len(r.Attributes) > maxAttributes:
		return fmt.Sprintf("attributes: %d are more than %d", len(r.Attributes), maxAttributes)
	}
	for _, colour := range r.Drawing.Colours {
		if !isHexColour(colour) {
			return fmt.Sprintf("drawing.colours: %.20q is not #rrggbb", colour)
		}
	}
	return ""
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return 0 < len(s) && len(s) <= maxID && s != "." && s != ".."
}

// isCategoryPath accepts up to four levels of lower-case words.
func isCategoryPath(s string) bool {
	levels, length := 1, 0
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-':
			length++
		case c == '/' && length > 0:
			levels, length = levels+1, 0
		default:
			return false
		}
	}
	return length > 0 && levels <= 4 && len(s) <= maxID
}

func isHexColour(s string) bool {
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	_, err := strconv.ParseUint(s[1:], 16, 32)
	return err == nil
}
