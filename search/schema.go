package search

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed82d84382/commerce/search/internal/analysis"
)

// Kind is what a field holds.
type Kind string

// The kinds of field. Every kind but Text takes one value or a slice of them.
const (
	Text     Kind = "text"     // string or []string; searched by its words
	Keyword  Kind = "keyword"  // string or []string; compared as a whole, with case
	Number   Kind = "number"   // any Go integer or float, or a slice; finite
	Bool     Kind = "bool"     // bool
	Date     Kind = "date"     // time.Time, or a string in RFC 3339; kept to the millisecond
	Category Kind = "category" // a path such as "Audio > Headphones"; belongs to each of its ancestors too
)

// PathSeparator stands between the levels of a category path.
const PathSeparator = " > "

// Field describes one field of a document.
type Field struct {
	Name string `json:"name"` // letters, digits, "_", "-"; begins with a letter
	Kind Kind   `json:"kind"`

	// Weight says how much a word found in this field counts, 1 to 16, in
	// relation to the other fields. All weighted fields are searched as if they
	// were one text. 0 is 1 for Text, and not searched for the other kinds; -1
	// is not searched. Keyword and Category fields can be searched too.
	Weight int `json:"weight,omitempty"`
	// Language stems the words of a weighted field: an ISO 639-1 code (da, de, en, es,
	// fi, fr, hu, it, nl, no, pt, ro, ru, sv, tr), or "und" for none. Default "en".
	// Chinese, Japanese and Korean are understood whatever the language.
	Language string `json:"language,omitempty"`

	Facet bool `json:"facet,omitempty"` // can be counted; not for Text
	Sort  bool `json:"sort,omitempty"`  // can be sorted by; not for Text and Category
	Store bool `json:"store,omitempty"` // comes back in hits; needed to highlight and for Similar

	// Collapse makes the documents with the same value variants of one product (the
	// sizes of a shirt), of which [Query.Collapse] shows the best. For one Keyword field, with one value a
	// document; a document without it is alone.
	Collapse bool `json:"collapse,omitempty"`

	// Suggest offers the field's words as completions while typing; for Text,
	// Keyword and Category. With no such field, the heaviest weighted fields are used.
	Suggest bool `json:"suggest,omitempty"`
}

// Schema is the closed list of fields that documents may have. It is strict: a
// document with another field, or with a value of another kind, is refused.
type Schema struct {
	Fields []Field `json:"fields"`

	// Simplify makes traditional Chinese characters equal to the simplified ones, so that a
	// query in either script finds texts in both. Texts come back as they were written. Off by
	// default: it makes 后 ("queen") and 後 ("after") one word, also in Japanese text.
	Simplify bool `json:"simplify,omitempty"`
	// Romanizer, when set, completes Chinese words that are typed by their sound. Package pinyin has one.
	Romanizer Romanizer `json:"-"`
	// Segmenter, when set, cuts Chinese text into words instead of pairs of characters. Package gse has one.
	Segmenter Segmenter `json:"-"`
}

// Romanizer spells characters in Latin letters. Its methods may be called at the same time.
type Romanizer interface {
	// Name identifies the spelling: an index made with another one must be rebuilt. 1 to 64 bytes.
	Name() string
	// Readings returns how a character is read, in letters a to z, the usual reading first. It
	// is nil for a character that has none. The first two count.
	Readings(character rune) []string
}

// Segmenter finds words in text that is written without spaces. Its methods may be called at the same time.
type Segmenter interface {
	// Name identifies the segmenter and its dictionary: an index made with another one must be rebuilt. 1 to 64 bytes.
	Name() string
	// Segment returns the words in a run of Chinese, Japanese or Korean characters, folded,
	// as ranges of its bytes, in any order. Words may lie within another one (大桥 in 长江大桥), and are
	// found besides it. Where there is no word of two or more characters, pairs are indexed as without a segmenter.
	// The same text must always give the same words.
	Segment(run string) [][2]int
}

// analyzerVersion changes when the same text would give other terms than before.
const analyzerVersion = 2

// ownWeight is the part of the heaviest weight from which a field is also scored by itself.
// The lighter ones would seldom be a word's best field, and would cost as much space.
const ownWeight = 2

const (
	maxFields = 256
	maxWeight = 16
	maxName   = 64
)

// schema is a checked Schema with its defaults filled in.
type schema struct {
	fields      map[string]*Field
	order       []*Field
	group       *Field // the one with Collapse, or nil
	analyzer    analysis.Analyzer
	own         []*Field // those whose terms have an engine field of their own
	heaviest    int      // weight
	languages   []string // of the weighted fields, each once
	fingerprint string
}

// Field returns the named field with its defaults filled in.
func (s Schema) Field(name string) (Field, bool) {
	for _, f := range s.Fields {
		if f.Name == name {
			return f.withDefaults(), true
		}
	}
	return Field{}, false
}

// OwnFields returns the names of the fields that are also scored by themselves, in the order of the schema: those whose terms a
// driver is given in a field of their own, see [TextRun.Field].
func (s Schema) OwnFields() []string {
	heaviest := 0
	for _, f := range s.Fields {
		heaviest = max(heaviest, f.withDefaults().Weight)
	}
	var names []string
	for _, f := range s.Fields {
		if weight := f.withDefaults().Weight; weight > 0 && ownWeight*weight >= heaviest {
			names = append(names, f.Name)
		}
	}
	return names
}

// Fingerprint identifies the schema and the way text is analysed: an index
// built under another fingerprint must be rebuilt.
func (s Schema) Fingerprint() string {
	fields := make([]Field, len(s.Fields))
	for i, f := range s.Fields {
		fields[i] = f.withDefaults()
	}
	text, err := json.Marshal(struct {
		Analyzer  int
		Fields    []Field
		Simplify  bool   `json:",omitempty"`
		Romanizer string `json:",omitempty"`
		Segmenter string `json:",omitempty"`
	}{analyzerVersion, fields, s.Simplify, nameOf(s.Romanizer), nameOf(s.Segmenter)})
	if err != nil {
		panic(err) // strings, integers and booleans always marshal
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

func nameOf(named interface{ Name() string }) string {
	if named == nil {
		return ""
	}
	return named.Name()
}

// Validate reports the first thing wrong with the schema, as an [*InvalidError].
func (s Schema) Validate() error {
	_, err := s.check()
	return err
}

func (f Field) withDefaults() Field {
	if f.Weight == 0 && f.Kind == Text {
		f.Weight = 1
	}
	if f.Weight < 0 {
		f.Weight = 0
	}
	if f.Language == "" {
		f.Language = "en"
	}
	return f
}

func (s Schema) check() (*schema, error) {
	if len(s.Fields) == 0 {
		return nil, invalid("Schema", "has no fields")
	}
	if len(s.Fields) > maxFields {
		return nil, invalid("Schema", "has %d fields, more than %d", len(s.Fields), maxFields)
	}
	if err := checkNamed("Romanizer", s.Romanizer); err != nil {
		return nil, err
	}
	if err := checkNamed("Segmenter", s.Segmenter); err != nil {
		return nil, err
	}
	checked := &schema{analyzer: s.analyzer(), fields: make(map[string]*Field, len(s.Fields)), fingerprint: s.Fingerprint()}
	suggests := false
	for i := range s.Fields {
		f := s.Fields[i].withDefaults()
		if err := s.Fields[i].check(); err != nil {
			return nil, err
		}
		if checked.fields[f.Name] != nil {
			return nil, invalid(f.Name, "is in the schema twice")
		}
		checked.fields[f.Name] = &f
		checked.order = append(checked.order, &f)
		if f.Collapse {
			if checked.group != nil {
				return nil, invalid(f.Name, "is the second field with Collapse")
			}
			checked.group = &f
		}
		suggests = suggests || f.Suggest
		if f.Weight > 0 {
			checked.heaviest = max(checked.heaviest, f.Weight)
			checked.addLanguage(f.Language)
		}
	}
	own := s.OwnFields()
	for _, f := range checked.order {
		if !suggests && checked.heaviest > 0 {
			f.Suggest = f.Weight == checked.heaviest
		}
		if slices.Contains(own, f.Name) {
			checked.own = append(checked.own, f)
		}
	}
	return checked, nil
}

func checkNamed(part string, named interface{ Name() string }) error {
	if named != nil && (named.Name() == "" || len(named.Name()) > maxName) {
		return invalid(part, "Name must have 1 to %d bytes", maxName)
	}
	return nil
}

func (s Schema) analyzer() analysis.Analyzer {
	a := analysis.Analyzer{Simplify: s.Simplify}
	if s.Romanizer != nil {
		a.Romanize = s.Romanizer.Readings
	}
	if s.Segmenter != nil {
		a.Segment = s.Segmenter.Segment
	}
	return a
}

func (s *schema) addLanguage(language string) {
	for _, have := range s.languages {
		if have == language {
			return
		}
	}
	s.languages = append(s.languages, language)
}

func (f Field) check() error {
	if err := checkName(f.Name); err != nil {
		return err
	}
	worded := false
	switch f.Kind {
	case Text, Keyword, Category:
		worded = true
	case Number, Bool, Date:
	default:
		return invalid(f.Name, "unknown kind %q", clip(string(f.Kind)))
	}
	switch {
	case f.Weight < -1 || f.Weight > maxWeight:
		return invalid(f.Name, "weight %d is not between 0 and %d, or -1", f.Weight, maxWeight)
	case f.Weight > 0 && !worded:
		return invalid(f.Name, "a %s field cannot have a weight", f.Kind)
	case f.Language != "" && !analysis.Known(f.Language):
		return invalid(f.Name, "unknown language %q", clip(f.Language))
	case f.Facet && f.Kind == Text:
		return invalid(f.Name, "a text field cannot be a facet; use a keyword field")
	case f.Sort && (f.Kind == Text || f.Kind == Category):
		return invalid(f.Name, "a %s field cannot be sorted by; use a keyword field", f.Kind)
	case f.Collapse && f.Kind != Keyword:
		return invalid(f.Name, "a %s field cannot collapse variants; use a keyword field", f.Kind)
	case f.Suggest && !worded:
		return invalid(f.Name, "a %s field cannot suggest words", f.Kind)
	}
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return invalid(fmt.Sprintf("field %q", clip(name)), "name must have 1 to %d bytes", maxName)
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c != '_' && c != '-' && (c < '0' || c > '9')) {
			return invalid(fmt.Sprintf("field %q", clip(name)), "name must begin with a letter and hold letters, digits, _ and - only")
		}
	}
	return nil
}

// fieldFor returns the schema's field, or an error that says the query's part has an unknown one.
func (s *schema) fieldFor(part, name string) (*Field, error) {
	f := s.fields[name]
	if f == nil {
		return nil, invalid(part, "unknown field %q", clip(name))
	}
	return f, nil
}
