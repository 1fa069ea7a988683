package report

import (
	"strings"
	"unicode"
)

// plain is a text in one line: line ends and tabs become blanks, and what does not print (control characters, marks that turn the direction of
// writing) becomes U+FFFD, so that text from a spec cannot forge lines or colour a log.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029', r == '\u0085':
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// inline is a text in one line of Markdown that shows as it is, save that `code` in messages stays code.
func inline(s string) string {
	var b strings.Builder
	runes := []rune(plain(s))
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if n := codeSpan(runes, i); n > 0 {
			b.WriteString(string(runes[i : i+n]))
			i += n - 1
			continue
		}
		switch {
		case strings.ContainsRune("\\`*[]<>|~&$", r),
			r == '_' && (i == 0 || i+1 == len(runes) || !wordRune(runes[i-1]) || !wordRune(runes[i+1])):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// codeSpan is how many runes from the i-th on are `code`, 0 for none: words between single backquotes, without what a table or an escape would
// read otherwise.
func codeSpan(runes []rune, i int) int {
	if runes[i] != '`' || i > 0 && runes[i-1] == '`' {
		return 0
	}
	for j := i + 1; j < len(runes); j++ {
		switch runes[j] {
		case '|', '\\':
			return 0
		case '`':
			if j == i+1 || runes[i+1] == ' ' || runes[j-1] == ' ' || j+1 < len(runes) && runes[j+1] == '`' {
				return 0
			}
			return j - i + 1
		}
	}
	return 0
}

// block is inline for the beginning of a line or list item, where more characters mean something.
func block(s string) string {
	text := strings.TrimLeft(inline(s), " ")
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	switch {
	case text == "":
		return text
	case digits > 0 && digits < len(text) && strings.ContainsRune(".)", rune(text[digits])):
		return text[:digits] + "\\" + text[digits:]
	case strings.ContainsRune("#+-=:", rune(text[0])):
		return "\\" + text
	}
	return text
}

// wordRune reports whether an underscore beside r is part of a word, which Markdown leaves alone.
func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
