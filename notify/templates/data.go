package templates

import (
	"bytes"
	"encoding/json"
)

// Data is what a template is filled with when it travels through a queue. It
// decodes numbers as they were written: 1000000 stays 1000000 and does not become 1e+06.
type Data map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (d *Data) UnmarshalJSON(b []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var m map[string]any
	if err := decoder.Decode(&m); err != nil {
		return err
	}
	*d = m
	return nil
}
