package tui

import (
	"slices"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
)

// choices is the field of any number of the options.
type choices struct {
	list
	marked []bool // by option
}

func newChoices(options []Option, values []string) choices {
	f := choices{newList(options), make([]bool, len(options))}
	for i, o := range options {
		f.marked[i] = slices.Contains(values, o.Value)
	}
	return f
}

func (f choices) update(k tea.KeyMsg) (field, bool) {
	if !f.typing && isAny(k, keys.toggle) {
		// A hidden option is not toggled: nobody would see it.
		if f.place(f.shown()) >= 0 {
			f.marked = slices.Clone(f.marked)
			f.marked[f.at] = !f.marked[f.at]
		}
		return f, true
	}
	var took bool
	f.list, took = f.list.update(k)
	return f, took
}

func (f choices) values() []string {
	out := []string{}
	for i, o := range f.options {
		if f.marked[i] {
			out = append(out, o.Value)
		}
	}
	return out
}

func (f choices) view(st styles, width, height int) []string {
	return f.list.view(st, width, height, func(option int) string {
		if f.marked[option] {
			return "[x] "
		}
		return "[ ] "
	})
}

func (f choices) keys() []key.Binding {
	if f.typing || len(f.options) == 0 {
		return f.list.keys()
	}
	return append([]key.Binding{keys.toggle}, f.list.keys()...)
}
