package edit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/edit"
)

// flat is an order for tests: the same keys wherever.
func flat(keys ...string) edit.Order { return func([]string) []string { return keys } }

func TestAdd(t *testing.T) {
	method := edit.Entry{Key: "GetB", Value: edit.Map{{Key: "http", Value: "GET /v1/b/{id}"}, {Key: "reads", Value: "B"}}}
	service := edit.Entry{Key: "b", Block: true, Value: edit.Map{
		{Key: "owner", Value: "team: b"},
		{Key: "api", Value: edit.Map{method}, Block: true},
		{Key: "steps", Block: true, Value: edit.List{edit.Map{{Key: "invoke", Value: "a.B"}}, "x"}},
	}}
	for name, test := range map[string]struct {
		text  string
		path  string // its keys by blanks
		entry edit.Entry
		order edit.Order
		want  string
	}{
		"at the end":               {"a: 1\n", "", edit.Entry{Key: "b", Value: 2}, nil, "a: 1\nb: 2\n"},
		"without a final line end": {"a: 1", "", edit.Entry{Key: "b", Value: true}, nil, "a: 1\nb: true"},
		"crlf":                     {"a:\r\n  x: 1\r\nb: 2\r\n", "a", edit.Entry{Key: "z", Value: edit.Map{{Key: "k", Value: "v", Block: true}}}, nil, "a:\r\n  x: 1\r\n  z: {k: v}\r\nb: 2\r\n"},
		"in its order":             {"a: 1\nd: 2\n", "", edit.Entry{Key: "b", Value: 2}, flat("a", "b", "c", "d"), "a: 1\nb: 2\nd: 2\n"},
		"set off":                  {"a: 1\n\ns:\n  x: 1\n\n# end\n", "", edit.Entry{Key: "t", Value: edit.Map{{Key: "z", Value: 1}}, Block: true}, nil, "a: 1\n\ns:\n  x: 1\n\n# end\n\nt:\n  z: 1\n"},
		"a service": {
			"s:\n  a:\n    owner: x # who\n    # more\n\n# events\ne: {}\n", "s", service, nil,
			"s:\n  a:\n    owner: x # who\n    # more\n\n  b:\n    owner: \"team: b\"\n    api:\n      GetB: {http: \"GET /v1/b/{id}\", reads: B}\n    steps:\n      - {invoke: a.B}\n      - x\n\n# events\ne: {}\n",
		},
		"indented by four, lists by none": {
			"s:\n    a:\n        l:\n        - 1\n", "s", service, nil,
			"s:\n    a:\n        l:\n        - 1\n\n    b:\n        owner: \"team: b\"\n        api:\n            GetB: {http: \"GET /v1/b/{id}\", reads: B}\n        steps:\n        - {invoke: a.B}\n        - x\n",
		},
		"behind values in a column":      {"api:\n  GetA:    {x: 1}\n  UpdateA: {x: 2}\n", "api", method, nil, "api:\n  GetA:    {x: 1}\n  UpdateA: {x: 2}\n  GetB:    {http: \"GET /v1/b/{id}\", reads: B}\n"},
		"as blocks":                      {"api:\n  GetA:\n    x: 1\n", "api", method, nil, "api:\n  GetA:\n    x: 1\n  GetB:\n    http: GET /v1/b/{id}\n    reads: B\n"},
		"into braces":                    {"api: {GetA: {x: 1}} # c\n", "api", method, nil, "api: {GetA: {x: 1}, GetB: {http: \"GET /v1/b/{id}\", reads: B}} # c\n"},
		"into braces over lines":         {"api: {\n  GetA: {x: 1} # a\n}\n", "api", edit.Entry{Key: "B", Value: "x"}, nil, "api: {\n  GetA: {x: 1}, # a\n  B: x\n}\n"},
		"behind a comma":                 {"api: {\n  GetA: {x: \"}\", y: it's}, # a, }\n  # b\n}\n", "api", edit.Entry{Key: "B", Value: "x"}, nil, "api: {\n  GetA: {x: \"}\", y: it's}, # a, }\n  B: x,\n  # b\n}\n"},
		"no value":                       {"s:\n  a:\n    receives: # none yet\n    x: 1\n", "s a receives", edit.Entry{Key: "E"}, nil, "s:\n  a:\n    receives: # none yet\n      E:\n    x: 1\n"},
		"empty braces":                   {"s: {}   # none\n", "s", edit.Entry{Key: "x", Value: 1}, nil, "s:   # none\n  x: 1\n"},
		"tilde":                          {"s:\n  E: ~ # c\n", "s", edit.Entry{Key: "E", Value: edit.Map{{Key: "x", Value: 1}}}, nil, "s:\n  E: {x: 1} # c\n"},
		"null in braces":                 {"s: {E: , F: null}\n", "s", edit.Entry{Key: "E", Value: edit.Map{{Key: "x", Value: 1}}}, nil, "s: {E: {x: 1} , F: null}\n"},
		"all of the way":                 {"a: 1\n", "s b c", edit.Entry{Key: "x", Value: 1}, nil, "a: 1\ns:\n  b:\n    c:\n      x: 1\n"},
		"after literal text":             {"s:\n  a: |\n    # no comment\n\n    x\n  # comment\n\nt: 1\n", "s", edit.Entry{Key: "b", Value: "yes"}, nil, "s:\n  a: |\n    # no comment\n\n    x\n  # comment\n  b: \"yes\"\n\nt: 1\n"},
		"after plain text over lines":    {"s:\n  a: one\n    two\n\n    three # c\nt: 1\n", "s", edit.Entry{Key: "b", Value: "1"}, nil, "s:\n  a: one\n    two\n\n    three # c\n  b: \"1\"\nt: 1\n"},
		"after quotes over lines":        {"s:\n  a: \"one\n   # two\n\n   \\\" three\" # c\nt: 1\n", "s", edit.Entry{Key: "b", Value: ""}, nil, "s:\n  a: \"one\n   # two\n\n   \\\" three\" # c\n  b: \"\"\nt: 1\n"},
		"anchors and merges":             {"x: &x {k: v}\ns:\n  a:\n    <<: *x\n    l: *x\n", "s a", edit.Entry{Key: "b", Value: "a, b"}, nil, "x: &x {k: v}\ns:\n  a:\n    <<: *x\n    l: *x\n    b: a, b\n"},
		"before the end of the document": {"---\na:\n  b: 1\n...\n# rest\n", "a", edit.Entry{Key: "c", Value: 1}, nil, "---\na:\n  b: 1\n  c: 1\n...\n# rest\n"},
		"wide runes":                     {"ж😀: {a: \"😀\"}\n", "ж😀", edit.Entry{Key: "б", Value: "😀 х"}, nil, "ж😀: {a: \"😀\", б: 😀 х}\n"},
		"too long for a line":            {"a:\n  b: 1\n", "a", edit.Entry{Key: "c", Value: edit.Map{{Key: "k", Value: strings.Repeat("x", 90)}, {Key: "l", Value: strings.Repeat("y", 90)}}}, nil, "a:\n  b: 1\n  c:\n    k: " + strings.Repeat("x", 90) + "\n    l: " + strings.Repeat("y", 90) + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := edit.Parse("f.yaml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Add(strings.Fields(test.path), test.entry, test.order); err != nil {
				t.Fatal(err)
			}
			if got := string(d.Content()); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	for name, test := range map[string]struct{ text, path, want string }{
		"on a line":   {"a: {l: [x] } # c\n", "a l", "a: {l: [x, w, \"z, z\"] } # c\n"},
		"there":       {"l: [x, w, \"z, z\"]\n", "l", "l: [x, w, \"z, z\"]\n"},
		"empty":       {"l: [] # c\nm: 1\n", "l", "l: [w, \"z, z\"] # c\nm: 1\n"},
		"a line each": {"l:\n- x # c\n\n# end\nm: 1\n", "l", "l:\n- x # c\n- w\n- z, z\n\n# end\nm: 1\n"},
		"nested":      {"a:\n  - b:\n      - x\n", "l", "a:\n  - b:\n      - x\nl: [w, \"z, z\"]\n"},
		"made":        {"a: {}\n", "a l", "a:\n  l: [w, \"z, z\"]\n"},
		"over lines":  {"l: [\n  x\n]\n", "l", "l: [\n  x,\n  w,\n  \"z, z\"\n]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := edit.Parse("f.yaml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Append(strings.Fields(test.path), nil, "w", "z, z"); err != nil {
				t.Fatal(err)
			}
			if got := string(d.Content()); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// What would change something else, or is there, is refused and leaves the document alone.
func TestAddRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, path, key, want string }{
		"there":               {"a:\n  b: 1\n", "a", "b", "f.yaml:2:3: a.b is there already"},
		"no mapping":          {"a: 1\n", "a", "b", "f.yaml:1:4: a is no mapping"},
		"an alias":            {"x: &x {k: v}\na: *x\n", "a", "b", "f.yaml:2:4: it is an alias of &x, so that an addition would show in several places; write it out first"},
		"an anchor":           {"x: &x\n  k: v\na: *x\n", "x", "b", "f.yaml:1:4: its anchor &x is used elsewhere, so that an addition would show in several places; write that out first"},
		"blank lines of text": {"s:\n  a: |+\n    x\n\n\nt: 1\n", "s", "b", "f.yaml: s.b cannot be added without changing what is there; add it by hand"},
	} {
		d, err := edit.Parse("f.yaml", []byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		err = d.Add(strings.Fields(test.path), edit.Entry{Key: test.key, Value: 1}, nil)
		if err == nil || err.Error() != test.want || errors.Is(err, edit.ErrExists) != (name == "there") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		if string(d.Content()) != test.text {
			t.Errorf("%s: became\n%s", name, d.Content())
		}
	}
	for _, text := range []string{"", "a", "- a\n", "a: 1\n---\nb: 1\n", "a: [", "\xff"} {
		if _, err := edit.Parse("f.yaml", []byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// Whatever is added to the specs of the project and wherever, what was there stays, in its order.
func TestAddKeepsSpecs(t *testing.T) {
	specs, err := filepath.Glob("../../testdata/specs/*.yaml")
	more, err2 := filepath.Glob("../../testdata/specs/published/*.yaml")
	if err = errors.Join(err, err2); err != nil || len(specs) < 5 || len(more) < 3 {
		t.Fatal(err, specs, more)
	}
	for _, name := range append(specs, more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range [][]string{nil, {"services"}, {"events"}, {"sagas", "new"}, {"services", "new", "api"}, {"stack"}, {"gateway", "auth"}} {
			d, err := edit.Parse(name, text)
			if err != nil {
				continue // a bad one
			}
			if err := d.Add(path, edit.Entry{Key: "Added", Value: edit.Map{{Key: "x", Value: "y"}}}, nil); err != nil {
				if !errors.Is(err, edit.ErrExists) && !strings.Contains(err.Error(), "is no mapping") {
					t.Errorf("%s: %v", path, err)
				}
				continue
			}
			if line := lost(string(text), string(d.Content())); line != "" {
				t.Errorf("%s: adding to %s loses %q", name, path, line)
			}
		}
	}
}

// lost is the rest of a text from the first rune that another one does not have in its turn. What may stand for no value, and so go, is passed over.
func lost(text, now string) string {
	for i, r := range text {
		if strings.ContainsRune(" ~nulNUL{}[]\uFFFD", r) {
			continue
		}
		at := strings.IndexRune(now, r)
		if at < 0 {
			return text[i:]
		}
		now = now[at:]
	}
	return ""
}

// Adding to any YAML keeps every byte of it, or is refused.
func FuzzAdd(f *testing.F) {
	f.Add("a: {b: [c]} # d\n", "a", "x", "y")
	f.Add("a:\n  b: |\n    c\n\n  # d\ne: ~\r\n", "e", "x", "- y")
	f.Add("a: &a\n  - b\n?: c\n", "q", "#", "&x: {")
	f.Fuzz(func(t *testing.T, text, path, key, value string) {
		d, err := edit.Parse("f.yaml", []byte(text))
		if err != nil {
			return
		}
		if d.Add(strings.Fields(path), edit.Entry{Key: key, Value: edit.Map{{Key: "k", Value: value}}}, nil) != nil {
			if string(d.Content()) != text {
				t.Fatalf("refused, and became %q", d.Content())
			}
			return
		}
		if _, err := edit.Parse("f.yaml", d.Content()); err != nil {
			t.Fatalf("%q became %q: %v", text, d.Content(), err)
		}
		if rest := lost(text, string(d.Content())); rest != "" {
			t.Fatalf("%q lost %q: %q", text, rest, d.Content())
		}
	})
}
