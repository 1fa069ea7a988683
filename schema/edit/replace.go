package edit

import (
	"regexp"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// word is text that needs no quotes wherever it stands.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`)

// Replace is the fix that puts another text in the place of a YAML value or key, with its quotes kept; true and false are taken as booleans.
// It is nil unless the span holds just the
// old text, plain or in quotes: an alias, a text with escapes or one over several lines is left to people.
func Replace(span source.Span, old, now string) *diag.Fix {
	if span.IsZero() || old == now || old == "" || now == "" || span.Start.Line != span.End.Line {
		return nil
	}
	runes := span.File.Runes(span.Start.Line)
	if span.Start.Col < 1 || span.End.Col < span.Start.Col || span.End.Col > len(runes)+1 {
		return nil
	}
	written := string(runes[span.Start.Col-1 : span.End.Col-1])
	title := "replace " + old + " by " + now
	switch {
	case strings.ContainsAny(old+now, "\"'\\\n"):
		return nil
	case (written == `"`+old+`"` || written == "'"+old+"'") && now != "true" && now != "false":
		span.Start.Col++
		span.End.Col--
	case written != old:
		return nil
	case asPlain(old, now):
	case !word.MatchString(now):
		now = `"` + now + `"`
	}
	return &diag.Fix{Title: title, Edits: []diag.Edit{{Span: span, New: now}}}
}

// asPlain reports that a text needs quotes no more than another: they differ in the case of letters, or in the word in front.
func asPlain(old, now string) bool {
	a, x, ok := strings.Cut(old, " ")
	b, y, ok2 := strings.Cut(now, " ")
	return strings.EqualFold(old, now) || ok && ok2 && x == y && word.MatchString(a) && word.MatchString(b)
}

// Both is the fix that makes two changes at once; nil when one of them cannot be made.
func Both(a, b *diag.Fix) *diag.Fix {
	if a == nil || b == nil {
		return nil
	}
	return &diag.Fix{Title: a.Title + " and " + b.Title, Edits: append(append([]diag.Edit{}, a.Edits...), b.Edits...)}
}
