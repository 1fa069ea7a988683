package rule_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// FuzzLoad holds that no input makes the decoder or a rule panic, and that what they report lies inside the file.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"../../testdata/specs/*.yaml", "../../testdata/specs/published/*.yaml", "../../testdata/rules/*/fail.yaml", "../testdata/bad/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, p := range paths {
			content, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
	for _, text := range []string{"a: &a {b: *a}\n", "<<: &x {<<: *x}\n", "services: &s {a: {calls: *s}}\n", "\"\\u2028\": 1\r\nx: |\n", "system: !!binary aGk=\n", "a: &x\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		spec, list := schema.Load("fuzz.yaml", content)
		if spec == nil && !list.HasErrors() {
			t.Fatal("neither a spec nor an error")
		}
		if spec != nil {
			list = append(list, rule.Run(spec)...)
			list = append(list, schema.UnsupportedDiagnostics(spec)...)
		}
		for _, d := range list {
			inside(t, d.Primary.Span, d)
			for _, s := range d.Secondary {
				inside(t, s.Span, d)
			}
			if d.Fix == nil {
				continue
			}
			for _, e := range d.Fix.Edits {
				inside(t, e.Span, d)
			}
		}
		if err := diag.Render(io.Discard, list, diag.Options{Color: true, Width: 80}); err != nil {
			t.Fatal(err)
		}
	})
}

func inside(t *testing.T, s source.Span, d diag.Diagnostic) {
	t.Helper()
	if s.IsZero() {
		t.Fatalf("no place: %+v", d)
	}
	for _, p := range []source.Pos{s.Start, s.End} {
		// The end is one past the last rune, and what is missing at the end of a line is shown behind it.
		width := len([]rune(s.File.Line(p.Line)))
		if p.Line < 1 || p.Line > s.File.Lines() || p.Col < 1 || p.Col > width+2 || p == s.Start && p.Col > width+1 {
			t.Fatalf("%v to %v lies outside of the file (line of %d): %s", s.Start, s.End, width, d.Message)
		}
	}
	if s.End.Before(s.Start) {
		t.Fatalf("%v to %v ends before it starts: %s", s.Start, s.End, d.Message)
	}
}
