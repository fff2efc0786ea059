package catalogue

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed demo/labels.json
var labelsJSON []byte

// labels are the words of the catalogue that are not texts of one product.
type labels struct {
	Categories []Category        `json:"categories"` // parents before children
	Attributes map[string]Text   `json:"attributes"`
	Values     map[string]string `json:"values"` // Chinese by English: brands, colours, materials
}

// Category is one node of the category tree.
type Category struct {
	Path  string `json:"path"` // "tea" or "tea/green"
	Label Text   `json:"label"`
}

// Parent returns the path one level up, empty for a top category.
func (c Category) Parent() string {
	i := strings.LastIndexByte(c.Path, '/')
	return c.Path[:max(i, 0)]
}

var loadLabels = sync.OnceValue(func() *labels {
	var l labels
	if err := json.Unmarshal(labelsJSON, &l); err != nil {
		panic(fmt.Sprintf("catalogue: embedded labels: %v", err)) // a build without them cannot have passed its tests
	}
	return &l
})

// Categories returns the whole tree, parents before their children, in the
// order of the shop's menu.
func Categories() []Category { return slices.Clone(loadLabels().Categories) }

// CategoryLabel returns the name of a category path, such as "Green tea" for
// "tea/green". A path that the tree does not know is its own name.
func CategoryLabel(path string) Text {
	for _, c := range loadLabels().Categories {
		if c.Path == path {
			return c.Label
		}
	}
	return Text{EN: prettify(path[strings.LastIndexByte(path, '/')+1:])}
}

// CategoryTrail returns the categories from the top one down to path, for
// bread crumbs. It is empty for an empty path.
func CategoryTrail(path string) []Category {
	var trail []Category
	for i := range path {
		if path[i] == '/' {
			trail = append(trail, Category{Path: path[:i], Label: CategoryLabel(path[:i])})
		}
	}
	if path != "" {
		trail = append(trail, Category{Path: path, Label: CategoryLabel(path)})
	}
	return trail
}

// AttributeLabel returns the name of an attribute key, such as "Colour".
func AttributeLabel(key string) Text {
	if t, ok := loadLabels().Attributes[key]; ok {
		return t
	}
	return Text{EN: prettify(key)}
}

// ValueLabel returns a brand or an attribute's value in both languages; a
// value that has no Chinese stands for itself.
func ValueLabel(value string) Text {
	return Text{EN: value, ZH: loadLabels().Values[value]}
}

// prettify turns a key such as "processor__cores_" into "Processor cores".
func prettify(key string) string {
	s := strings.Join(strings.FieldsFunc(key, func(r rune) bool { return r == '_' || r == '-' }), " ")
	if s == "" {
		return key
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
