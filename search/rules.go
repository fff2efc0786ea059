package search

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Rule is merchandising: what a shop puts first, hides or lifts, for certain
// queries and for a certain time.
type Rule struct {
	Name string `json:"name,omitempty"` // for the shop's own use

	// Texts are the queries the rule is for; case, spaces and punctuation do not
	// matter. Empty is every query, and "" the one without text.
	Texts []string `json:"texts,omitempty"`
	// Within limits the rule to queries that filter by all of these, such as a
	// category page. Compared with the query's filters, not with documents.
	Within Filters `json:"within,omitempty"`

	// From and Until bound when the rule holds; zero is open. Until is exclusive.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`

	// Pin puts documents at the top in this order, even if the text does not match
	// them. Filters hold for them too. It has no effect on a query with its own Sort.
	Pin []string `json:"pin,omitempty"`
	// Hide removes the documents that pass any of these, pinned ones too.
	Hide Filters `json:"hide,omitempty"`
	// Boost multiplies the relevance of documents that pass a filter.
	Boost []RuleBoost `json:"boost,omitempty"`
	// Redirect is an address that the shop sends the shopper to instead ("returns" to
	// the page about returns). It comes back as [Result.Redirect]; the hits are there too. At most 2 KiB.
	Redirect string `json:"redirect,omitempty"`
}

// RuleBoost multiplies the score of documents that pass Filter: above 1 lifts, below 1 lowers.
type RuleBoost struct {
	Filter Filter  `json:"filter"`
	Factor float64 `json:"factor"` // 0.01 to 100
}

const (
	maxRules    = 1000
	maxPins     = 50
	maxRedirect = 2 << 10 // bytes
	pinnedScore = 1e6     // above any score of BM25; engines keep it exactly in 32 bits
)

// ruleEffect is what the rules that hold do to one query.
type ruleEffect struct {
	pins     []string
	hide     Filters // negated
	factors  []Factor
	redirect string
}

func (ix *Index) checkRules(rules []Rule) ([]Rule, error) {
	if len(rules) > maxRules {
		return nil, invalid("Rules", "has %d rules, more than %d", len(rules), maxRules)
	}
	checked := make([]Rule, len(rules))
	for i, r := range rules {
		part := "Rules[" + strconv.Itoa(i) + "]"
		if err := ix.checkRule(part, &r); err != nil {
			return nil, err
		}
		checked[i] = r
	}
	return checked, nil
}

func (ix *Index) checkRule(part string, r *Rule) error {
	var err error
	if len(r.Pin) > maxPins {
		return invalid(part, "pins %d documents, more than %d", len(r.Pin), maxPins)
	}
	if len(r.Redirect) > maxRedirect || strings.ContainsFunc(r.Redirect, unicode.IsControl) {
		return invalid(part, "Redirect has more than %d bytes, or a control character", maxRedirect)
	}
	if !r.From.IsZero() && !r.Until.IsZero() && !r.From.Before(r.Until) {
		return invalid(part, "ends before it begins")
	}
	if r.Within, err = ix.checkFilters(part+".Within", r.Within); err != nil {
		return err
	}
	if r.Hide, err = ix.checkFilters(part+".Hide", r.Hide); err != nil {
		return err
	}
	keys := make([]string, len(r.Texts))
	for i, t := range r.Texts {
		if _, err := checkText(part+".Texts", t); err != nil {
			return err
		}
		keys[i] = ix.schema.foldedKey(t)
	}
	r.Texts = keys
	r.Boost = slices.Clone(r.Boost)
	for i, b := range r.Boost {
		if err := checkTimes(part+".Boost", b.Factor); err != nil {
			return err
		}
		if r.Boost[i].Filter, err = ix.checkFilter(part+".Boost", b.Filter); err != nil {
			return err
		}
	}
	return nil
}

// effect merges the signals, and the rules that hold for a query now. The first rule to pin decides the order.
func (ix *Index) effect(p *plan, now time.Time) ruleEffect {
	rules := *ix.rules.Load()
	e := ruleEffect{factors: ix.factors(now)}
	key := ix.schema.foldedKey(p.text)
	for _, r := range rules {
		if !r.From.IsZero() && now.Before(r.From) || !r.Until.IsZero() && !now.Before(r.Until) {
			continue
		}
		if len(r.Texts) > 0 && !slices.Contains(r.Texts, key) || !within(r.Within, p.query.Filters) {
			continue
		}
		if p.sorts[0] == Relevance {
			for _, id := range r.Pin {
				if !slices.Contains(e.pins, id) && len(e.pins) < maxPins {
					e.pins = append(e.pins, id)
				}
			}
		}
		for _, f := range r.Hide {
			e.hide = append(e.hide, Not(f))
		}
		for _, b := range r.Boost {
			e.factors = append(e.factors, Factor{Filters: Filters{b.Filter}, Times: b.Factor})
		}
		e.redirect = cmp.Or(e.redirect, r.Redirect)
	}
	e.factors = e.factors[:min(len(e.factors), maxFactors)]
	return e
}

func within(wanted, filters Filters) bool {
	for _, w := range wanted {
		if !slices.ContainsFunc(filters, func(f Filter) bool { return reflect.DeepEqual(w, f) }) {
			return false
		}
	}
	return true
}

// apply multiplies the scores of what a query matches, and adds the pinned documents above all others.
func (e ruleEffect) apply(n Node, scored bool) Node {
	if scored && len(e.factors) > 0 {
		n = Node{Op: OpScale, Nodes: []Node{n}, Factors: e.factors, Boost: 1}
	}
	if len(e.pins) == 0 {
		return n
	}
	best := Node{Op: OpBest, Boost: 1, Nodes: []Node{n}}
	for i, id := range e.pins {
		best.Nodes = append(best.Nodes, Node{Op: OpIDs, Terms: []string{id}, Boost: pinnedScore * float64(len(e.pins)-i)})
	}
	return best
}
