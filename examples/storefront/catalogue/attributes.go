package catalogue

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// facetSources names, for an attribute that shoppers filter by, the keys under
// which catalogue files give it, best first.
var facetSources = map[string][]string{
	"colour":       {"product_colour", "printing_colours", "cable_colour", "case_colour"},
	"material":     {"jacket_material", "housing_material"},
	"type":         {"product_type", "cable_type", "battery_technology"},
	"size":         {"form_factor"},
	"origin":       {"country_of_origin"},
	"connectivity": {"connectivity_technology"},
	"fits":         {"brand_compatibility"},
}

// logistics begin the keys that only a warehouse reads.
var logistics = []string{
	"pallet_", "package_", "quantity_per_pallet", "master__outer_", "number_of_cartons", "number_of_layers",
	"number_of_pallet", "harmonized_system", "last_change", "quantity_per_master", "layers_per", "cartons_per",
}

// attributes turns a line's attribute object into text by key: it leaves out
// what is for warehouses, and moves what shoppers filter by to one key.
func attributes(raw map[string]any) (map[string]string, string) {
	out := make(map[string]string, len(raw))
	for key, value := range raw {
		if key == "" || len(key) > maxTitle {
			return nil, fmt.Sprintf("attributes: a name is not 1 to %d bytes", maxTitle)
		}
		text, ok := attributeText(value)
		if !ok {
			return nil, fmt.Sprintf("attributes.%.80s: is not text, a number or a boolean", key)
		}
		if len(text) > maxValue {
			return nil, fmt.Sprintf("attributes.%.80s: is longer than %d bytes", key, maxValue)
		}
		if text != "" && !isLogistics(key) {
			out[key] = text
		}
	}
	for facet, sources := range facetSources {
		// Some files say under "colour" only whether there is any.
		if v := out[facet]; v == "Yes" || v == "No" {
			delete(out, facet)
		}
		for _, source := range sources {
			if out[facet] == "" && out[source] != "" {
				out[facet] = out[source]
				delete(out, source)
			}
		}
	}
	return out, ""
}

func attributeText(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", true
	case string:
		return plain(v), true
	case float64:
		if math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64), true
		}
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case bool:
		if v {
			return "Yes", true
		}
		return "No", true
	}
	return "", false
}

func isLogistics(key string) bool {
	for _, prefix := range logistics {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// plain makes one readable line of a text out of a maker's data: line breaks
// of all kinds become spaces, tags go, entities are resolved. It is tidiness,
// not safety: pages escape what they print.
func plain(s string) string {
	if strings.ContainsAny(s, "<&\\") {
		s = strings.ReplaceAll(s, `\n`, "\n")
		var b strings.Builder
		for {
			open := strings.IndexByte(s, '<')
			if open < 0 || open+1 == len(s) {
				break
			}
			end := strings.IndexByte(s[open:], '>')
			if c := s[open+1]; end < 0 || !(c == '/' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
				b.WriteString(s[:open+1])
				s = s[open+1:]
				continue
			}
			b.WriteString(s[:open] + " ")
			s = s[open+end+1:]
		}
		b.WriteString(s)
		s = html.UnescapeString(b.String())
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}
