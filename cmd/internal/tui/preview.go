package tui

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
)

// preview is what the answers would do, computed beside the interview: one at a time, and what came too late is dropped.
type preview struct {
	Preview
	answers  Answers // that it is wanted for
	wanted   int     // their number
	have     int     // the number of those that it shows
	running  bool
	moved    bool // the person scrolled
	position int  // … to this row
}

// previewed is a preview that is done.
type previewed struct {
	number int
	Preview
}

// want sets the answers that it is for.
func (p preview) want(answers Answers) preview {
	if p.wanted > 0 && maps.EqualFunc(p.answers, answers, slices.Equal) {
		return p
	}
	p.answers = answers
	p.wanted++
	return p
}

func (p preview) fresh() bool { return p.have == p.wanted }

func (p preview) compute(f func(Answers) Preview) tea.Cmd {
	number, answers := p.wanted, Answers{}
	for name, values := range p.answers {
		answers[name] = slices.Clone(values)
	}
	return func() tea.Msg { return previewed{number, f(answers)} }
}

// count is the number of findings that are that severe.
func (p preview) count(s Severity) int {
	n := 0
	for _, f := range p.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// counts says how many errors and warnings there are; "" for none.
func (p preview) counts() string {
	var parts []string
	for _, s := range []Severity{Error, Warning} {
		word := map[Severity]string{Error: "error", Warning: "warning"}[s]
		switch n := p.count(s); n {
		case 0:
		case 1:
			parts = append(parts, "1 "+word)
		default:
			parts = append(parts, fmt.Sprintf("%d %ss", n, word))
		}
	}
	return strings.Join(parts, " · ")
}

// previewed takes a preview that is done; when it is out of date the next one is computed.
func (m model) previewed(msg previewed) (tea.Model, tea.Cmd) {
	m.preview.running = false
	if msg.number != m.preview.wanted {
		m.preview.running = true
		return m, m.preview.compute(m.iv.Preview)
	}
	m.preview.moved = m.preview.moved && m.preview.Diff == msg.Diff
	m.preview.Preview, m.preview.have = msg.Preview, msg.number
	if m.waiting {
		return m.submitted()
	}
	return m, nil
}

// row is one row of the preview.
type row struct {
	text   string
	style  lipgloss.Style
	change bool // of the diff
}

// rows is the preview in rows of a width. Nothing is cut off: long lines go on in the next row.
func (p preview) rows(st styles, width int) []row {
	var rows []row
	put := func(wrapped string, style lipgloss.Style, change bool) {
		for part := range strings.SplitSeq(wrapped, "\n") {
			rows = append(rows, row{part, style, change})
		}
	}
	add := func(line string, style lipgloss.Style, change bool) {
		put(ansi.Hardwrap(line, max(1, width), true), style, change)
	}
	if p.Diff != "" {
		for _, line := range split(p.Diff) {
			style, change := st.plain, false
			switch {
			case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "):
				style = st.faint
			case strings.HasPrefix(line, "@@"):
				style = st.hunk
			case strings.HasPrefix(line, "+"):
				style, change = st.added, true
			case strings.HasPrefix(line, "-"):
				style, change = st.removed, true
			}
			add(line, style, change)
		}
	}
	for _, f := range p.Findings {
		if len(rows) > 0 {
			add("", st.plain, false)
		}
		word, style := f.Severity.look(st)
		for i, line := range split(f.Text) {
			if i > 0 {
				style = st.plain
			} else if !strings.HasPrefix(line, word) {
				line = word + ": " + line
			}
			put(ansi.Wrap(line, max(1, width), ""), style, false)
		}
	}
	if len(rows) == 0 {
		add("nothing yet", st.faint, false)
	}
	return rows
}

func (s Severity) look(st styles) (string, lipgloss.Style) {
	switch s {
	case Error:
		return "error", st.fault
	case Warning:
		return "warning", st.warning
	default:
		return "note", st.note
	}
}

// start is the first row that is shown: a little above the first change until the person scrolls.
func (p preview) start(rows []row, height int) int {
	at := p.position
	if !p.moved {
		at = max(0, slices.IndexFunc(rows, func(r row) bool { return r.change })-min(2, height/3))
	}
	return max(0, min(at, len(rows)-height))
}

// scroll moves the preview, by rows or by what its pane shows.
func (m model) scroll(by int, pages bool) model {
	l := m.layout()
	if l.paneWidth == 0 {
		return m
	}
	rows := m.paneRows(l.paneWidth)
	height := l.paneHeight - 1
	if pages {
		by *= max(1, height-1)
	}
	m.preview.position = m.preview.start(rows, height) + by
	m.preview.moved = true
	m.preview.position = m.preview.start(rows, height)
	return m
}

// pane draws the preview, below a line that says what it is and what it has.
func (m model) pane(width, height int) []string {
	rows := m.paneRows(width)
	from := m.preview.start(rows, height-1)
	to := min(len(rows), from+height-1)
	var state []string
	if counts := m.preview.counts(); counts != "" {
		state = append(state, counts)
	}
	if len(rows) > height-1 {
		state = append(state, fmt.Sprintf("%d-%d of %d", from+1, to, len(rows)))
	}
	if !m.preview.fresh() && m.iv.Preview != nil {
		state = append(state, "…")
	}
	out := []string{m.style.title.Render(ends(clean(m.paneTitle()), strings.Join(state, " · "), width))}
	for _, r := range rows[from:max(from, to)] {
		out = append(out, r.style.Render(r.text))
	}
	return out
}
