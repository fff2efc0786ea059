package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/seed82d84382/commerce/inventory"
)

// workload is what callers buy.
type workload struct {
	name string
	text string // for the report
	skus int
	// units there are of each SKU
	units int64
	// pick chooses the SKUs of one order, by their numbers.
	pick func(dice *dice) []int
}

// dice are one caller's own.
type dice struct {
	*rand.Rand
	zipf *rand.Zipf
}

const plenty = 1_000_000_000_000

var workloads = []*workload{
	{"hot", "Everybody buys one unit of the same SKU.", 1, plenty, func(*dice) []int { return []int{0} }},
	{"uniform", "One unit of one of 1,000 SKUs, each as likely.", 1000, plenty, func(d *dice) []int { return []int{d.IntN(1000)} }},
	{"zipf", "One unit of one of 1,000 SKUs, few of them much wanted (Zipf's law with exponent 1.1).", 1000, plenty,
		func(d *dice) []int { return []int{int(d.zipf.Uint64())} }},
	{"multiline", "One unit each of three of 1,000 SKUs, named in order.", 1000, plenty, func(d *dice) []int {
		three := d.three(1000)
		slices.Sort(three)
		return three
	}},
	{"unsorted", "One unit each of three of 10 SKUs, named in any order.", 10, plenty, func(d *dice) []int { return d.three(10) }},
	{"soldout", "Everybody buys one unit of the same SKU, of which there are 2,000; then all are refused, and the refusals count.",
		1, 2000, func(*dice) []int { return []int{0} }},
}

func workloadNames() []string {
	var names []string
	for _, w := range workloads {
		names = append(names, w.name)
	}
	return names
}

func workloadNamed(name string) *workload {
	return workloads[slices.IndexFunc(workloads, func(w *workload) bool { return w.name == name })]
}

func newDice() *dice {
	r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	return &dice{r, rand.NewZipf(r, 1.1, 1, 999)}
}

// three different numbers below n.
func (d *dice) three(n int) []int {
	chosen := make([]int, 0, 3)
	for len(chosen) < 3 {
		if one := d.IntN(n); !slices.Contains(chosen, one) {
			chosen = append(chosen, one)
		}
	}
	return chosen
}

// names are the SKUs of a run, by their numbers.
func (w *workload) names(prefix string) []string {
	names := make([]string, w.skus)
	for n := range names {
		names[n] = fmt.Sprintf("%s-%04d", prefix, n)
	}
	return names
}

func (w *workload) order(d *dice, names []string, key string) inventory.Order {
	order := inventory.Order{Key: key}
	for _, n := range w.pick(d) {
		order.Lines = append(order.Lines, inventory.Line{SKU: names[n], Quantity: 1})
	}
	return order
}

// stock puts the units there that a run sells.
func (w *workload) stock(ctx context.Context, stock *inventory.Inventory, prefix string) error {
	_, err := stock.Import(ctx, prefix, func(yield func(inventory.Level, error) bool) {
		for _, sku := range w.names(prefix) {
			if !yield(inventory.Level{SKU: sku, OnHand: w.units}, nil) {
				return
			}
		}
	}, nil)
	return err
}
