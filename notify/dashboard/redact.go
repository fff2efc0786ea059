package dashboard

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// maxPreview bounds how much of a payload a page shows, in bytes.
const maxPreview = 8 << 10

// masked stands for a secret.
const masked = "••••••"

// secretWords mark fields whose values are not shown, wherever they stand in a name.
var secretWords = []string{
	"password", "passwd", "secret", "token", "authorization", "cookie", "session", "apikey", "api_key", "private",
	"credential", "otp", "pin", "code", "signature", "card", "cvc", "cvv", "iban",
}

// RedactSecrets is the default of Options.Redact: it masks the values of JSON
// fields whose names tell of a secret (password, token, code, …), at any depth. A
// payload that is not JSON is hidden, since nobody can tell what is in it.
func RedactSecrets(_ string, payload []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil || decoder.InputOffset() < int64(len(bytes.TrimRight(payload, " \t\r\n"))) {
		return nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // the template escapes
	if err := encoder.Encode(redact(v)); err != nil {
		return nil
	}
	return out.Bytes()
}

func redact(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if secret(name) {
				v[name] = masked
			} else {
				v[name] = redact(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = redact(v[i])
		}
	}
	return v
}

func secret(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	return slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) })
}

// preview is a payload as shown.
type preview struct {
	Text   string
	Hidden bool // the redaction took all of it
	Cut    bool
}

func newPreview(payload []byte) preview {
	if payload == nil {
		return preview{Hidden: true}
	}
	var pretty bytes.Buffer
	if len(payload) <= 16*maxPreview && json.Indent(&pretty, payload, "", "  ") == nil {
		payload = pretty.Bytes()
	}
	p := preview{Cut: len(payload) > maxPreview}
	if p.Cut {
		payload = payload[:maxPreview]
	}
	p.Text = strings.ToValidUTF8(string(payload), "\uFFFD")
	return p
}

type header struct {
	Name, Value string
}

func headers(all map[string]string) []header {
	var list []header
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := all[name]
		if secret(name) {
			value = masked
		}
		list = append(list, header{name, value})
	}
	return list
}
