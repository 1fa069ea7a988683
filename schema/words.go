package schema

import (
	"strings"
	"unicode"
)

// Snake is a kebab-case or PascalCase name in lower_snake_case: order-history and OrderHistory are order_history.
func Snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case r == '-':
			b.WriteByte('_')
		case unicode.IsUpper(r):
			// A new word begins at a capital after a small letter, and at the last capital of a run: HTTPRoute is http_route.
			if i > 0 && (unicode.IsLower(runes[i-1]) || unicode.IsDigit(runes[i-1]) ||
				unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Plural is the English plural of a PascalCase or snake_case noun: Delivery is Deliveries, Address is Addresses.
func Plural(s string) string {
	switch {
	case len(s) > 1 && strings.HasSuffix(s, "y") && !strings.ContainsAny(s[len(s)-2:len(s)-1], "aeiou"):
		return s[:len(s)-1] + "ies"
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "x"), strings.HasSuffix(s, "z"), strings.HasSuffix(s, "ch"), strings.HasSuffix(s, "sh"):
		return s + "es"
	}
	return s + "s"
}
