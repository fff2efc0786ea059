package search

import (
	"html"
	"strings"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// fragmentRunes is the longest text highlighted whole; of a longer one, the
// part of that length with most found words is shown.
const fragmentRunes = 200

// marker highlights the words of one query. It works on the stored text with
// our own analysis, so that all engines highlight alike.
type marker struct {
	analyzer *analysis.Analyzer
	fields   []*Field
	terms    map[string]bool
}

func newMarker(s *schema, fields []string, node Node) *marker {
	m := &marker{analyzer: &s.analyzer, terms: map[string]bool{}}
	for _, name := range fields {
		m.fields = append(m.fields, s.fields[name])
	}
	if len(m.fields) > 0 {
		node.marks(func(t string) { m.terms[t] = true })
	}
	return m
}

func (m *marker) mark(fields map[string]any) map[string]string {
	var marked map[string]string
	for _, f := range m.fields {
		for _, text := range texts(fields[f.Name]) {
			spans := m.spans(text, f.Language)
			if len(spans) == 0 {
				continue
			}
			if marked == nil {
				marked = map[string]string{}
			}
			marked[f.Name] = render(text, spans)
			break
		}
	}
	return marked
}

type span struct{ start, end int }

// spans returns the places of found words in order, neighbours joined.
func (m *marker) spans(text, language string) []span {
	var spans []span
	add := func(start, end int) {
		if n := len(spans); n > 0 && spans[n-1].end >= start {
			spans[n-1].end = max(spans[n-1].end, end)
			return
		}
		spans = append(spans, span{start, end})
	}
	m.analyzer.Units(text, func(u analysis.Unit) bool {
		switch {
		case u.CJK && m.analyzer.Segmented():
			m.words(u, add)
		case u.CJK:
			for i, part := range u.Parts {
				if m.terms[part.Form] {
					add(part.Start, part.End)
				}
				if i+1 < len(u.Parts) && m.terms[part.Form+u.Parts[i+1].Form] {
					add(part.Start, u.Parts[i+1].End)
				}
			}
		case m.terms[analysis.Stem(u.Form, language)]:
			add(u.Start, u.End)
		default:
			for _, part := range u.Parts {
				if m.terms[analysis.Stem(part.Form, language)] {
					add(part.Start, part.End)
				}
			}
		}
		return true
	})
	return spans
}

// words adds the found words of a run, and its found characters.
func (m *marker) words(run analysis.Unit, add func(start, end int)) {
	found := make([]bool, len(run.Parts))
	look := func(from, to int, form string) {
		if m.terms[form] {
			for i := from; i < to; i++ {
				found[i] = true
			}
		}
	}
	for _, w := range m.analyzer.Words(run) {
		look(w.From, w.To, w.Form)
		for _, p := range w.Parts {
			look(p.From, p.To, p.Form)
		}
	}
	for i, p := range run.Parts {
		if look(i, i+1, p.Form); found[i] {
			add(p.Start, p.End)
		}
	}
}

// render writes a text, or the part of it with most spans, as HTML.
func render(text string, spans []span) string {
	start, end := 0, len(text)
	if utf8.RuneCountInString(text) > fragmentRunes {
		start, end = window(text, spans)
	}
	var b strings.Builder
	if start > 0 {
		b.WriteString("…")
	}
	at := start
	for _, s := range spans {
		if s.start < start || s.end > end {
			continue
		}
		b.WriteString(html.EscapeString(clean(text[at:s.start])))
		b.WriteString("<mark>")
		b.WriteString(html.EscapeString(clean(text[s.start:s.end])))
		b.WriteString("</mark>")
		at = s.end
	}
	b.WriteString(html.EscapeString(clean(text[at:end])))
	if end < len(text) {
		b.WriteString("…")
	}
	return b.String()
}

// clean replaces control characters, which have no place in HTML.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return ' '
		}
		return r
	}, s)
}

// window chooses the stretch of about fragmentRunes that holds most spans, the first of equals.
func window(text string, spans []span) (int, int) {
	best, most := 0, 0
	for i := range spans {
		limit, n := advance(text, spans[i].start, fragmentRunes*3/4), 0
		for _, s := range spans[i:] {
			if s.end > limit {
				break
			}
			n++
		}
		if n > most {
			best, most = i, n
		}
	}
	start := retreat(text, spans[best].start, fragmentRunes/4)
	end := max(advance(text, start, fragmentRunes), min(spans[best].end, advance(text, start, 2*fragmentRunes)))
	if start > 0 { // begin with a whole word when one begins nearby
		if i := strings.IndexByte(text[start:spans[best].start], ' '); i >= 0 {
			start += i + 1
		}
	}
	if end < len(text) {
		if i := strings.LastIndexByte(text[spans[best].end:max(end, spans[best].end)], ' '); i > 0 {
			end = spans[best].end + i
		}
	}
	return start, end
}

func advance(text string, at, runes int) int {
	for ; runes > 0 && at < len(text); runes-- {
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return at
}

func retreat(text string, at, runes int) int {
	for ; runes > 0 && at > 0; runes-- {
		_, n := utf8.DecodeLastRuneInString(text[:at])
		at -= n
	}
	return at
}
