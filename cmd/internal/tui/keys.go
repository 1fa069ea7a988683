package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/key"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

func binding(label, does string, names ...string) key.Binding {
	return key.NewBinding(key.WithKeys(names...), key.WithHelp(label, does))
}

// keys are the keys and what the line at the bottom says of them. Those without names only explain others.
var keys = struct {
	next, back, leave, cancel, suspend       key.Binding
	preview, closePreview, pageUp, pageDown  key.Binding
	up, down, move, toggle, filter, filtered key.Binding
	unfilter, add, edit, yesNo, submit       key.Binding
}{
	next:         binding("enter", "next", "enter", "tab"),
	back:         binding("esc", "back", "esc", "shift+tab"),
	leave:        binding("esc", "leave", "esc"),
	cancel:       binding("ctrl+c", "cancel", "ctrl+c"),
	suspend:      binding("ctrl+z", "suspend", "ctrl+z"),
	preview:      binding("ctrl+p", "preview", "ctrl+p"),
	closePreview: binding("ctrl+p", "question", "ctrl+p", "esc", "enter", "q"),
	pageUp:       binding("pgup", "scroll", "pgup"),
	pageDown:     binding("pgdn", "scroll", "pgdown"),
	up:           binding("↑", "up", "up"),
	down:         binding("↓", "down", "down"),
	move:         binding("↑↓", "choose"),
	toggle:       binding("space", "mark", " "),
	filter:       binding("/", "filter", "/"),
	filtered:     binding("enter", "choose"),
	unfilter:     binding("esc", "no filter"),
	add:          binding("enter", "add"),
	edit:         binding("↑↓", "edit"),
	yesNo:        binding("y/n", "choose"),
	submit:       binding("enter", "answer"),
}

// isAny reports whether a key is one of the bindings'. Pasted text never is.
func isAny(k tea.KeyMsg, bindings ...key.Binding) bool {
	return !k.Paste && key.Matches(k, bindings...)
}

// keys are the keys that do something now, the most needed first.
func (m model) keys() []key.Binding {
	switch {
	case m.tooSmall():
		return nil
	case m.onLast():
		return []key.Binding{keys.submit, keys.yesNo, keys.back, keys.pageDown, keys.cancel}
	case m.big:
		return []key.Binding{keys.closePreview, keys.pageDown, keys.cancel}
	}
	var list []key.Binding
	own := m.field.keys()
	filtering := len(own) > 0 && own[0].Help() == keys.filtered.Help()
	if filtering {
		return append(own, keys.cancel)
	}
	adding := len(own) > 0 && own[0].Help() == keys.add.Help()
	if !adding {
		list = append(list, keys.next)
	}
	list = append(list, own...)
	if m.first() {
		list = append(list, keys.leave)
	} else {
		list = append(list, keys.back)
	}
	switch counts := m.preview.counts(); {
	case m.iv.Preview == nil:
	case m.width >= splitWidth:
		list = append(list, keys.preview, keys.pageDown)
	case counts != "": // they cannot be seen
		list = append(list, binding(keys.preview.Help().Key, keys.preview.Help().Desc+" ("+counts+")"))
	default:
		list = append(list, keys.preview)
	}
	return append(list, keys.cancel)
}

// keyLine says as much of the keys as there is room for: whole ones only.
func keyLine(st styles, bindings []key.Binding, width int) string {
	const gap, more = " · ", " …"
	var out strings.Builder
	used := 0
	for i, b := range bindings {
		label, does := b.Help().Key, b.Help().Desc
		w := ansi.StringWidth(label + " " + does)
		sep := ""
		if i > 0 {
			sep = gap
		}
		rest := ansi.StringWidth(more)
		if i == len(bindings)-1 {
			rest = 0
		}
		if used+ansi.StringWidth(sep)+w+rest > width {
			if used+ansi.StringWidth(more) <= width && i > 0 {
				out.WriteString(st.faint.Render(more))
			}
			break
		}
		used += ansi.StringWidth(sep) + w
		out.WriteString(st.faint.Render(sep) + label + " " + st.faint.Render(does))
	}
	return out.String()
}
