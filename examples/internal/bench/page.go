package bench

import (
	"bytes"
	"fmt"
	"html/template"
)

// Page is a report of plots and tables in one self-contained HTML file.
type Page struct {
	Title       string
	Intro       string
	Environment Environment
	Sections    []Section
}

// Section is a part of a Page. A table's first row is its head; an empty row
// sets those before it apart from those after it.
type Section struct {
	Title string
	Text  string
	Plots []Plot
	Table [][]string
}

// WriteHTML writes the page to a file, as a whole or not at all.
func WriteHTML(path string, page Page) error {
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, page); err != nil {
		return fmt.Errorf("bench: report: %w", err)
	}
	return replace(path, out.Bytes())
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;color:#1c1c1c;background:#fff;max-width:1360px;margin:0 auto;padding:24px}
h1{font-size:1.7rem;margin:0 0 .3em}h2{font-size:1.25rem;margin:2em 0 .4em}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:24px}
figure{margin:0}svg{max-width:100%;height:auto}
.title{font-size:15px;font-weight:600}.label,.tick{font-size:12px;fill:#444}.grid{stroke:#e4e4e4}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:4px 0 0;padding:0 0 0 8px;font-size:14px}
.table{overflow-x:auto;margin-top:20px}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px;border-bottom:1px solid #e4e4e4;text-align:right;white-space:nowrap}th{border-bottom-color:#888}
td:first-child,th:first-child{text-align:left;position:sticky;left:0;background:#fff;padding-left:0}
.rule td{height:6px;padding:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;font-size:14px}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}
@media(max-width:640px){body{padding:16px}.title{font-size:24px}.label,.tick{font-size:20px}dl{grid-template-columns:1fr}dd{margin-bottom:8px}}
</style>
<h1>{{.Title}}</h1>
<p>{{.Intro}}</p>
{{range .Sections}}<section><h2>{{.Title}}</h2>{{with .Text}}<p>{{.}}</p>{{end}}
{{with .Plots}}<div class="plots">{{range .}}<figure>{{.SVG}}</figure>{{end}}</div>{{end}}
{{with .Table}}<div class="table"><table>{{range $i, $row := .}}{{if $row}}<tr>{{range $row}}{{if eq $i 0}}<th>{{.}}</th>{{else}}<td>{{.}}</td>{{end}}{{end}}</tr>{{else}}<tr class="rule"><td colspan="99"></td></tr>{{end}}{{end}}</table></div>{{end}}
</section>{{end}}
<section><h2>Environment</h2><dl>
{{with .Environment}}<dt>Date</dt><dd>{{.Date}}</dd><dt>Processor</dt><dd>{{.CPU}}, {{.Cores}} cores</dd>{{with .Memory}}<dt>Memory</dt><dd>{{.}}</dd>{{end}}<dt>System</dt><dd>{{.OS}} {{.Kernel}}</dd><dt>Go</dt><dd>{{.Go}}</dd>
{{range $name, $value := .Versions}}<dt>{{$name}}</dt><dd>{{$value}}</dd>{{end}}
{{range $name, $value := .Settings}}<dt>{{$name}}</dt><dd>{{$value}}</dd>{{end}}{{end}}
</dl></section>
</html>
`))
