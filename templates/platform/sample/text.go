package sample

import (
	"fmt"
	"math"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
)

// pad is what makes a text longer.
const pad = "x"

// maxText is how long a text gets where only the rules bound it.
const maxText = math.MaxInt32

// text is a text that keeps the rules. Lengths are in characters.
func text(r *validate.StringRules) string {
	if r.GetUuid() {
		return UUID
	}
	most := maxText
	if r.HasMaxLen() {
		most = int(r.GetMaxLen())
	}
	return sized(r.GetPattern(), int(r.GetMinLen()), most)
}

// bytes is what text is, for bytes.
func bytes(r *validate.BytesRules) string {
	most := maxText
	if r.HasMaxLen() {
		most = int(r.GetMaxLen())
	}
	return sized(r.GetPattern(), int(r.GetMinLen()), most)
}

func sized(pattern string, least, most int) string {
	if pattern != "" {
		return matching(pattern, max(1, least), most)
	}
	s := "sample"
	if n := least - len(s); n > 0 {
		s += strings.Repeat(pad, n)
	}
	return s[:min(len(s), most)]
}

// matching is a text of least to most characters that matches a pattern. What repeats in it is repeated once more until it is long
// enough. If there is no such text, it is the last that was tried, and fails the validation where it is used.
func matching(pattern string, least, most int) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		panic(fmt.Sprintf("sample: pattern %q: %v", pattern, err))
	}
	s := ""
	for more := range least + 1 {
		var b strings.Builder
		left := more
		expand(&b, re, &left)
		s = b.String()
		if n := utf8.RuneCountInString(s); n >= least && n <= most {
			break
		}
	}
	return s
}

// expand writes a text that matches re: the shortest, but for as many repetitions as more has left.
func expand(b *strings.Builder, re *syntax.Regexp, more *int) {
	repeat := func(least, most int) {
		n := least + min(*more, most-least)
		*more -= n - least
		for range n {
			expand(b, re.Sub[0], more)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		b.WriteRune(printable(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString(pad)
	case syntax.OpStar:
		repeat(0, maxText)
	case syntax.OpPlus:
		repeat(1, maxText)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		if re.Max < 0 {
			repeat(re.Min, maxText)
		} else {
			repeat(re.Min, re.Max)
		}
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			expand(b, sub, more)
		}
	case syntax.OpCapture:
		expand(b, re.Sub[0], more)
	case syntax.OpAlternate:
		for _, sub := range re.Sub { // the first that is not empty
			before := b.Len()
			if expand(b, sub, more); b.Len() > before {
				break
			}
		}
	}
}

// printable is a character of a class, given as ranges: a letter or digit where it has one, else the first that can be seen. A class that
// excludes something begins with control characters, which a database does not take.
func printable(ranges []rune) rune {
	for _, want := range []func(rune) bool{func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }, unicode.IsGraphic} {
		for i := 0; i+1 < len(ranges); i += 2 {
			for r := ranges[i]; r <= min(ranges[i+1], unicode.MaxLatin1); r++ {
				if want(r) {
					return r
				}
			}
		}
	}
	return ranges[0]
}
