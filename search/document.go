package search

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// Document is what is indexed and found.
type Document struct {
	// ID has 1 to 512 bytes of UTF-8 without control characters.
	ID string
	// Fields holds values by field name, as the [Kind] of each field says. A
	// field that is nil or an empty slice is as if it were not there.
	Fields map[string]any
	// Version, when it is above 0, lets only newer documents replace older ones:
	// a write whose version is not above the stored one fails with [ErrConflict].
	// Versions may be counters or times; the index only compares them.
	Version int64
}

const (
	maxID        = 512
	maxTextBytes = 1 << 20 // of one value of a text field
	maxDocument  = 8 << 20 // of all text in a document
)

// prepareAll prepares changes, on all processors. The error is that of the first
// change that has one.
func (s *schema) prepareAll(changes []change) ([]Op, error) {
	ops, errs := make([]Op, len(changes)), make([]error, len(changes))
	var workers sync.WaitGroup
	const share = 16 // changes a goroutine takes at a time
	var taken atomic.Int64
	for range min(runtime.GOMAXPROCS(0), (len(changes)+share-1)/share) {
		workers.Go(func() {
			for {
				to := int(taken.Add(share))
				from := to - share
				if from >= len(changes) {
					return
				}
				for i := from; i < min(to, len(changes)); i++ {
					ops[i], errs[i] = s.op(changes[i])
				}
			}
		})
	}
	workers.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return ops, nil
}

func (s *schema) op(c change) (op Op, err error) {
	op = Op{ID: c.doc.ID, Version: c.doc.Version}
	switch {
	case !c.delete:
		op.Entry, err = s.prepare(c.doc)
	case checkID(op.ID) != "":
		err = &InvalidError{Document: op.ID, Field: "ID", Reason: checkID(op.ID)}
	case op.Version < 0:
		err = &InvalidError{Document: op.ID, Field: "Version", Reason: "is negative"}
	}
	return op, err
}

// prepare checks a document against the schema and analyses it.
func (s *schema) prepare(doc Document) (*Entry, error) {
	if reason := checkID(doc.ID); reason != "" {
		return nil, &InvalidError{Document: doc.ID, Field: "ID", Reason: reason}
	}
	if doc.Version < 0 {
		return nil, &InvalidError{Document: doc.ID, Field: "Version", Reason: "is negative"}
	}
	for name := range doc.Fields {
		if s.fields[name] == nil {
			return nil, &InvalidError{Document: doc.ID, Field: name, Reason: "is not in the schema"}
		}
	}
	p := preparer{
		own:      s.own,
		analyzer: &s.analyzer,
		entry:    &Entry{Values: map[string][]any{}},
		scratch:  scratches.Get().(*scratch),
		source:   map[string]any{},
	}
	defer p.giveBack()
	for _, f := range s.order {
		values, reason := normalise(f.Kind, doc.Fields[f.Name])
		if reason == "" {
			reason = p.add(f, values)
		}
		if reason != "" {
			return nil, &InvalidError{Document: doc.ID, Field: f.Name, Reason: reason}
		}
	}
	p.entry.Group = cmp.Or(p.entry.Group, "#"+doc.ID)
	var err error
	if p.entry.Source, err = json.Marshal(p.source); err != nil {
		return nil, fmt.Errorf("search: encode document %q: %w", clip(doc.ID), err)
	}
	p.entry.Words, p.entry.Phrases = p.words.take(), p.phrases.take()
	p.entry.Starts = p.starts.of(p.entry.Phrases)
	return p.entry, nil
}

func checkID(id string) string {
	switch {
	case id == "":
		return "is empty"
	case len(id) > maxID:
		return "is longer than 512 bytes"
	case !utf8.ValidString(id):
		return "is not valid UTF-8"
	case strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7F }):
		return "holds a control character"
	}
	return ""
}

type preparer struct {
	own      []*Field
	analyzer *analysis.Analyzer
	entry    *Entry
	*scratch
	source map[string]any
	bytes  int
}

func (p *preparer) add(f *Field, values []any) string {
	if len(values) == 0 {
		return ""
	}
	p.entry.Present = append(p.entry.Present, f.Name)
	if f.Store {
		p.source[f.Name] = stored(values)
	}
	if f.Collapse {
		if len(values) > 1 {
			return "has several values, but is what variants are collapsed by"
		}
		p.entry.Group = "=" + values[0].(string)
	}
	if f.Kind != Text {
		p.entry.Values[f.Name] = indexed(f.Kind, values)
	}
	if f.Kind != Text && f.Weight == 0 && !f.Suggest {
		return ""
	}
	for _, v := range values {
		text := v.(string)
		if p.bytes += len(text); len(text) > maxTextBytes || p.bytes > maxDocument {
			return "is too long: a text has at most 1 MiB, and all texts of a document 8 MiB"
		}
		p.addText(f, text)
	}
	return ""
}

// of returns the starts of phrases, each once.
func (s set) of(phrases []string) []string {
	for _, phrase := range phrases {
		n := 0
		for i := range phrase {
			if n > 0 {
				s.add(phrase[:i])
			}
			if n++; n > MaxStart {
				break
			}
		}
		if n <= MaxStart {
			s.add(phrase)
		}
	}
	return s.take()
}

func (p *preparer) addText(f *Field, text string) {
	var terms analysis.Terms
	var to analysis.Sinks
	if f.Weight > 0 {
		to.Terms, to.Word = &terms, p.words.add
	}
	if f.Suggest {
		to.Phrase = p.phrases.add
	}
	p.analyzer.Read(text, f.Language, to)
	if len(terms.Words) > 0 || len(terms.Chars) > 0 {
		run := TextRun{Weight: f.Weight, Terms: terms.Words, Chars: terms.Chars}
		if slices.Contains(p.own, f) {
			run.Field = FieldOwn + f.Name
		}
		p.entry.Texts = append(p.entry.Texts, run)
	}
}

// set is one of words. What it holds is used again.
type set map[string]struct{}

func (s set) add(word string) { s[word] = struct{}{} }

// take returns the words in order, and empties the set.
func (s set) take() []string {
	words := slices.AppendSeq(make([]string, 0, len(s)), maps.Keys(s))
	clear(s)
	slices.Sort(words)
	return words
}

// scratch is what preparing a document needs for a while.
type scratch struct{ words, phrases, starts set }

// giveBack lets other documents use the sets, unless this one has made them so large that emptying them takes long.
func (p *preparer) giveBack() {
	const large = 1 << 14
	if len(p.words)+len(p.phrases)+len(p.starts)+len(p.entry.Words)+len(p.entry.Phrases)+len(p.entry.Starts) > large {
		return
	}
	for _, s := range []set{p.words, p.phrases, p.starts} {
		clear(s) // there are words in them after an error
	}
	scratches.Put(p.scratch)
}

var scratches = sync.Pool{New: func() any { return &scratch{set{}, set{}, set{}} }}

// indexed adds to a category's paths their ancestors, and drops repeated values.
func indexed(kind Kind, values []any) []any {
	seen := make(map[any]bool, len(values))
	unique := make([]any, 0, len(values))
	add := func(v any) {
		if !seen[v] {
			seen[v] = true
			unique = append(unique, v)
		}
	}
	for _, v := range values {
		if kind != Category {
			add(v)
			continue
		}
		for _, path := range ancestors(v.(string)) {
			add(path)
		}
	}
	return unique
}

func stored(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// decode turns a stored source into fields of the types that normalise gives;
// a field with several values is a slice of their type. only, unless nil, names the fields wanted.
func (s *schema) decode(source []byte, only []string) (map[string]any, error) {
	fields := map[string]any{}
	if len(source) == 0 || only != nil && len(only) == 0 {
		return fields, nil
	}
	err := eachMember(source, func(name, text []byte) error {
		f := s.fields[string(name)]
		if f == nil || only != nil && !slices.Contains(only, f.Name) {
			return nil
		}
		value, err := decodeField(f.Kind, text)
		if err != nil {
			return fmt.Errorf("search: decode stored field %q: %w", f.Name, err)
		}
		fields[f.Name] = value
		return nil
	})
	return fields, err
}

func decodeField(kind Kind, text json.RawMessage) (any, error) {
	switch kind {
	case Number:
		return decodeAs[float64](text)
	case Bool:
		return decodeAs[bool](text)
	case Date:
		return decodeAs[time.Time](text)
	}
	if plain, ok := plainString(text); ok {
		return string(plain), nil
	}
	return decodeAs[string](text)
}

func decodeAs[T any](text json.RawMessage) (any, error) {
	if len(text) > 0 && text[0] == '[' {
		var many []T
		err := json.Unmarshal(text, &many)
		return many, err
	}
	var one T
	err := json.Unmarshal(text, &one)
	return one, err
}

// texts returns the strings of a decoded field.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []string:
		return v
	}
	return nil
}
