package report

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
)

// summaryLimit keeps a job summary below the 1 MiB that GitHub takes of a step, in bytes.
const summaryLimit = 900 << 10

func (m *model) jobSummary() []byte {
	var out strings.Builder
	mark, verdict := "✅", "passed"
	if m.Failed() {
		mark, verdict = "⛔", "failed"
	}
	fmt.Fprintf(&out, "## %s msgen validate %s: %s\n\n", mark, verdict, m.summary())
	fmt.Fprintf(&out, "%s, %s\n", number(len(m.Rules), "rule"), number(len(m.Files), "file"))
	if len(m.found) > 0 {
		out.WriteString("\n| | Rule | Place | Finding |\n|---|---|---|---|\n")
		for i := range m.found {
			if out.Len() > summaryLimit/2 {
				fmt.Fprintf(&out, "\n%d more findings are not shown.\n", len(m.found)-i)
				break
			}
			m.row(&out, &m.found[i])
		}
	}
	if len(m.suppressed) > 0 {
		fmt.Fprintf(&out, "\n<details><summary>%d suppressed</summary>\n\n| | Rule | Place | Finding |\n|---|---|---|---|\n", len(m.suppressed))
		left := 0
		for i := range m.suppressed {
			if out.Len() > summaryLimit {
				left = len(m.suppressed) - i
				break
			}
			m.row(&out, &m.suppressed[i])
		}
		if left > 0 {
			fmt.Fprintf(&out, "\n%d more are not shown.\n", left)
		}
		out.WriteString("\n</details>\n")
	}
	return []byte(out.String())
}

func (m *model) row(out *strings.Builder, it *item) {
	mark := "❌"
	switch {
	case it.hidden != nil:
		mark = "🔕"
	case it.Severity != diag.Error:
		mark = "⚠️"
	}
	id := inline(it.rule.ID)
	if uri := docsURI(it.rule); uri != "" {
		id = "[" + id + "](" + uri + ")"
	}
	fmt.Fprintf(out, "| %s | %s %s | %s | %s", mark, id, inline(it.rule.Name), inline(it.place()), inline(it.Message))
	if it.Help != "" {
		out.WriteString("<br>help: " + inline(it.Help))
	}
	if it.hidden != nil {
		out.WriteString("<br>" + inline(suppressedBy(it)))
	}
	out.WriteString(" |\n")
}

// suppressedBy is "by comment: reason".
func suppressedBy(it *item) string {
	text := "by " + string(it.hidden.By)
	if it.hidden.Reason != "" {
		text += ": " + it.hidden.Reason
	}
	return text
}

func number(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
