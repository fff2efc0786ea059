// Package cron reads the time expressions of cron(8) and tells when they are next due.
//
//	minute hour day-of-month month day-of-week
//	*/15 9-17 * * mon-fri
//
// A field is *, a number, a range a-b, a step */n or a-b/n, or a list of
// these. Months and weekdays may be named by their first three letters; 7 is Sunday too. As in
// cron(8), when both day fields are restricted either one suffices. Also: @hourly, @daily,
// @weekly, @monthly, @yearly, and "@every 90s" for a fixed period (at least one second,
// counted from the Unix epoch, so that all processes agree). "TZ=Asia/Shanghai " in front
// sets the time zone.
//
// When clocks are put forward, an expression with fixed hours that falls into the
// missing time is due at the moment of the change; when they are put back, it is due
// once. One that repeats hourly follows the real passing of time. (As Vixie cron does.)
package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// ErrInvalid marks an expression that cannot be read.
var ErrInvalid = errors.New("cron: invalid expression")

// maxLength bounds an expression in bytes.
const maxLength = 256

// Schedule is a read expression. It is safe for concurrent use.
type Schedule struct {
	text     string
	location *time.Location
	every    time.Duration // not zero: a fixed period

	minutes, hours, days, months, weekdays uint64 // bit n: n is a match
	anyHour, anyDay, anyWeekday            bool
}

// String returns the expression as it was given.
func (s *Schedule) String() string { return s.text }

// Parse reads an expression. It is in location unless it names its own; nil is UTC.
func Parse(expression string, location *time.Location) (*Schedule, error) {
	if len(expression) > maxLength {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrInvalid, maxLength)
	}
	if location == nil {
		location = time.UTC
	}
	s := &Schedule{text: expression, location: location}
	rest := strings.TrimSpace(expression)
	if zone, ok := strings.CutPrefix(rest, "TZ="); ok {
		zone, after, _ := strings.Cut(zone, " ")
		loaded, err := time.LoadLocation(zone)
		if err != nil || zone == "" {
			return nil, fmt.Errorf("%w: unknown time zone %q", ErrInvalid, zone)
		}
		s.location, rest = loaded, strings.TrimSpace(after)
	}
	if err := s.parse(rest); err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrInvalid, expression, err)
	}
	return s, nil
}

var descriptors = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

func (s *Schedule) parse(rest string) error {
	if period, ok := strings.CutPrefix(rest, "@every "); ok {
		d, err := time.ParseDuration(strings.TrimSpace(period))
		if err != nil || d < time.Second || d%time.Second != 0 {
			return errors.New("@every needs a period of whole seconds")
		}
		s.every = d
		return nil
	}
	if full, ok := descriptors[strings.ToLower(rest)]; ok {
		rest = full
	}
	fields := strings.Fields(rest)
	if len(fields) != 5 {
		return fmt.Errorf("%d fields instead of 5", len(fields))
	}
	for i, f := range []struct {
		name     string
		min, max int
		names    string
		set      *uint64
	}{
		{"minute", 0, 59, "", &s.minutes},
		{"hour", 0, 23, "", &s.hours},
		{"day of month", 1, 31, "", &s.days},
		{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec", &s.months},
		{"day of week", 0, 7, "sunmontuewedthufrisat", &s.weekdays},
	} {
		set, err := field(strings.ToLower(fields[i]), f.min, f.max, f.names)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		*f.set = set
	}
	s.weekdays = (s.weekdays | s.weekdays>>7) & 0x7f // 7 is Sunday
	s.anyHour = bits.OnesCount64(s.hours) == 24
	s.anyDay, s.anyWeekday = strings.HasPrefix(fields[2], "*"), strings.HasPrefix(fields[4], "*")
	if s.never() {
		return errors.New("there is no such day")
	}
	return nil
}

// never finds day and month combinations such as 31 February.
func (s *Schedule) never() bool {
	if !s.anyWeekday {
		return false
	}
	longest := [...]int{1: 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
	for month := 1; month <= 12; month++ {
		if has(s.months, month) && bits.TrailingZeros64(s.days) <= longest[month] {
			return false
		}
	}
	return true
}

func field(text string, low, high int, names string) (uint64, error) {
	var set uint64
	for part := range strings.SplitSeq(text, ",") {
		span, stepText, stepped := strings.Cut(part, "/")
		from, to := low, high
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			var err error
			if from, err = value(first, low, high, names); err != nil {
				return 0, err
			}
			switch {
			case isRange:
				if to, err = value(last, low, high, names); err != nil {
					return 0, err
				}
			case stepped:
				return 0, errors.New("a step needs * or a range")
			default:
				to = from
			}
			if to < from {
				return 0, fmt.Errorf("range %s runs backwards", span)
			}
		}
		step := 1
		if stepped {
			n, err := number(stepText)
			if err != nil || n < 1 || n > high {
				return 0, fmt.Errorf("bad step %q", stepText)
			}
			step = n
		}
		if span == "*" && high == 7 {
			to = 6 // Sunday once
		}
		for v := from; v <= to; v += step {
			set |= 1 << v
		}
	}
	return set, nil
}

// value reads a number or a name of three letters.
func value(text string, low, high int, names string) (int, error) {
	if len(text) == 3 && names != "" {
		for i := 0; i < len(names); i += 3 {
			if names[i:i+3] == text {
				return i/3 + low, nil
			}
		}
	}
	n, err := number(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not between %d and %d", text, low, high)
	}
	return n, nil
}

// number takes digits only: Atoi would also take a sign.
func number(text string) (int, error) {
	if text == "" || len(text) > 2 || strings.Trim(text, "0123456789") != "" {
		return 0, errors.New("no number")
	}
	return strconv.Atoi(text)
}

func has(set uint64, n int) bool { return set&(1<<n) != 0 }
