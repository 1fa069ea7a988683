package schema_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/source"
)

func TestComments(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string // position, alone, text
	}{
		"alone":            {"# x:y a\na: b\n", []string{"f:1:1 true x:y a"}},
		"trailing":         {"a: b  #x:y a \n", []string{"f:1:7 false x:y a"}},
		"indented":         {"a:\n  # x:y\n  b: c\n", []string{"f:2:3 true x:y"}},
		"not at the front": {"# see x:y\na: b\n", nil},
		"no blank before":  {"a: b#x:y\n", nil},
		"double quoted":    {"a: \"b # x:y\" # x:y c\n", []string{"f:1:14 false x:y c"}},
		"single quoted":    {"a: ' # x:y' \nb: 1 # x:y\n", []string{"f:2:6 false x:y"}},
		"several lines":    {"a: \"b\n  # x:y\n  c\" # x:y d\n", []string{"f:3:6 false x:y d"}},
		"literal":          {"a: |\n  # x:y\n# x:y e\n", []string{"f:3:1 true x:y e"}},
		"after a literal":  {"a: | # x:y f\n  # x:y g\nb: c\n", []string{"f:1:6 false x:y f"}},
		"escaped":          {"a: \"\\x78:y \\\" # x:y\" # x:y c\n", []string{"f:1:22 false x:y c"}},
		"two quotes":       {"a: 'it''s # x:y' # x:y c\n", []string{"f:1:18 false x:y c"}},
		"anchored":         {"a: &b !!str \"c\n  # x:y\" # x:y d\n", []string{"f:2:10 false x:y d"}},
		"quoted key":       {"\"a # x:y\": b # x:y c\n", []string{"f:1:14 false x:y c"}},
		"folded":           {"a: >-\n  b\n  # x:y\nc: d # x:y e\n", []string{"f:4:6 false x:y e"}},
		"after a comment":  {"# a # x:y b\na: b\n", []string{"f:1:5 true x:y b"}},
		"in plain text":    {"a: b\n  c # x:y d\n", []string{"f:2:5 false x:y d"}},
		"twice on a line":  {"a: b # x:y c # x:y\n", []string{"f:1:6 false x:y c # x:y"}},
		"wide characters":  {"ключ: имя # x:y\n", []string{"f:1:11 false x:y"}},
		"bom and crlf":     {"\uFEFFa: b # x:y\r\nc: d\r\n", []string{"f:1:6 false x:y"}},
		"no yaml":          {"a: [ # x:y\n", nil},
		"no mark":          {"a: b\n", nil},
		"only a comment":   {"# x:y\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, c := range schema.Comments(source.NewFile("f", []byte(test.text)), "x:y") {
				got = append(got, fmt.Sprintf("%s %t %s", c.Span, c.Alone, c.Text))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// A comment is about its own line, or the next that holds more than comments.
func TestCommentLines(t *testing.T) {
	const text = "# x:y\n\n# other\n# x:y\na: # x:y\n  b:\n    # x:y\n    - c: {d: e} # x:y\n    - f\n# x:y\n"
	var got []string
	for _, c := range schema.Comments(source.NewFile("f", []byte(text)), "x:y") {
		got = append(got, fmt.Sprintf("%d→%d %s", c.Start.Line, c.Line, c.Path))
	}
	want := []string{"1→5 a", "4→5 a", "5→5 a", "7→8 a.b[0]", "8→8 a.b[0]", "10→0 "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
