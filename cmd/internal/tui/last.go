package tui

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"
)

// lastKey takes a key of the last screen.
func (m model) lastKey(k tea.KeyMsg) (tea.Model, tea.Cmd) {
	switch {
	case isAny(k, keys.up):
		return m.scroll(-1, false), nil
	case isAny(k, keys.down):
		return m.scroll(1, false), nil
	case isAny(k, keys.back):
		return m.back()
	case k.Type == tea.KeyEnter && !k.Paste:
		if !m.submit.yes {
			return m, tea.Quit
		}
		return m.submitted()
	case k.Type == tea.KeyTab:
		m.submit.yes = !m.submit.yes
		return m, nil
	}
	if f, took := m.submit.update(k); took {
		m.submit, m.waiting, m.refused = f.(confirm), false, false
	}
	return m, nil
}

// submitted ends the interview, unless the preview is not there yet or has errors.
func (m model) submitted() (tea.Model, tea.Cmd) {
	s := m.settle()
	if len(s.open) > 0 {
		m = m.show(s.open[0])
		m.tried = true
		return m.changed()
	}
	if m.waiting = m.iv.Preview != nil && !m.preview.fresh(); m.waiting {
		return m, nil
	}
	if m.refused = m.preview.count(Error) > 0; m.refused {
		return m, nil
	}
	m.result = s.answers
	return m, tea.Quit
}

// bigKey takes a key while the preview stands alone.
func (m model) bigKey(k tea.KeyMsg) model {
	switch {
	case isAny(k, keys.closePreview):
		m.big = false
	case isAny(k, keys.up), k.String() == "k":
		return m.scroll(-1, false)
	case isAny(k, keys.down), k.String() == "j":
		return m.scroll(1, false)
	}
	return m
}

// lastRows is the question of the last screen and what stands in its way, in at most height rows.
func (m model) lastRows(width, height int) []string {
	var out []string
	add := func(style func(...string) string, text string) {
		for _, line := range prose(text, width) {
			out = append(out, style(line))
		}
	}
	switch {
	case m.refused:
		add(m.style.fault.Render, "It cannot be written with errors: esc goes back to mend them.")
	case m.waiting:
		add(m.style.faint.Render, "Checking the answers …")
	}
	add(m.style.title.Render, m.iv.Submit)
	out = append(out, m.submit.view(m.style, width, 1)...)
	return out[max(0, len(out)-height):]
}

// answerRows are the answers in rows, for an interview without a preview.
func (m model) answerRows(width int) []row {
	answers := m.settle().answers
	var rows []row
	for _, q := range m.iv.Questions {
		values, ok := answers[q.Name]
		if !ok {
			continue
		}
		for _, line := range prose(q.Name+": "+strings.Join(values, ", "), width) {
			rows = append(rows, row{text: line, style: m.style.plain})
		}
	}
	if len(rows) == 0 {
		rows = append(rows, row{text: "no answers", style: m.style.faint})
	}
	return rows
}
