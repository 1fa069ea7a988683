package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// lines is the field of any number of lines. One of them is being typed: the last, which may be empty, or an earlier one.
type lines struct {
	rows []string // the one being typed is as it was before
	at   int
	input
	hint string
}

func newLines(values []string, hint string) lines {
	f := lines{rows: append(slices.Clone(values), ""), hint: hint}
	return f.to(len(values))
}

// to types at another row.
func (f lines) to(row int) lines {
	f.at = row
	f.input = newInput(f.rows[row])
	return f
}

// kept puts what is being typed into its row. An empty row goes away unless it is the last; the others keep their order.
func (f lines) kept() lines {
	f.rows = slices.Clone(f.rows)
	f.rows[f.at] = f.value()
	if f.rows[len(f.rows)-1] != "" {
		f.rows = append(f.rows, "")
	}
	if f.rows[f.at] == "" && f.at < len(f.rows)-1 {
		f.rows = slices.Delete(f.rows, f.at, f.at+1)
		f.at-- // the row that followed now stands here; the next one down is it
	}
	return f
}

func (f lines) update(k tea.KeyMsg) (field, bool) {
	switch {
	case k.Paste:
		return f.paste(string(k.Runes)), true
	case k.Type == tea.KeyEnter && (f.value() != "" || f.at < len(f.rows)-1):
		f = f.kept()
		return f.to(f.at + 1), true
	case isAny(k, keys.next, keys.back):
		return f, false
	case isAny(k, keys.up):
		if f.at > 0 {
			row := f.at - 1
			f = f.kept()
			f = f.to(row)
		}
		return f, true
	case isAny(k, keys.down):
		if f.at < len(f.rows)-1 {
			f = f.kept()
			f = f.to(f.at + 1)
		}
		return f, true
	case k.Type == tea.KeyBackspace && f.Value() == "":
		if f.at > 0 {
			row := f.at - 1
			f = f.kept()
			f = f.to(row)
		}
		return f, true
	}
	f.input = f.input.update(k)
	return f, true
}

// paste types a text; each line end enters a line.
func (f lines) paste(s string) lines {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	for i, part := range strings.Split(s, "\n") {
		if i > 0 && f.value() != "" {
			f = f.kept()
			if f.at+1 < len(f.rows)-1 {
				f.rows = slices.Insert(f.rows, f.at+1, "")
			}
			f = f.to(f.at + 1)
		}
		f.input = f.input.update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(part), Paste: true})
	}
	return f
}

func (f lines) values() []string {
	values := slices.Clone(f.rows)
	values[f.at] = f.value()
	return slices.DeleteFunc(values, func(s string) bool { return s == "" })
}

func (f lines) view(st styles, width, height int) []string {
	var out []string
	for i, row := range f.rows {
		switch {
		case i == f.at:
			hint := f.hint
			if len(f.rows) > 1 {
				hint = ""
			}
			out = append(out, st.chosen.Render(">")+" "+f.row(st, width-2, hint))
		case row != "":
			out = append(out, cut("- "+clean(row), width))
		default:
			out = append(out, "-")
		}
	}
	from := window(f.at, len(out), height)
	return out[from:min(len(out), from+height)]
}

func (f lines) keys() []key.Binding {
	if f.value() != "" || f.at < len(f.rows)-1 {
		return []key.Binding{keys.add, keys.edit}
	}
	if len(f.rows) > 1 {
		return []key.Binding{keys.edit}
	}
	return nil
}
