package notify

import "fmt"

// DefaultQueue is the named queue used when none is given.
const DefaultQueue = "default"

const maxName = 100

// validName accepts what every backend can use as part of a key, a table
// value or a routing key.
func validName(field, name string) error {
	if name == "" {
		return &InvalidError{field, "must not be empty"}
	}
	if len(name) > maxName {
		return &InvalidError{field, fmt.Sprintf("is %d bytes long, at most %d are allowed", len(name), maxName)}
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
		default:
			return &InvalidError{field, fmt.Sprintf("must be letters, digits, dots, dashes and underscores, not %q", r)}
		}
	}
	return nil
}
