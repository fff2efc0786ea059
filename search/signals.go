package search

import (
	"math"
	"strconv"
	"time"
)

// Signal lifts documents by what the shop knows of them, whatever the text: how
// often they are sold, how well they are rated, how new they are, whether they are there. Signals
// multiply the relevance of a text; they also order a query without text. A good
// Weight is small: text that fits much better should still win.
//
//	search.Signal{Field: "sold", Weight: 0.5, Pivot: 100}            // a bestseller up to half as much again
//	search.Signal{Field: "released", Weight: 0.2, HalfLife: 90 * 24 * time.Hour}
//	search.Signal{Filter: &outOfStock, Times: 0.3}                   // outOfStock := search.In("stock", false)
type Signal struct {
	// Field is a Number or Date field whose schema says Sort. The score is multiplied
	// by 1 + Weight × s. Documents without the field have s = 0.
	Field string `json:"field,omitempty"`
	// Weight is -0.9 to 10.
	Weight float64 `json:"weight,omitempty"`
	// Pivot, for a Number, is the value v at which s is a half: s = v / (v + Pivot).
	Pivot float64 `json:"pivot,omitempty"`
	// HalfLife, for a Date, is the age at which s is a half: s = HalfLife / (HalfLife + age).
	HalfLife time.Duration `json:"half_life,omitempty"`

	// Filter, instead of Field, multiplies the score of the documents that pass it by Times.
	Filter *Filter `json:"filter,omitempty"`
	Times  float64 `json:"times,omitempty"` // 0.01 to 100
}

const (
	maxSignals = 16
	maxFactors = 64 // of one query, rules and signals together
)

func (ix *Index) checkSignals(signals []Signal) error {
	if len(signals) > maxSignals {
		return invalid("Signals", "has %d signals, more than %d", len(signals), maxSignals)
	}
	for i, s := range signals {
		if _, err := ix.signalFactor("Signals["+strconv.Itoa(i)+"]", s, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// signalFactor checks a signal and turns it into what engines multiply by.
func (ix *Index) signalFactor(part string, s Signal, now time.Time) (Factor, error) {
	if s.Filter != nil {
		if s.Field != "" {
			return Factor{}, invalid(part, "has both Field and Filter")
		}
		checked, err := ix.checkFilter(part+".Filter", *s.Filter)
		if err != nil {
			return Factor{}, err
		}
		return Factor{Filters: Filters{checked}, Times: s.Times}, checkTimes(part, s.Times)
	}
	field, err := ix.schema.fieldFor(part, s.Field)
	if err != nil {
		return Factor{}, err
	}
	f := Factor{Field: s.Field, Kind: field.Kind, Weight: s.Weight, Pivot: s.Pivot, Now: now.UTC().Truncate(time.Millisecond)}
	if field.Kind == Date {
		f.Pivot = float64(s.HalfLife.Milliseconds())
	}
	switch {
	case field.Kind != Number && field.Kind != Date || !field.Sort:
		return f, invalid(part, "field %q is not a number or date that the schema lets be sorted by", s.Field)
	case !(s.Weight >= -0.9 && s.Weight <= 10):
		return f, invalid(part, "weight %v is not between -0.9 and 10", s.Weight)
	case !(f.Pivot > 0) || math.IsInf(f.Pivot, 0):
		return f, invalid(part, "a number needs a Pivot above 0, a date a HalfLife of a millisecond or more")
	}
	return f, nil
}

func checkTimes(part string, times float64) error {
	if !(times >= 0.01 && times <= 100) {
		return invalid(part, "factor %v is not between 0.01 and 100", times)
	}
	return nil
}

// factors are those of the signals, at now.
func (ix *Index) factors(now time.Time) []Factor {
	signals := *ix.signals.Load()
	factors := make([]Factor, 0, len(signals))
	for _, s := range signals {
		if f, err := ix.signalFactor("Signals", s, now); err == nil { // they were checked when they were set
			factors = append(factors, f)
		}
	}
	return factors
}
