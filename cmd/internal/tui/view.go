package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The sizes from which the picture changes.
const (
	minWidth, minHeight = 16, 4 // below, nothing can be asked
	splitWidth          = 100   // from here on the preview stands beside the question
)

// layout is what goes where, in rows and columns.
type layout struct {
	head, foot            []string
	width, height         int // of the question
	paneWidth, paneHeight int // of the preview; 0 without one
}

func (m model) tooSmall() bool { return m.width < minWidth || m.height < minHeight }

// layout shares the terminal out.
func (m model) layout() layout {
	var l layout
	title := m.style.title.Render(ends(clean(m.iv.Title), m.progress(), m.width))
	if m.height > 4 {
		l.head = append(l.head, title)
	}
	if given := m.given(); given != "" && m.height > 11 {
		l.head = append(l.head, m.style.faint.Render(cut(given, m.width)))
	}
	if m.height > 7 {
		l.head = append(l.head, m.style.rule.Render(strings.Repeat("─", m.width)))
	}
	foot := 0
	switch {
	case m.height > 9:
		foot = 2
	case m.height > 4:
		foot = 1
	}
	l.foot = make([]string, foot)
	l.width, l.height = m.width, m.height-len(l.head)-foot
	switch {
	case m.onLast():
		l.height = min(len(m.lastRows(m.width, l.height)), l.height)
		l.paneWidth, l.paneHeight = m.width, m.height-len(l.head)-foot-l.height-1
		if l.paneHeight < 1 {
			l.paneWidth = 0
		}
	case m.big:
		l.paneWidth, l.paneHeight = l.width, l.height
		l.width = 0
	case m.width >= splitWidth && m.iv.Preview != nil:
		l.width = m.width * 9 / 20
		l.paneWidth, l.paneHeight = m.width-l.width-3, l.height
	}
	return l
}

// given are the answers of the flags in a line.
func (m model) given() string {
	var parts []string
	for _, q := range m.iv.Questions {
		if values, ok := m.iv.Given[q.Name]; ok {
			parts = append(parts, clean(q.Name+": "+strings.Join(values, ", ")))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "given  " + strings.Join(parts, " · ")
}

func (m model) paneTitle() string {
	switch {
	case m.iv.Preview == nil:
		return "Answers"
	case m.preview.Title == "":
		return "Preview"
	}
	return m.preview.Title
}

func (m model) paneRows(width int) []row {
	if m.iv.Preview == nil {
		return m.answerRows(width)
	}
	return m.preview.rows(m.style, width)
}

// View draws the interview. It depends on the model alone and never exceeds the terminal.
func (m model) View() string {
	var out []string
	if m.tooSmall() {
		out = prose("terminal too small; ctrl+c leaves", max(1, m.width))
	} else {
		out = m.draw()
	}
	out = out[:min(len(out), m.height)]
	for i, line := range out {
		out[i] = strings.TrimRight(ansi.Truncate(line, m.width, ""), " ")
	}
	return strings.Join(out, "\n")
}

func (m model) draw() []string {
	l := m.layout()
	var body []string
	switch {
	case m.onLast():
		if l.paneWidth > 0 {
			body = append(m.pane(l.paneWidth, l.paneHeight), "")
		}
		body = append(body, m.lastRows(l.width, l.height)...)
	case m.big:
		body = m.pane(l.paneWidth, l.paneHeight)
	default:
		body = m.question(l.width, l.height)
		if l.paneWidth > 0 {
			body = beside(body, m.pane(l.paneWidth, l.paneHeight), l.width, l.height, m.style.rule.Render("│"))
		}
	}
	out := append(slices.Clone(l.head), body...)
	if n := len(l.foot); n > 0 {
		for len(out) < m.height-n {
			out = append(out, "")
		}
		if n > 1 {
			out = append(out, "")
		}
		out = append(out, keyLine(m.style, m.keys(), m.width))
	}
	return out
}

// beside puts two columns side by side.
func beside(left, right []string, width, height int, rule string) []string {
	out := make([]string, height)
	at := func(list []string, i int) string {
		if i < len(list) {
			return list[i]
		}
		return ""
	}
	for i := range out {
		out[i] = pad(at(left, i), width) + " " + rule + " " + at(right, i)
	}
	return out
}

// question draws the question with its field. Where there is little room the field comes first, then the fault, the title, the help.
func (m model) question(width, height int) []string {
	q := m.iv.Questions[m.at]
	styled := func(lines []string, render func(...string) string) []string {
		out := make([]string, len(lines))
		for i, line := range lines {
			out[i] = render(line)
		}
		return out
	}
	title := styled(prose(q.Title, width), m.style.title.Render)
	help := styled(prose(q.Help, width), m.style.faint.Render)
	fault := styled(prose(m.news(), width), m.style.fault.Render)
	one := func(text string, render func(...string) string) []string {
		if text == "" {
			return nil
		}
		return []string{render(cut(clean(strings.ReplaceAll(text, "\n", " ")), width))}
	}
	gap := []string{""}
	apart := fault
	if len(fault) > 0 {
		apart = slices.Concat(gap, fault)
	}
	for _, try := range []struct {
		above, below []string
		field        int // the rows that it must have, unless it needs fewer
	}{
		{slices.Concat(title, help, gap), apart, 5},
		{slices.Concat(title, help), apart, 3},
		{slices.Concat(title, one(q.Help, m.style.faint.Render)), apart, 3},
		{title, fault, 2},
		{one(q.Title, m.style.title.Render), one(m.news(), m.style.fault.Render), 1},
	} {
		room := height - len(try.above) - len(try.below)
		if room < 1 {
			continue
		}
		rows := m.field.view(m.style, width, room)
		if len(rows) < room || room >= try.field {
			return slices.Concat(try.above, rows, try.below)
		}
	}
	return m.field.view(m.style, width, height)
}

// news is what there is to say under the field.
func (m model) news() string {
	if m.leaving {
		return "esc again leaves; nothing is written"
	}
	return m.fault
}
