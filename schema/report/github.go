package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
)

// githubCap is how many errors, and how many warnings, GitHub shows of one step. What comes after is dropped without a word.
const githubCap = 10

// github are workflow commands, errors first:
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message.
func (m *model) github() []byte {
	var out strings.Builder
	more := 0
	for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
		shown := 0
		for i := range m.found {
			it := &m.found[i]
			switch {
			case it.Severity != severity:
			case shown == githubCap:
				more++
			default:
				shown++
				m.annotation(&out, it)
			}
		}
	}
	if more > 0 {
		noun := "findings are"
		if more == 1 {
			noun = "finding is"
		}
		fmt.Fprintf(&out, "::notice title=msgen validate::%d more %s not shown here: GitHub shows %d errors and %d warnings of a step\n",
			more, noun, githubCap, githubCap)
	}
	return []byte(out.String())
}

func (m *model) annotation(out *strings.Builder, it *item) {
	var properties []string
	add := func(name, value string) {
		properties = append(properties, name+"="+githubProperty.Replace(plain(value)))
	}
	s := it.Primary.Span
	if it.file != "" && it.file != stdin { // a file that is not in the repository would hide the annotation
		add("file", m.relative(it.file))
		if hasRange(s) {
			s = normal(s)
			add("line", strconv.Itoa(s.Start.Line))
			add("endLine", strconv.Itoa(s.End.Line))
			// Columns are for annotations of one line; the last one is inclusive.
			if s.Start.Line == s.End.Line {
				add("col", strconv.Itoa(s.Start.Col))
				add("endColumn", strconv.Itoa(max(s.End.Col-1, s.Start.Col)))
			}
		}
	}
	add("title", it.title())
	message := plain(it.Message)
	for _, l := range it.Secondary {
		if !l.Span.IsZero() && l.Text != "" {
			message += "\n" + plain(l.Text) + ": " + plain(placeOf(l.Span))
		}
	}
	if it.Help != "" {
		message += "\nhelp: " + plain(it.Help)
	}
	fmt.Fprintf(out, "::%s %s::%s\n", it.Severity, strings.Join(properties, ","), githubData.Replace(message))
}

// The runner's escapes.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
