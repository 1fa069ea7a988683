package tui

import (
	"strings"

	"github.com/charmbracelet/bubbles/cursor"
	"github.com/charmbracelet/bubbles/key"
	"github.com/charmbracelet/bubbles/textinput"
	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

// input is one line that is being typed. bubbles edits it; it is drawn here, where the width of the field is known and a cursor has
// to be seen without styles too.
type input struct{ textinput.Model }

func newInput(value string) input {
	t := textinput.New()
	t.Cursor.SetMode(cursor.CursorStatic) // a blinking one needs a clock
	t.KeyMap.Paste = key.NewBinding()     // would start programs that read the clipboard; the terminal's own paste comes as keys
	t.Focus()
	t.SetValue(value)
	t.CursorEnd()
	return input{t}
}

func (in input) update(k tea.KeyMsg) input {
	in.Model, _ = in.Update(k)
	return in
}

// value is what was typed, without the spaces around it.
func (in input) value() string { return strings.TrimSpace(in.Value()) }

// row draws the line so that its cursor is in view.
func (in input) row(st styles, width int, hint string) string {
	text := []rune(in.Value())
	before, after := string(text[:in.Position()]), string(text[in.Position():])
	mark := "▏"
	if st.color {
		mark = " "
		if under, _ := ansi.FirstGraphemeCluster(after, ansi.GraphemeWidth); under != "" {
			after, mark = after[len(under):], under
		}
		mark = st.cursor.Render(mark)
	}
	if len(text) == 0 {
		return mark + st.faint.Render(cut(clean(hint), width-1))
	}
	room := width - ansi.StringWidth(mark)
	before = last(before, room-min(ansi.StringWidth(after), room/3))
	after = cut(after, room-ansi.StringWidth(before))
	return before + mark + after
}

// text is the field of one line.
type text struct {
	input
	hint string
}

func newText(values []string, hint string) text {
	return text{newInput(strings.Join(values, " ")), hint}
}

func (f text) update(k tea.KeyMsg) (field, bool) {
	switch {
	case !k.Paste && isAny(k, keys.next, keys.back):
		return f, false
	default:
		f.input = f.input.update(k)
		return f, true
	}
}

func (f text) values() []string {
	if f.value() == "" {
		return []string{}
	}
	return []string{f.value()}
}

func (f text) view(st styles, width, _ int) []string {
	return []string{st.chosen.Render(">") + " " + f.row(st, width-2, f.hint)}
}

func (f text) keys() []key.Binding { return nil }
