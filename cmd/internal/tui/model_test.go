package tui

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
)

var update = flag.Bool("update", false, "write golden files")

// golden holds a picture to that of a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got += "\n"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", path, got, want)
	}
}

// shop is an interview with every kind of question, and answers that hang on others.
func shop() Interview {
	required := func(what string) func(Answers, []string) error {
		return func(_ Answers, values []string) error {
			if len(values) == 0 {
				return errors.New(what + " is missing")
			}
			return nil
		}
	}
	return Interview{
		Title: "msgen add-service",
		Questions: []Question{
			{Name: "name", Title: "What is the service called?", Help: "Lower case, a noun: it names a folder, a package and a database.",
				Hint: "shipping", Check: func(a Answers, values []string) error {
					if err := required("a name")(a, values); err != nil {
						return err
					}
					if strings.ToLower(values[0]) != values[0] || strings.Contains(values[0], " ") {
						return fmt.Errorf("%q is not a name: use lower case letters and dashes, such as %q", values[0],
							strings.ReplaceAll(strings.ToLower(values[0]), " ", "-"))
					}
					return nil
				}},
			{Name: "owner", Title: "Who owns it?"},
			{Name: "responsibility", Title: "What is it responsible for?", Help: "One sentence.", Hint: "ships what was paid",
				Check: required("a responsibility")},
			{Name: "database", Title: "Where does it keep its data?", Kind: Choice, Options: func(Answers) []Option {
				return []Option{{"postgres", "a database of its own"}, {"none", "it keeps nothing"}}
			}},
			{Name: "aggregate", Title: "What does it own?", When: func(a Answers) bool { return a.One("database") != "none" },
				Default: func(a Answers) []string { return []string{strings.TrimSuffix(a.One("name"), "s")} }},
			{Name: "field", Title: "Which fields does it have?", Help: "name and type, one a line", Kind: Lines, Hint: "address string",
				When: func(a Answers) bool { return a.One("aggregate") != "" },
				Check: func(_ Answers, values []string) error {
					for i, v := range values {
						if len(strings.Fields(v)) != 2 {
							return fmt.Errorf("line %d: %q is not a name and a type", i+1, v)
						}
					}
					return nil
				}},
			{Name: "receives", Title: "Which events does it receive?", Kind: Choices, Options: events},
			{Name: "start", Title: "Which of them starts it?", Kind: Choice,
				When:    func(a Answers) bool { return len(a["receives"]) > 1 },
				Options: func(a Answers) []Option { return options(a["receives"]) }},
			{Name: "public", Title: "Can the gateway be asked for it?", Kind: Confirm},
		},
		Given:  Answers{"owner": {"core"}},
		Submit: "Write msgen.yaml and generate?",
		Preview: func(a Answers) Preview {
			diff := "--- a/msgen.yaml\n+++ b/msgen.yaml\n@@ -40,3 +40,9 @@\n     database: postgres\n \n"
			for _, name := range []string{"name", "responsibility", "database", "aggregate", "field", "receives", "start", "public"} {
				for _, v := range a[name] {
					diff += "+    " + name + ": " + v + "\n"
				}
			}
			p := Preview{Title: "msgen.yaml", Diff: diff}
			if a.One("public") == "true" && a.One("database") == "none" {
				p.Findings = append(p.Findings, Finding{Error, "error[MSG204]: public without data\n --> msgen.yaml:43:5\n  |\n43 |     public: true\n  |     ^^^^^^ here"})
			}
			if len(a["receives"]) == 0 {
				p.Findings = append(p.Findings, Finding{Warning, "nothing starts it"})
			}
			return p
		},
	}
}

func options(values []string) []Option {
	out := make([]Option, len(values))
	for i, v := range values {
		out[i] = Option{Value: v}
	}
	return out
}

func events(Answers) []Option {
	out := options(strings.Fields("CartEmptied OrderPlaced OrderConfirmed OrderCancelled PaymentTaken PaymentRefused StockReserved StockReleased " +
		"InvoiceSent InvoicePaid CustomerMoved PriceChanged"))
	out[2].Help = "orders: an order is paid and in stock"
	return out
}

// press gives the model keys as a terminal would, and messages, and does what it asks for.
func press(m model, keys ...any) model {
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			if types, ok := named[key]; ok {
				m = send(m, tea.KeyMsg{Type: types})
				continue
			}
			for _, r := range key {
				if r == ' ' {
					m = send(m, tea.KeyMsg{Type: tea.KeySpace, Runes: []rune{r}})
					continue
				}
				m = send(m, tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune{r}})
			}
		default:
			m = send(m, key)
		}
	}
	return m
}

var named = map[string]tea.KeyType{
	"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "shift+tab": tea.KeyShiftTab, "up": tea.KeyUp, "down": tea.KeyDown,
	"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	"backspace": tea.KeyBackspace, "ctrl+c": tea.KeyCtrlC, "ctrl+p": tea.KeyCtrlP, "ctrl+u": tea.KeyCtrlU, "ctrl+z": tea.KeyCtrlZ,
	"ctrl+w": tea.KeyCtrlW, "ctrl+a": tea.KeyCtrlA,
}

func paste(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s), Paste: true} }

// send gives the model a message and does at once what it asks for.
func send(m model, msg tea.Msg) model {
	next, cmd := m.Update(msg)
	m = next.(model)
	for cmd != nil {
		msg := cmd()
		if _, ok := msg.(previewed); !ok {
			break
		}
		next, cmd = m.Update(msg)
		m = next.(model)
	}
	return m
}

// start is the model of an interview when its first preview is there.
func start(iv Interview, width, height int) model {
	m := newModel(iv, newStyles(false))
	m = send(m, tea.WindowSizeMsg{Width: width, Height: height})
	if cmd := m.Init(); cmd != nil {
		m = send(m, cmd())
	}
	return m
}

// The states that every size is drawn in.
var states = []struct {
	name string
	keys []any
}{
	{"first", nil},
	{"typed", []any{"shipping"}},
	{"fault", []any{"My Shipping", "enter"}},
	{"wide", []any{"世界 и мир", "left", "left"}},
	{"choice", []any{"shipping", "enter", "ships what was paid", "enter"}},
	{"lines", []any{"shipping", "enter", "ships what was paid", "enter", "enter", "enter", "address string", "enter", "weight", "enter"}},
	{"choices", []any{"shipping", "enter", "ships what was paid", "enter", "enter", "enter", "enter", "down", "down", " "}},
	{"filter", []any{"shipping", "enter", "ships what was paid", "enter", "enter", "enter", "enter", "/order"}},
	{"confirm", []any{"shipping", "enter", "ships what was paid", "enter", "down", "enter", "enter", "y"}},
	{"last", []any{"shipping", "enter", "ships what was paid", "enter", "enter", "enter", "address string", "enter", "enter", "enter", "enter"}},
	{"refused", []any{"shipping", "enter", "ships what was paid", "enter", "down", "enter", "enter", "y", "enter", "enter"}},
	{"leaving", []any{"esc"}},
	{"preview", []any{"shipping", "ctrl+p"}},
}

func TestView(t *testing.T) {
	for _, size := range []struct{ width, height int }{{80, 24}, {120, 40}, {40, 10}, {20, 5}} {
		for _, s := range states {
			t.Run(fmt.Sprintf("%dx%d/%s", size.width, size.height, s.name), func(t *testing.T) {
				golden(t, fmt.Sprintf("%dx%d-%s", size.width, size.height, s.name), press(start(shop(), size.width, size.height), s.keys...).View())
			})
		}
	}
}

// The styles are there: the pictures above have none.
func TestColor(t *testing.T) {
	m := newModel(shop(), newStyles(true))
	m = send(press(m, tea.WindowSizeMsg{Width: 120, Height: 24}), m.Init()())
	golden(t, "colour-fault", press(m, "My Shipping", "enter").View())
	golden(t, "colour-refused", press(m, states[10].keys...).View())
	golden(t, "colour-choices", press(m, states[6].keys...).View())
}
