package tui

import (
	"strconv"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// confirm is the field of yes or no. The keys choose; only enter goes on, so that a slip is seen first.
type confirm struct{ yes bool }

func newConfirm(values []string) confirm {
	return confirm{yes: len(values) > 0 && values[0] == strconv.FormatBool(true)}
}

func (f confirm) update(k tea.KeyMsg) (field, bool) {
	if k.Paste {
		return f, true
	}
	switch k.String() {
	case "y", "Y":
		f.yes = true
	case "n", "N":
		f.yes = false
	case "left", "right", "up", "down", "h", "j", "k", "l", " ":
		f.yes = !f.yes
	default:
		return f, false
	}
	return f, true
}

func (f confirm) values() []string { return []string{strconv.FormatBool(f.yes)} }

func (f confirm) view(st styles, width, _ int) []string {
	yes, no := st.plain.Render("  yes"), st.chosen.Render("> no")
	if f.yes {
		yes, no = st.chosen.Render("> yes"), st.plain.Render("  no")
	}
	if width < 11 {
		return []string{map[bool]string{true: yes, false: no}[f.yes]}
	}
	return []string{yes + "  " + no}
}

func (f confirm) keys() []key.Binding { return []key.Binding{keys.yesNo} }
