package cron

import "time"

// horizon bounds the search. 29 February of a certain weekday is the rarest: it
// can be 40 years off, over the turn of a century.
const horizon = 41

// Next returns the first time after t that is due, in UTC; the zero time if
// there is none within 41 years.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.every > 0 {
		return s.nextPeriod(t)
	}
	// Minutes of real time, from the next full one on, with long strides over what cannot match.
	c := t.In(s.location)
	c = c.Add(time.Minute - time.Duration(c.Second())*time.Second - time.Duration(c.Nanosecond()))
	end := c.Year() + horizon
	for c.Year() <= end {
		if s.missed(c) || s.matches(c) && !s.repeated(c) {
			return c.UTC()
		}
		c = s.stride(c)
	}
	return time.Time{}
}

func (s *Schedule) nextPeriod(t time.Time) time.Time {
	seconds := int64(s.every / time.Second)
	n := t.Unix() / seconds
	if t.Unix()%seconds < 0 {
		n--
	}
	return time.Unix((n+1)*seconds, 0).UTC()
}

func (s *Schedule) matches(c time.Time) bool {
	return has(s.minutes, c.Minute()) && has(s.hours, c.Hour()) && s.onDay(c)
}

func (s *Schedule) onDay(c time.Time) bool {
	if !has(s.months, int(c.Month())) {
		return false
	}
	day, weekday := has(s.days, c.Day()), has(s.weekdays, int(c.Weekday()))
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}

// stride goes to the next minute that could match. A stride over hours or days
// never jumps over a change of the clock, which may make something due.
func (s *Schedule) stride(c time.Time) time.Time {
	minute := c.Add(time.Minute)
	if minute.Hour() == c.Hour() && minute.Day() == c.Day() && has(s.hours, c.Hour()) && s.onDay(c) {
		return minute
	}
	for _, hours := range []int{24 * 27, 24, 1} {
		if next, ok := s.skip(c, hours); ok {
			return next
		}
	}
	return minute
}

// skip goes to the end of c's month, day or hour when nothing in it matches.
func (s *Schedule) skip(c time.Time, hours int) (time.Time, bool) {
	y, m, d := c.Date()
	var next time.Time
	switch hours {
	case 24 * 27:
		if has(s.months, int(m)) {
			return c, false
		}
		next = time.Date(y, m+1, 1, 0, 0, 0, 0, s.location)
	case 24:
		if s.onDay(c) {
			return c, false
		}
		next = time.Date(y, m, d+1, 0, 0, 0, 0, s.location)
	default:
		if has(s.hours, c.Hour()) {
			return c, false
		}
		next = c.Add(time.Duration(60-c.Minute()) * time.Minute)
	}
	if !next.After(c) || offset(next) != offset(c) {
		return c, false
	}
	return next, true
}

func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}

// missed tells whether the clock was put forward right at c over a time that
// was due. Those that repeat every hour miss nothing by it.
func (s *Schedule) missed(c time.Time) bool {
	if s.anyHour {
		return false
	}
	before := c.Add(-time.Minute)
	gap := offset(c) - offset(before)
	if gap <= 0 {
		return false
	}
	// The wall clock went from before to c; walk what it left out, as if in a zone without the change.
	fixed := time.FixedZone("", offset(before))
	for skipped := c.In(fixed); skipped.Before(c.In(fixed).Add(time.Duration(gap) * time.Second)); skipped = skipped.Add(time.Minute) {
		if s.matches(skipped) {
			return true
		}
	}
	return false
}

// repeated tells whether c is the second time the wall clock shows this after it was put back.
func (s *Schedule) repeated(c time.Time) bool {
	if s.anyHour {
		return false
	}
	start, _ := c.ZoneBounds()
	if start.IsZero() {
		return false
	}
	back := offset(start.Add(-time.Second)) - offset(c)
	return back > 0 && c.Sub(start) < time.Duration(back)*time.Second
}
