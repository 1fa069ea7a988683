package tui

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
)

var ctrlJ = tea.KeyMsg{Type: tea.KeyCtrlJ}

// fits fails when a picture is larger than its terminal.
func fits(t *testing.T, m model) {
	t.Helper()
	lines := strings.Split(m.View(), "\n")
	if len(lines) > m.height {
		t.Fatalf("%d×%d: %d lines:\n%s", m.width, m.height, len(lines), m.View())
	}
	for _, line := range lines {
		if w := ansi.StringWidth(line); w > m.width {
			t.Fatalf("%d×%d: a line of %d columns: %q", m.width, m.height, w, line)
		}
	}
}

// hard is the shop with texts that are difficult to draw.
func hard() Interview {
	iv := shop()
	iv.Title = "世界世界世界\x1b[31m\tsystem\nnext"
	iv.Given = Answers{"owner": {"команда 世界", "\x1b]0;title\x07"}}
	iv.Submit = "Записать msgen.yaml 世界?"
	for i := range iv.Questions {
		iv.Questions[i].Title += " 世界👩‍👩‍👧é́ a-very-long-word-that-has-no-place-to-break-at-all"
		iv.Questions[i].Help += "\tone\x1b[2J\n\ntwo 世界"
		iv.Questions[i].Hint = "世界 \x1b[5m hint"
	}
	plain := iv.Preview
	iv.Preview = func(a Answers) Preview {
		p := plain(a)
		p.Title = "世界/msgen.yaml"
		p.Diff += "+" + strings.Repeat("世", 90) + "\r\n+\ttab \x1b[2J \n"
		for i := range 40 {
			p.Diff += fmt.Sprintf("-line %d\n", i)
		}
		p.Findings = append(p.Findings, Finding{Note, "世界\r\n  ^^ here\x1b[H"}, Finding{Warning, strings.Repeat("word ", 60)}, Finding{})
		return p
	}
	return iv
}

// Small sizes one by one, for there the picture changes; large ones by way of samples.
func TestEverySizeFits(t *testing.T) {
	for color, iv := range map[bool]Interview{false: shop(), true: hard()} {
		for _, s := range states {
			m := newModel(iv, newStyles(color))
			m = press(send(m, m.Init()()), s.keys...)
			for width := 1; width <= 130; width += 1 + width/40*2 {
				for height := 1; height <= 50; height += 1 + height/12*4 {
					fits(t, send(m, tea.WindowSizeMsg{Width: width, Height: height}))
				}
			}
		}
	}
}

// Where the picture is small, what is being typed is in it still.
func TestCursorStaysInView(t *testing.T) {
	for _, s := range states[:8] {
		m := press(start(shop(), 80, 24), s.keys...)
		for width := minWidth; width <= 130; width++ {
			for height := minHeight; height <= 30; height++ {
				m = send(m, tea.WindowSizeMsg{Width: width, Height: height})
				if view := m.View(); !strings.Contains(view, "▏") && !strings.Contains(view, "> ") {
					t.Fatalf("%s at %d×%d has no cursor:\n%s", s.name, width, height, view)
				}
			}
		}
	}
	m := press(start(shop(), 20, 6), strings.Repeat("x", 100)+"end")
	if !strings.Contains(m.View(), "xend▏") {
		t.Errorf("the end of a long line is out of view:\n%s", m.View())
	}
	if m = press(m, "home"); !strings.Contains(m.View(), "▏xxx") {
		t.Errorf("the start of a long line is out of view:\n%s", m.View())
	}
}

// keysOf are what the bytes of a fuzz test stand for.
var keysOf = []any{
	"enter", "enter", "enter", "enter", "enter", "esc", "shift+tab", "tab", "up", "down", "down", "left", "right", "home", "end", "pgup", "pgdown",
	"backspace", "ctrl+p", "ctrl+u", "ctrl+w", "ctrl+z", " ", " ", "y", "n", "j", "k", "/", "a", "a b", "x y", "Z", "世", "é́", "q", "1",
	paste("p q\nr s\r\n"), paste(""), paste("\x00\x1b[A\t"), ctrlJ, tea.KeyMsg{Type: tea.KeyF1}, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("b"), Alt: true},
	tea.WindowSizeMsg{}, tea.WindowSizeMsg{Width: 1, Height: 1}, tea.WindowSizeMsg{Width: 30, Height: 9}, tea.WindowSizeMsg{Width: 80, Height: 24},
	tea.WindowSizeMsg{Width: 120, Height: 40}, tea.WindowSizeMsg{Width: 101, Height: 5}, tea.WindowSizeMsg{Width: 17, Height: 4},
}

// play types what the bytes stand for; whatever it is, the picture fits and the answers that come out pass.
func play(t *testing.T, data []byte) (ended bool) {
	t.Helper()
	iv := shop()
	m := start(iv, 80, 24)
	for _, b := range data {
		m = press(m, keysOf[int(b)%len(keysOf)])
		fits(t, m)
		if m.result != nil {
			passes(t, iv, m.result)
			return true
		}
	}
	return false
}

// passes fails when answers are not those of an interview that went through.
func passes(t *testing.T, iv Interview, result Answers) {
	t.Helper()
	before := Answers{"owner": {"core"}}
	for _, q := range iv.Questions {
		values, answered := result[q.Name]
		if _, given := iv.Given[q.Name]; given {
			continue
		}
		if asked := q.When == nil || q.When(before); asked != answered {
			t.Fatalf("%s: asked %v, answered %v: %v", q.Name, asked, answered, result)
		} else if !asked {
			continue
		}
		if q.Check != nil {
			if err := q.Check(before, values); err != nil {
				t.Fatalf("%s: %v: %v", q.Name, err, result)
			}
		}
		last := -1
		for _, v := range values {
			if q.Options == nil {
				break
			}
			i := slices.IndexFunc(q.Options(before), func(o Option) bool { return o.Value == v })
			if i <= last {
				t.Fatalf("%s: %q is no option, or out of order: %v", q.Name, v, result)
			}
			last = i
		}
		if single := q.Kind == Choice || q.Kind == Confirm; single && len(values) != 1 {
			t.Fatalf("%s: %q", q.Name, values)
		}
		before[q.Name] = values
	}
	if len(before) != len(result) {
		t.Fatalf("more answers than questions: %v", result)
	}
	if slices.ContainsFunc(iv.Preview(result).Findings, func(f Finding) bool { return f.Severity == Error }) {
		t.Fatalf("submitted with errors: %v", result)
	}
}

func TestRandomKeys(t *testing.T) {
	ended := 0
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 4))
		data := []byte{29, 0} // a name; without one few get far
		for range 150 {
			data = append(data, byte(random.IntN(len(keysOf))))
		}
		if play(t, data) {
			ended++
		}
	}
	if ended < 10 {
		t.Errorf("only %d interviews came to their end: this says little about the answers", ended)
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte{29, 0, 29, 0, 0, 0, 30, 0, 0, 22, 9, 22, 0, 0, 0, 0})
	f.Add([]byte{5, 5, 45, 18, 16, 44, 46, 37})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 300 {
			t.Skip("longer ones say no more")
		}
		play(t, data)
	})
}
