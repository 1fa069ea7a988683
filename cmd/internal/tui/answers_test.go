package tui

import (
	"maps"
	"reflect"
	"slices"
	"testing"
)

// script is what is typed at every question of the shop.
var script = []struct {
	name string
	keys []any
}{
	{"name", []any{"shippings", "enter"}},
	{"responsibility", []any{"ships", "enter"}},
	{"database", []any{"enter"}},
	{"aggregate", []any{"enter"}},
	{"field", []any{"a string", "enter", "b int32", "enter", "enter"}},
	{"receives", []any{"down", " ", "down", " ", "enter"}},
	{"start", []any{"down", "enter"}},
	{"public", []any{"y", "enter"}},
	{"", []any{"enter"}},
}

// typed is what is typed from one question up to another.
func typed(from, to string) []any {
	i := slices.IndexFunc(script, func(s struct {
		name string
		keys []any
	}) bool {
		return s.name == from
	})
	var keys []any
	for ; script[i].name != to; i++ {
		keys = append(keys, script[i].keys...)
	}
	return keys
}

// whole are the answers that the script gives.
var whole = Answers{"owner": {"core"}, "name": {"shippings"}, "responsibility": {"ships"}, "database": {"postgres"},
	"aggregate": {"shipping"}, "field": {"a string", "b int32"}, "receives": {"OrderPlaced", "OrderConfirmed"},
	"start": {"OrderConfirmed"}, "public": {"true"}}

// but is the whole with changes; nil takes an answer away.
func but(changes Answers) Answers {
	out := maps.Clone(whole)
	maps.Copy(out, changes)
	maps.DeleteFunc(out, func(_ string, values []string) bool { return values == nil })
	return out
}

func TestAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		at   string // the question to begin from; "" for the last screen
		keys []any
		want Answers
	}{
		"through":                {"", []any{"enter"}, whole},
		"back and on keeps all":  {"", []any{"esc", "esc", "esc", "esc", "enter", "enter", "enter", "enter", "enter"}, whole},
		"shift+tab and tab":      {"", []any{"shift+tab", "shift+tab", "tab", "tab", "enter"}, whole},
		"cancel":                 {"", []any{"ctrl+c"}, nil},
		"no":                     {"", []any{"n", "enter"}, nil},
		"no and yes":             {"", []any{"n", "y", "enter"}, whole},
		"tab chooses":            {"", []any{"tab", "tab", "enter"}, whole},
		"esc twice at the first": {"name", []any{"esc", "esc"}, nil},
		"esc, then on": {"name", append([]any{"esc", "x", "backspace", "esc", "y", "backspace"},
			append(typed("name", ""), "enter")...), whole},
		"keys typed too early": {"public", []any{"y", ctrlJ, ctrlJ}, whole},
		"a check holds": {"name", append([]any{"enter", "My shippings", "enter", "enter", "ctrl+a", "ctrl+u", "ctrl+w", "end", "ctrl+u"},
			append(typed("name", ""), "enter")...), whole},
		"a default is typed over": {"aggregate", append([]any{"ctrl+u", "Parcel", "enter"}, append(typed("field", ""), "enter")...),
			but(Answers{"aggregate": {"Parcel"}})},
		"left empty, and what hangs on it is not asked": {"aggregate", append([]any{"ctrl+u", "enter"}, append(typed("receives", ""), "enter")...),
			but(Answers{"aggregate": {}, "field": nil})},
		"a default follows": {"database", append([]any{"enter", "esc", "esc", "esc", "ctrl+u", "parcels", "enter", "enter", "enter"},
			append(typed("aggregate", ""), "enter")...), but(Answers{"name": {"parcels"}, "aggregate": {"parcel"}})},
		"what was typed over the default stays": {"aggregate", append([]any{"ctrl+u", "Box", "enter", "esc", "esc", "esc", "esc", "ctrl+u", "parcels",
			"enter", "enter", "enter", "enter"}, append(typed("field", ""), "enter")...), but(Answers{"name": {"parcels"}, "aggregate": {"Box"}})},
		// start was OrderConfirmed, which is not received any more.
		"an option that is gone": {"public", []any{"esc", "esc", "home", " ", "down", "down", " ", "enter", "enter", "y", "enter", "enter"},
			but(Answers{"receives": {"CartEmptied", "OrderPlaced"}, "start": {"CartEmptied"}})},
		"a question that is not asked any more": {"public", []any{"esc", "esc", "esc", "esc", "esc", "down", "enter", "enter", "enter", "enter", "enter"},
			but(Answers{"database": {"none"}, "aggregate": nil, "field": nil, "public": {"false"}})},
		"… and then is, anew": {"public", []any{"esc", "esc", "esc", "esc", "esc", "down", "enter", "esc", "up", "enter", "enter", "enter", "enter",
			"enter", "y", "enter", "enter"}, but(Answers{"field": {}})},
		"what was not gone on with is kept": {"aggregate", append([]any{"ctrl+u", "Box", "esc", "enter", "enter"}, append(typed("field", ""), "enter")...),
			but(Answers{"aggregate": {"Box"}})},
		"paste of many lines": {"field", append([]any{paste("x string\r\ny int32\n\nz bool"), "enter", "enter"},
			append(typed("receives", ""), "enter")...), but(Answers{"field": {"x string", "y int32", "z bool"}})},
		"paste between lines": {"field", append([]any{"x bool", "enter", "z bool", "enter", "up", "up", paste("\na bool\nb bool"), "down", "down", "enter"},
			append(typed("receives", ""), "enter")...), but(Answers{"field": {"x bool", "a bool", "b bool", "z bool"}})},
		"paste into a line": {"responsibility", append([]any{paste("ships\n parcels\x1b"), "enter"}, append(typed("database", ""), "enter")...),
			but(Answers{"responsibility": {"ships  parcels"}})},
		"backspace takes a line back": {"field", append([]any{"a string", "enter", "b", "enter", "backspace", " int32", "enter", "enter"},
			append(typed("receives", ""), "enter")...), whole},
		"up edits": {"field", append([]any{"a str", "enter", "b int32", "enter", "up", "up", "ing", "enter", "enter", "enter"},
			append(typed("receives", ""), "enter")...), whole},
		"an emptied line goes": {"field", append([]any{"x bool", "enter", "a string", "enter", "b int32", "up", "up", "ctrl+u", "enter", "down", "down", "enter"},
			append(typed("receives", ""), "enter")...), whole},
		"filter": {"receives", append([]any{"/order", "down", "down", " ", "/", "ctrl+u", "pay", "enter", " ", "esc", "enter"},
			append(typed("start", ""), "enter")...), but(Answers{"receives": {"OrderConfirmed", "PaymentTaken"}, "start": {"PaymentTaken"}})},
		"a filter that nothing passes": {"receives", append([]any{"/xyz", "enter", "down", "esc", "down", " ", "down", " ", "enter"},
			append(typed("start", ""), "enter")...), whole},
		"the preview does not take letters": {"receives", append([]any{"down", " ", "down", " ", "ctrl+p", "j", "k", " ", "down", "q", "enter"},
			append(typed("start", ""), "enter")...), whole},
	} {
		t.Run(name, func(t *testing.T) {
			m := press(start(shop(), 80, 24), append(typed("name", test.at), test.keys...)...)
			if !reflect.DeepEqual(m.result, test.want) {
				t.Errorf("answers:\n%v\nwant:\n%v\n%s", m.result, test.want, m.View())
			}
		})
	}
}

// An interview whose questions all have answers asks only whether to go on.
func TestAllGiven(t *testing.T) {
	iv := shop()
	iv.Given, iv.Preview = whole, nil
	m := start(iv, 40, 20)
	golden(t, "all-given", m.View())
	if m = press(m, "esc", "enter"); !reflect.DeepEqual(m.result, whole) {
		t.Errorf("answers: %v", m.result)
	}
}

// What the functions of a question are given are the answers before it, and all that flags gave.
func TestCallbacksSeeTheAnswersBefore(t *testing.T) {
	var seen []Answers
	see := func(a Answers) { seen = append(seen, maps.Clone(a)) }
	m := start(Interview{
		Questions: []Question{
			{Name: "a"},
			{Name: "b", Kind: Choice, When: func(a Answers) bool { see(a); return true }, Options: func(a Answers) []Option { see(a); return options([]string{"1"}) },
				Default: func(a Answers) []string { see(a); return nil }, Check: func(a Answers, _ []string) error { see(a); return nil }},
			{Name: "c"},
		},
		Given: Answers{"late": {"x"}},
	}, 80, 24)
	m = press(m, "1", "enter", "enter", "3", "enter")
	seen = nil
	m = press(m, "esc", "esc", "enter", "enter", "enter")
	want := Answers{"a": {"1"}, "late": {"x"}}
	for _, got := range seen {
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
	if len(seen) == 0 || m.result.One("c") != "3" || m.result.One("none") != "" {
		t.Errorf("%d calls; answers %v", len(seen), m.result)
	}
}
