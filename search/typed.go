package search

import (
	"context"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Typed is an index of structs of type T, whose fields say by their tags how they are indexed:
//
//	type Product struct {
//		SKU      string    `search:",id"`
//		Title    string    `search:",text,weight=6,store,suggest"`
//		Brand    string    `search:",facet,weight=2"`            // strings are keywords
//		Category []string  `search:"category,category,facet"`
//		Price    float64   `search:",facet,sort,store"`
//		Released time.Time `search:",sort"`
//		Changed  int64     `search:",version"`
//		Notes    string    // not indexed
//	}
//
// The tag begins with the name of the field, which is by default the Go name in lower case with "_"
// between words. Then come "id" (a string or integer; one field must have it), "version" (an integer), or the kind "text", "keyword" or
// "category" of a string, and any of "facet", "sort", "store", "suggest", "collapse", "weight=N" and "language=xx".
// Numbers, booleans and [time.Time] have the kinds that fit; slices are several values; a nil
// pointer, an empty string that is no text, and a zero time are no value. Fields of embedded structs are T's own.
//
// All methods may be called at the same time.
type Typed[T any] struct {
	index *Index
	plan  *typedPlan
}

// SchemaOf returns the schema that the tags of T describe. An error is an [*InvalidError] that names the field.
func SchemaOf[T any]() (Schema, error) {
	p, err := planType(reflect.TypeFor[T]())
	if err != nil {
		return Schema{}, err
	}
	return p.schema, nil
}

// NewTyped makes a typed view of an index that was opened with the schema of T, or with one that has all its fields.
func NewTyped[T any](index *Index) (*Typed[T], error) {
	p, err := planType(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	for _, f := range p.schema.Fields {
		if have := index.schema.fields[f.Name]; have == nil || have.Kind != f.Kind {
			return nil, invalid(f.Name, "is not in the index's schema as a %s field", f.Kind)
		}
	}
	return &Typed[T]{index: index, plan: p}, nil
}

// Index returns the index.
func (t *Typed[T]) Index() *Index { return t.index }

// Document turns an item into the document that is indexed.
func (t *Typed[T]) Document(item T) Document { return t.plan.document(reflect.ValueOf(item)) }

// Put adds items, or replaces those with the same ID, as [Index.Put] does.
func (t *Typed[T]) Put(ctx context.Context, items ...T) error {
	docs := make([]Document, len(items))
	for i, item := range items {
		docs[i] = t.Document(item)
	}
	return t.index.Put(ctx, docs...)
}

// Get returns the item of an ID, with its stored fields filled in, or [ErrNotFound].
func (t *Typed[T]) Get(ctx context.Context, id string) (item T, err error) {
	doc, err := t.index.Get(ctx, id)
	if err == nil {
		t.plan.fill(reflect.ValueOf(&item).Elem(), doc)
	}
	return item, err
}

// TypedResult is a [Result] with the items of its hits, in the same order.
type TypedResult[T any] struct {
	*Result
	Items []T // their stored fields are filled in
}

// Search answers a query, as [Index.Search] does.
func (t *Typed[T]) Search(ctx context.Context, q Query) (*TypedResult[T], error) {
	r, err := t.index.Search(ctx, q)
	if err != nil {
		return nil, err
	}
	found := &TypedResult[T]{Result: r, Items: make([]T, len(r.Hits))}
	for i, hit := range r.Hits {
		t.plan.fill(reflect.ValueOf(&found.Items[i]).Elem(), Document{ID: hit.ID, Fields: hit.Fields})
	}
	return found, nil
}

// typedPlan is how a struct type maps to documents.
type typedPlan struct {
	schema  Schema
	fields  []typedField
	id      []int // index of the struct field
	version []int
}

type typedField struct {
	name  string
	kind  Kind
	index []int
}

func planType(t reflect.Type) (*typedPlan, error) {
	if t.Kind() != reflect.Struct {
		return nil, invalid("T", "%s is not a struct", t)
	}
	p := &typedPlan{}
	for _, f := range reflect.VisibleFields(t) {
		tag, tagged := f.Tag.Lookup("search")
		if !tagged || tag == "-" {
			continue
		}
		if !f.IsExported() {
			return nil, invalid(f.Name, "is tagged but not exported")
		}
		if err := p.add(t, f, strings.Split(tag, ",")); err != nil {
			return nil, err
		}
	}
	if p.id == nil {
		return nil, invalid("T", "%s has no field with the tag `search:\",id\"`", t)
	}
	return p, p.schema.Validate()
}

func (p *typedPlan) add(t reflect.Type, f reflect.StructField, tag []string) error {
	for i := 1; i < len(f.Index); i++ {
		if t.FieldByIndex(f.Index[:i]).Type.Kind() == reflect.Pointer {
			return invalid(f.Name, "belongs to an embedded pointer; embed the struct itself")
		}
	}
	field := Field{Name: tag[0], Kind: kindOf(f.Type)}
	if field.Name == "" {
		field.Name = snake(f.Name)
	}
	for _, option := range tag[1:] {
		switch option = strings.TrimSpace(option); option {
		case "id":
			if k := f.Type.Kind(); k != reflect.String && !integer(k) {
				return invalid(f.Name, "an id is a string or an integer, not a %s", f.Type)
			}
			p.id = f.Index
			return nil
		case "version":
			if !integer(f.Type.Kind()) {
				return invalid(f.Name, "a version is an integer, not a %s", f.Type)
			}
			p.version = f.Index
			return nil
		default:
			if reason := field.option(option); reason != "" {
				return invalid(f.Name, "%s", reason)
			}
		}
	}
	if field.Kind == "" {
		return invalid(f.Name, "a %s cannot be indexed", f.Type)
	}
	p.schema.Fields = append(p.schema.Fields, field)
	p.fields = append(p.fields, typedField{name: field.Name, kind: field.Kind, index: f.Index})
	return nil
}

// option applies one word of a tag.
func (f *Field) option(option string) (reason string) {
	name, value, _ := strings.Cut(option, "=")
	switch name {
	case "text", "keyword", "category":
		if f.Kind != Keyword {
			return "only a string can be a " + name
		}
		f.Kind = Kind(name)
	case "facet":
		f.Facet = true
	case "sort":
		f.Sort = true
	case "store":
		f.Store = true
	case "suggest":
		f.Suggest = true
	case "collapse":
		f.Collapse = true
	case "language":
		f.Language = value
	case "weight":
		n, err := strconv.Atoi(value)
		if err != nil {
			return "weight is not a number"
		}
		f.Weight = n
	default:
		return "unknown option " + strconv.Quote(clip(option))
	}
	return ""
}

var timeType = reflect.TypeFor[time.Time]()

func kindOf(t reflect.Type) Kind {
	if t.Kind() == reflect.Slice || t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch k := t.Kind(); {
	case t == timeType:
		return Date
	case k == reflect.String:
		return Keyword
	case k == reflect.Bool:
		return Bool
	case integer(k) || k == reflect.Float32 || k == reflect.Float64:
		return Number
	}
	return ""
}

func integer(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uint64 }

// snake writes a Go name in lower case: "ListPrice" is "list_price", "SKU" is "sku".
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func (p *typedPlan) document(v reflect.Value) Document {
	doc := Document{ID: idText(v.FieldByIndex(p.id)), Fields: make(map[string]any, len(p.fields))}
	if p.version != nil {
		version := v.FieldByIndex(p.version)
		if version.CanInt() {
			doc.Version = version.Int()
		} else {
			doc.Version = int64(version.Uint())
		}
	}
	for _, f := range p.fields {
		if value := valueOf(v.FieldByIndex(f.index), f.kind); value != nil {
			doc.Fields[f.name] = value
		}
	}
	return doc
}

func idText(v reflect.Value) string {
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	}
	return v.String()
}

// valueOf is what a document holds of a struct's field; nil is nothing.
func valueOf(v reflect.Value, kind Kind) any {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if (kind == Keyword || kind == Category || kind == Date) && v.Kind() != reflect.Slice && v.IsZero() {
		return nil
	}
	return v.Interface()
}

// fill sets the fields that a document has.
func (p *typedPlan) fill(v reflect.Value, doc Document) {
	setOne(v.FieldByIndex(p.id), doc.ID)
	if p.version != nil {
		if to := v.FieldByIndex(p.version); to.CanInt() {
			to.SetInt(doc.Version)
		} else {
			to.SetUint(uint64(doc.Version))
		}
	}
	for _, f := range p.fields {
		value, there := doc.Fields[f.name]
		if !there {
			continue
		}
		from, to := reflect.ValueOf(value), v.FieldByIndex(f.index)
		switch {
		case to.Kind() == reflect.Pointer:
			to.Set(reflect.New(to.Type().Elem()))
			setOne(to.Elem(), value)
		case to.Kind() != reflect.Slice && from.Kind() == reflect.Slice: // written by something else with several values
			setOne(to, from.Index(0).Interface())
		case to.Kind() != reflect.Slice:
			setOne(to, value)
		case from.Kind() != reflect.Slice:
			to.Set(reflect.MakeSlice(to.Type(), 1, 1))
			setOne(to.Index(0), value)
		default:
			to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
			for i := range from.Len() {
				setOne(to.Index(i), from.Index(i).Interface())
			}
		}
	}
}

// setOne sets v to a value of the kind it was planned for.
func setOne(v reflect.Value, value any) {
	switch value := value.(type) {
	case string:
		switch {
		case v.Kind() == reflect.String:
			v.SetString(value)
		case v.CanInt(): // an ID
			n, _ := strconv.ParseInt(value, 10, 64)
			v.SetInt(n)
		case v.CanUint():
			n, _ := strconv.ParseUint(value, 10, 64)
			v.SetUint(n)
		}
	case float64:
		switch {
		case v.CanInt():
			v.SetInt(int64(value))
		case v.CanUint():
			v.SetUint(uint64(value))
		case v.CanFloat():
			v.SetFloat(value)
		}
	case bool:
		v.SetBool(value)
	case time.Time:
		v.Set(reflect.ValueOf(value))
	}
}
