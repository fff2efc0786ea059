package relevance

import (
	"fmt"
	"html/template"
	"io"
	"strconv"
)

// Page is a report in one self-contained HTML file.
type Page struct {
	Title   string            // default "Search relevance"
	Intro   string            // a sentence on what was measured
	Facts   map[string]string // the environment, as a list at the end
	Reports []*Report         // the first one is shown in full, the last two are compared
	// Label returns how a document is shown; default its ID.
	Label func(id string) string
}

// WriteHTML writes the page.
func WriteHTML(w io.Writer, p *Page) error {
	view := struct {
		*Page
		Comparison *Comparison
		Last       *Report
	}{Page: p}
	if p.Title == "" {
		copied := *p
		copied.Title, view.Page = "Search relevance", &copied
	}
	if n := len(p.Reports); n > 0 {
		view.Last = p.Reports[n-1]
		if n > 1 {
			c := Compare(p.Reports[n-2], p.Reports[n-1])
			view.Comparison = &c
		}
	}
	label := p.Label
	if label == nil {
		label = func(id string) string { return id }
	}
	page, err := pageTemplate.Clone()
	if err == nil {
		err = page.Funcs(template.FuncMap{"label": label}).Execute(w, view)
	}
	if err != nil {
		return fmt.Errorf("relevance: report: %w", err)
	}
	return nil
}

var pageTemplate = template.Must(template.New("relevance").Funcs(template.FuncMap{
	"label":   func(id string) string { return id },
	"score":   func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) },
	"mean":    func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) },
	"change":  func(v float64) string { return fmt.Sprintf("%+.3f", v) },
	"percent": func(v float64) string { return strconv.FormatFloat(100*v, 'f', 1, 64) },
	"less":    func(v float64) float64 { return max(-v, 0) },
	"more":    func(v float64) float64 { return max(v, 0) },
	"grade": func(g *float64) string {
		if g == nil {
			return "–"
		}
		return strconv.FormatFloat(*g, 'g', 3, 64)
	},
	"class": func(g *float64) string {
		switch {
		case g == nil:
			return "none"
		case *g > 0:
			return "good"
		}
		return "bad"
	},
}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;color:#1c1c1c;background:#fff;max-width:1080px;margin:0 auto;padding:24px}
h1{font-size:1.7rem;margin:0 0 .3em}h2{font-size:1.25rem;margin:2em 0 .4em}
.table{overflow-x:auto}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px;border-bottom:1px solid #e4e4e4;text-align:right;white-space:nowrap}th{border-bottom-color:#888}
td:first-child,th:first-child{text-align:left}
.bar{display:inline-block;width:120px;height:10px;background:#ececec;border-radius:2px;overflow:hidden;vertical-align:middle;text-align:left}
.bar i{display:block;height:10px;background:#2b6cb0}
.delta{display:inline-flex;width:160px;height:10px;vertical-align:middle;background:linear-gradient(90deg,#ececec 50%,#f4f4f4 50%)}
.delta span{width:50%;display:flex}.delta span:first-child{justify-content:flex-end}
.loss{background:#b83232}.gain{background:#2f855a}
details{border-bottom:1px solid #e4e4e4;padding:6px 0}summary{cursor:pointer;display:grid;grid-template-columns:minmax(0,1fr) 130px 70px 70px;gap:12px;font-size:14px;font-variant-numeric:tabular-nums}
summary b{font-weight:600;overflow-wrap:anywhere}summary span{text-align:right}
ol{margin:6px 0 6px 1.2em;padding:0 0 0 1em;font-size:14px}li{margin:2px 0;overflow-wrap:anywhere}
.good,.bad,.none{display:inline-block;min-width:1.6em;text-align:center;border-radius:3px;margin-right:8px;font-weight:600}
.good{background:#d7f0df;color:#17552f}.bad{background:#f7dada;color:#7a1f1f}.none{background:#ececec;color:#555}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;font-size:14px}dt{color:#555}dd{margin:0}
.head{color:#555}
</style>
<h1>{{.Title}}</h1>
{{with .Intro}}<p>{{.}}</p>{{end}}
<div class="table"><table>
<tr><th>configuration</th><th>NDCG@10</th><th>judged only</th><th>MRR</th><th>recall@100</th></tr>
{{range .Reports}}<tr><td>{{.Name}}</td><td>{{mean .Mean.NDCG10}}</td><td>{{mean .Mean.Judged10}}</td><td>{{mean .Mean.MRR}}</td><td>{{mean .Mean.Recall100}}</td></tr>{{end}}
</table></div>
{{with .Comparison}}<h2>{{.Before}} → {{.After}}</h2>
<p>NDCG@10 changes by {{change .Mean}} on average: {{.Better}} queries are better, {{.Worse}} are worse. If both were equally good, so uneven a split would come about by chance with a probability of {{score .Chance}}.</p>
<div class="table"><table><tr><th>query</th><th>before</th><th>after</th><th>change</th><th></th></tr>
{{range .Queries}}<tr><td>{{.Query}}</td><td>{{score .Before}}</td><td>{{score .After}}</td><td>{{change .Change}}</td><td><span class="delta"><span><i class="loss" style="width:{{percent (less .Change)}}%"></i></span><span><i class="gain" style="width:{{percent (more .Change)}}%"></i></span></span></td></tr>{{end}}
</table></div>{{end}}
{{with .Last}}<h2>{{.Name}}, by query</h2>
<p>A query opens to show its first ten hits with their grades; “–” has not been judged and counts as irrelevant.</p>
<details open><summary class="head"><b>query</b><span></span><span>NDCG@10</span><span>judged</span></summary></details>
{{range .Queries}}<details><summary><b>{{.Query}}</b>{{if .Scored}}<span><span class="bar"><i style="width:{{percent .NDCG10}}%"></i></span></span><span>{{score .NDCG10}}</span><span>{{score .Judged10}}</span>{{else}}<span>not scored</span><span></span><span></span>{{end}}</summary>
<ol>{{range .Ranking}}<li><span class="{{class .Grade}}">{{grade .Grade}}</span>{{label .ID}}</li>{{end}}</ol></details>
{{end}}{{end}}
{{with .Facts}}<h2>Environment</h2><dl>{{range $name, $value := .}}<dt>{{$name}}</dt><dd>{{$value}}</dd>{{end}}</dl>{{end}}
</html>
`))
