package tui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// filterFrom is the number of options from which a list can be filtered.
const filterFrom = 11

// list is what the fields with options share: moving among them, and a filter for long ones.
type list struct {
	options []Option
	at      int // an option, shown or not
	filter  input
	typing  bool // into the filter
}

func newList(options []Option) list { return list{options: options, filter: newInput("")} }

// shown are the options that the filter lets through.
func (l list) shown() []int {
	want := strings.ToLower(l.filter.value())
	var out []int
	for i, o := range l.options {
		if strings.Contains(strings.ToLower(o.Value), want) {
			out = append(out, i)
		}
	}
	return out
}

// place is where the chosen option stands among the shown ones; -1 when it is hidden.
func (l list) place(shown []int) int {
	for i, option := range shown {
		if option == l.at {
			return i
		}
	}
	return -1
}

func (l list) canFilter() bool { return len(l.options) >= filterFrom }

// update takes a key; it reports false for one that is not the list's.
func (l list) update(k tea.KeyMsg) (list, bool) {
	if l.typing {
		return l.typed(k), true
	}
	if k.Paste {
		return l, true
	}
	shown := l.shown()
	move := func(by int) (list, bool) {
		if len(shown) > 0 {
			l.at = shown[max(0, min(l.place(shown)+by, len(shown)-1))]
		}
		return l, true
	}
	switch {
	case isAny(k, keys.up), k.String() == "k":
		return move(-1)
	case isAny(k, keys.down), k.String() == "j":
		return move(1)
	case k.Type == tea.KeyHome, k.String() == "g":
		return move(-len(shown))
	case k.Type == tea.KeyEnd, k.String() == "G":
		return move(len(shown))
	case l.canFilter() && isAny(k, keys.filter):
		l.typing = true
		return l, true
	case k.Type == tea.KeyEsc && l.filter.Value() != "":
		l.filter = newInput("")
		return l, true
	}
	return l, false
}

// typed takes a key while the filter is typed.
func (l list) typed(k tea.KeyMsg) list {
	switch {
	case k.Paste:
	case k.Type == tea.KeyEsc:
		l.filter, l.typing = newInput(""), false
		return l
	case isAny(k, keys.next, keys.back, keys.up, keys.down):
		if len(l.shown()) > 0 { // a list that shows nothing has nothing to go on with
			l.typing = false
		}
		return l
	}
	l.filter = l.filter.update(k)
	if shown := l.shown(); l.place(shown) < 0 && len(shown) > 0 {
		l.at = shown[0]
	}
	return l
}

// view draws the options; mark is what stands before each.
func (l list) view(st styles, width, height int, mark func(option int) string) []string {
	if len(l.options) == 0 {
		return []string{st.faint.Render(cut("there is nothing to choose from", width))}
	}
	var out []string
	switch {
	case l.typing:
		out = append(out, "/"+l.filter.row(st, width-1, "type to filter"))
	case l.filter.Value() != "":
		out = append(out, cut("/"+l.filter.Value(), width))
	}
	shown := l.shown()
	if len(shown) == 0 {
		return append(out, st.faint.Render(cut("no option has this in its name", width)))
	}
	height -= len(out)
	at := max(0, l.place(shown))
	var foot []string
	if height < len(shown) && height > 2 {
		height--
		foot = []string{st.faint.Render(cut(fmt.Sprintf("  %d of %d", at+1, len(shown)), width))}
	}
	column := 0
	for _, option := range shown {
		column = max(column, min(ansi.StringWidth(clean(l.options[option].Value)), 28))
	}
	from := window(at, len(shown), height)
	for i := from; i < min(len(shown), from+height); i++ {
		out = append(out, l.row(st, shown[i], mark(shown[i]), column, width))
	}
	return append(out, foot...)
}

func (l list) row(st styles, option int, mark string, column, width int) string {
	style, pointer := st.plain, "  "
	if option == l.at {
		style, pointer = st.chosen, "> "
	}
	o := l.options[option]
	line := pointer + mark + clean(o.Value)
	if o.Help == "" {
		return style.Render(cut(line, width))
	}
	line = pad(line, ansi.StringWidth(pointer+mark)+column) + "  "
	room := width - ansi.StringWidth(line)
	if room < 4 {
		return style.Render(cut(strings.TrimRight(line, " "), width))
	}
	return style.Render(line) + st.faint.Render(cut(clean(o.Help), room))
}
