package shop

import "strings"

// ParsePhone reads a phone number as people write it and returns it in E.164
// form. A Chinese mobile number needs no country code; every other one does.
func ParsePhone(s string) (string, error) {
	invalid := &InvalidError{Field: "phone", Reason: "error.phone"}
	if len(s) > 40 {
		return "", invalid
	}
	s = strings.TrimSpace(s)
	international := strings.HasPrefix(s, "+") || strings.HasPrefix(s, "00")
	s = strings.TrimPrefix(strings.TrimPrefix(s, "+"), "00")
	var digits strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case strings.ContainsRune(" -().\u00a0", r): // separators people write
		default:
			return "", invalid
		}
	}
	number := digits.String()
	if !international && len(number) == 11 && number[0] == '1' {
		number, international = "86"+number, true
	}
	// E.164: at most 15 digits, and a country code never begins with 0.
	if !international || len(number) < 8 || len(number) > 15 || number[0] == '0' {
		return "", invalid
	}
	return "+" + number, nil
}

// MaskPhone hides the middle of a number, for pages and logs.
func MaskPhone(phone string) string {
	if len(phone) < 8 {
		return phone
	}
	return phone[:4] + strings.Repeat("•", len(phone)-6) + phone[len(phone)-2:]
}
