package schema_test

import (
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/source"
)

func TestCheckYAML(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"nothing":         {"", ""},
		"two documents":   {"a: &x 1\nb: *x\n---\na: 2\n", ""},
		"tags":            {"a: !!str 1\nb: !own {c: d}\n", ""},
		"merged keys":     {"a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n", ""},
		"a comment":       {"# nothing\n", ""},
		"not closed":      {"a: b\nc: [\n", "f.yaml:2:1 did not find expected node content"},
		"a key twice":     {"a: 1\nb: 2\na: 3\n", `f.yaml:3:1 mapping key "a" already defined at line 1`},
		"two keys twice":  {"a: 1\na: 2\n---\nb: 1\nb: 2\n", `f.yaml:2:1 mapping key "a" already defined at line 1|f.yaml:5:1 mapping key "b" already defined at line 4`},
		"no anchor":       {"a: *x\n", "f.yaml:1:4 no anchor &x stands before this alias"},
		"a tab":           {"a:\n\tb: c\n", "f.yaml:2:1 found character that cannot start any token"},
		"in the second":   {"a: 1\n---\nb: }\n", "f.yaml:3:1 did not find expected node content"},
		"two colons":      {"a: b: c\n", "f.yaml:1:5 mapping values are not allowed in this context"},
		"after documents": {"a: 1\n...\nb: [1\n", "f.yaml:3:1 did not find expected <document start>"},
	} {
		var got []string
		for _, d := range schema.CheckYAML(source.NewFile("f.yaml", []byte(c.text))) {
			got = append(got, d.Primary.Span.String()+" "+d.Message)
		}
		if all := strings.Join(got, "|"); all != c.want {
			t.Errorf("%s: found %q, want %q", name, all, c.want)
		}
	}
}

// What is not YAML is found at a place of it, whatever it is.
func FuzzCheckYAML(f *testing.F) {
	for _, text := range []string{"a: 1\na: 2\n", "a: [\n", "- a\n- b\n---\nc: *x\n", "? {a: b}\n: c\n", "<<: *a\n", "\ta", "a: &a [*a]\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file := source.NewFile("x.yaml", []byte(text))
		for _, d := range schema.CheckYAML(file) {
			if _, ok := file.Offset(d.Primary.Span.Start); !ok {
				t.Errorf("%q is at %s", d.Message, d.Primary.Span)
			}
		}
	})
}
