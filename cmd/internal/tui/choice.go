package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// choice is the field of one of the options.
type choice struct{ list }

func newChoice(options []Option, values []string) choice {
	f := choice{newList(options)}
	if len(values) > 0 {
		f.at = max(0, slices.IndexFunc(options, func(o Option) bool { return o.Value == values[0] }))
	}
	return f
}

func (f choice) update(k tea.KeyMsg) (field, bool) {
	var took bool
	f.list, took = f.list.update(k)
	return f, took
}

func (f choice) values() []string {
	if len(f.options) == 0 {
		return []string{}
	}
	return []string{f.options[f.at].Value}
}

func (f choice) view(st styles, width, height int) []string {
	return f.list.view(st, width, height, func(int) string { return "" })
}

func (f choice) keys() []key.Binding { return f.list.keys() }

func (l list) keys() []key.Binding {
	switch {
	case l.typing:
		return []key.Binding{keys.filtered, keys.unfilter}
	case l.canFilter():
		return []key.Binding{keys.move, keys.filter}
	}
	return []key.Binding{keys.move}
}
