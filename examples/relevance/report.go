package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/seed82d84382/commerce/examples/internal/bench"
	"github.com/seed82d84382/commerce/examples/internal/icecat"
	"github.com/seed82d84382/commerce/search/searchtest/relevance"
)

func scored(r *relevance.Report) int {
	n := 0
	for _, q := range r.Queries {
		if q.Scored {
			n++
		}
	}
	return n
}

func text(score float64) string { return strconv.FormatFloat(score, 'f', 4, 64) }

func show(w io.Writer, r, before *relevance.Report, worst int) error {
	rows := [][]string{{"engine", "queries", "NDCG@10", "judged only", "recall@100", "MRR"}}
	for _, one := range []*relevance.Report{before, r} {
		if one != nil {
			rows = append(rows, []string{one.Name, strconv.Itoa(scored(one)), text(one.Mean.NDCG10), text(one.Mean.Judged10), text(one.Mean.Recall100), text(one.Mean.MRR)})
		}
	}
	if err := bench.Table(w, rows); err != nil {
		return err
	}
	if before != nil {
		c := relevance.Compare(before, r)
		fmt.Fprintf(w, "\nNDCG@10 changes by %+.4f; %d queries are better, %d are worse (sign test p = %.3f)\n", c.Mean, c.Better, c.Worse, c.Chance)
		rows := [][]string{{"query", "before", "after", "change"}}
		for _, d := range c.Queries {
			rows = append(rows, []string{d.Query, text(d.Before), text(d.After), fmt.Sprintf("%+.4f", d.Change())})
		}
		if err := bench.Table(w, rows); err != nil {
			return err
		}
	}
	if worst == 0 {
		return nil
	}
	fmt.Fprintln(w, "\nthe worst queries:")
	rows = [][]string{{"query", "NDCG@10", "judged only", "recall@100", "judged of ten"}}
	for _, q := range r.Worst(worst) {
		rows = append(rows, []string{q.Query, text(q.NDCG10), text(q.Judged10), text(q.Recall100), strconv.Itoa(q.Judged)})
	}
	return bench.Table(w, rows)
}

func write(s settings, environment bench.Environment, r, before *relevance.Report, products []icecat.Product) error {
	if s.json != "" {
		result := Result{Engine: r.Name, Scores: r.Mean, Queries: scored(r), PerQuery: r.Queries}
		if err := bench.WriteJSON(s.json, environment, []Result{result}); err != nil {
			return err
		}
	}
	if s.html == "" {
		return nil
	}
	titles := make(map[string]string, len(products))
	for _, p := range products {
		titles[p.ID] = p.Title
	}
	page := &relevance.Page{
		Intro: fmt.Sprintf("%d products, %d judged queries of which %d have a relevant product, default options.", len(products), len(r.Queries), scored(r)),
		Facts: map[string]string{"Date": environment.Date, "Processor": fmt.Sprintf("%s, %d cores", environment.CPU, environment.Cores), "Go": environment.Go},
		Label: func(id string) string { return titles[id] + " (" + id + ")" },
	}
	for name, version := range environment.Versions {
		page.Facts[name] = version
	}
	if before != nil {
		page.Reports = append(page.Reports, before)
	}
	page.Reports = append(page.Reports, r)
	file, err := os.Create(s.html)
	if err != nil {
		return err
	}
	if err := relevance.WriteHTML(file, page); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}
