package elasticsearch

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search"
)

// condition is what must still be so of a stored document for it to be replaced.
type condition struct {
	set       bool
	absent    bool // there is none
	seq, term int64
}

// appendOp adds the lines of an op to the body of a bulk request.
func (d *driver) appendOp(to []byte, op search.Op, c condition) []byte {
	remove := op.Entry == nil && op.Version == 0 && !op.Changed
	action := "index"
	switch {
	case remove:
		action = "delete"
	case c.set && c.absent:
		action = "create"
	}
	to = append(to, `{"`...)
	to = append(to, action...)
	to = append(to, `":{"_id":`...)
	to = appendString(to, op.ID)
	if c.set && !c.absent {
		to = append(to, `,"if_seq_no":`...)
		to = strconv.AppendInt(to, c.seq, 10)
		to = append(to, `,"if_primary_term":`...)
		to = strconv.AppendInt(to, c.term, 10)
	}
	to = append(to, "}}\n"...)
	if remove {
		return to
	}
	to = append(to, '{')
	to = appendKey(to, d.schemaField)
	to = append(to, "true"...)
	if op.Version > 0 {
		to = appendKey(append(to, ','), fieldVersion)
		to = strconv.AppendInt(to, op.Version, 10)
	}
	if op.Changed {
		to = append(appendKey(append(to, ','), fieldChanged), "true"...)
	}
	to = appendString(append(append(to, ','), `"`+fieldKey+`":`...), op.ID)
	if op.Entry == nil {
		to = append(appendKey(append(to, ','), fieldGone), "true"...)
	} else {
		to = d.appendEntry(to, op.Entry)
	}
	return append(to, "}\n"...)
}

func (d *driver) appendEntry(to []byte, e *search.Entry) []byte {
	to = appendKey(append(to, ','), fieldStored)
	to = append(to, e.Source...)
	to = appendTexts(to, e.Texts)
	for _, list := range []struct {
		field string
		terms []string
	}{{search.FieldWords, e.Words}, {search.FieldStarts, e.Starts}, {search.FieldPresent, e.Present}} {
		if len(list.terms) > 0 {
			to = appendListed(appendKey(append(to, ','), list.field), list.terms)
		}
	}
	if len(e.Phrases) > 0 {
		to = appendList(appendKey(append(to, ','), search.FieldPhrases), e.Phrases, appendString)
	}
	if d.collapses {
		to = appendString(appendKey(append(to, ','), search.FieldGroup), e.Group)
	}
	for _, f := range d.schema.Fields {
		values := e.Values[f.Name]
		if len(values) == 0 {
			continue
		}
		to = appendList(appendKey(append(to, ','), f.Name), values, appendValue)
		if f.Facet && (f.Kind == search.Number || f.Kind == search.Category) {
			to = appendList(appendKey(append(to, ','), f.Name+countSuffix), values, func(to []byte, v any) []byte {
				return appendString(to, counted(v))
			})
		}
	}
	return to
}

// appendTexts writes the analysed text. Each run of terms stands there as many times as it weighs: that
// makes frequencies, lengths and the counts of phrases what they should be. All runs are one text, of which the
// server makes terms with less work than of many.
func appendTexts(to []byte, runs []search.TextRun) []byte {
	to = append(appendKey(append(to, ','), search.FieldText), '"')
	empty := len(to)
	for _, run := range runs {
		to = appendRun(to, run.Terms, run.Weight, empty, " "+runEnd+" ")
	}
	if len(to) == empty {
		to = append(to, marker...)
	}
	to = append(to, '"')
	if slices.ContainsFunc(runs, func(r search.TextRun) bool { return len(r.Chars) > 0 }) {
		to = append(appendKey(append(to, ','), search.FieldChars), '"')
		empty = len(to)
		for _, run := range runs {
			to = appendRun(to, run.Chars, run.Weight, empty, " ")
		}
		to = append(to, '"')
	}
	last := "" // the field whose text ends here; the runs of one come one after another
	for _, run := range runs {
		if run.Field == "" || len(run.Terms) == 0 {
			continue
		}
		if run.Field == last {
			to[len(to)-1] = ' '
		} else {
			to = append(appendKey(append(to, ','), run.Field), '"')
			last = run.Field
		}
		to = append(appendRun(to, run.Terms, 1, len(to), ""), '"')
	}
	return to
}

// appendRun writes terms, times over, into a text that begins at start. Between is what parts them from what stands before.
func appendRun(to []byte, terms []string, times, start int, between string) []byte {
	if len(terms) == 0 {
		return to
	}
	if len(to) > start {
		to = append(to, between...)
	}
	first := len(to)
	for i, t := range terms {
		if i > 0 {
			to = append(to, ' ')
		}
		to = appendEscaped(to, t)
	}
	end := len(to)
	for range times - 1 {
		to = append(append(to, between...), to[first:end]...)
	}
	return to
}

// appendListed writes terms as one text.
func appendListed(to []byte, terms []string) []byte {
	to = append(to, '"')
	for i, t := range terms {
		if i > 0 {
			to = append(to, ' ')
		}
		to = appendEscaped(to, listedTerm(t))
	}
	return append(to, '"')
}

// counted is a value as facets count it.
func counted(v any) string {
	if s, ok := v.(string); ok { // a category
		return strconv.Itoa(strings.Count(s, search.PathSeparator)) + levelEnd + s
	}
	return search.FormatNumber(v.(float64))
}

// levelEnd stands between a category's level and its path.
const levelEnd = ":"

func appendList[T any](to []byte, values []T, one func([]byte, T) []byte) []byte {
	to = append(to, '[')
	for i, v := range values {
		if i > 0 {
			to = append(to, ',')
		}
		to = one(to, v)
	}
	return append(to, ']')
}

func appendValue(to []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(to, v)
	case bool:
		return strconv.AppendBool(to, v)
	case time.Time:
		return strconv.AppendInt(to, v.UnixMilli(), 10)
	default:
		return strconv.AppendFloat(to, v.(float64), 'g', -1, 64)
	}
}

// appendKey writes the name of a field, which needs no escaping.
func appendKey(to []byte, name string) []byte {
	to = append(to, '"')
	to = append(to, name...)
	return append(to, `":`...)
}

func appendString(to []byte, s string) []byte {
	return append(appendEscaped(append(to, '"'), s), '"')
}

// appendEscaped writes a string as it stands between the quotes of JSON.
func appendEscaped(to []byte, s string) []byte {
	const hex = "0123456789abcdef"
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				to = append(append(to, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			to = append(to, s[start:i]...)
			if c < ' ' {
				to = append(to, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xF])
			} else {
				to = append(to, '\\', c)
			}
			start = i + 1
		}
		i++
	}
	return append(to, s[start:]...)
}
