package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The limits of what goes in. Lengths are in bytes of UTF-8.
const (
	// DefaultLocation is meant where a location is empty.
	DefaultLocation = "main"

	MaxSKULength      = 128
	MaxLocationLength = 64
	MaxKeyLength      = 128
	MaxTextLength     = 255 // of Reason and Reference
	MaxLines          = 1000
	MaxPage           = 1000 // rows of one page
	// MaxQuantity bounds every quantity and every level, in units, so that no sum of them can overflow.
	MaxQuantity = 1_000_000_000_000_000
	// MinTTL is the shortest hold.
	MinTTL = time.Second
)

type sign int

const (
	positive sign = iota
	signed
)

func orMain(location string) string {
	if location == "" {
		return DefaultLocation
	}
	return location
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkName accepts what every database can store and compare byte by byte, and what people can tell apart in a list.
func checkName(field, value string, limit int) error {
	switch {
	case value == "":
		return invalid(field, "is empty")
	case len(value) > limit:
		return invalid(field, "is longer than %d bytes", limit)
	case !strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil // as nearly all are
	case !utf8.ValidString(value):
		return invalid(field, "is not valid UTF-8")
	case strings.ContainsFunc(value, unicode.IsControl):
		return invalid(field, "contains a control character")
	case strings.TrimSpace(value) != value:
		return invalid(field, "begins or ends with a space")
	}
	return nil
}

func checkSKU(field, sku string) error { return checkName(field, sku, MaxSKULength) }
func checkLocation(field, location string) error {
	return checkName(field, location, MaxLocationLength)
}
func checkKey(field, key string) error { return checkName(field, key, MaxKeyLength) }

func checkText(field, text string) error {
	switch {
	case len(text) > MaxTextLength:
		return invalid(field, "is longer than %d bytes", MaxTextLength)
	case !utf8.ValidString(text):
		return invalid(field, "is not valid UTF-8")
	case strings.ContainsRune(text, 0):
		return invalid(field, "contains a NUL")
	}
	return nil
}

func checkQuantity(field string, quantity int64, sign sign) error {
	switch {
	case quantity == 0:
		return invalid(field, "is zero")
	case sign == positive && quantity < 0:
		return invalid(field, "is negative")
	case quantity > MaxQuantity || quantity < -MaxQuantity:
		return invalid(field, "is beyond %d", int64(MaxQuantity))
	}
	return nil
}

// checkLines returns the lines in order, with those of one place summed.
func checkLines(lines []Line, sign sign) ([]Line, error) {
	if len(lines) == 0 {
		return nil, invalid("Lines", "is empty")
	}
	if len(lines) > MaxLines {
		return nil, invalid("Lines", "has more than %d lines", MaxLines)
	}
	summed := make([]Line, 0, len(lines))
	var at map[Place]int // in summed
	if len(lines) > 1 {
		at = make(map[Place]int, len(lines))
	}
	for n, line := range lines {
		line.Location = orMain(line.Location)
		if err := checkLine(n, line, sign); err != nil {
			return nil, err
		}
		m, seen := at[line.Place()]
		if !seen {
			if at != nil {
				at[line.Place()] = len(summed)
			}
			summed = append(summed, line)
			continue
		}
		summed[m].Quantity += line.Quantity
		if sum := summed[m].Quantity; sum > MaxQuantity || sum < -MaxQuantity {
			return nil, invalid(fmt.Sprintf("Lines[%d].Quantity", n), "sums to more than %d", int64(MaxQuantity))
		}
	}
	slices.SortFunc(summed, func(a, b Line) int { return a.Place().Compare(b.Place()) })
	return summed, nil
}

// checkLine puts the line's number before the field's name only when there is something to say.
func checkLine(n int, line Line, sign sign) error {
	err := firstError(checkSKU("SKU", line.SKU), checkLocation("Location", line.Location), checkQuantity("Quantity", line.Quantity, sign))
	if bad, ok := errors.AsType[*InvalidError](err); ok {
		bad.Field = fmt.Sprintf("Lines[%d].%s", n, bad.Field)
	}
	return err
}

func checkLevel(prefix string, level Level) (Level, error) {
	level.Location = orMain(level.Location)
	return level, firstError(
		checkSKU(prefix+"SKU", level.SKU),
		checkLocation(prefix+"Location", level.Location),
		checkAmount(prefix+"OnHand", level.OnHand),
		checkAmount(prefix+"SafetyStock", level.SafetyStock),
		checkAmount(prefix+"BackorderLimit", level.BackorderLimit),
		checkAmount(prefix+"ReorderPoint", level.ReorderPoint),
	)
}

func checkAmount(field string, amount int64) error {
	switch {
	case amount < 0:
		return invalid(field, "is negative")
	case amount > MaxQuantity:
		return invalid(field, "is beyond %d", int64(MaxQuantity))
	}
	return nil
}

func (i *Inventory) checkTTL(ttl time.Duration) error {
	if ttl != -1 && (ttl < MinTTL || ttl > i.options.MaxTTL) {
		return invalid("TTL", "must be between %v and %v, or -1", MinTTL, i.options.MaxTTL)
	}
	return nil
}

func checkLimit(limit *int) error {
	if *limit == 0 {
		*limit = 100
	}
	if *limit < 0 || *limit > MaxPage {
		return invalid("Limit", "must be between 1 and %d", MaxPage)
	}
	return nil
}
