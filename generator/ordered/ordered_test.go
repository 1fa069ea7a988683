package ordered_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	yamlv3 "gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/generator/ordered"
)

func TestYAML(t *testing.T) {
	doc := ordered.New().
		Set("z", "last letter first").
		Set("a", 1).
		Set("list", ordered.List{"one", ordered.New().Set("k", true).Set("l", ordered.List{1, 2}), ordered.List{"nested"}, ordered.New(), ordered.List{}}).
		Set("text", "two\nlines\n").
		Set("empty", ordered.New()).
		Set("strings", []string{"yes", "1.0", "$ref"}).
		Set("number", 0.25).
		Set("a", 2)
	got, err := doc.YAML()
	if err != nil {
		t.Fatal(err)
	}
	want := `z: last letter first
a: 2
list:
  - one
  - k: true
    l:
      - 1
      - 2
  -
    - nested
  - {}
  - []
text: |
  two
  lines
empty: {}
strings:
  - "yes"
  - "1.0"
  - $ref
number: 0.25
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if doc.Len() != 7 || doc.Get("a") != 2 || doc.Get("b") != nil {
		t.Errorf("%d keys, a is %v", doc.Len(), doc.Get("a"))
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := ordered.New().Set("k", struct{}{}).YAML(); err == nil || !strings.Contains(err.Error(), "struct {}") {
		t.Errorf("a value that YAML has no form for: %v", err)
	}
}

func TestEmpty(t *testing.T) {
	if got, err := ordered.New().YAML(); err != nil || string(got) != "{}\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// FuzzScalar holds that every text comes back from YAML as it went in, as a key, a value and an item.
func FuzzScalar(f *testing.F) {
	for _, s := range []string{
		"", " ", "a", "yes", "No", "null", "~", "1", "1e3", "0x1f", "2026-01-02", ".5", "-", "- a", "a: b", "a #b", "{a}", "[", "'", "\"", "\\", "%", "@", "`",
		"&a", "*a", "!t", "|", ">", "?", "a\nb", "a\nb\n", "a\n\nb\n", "a\n\n", "\n", "\t", "é", "\u0085", "\u2028", "\ufeff", "<<", "=", "a ", "a  b", "\x7f", "/v1/{id}", "a:", "...", "---",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			t.Skip("YAML holds Unicode only")
		}
		doc, err := ordered.New().Set("value", s).Set("list", ordered.List{s, ordered.New().Set("in", s)}).Set("x"+s, 1).YAML()
		if err != nil && len(s) > 150 {
			t.Skip("longer than a key may be, escaped")
		}
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := yamlv3.Unmarshal(doc, &got); err != nil {
			t.Fatalf("%v in\n%s", err, doc)
		}
		want := map[string]any{"value": s, "list": []any{s, map[string]any{"in": s}}, "x" + s: 1}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %q, want %q from\n%s", got, want, doc)
		}
	})
}
