package relevance

import (
	"cmp"
	"math"
	"slices"
)

// Comparison is what changed from one report to another.
type Comparison struct {
	Before, After string // names
	Mean          float64
	Better, Worse int // queries whose NDCG10 rose or fell
	// Chance is the probability of so many or more being on one side if both were equally good
	// (two-sided sign test): below 0.05 the difference is hardly an accident.
	Chance  float64
	Queries []Difference // the greatest losses first, then gains; equal ones are left out
}

// Difference is what changed for a query.
type Difference struct {
	Query         string
	Before, After float64 // NDCG10
}

// Change is After - Before.
func (d Difference) Change() float64 { return d.After - d.Before }

const sameScore = 1e-9

// Compare compares the scored queries that both reports have.
func Compare(before, after *Report) Comparison {
	c := Comparison{Before: before.Name, After: after.Name, Chance: 1}
	old := map[string]float64{}
	for _, q := range before.Queries {
		if q.Scored {
			old[q.Query] = q.NDCG10
		}
	}
	n := 0
	for _, q := range after.Queries {
		was, ok := old[q.Query]
		if !ok || !q.Scored {
			continue
		}
		n++
		d := Difference{Query: q.Query, Before: was, After: q.NDCG10}
		c.Mean += d.Change()
		switch change := d.Change(); {
		case change > sameScore:
			c.Better++
		case change < -sameScore:
			c.Worse++
		default:
			continue
		}
		c.Queries = append(c.Queries, d)
	}
	c.Mean /= float64(max(n, 1))
	slices.SortStableFunc(c.Queries, func(a, b Difference) int { return cmp.Compare(a.Change(), b.Change()) })
	c.Chance = signTest(c.Better, c.Worse)
	return c
}

// signTest is the probability that of so many fair coins as many or more show the same side.
func signTest(better, worse int) float64 {
	n, most := better+worse, max(better, worse)
	if n == 0 {
		return 1
	}
	sum := 0.0
	for k := most; k <= n; k++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		sum += math.Exp(a - b - c - float64(n)*math.Ln2)
	}
	return math.Min(1, 2*sum)
}
