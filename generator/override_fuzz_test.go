package generator_test

import (
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
)

// Whatever stands in a template of the project's, there are files, or findings at places that the template has.
func FuzzOverride(f *testing.F) {
	names := []string{"docs/docs/architecture.md.tmpl", "platform/page/page.go"}
	for _, text := range []string{
		"# {{.Name}}\n", "{{", "{{if}}", "{{if .X}}\n\n", "{{range .Services}}{{.Nam}}{{end}}", "{{define \"x\"}}{{template \"x\" .}}{{end}}{{template \"x\" .}}",
		"\ufeff{{.}}\r\n{{- /* c */ -}}\r\n{{ nope }}", "package page\n\nfunc (", "// msgen: from v1 sha256:" + longZero + "\npackage", "{{\"\x00t1\x00\"}}", "ä{{.Ä}}", "{{$x := 1}}{{$y}}",
	} {
		f.Add(text, 0)
		f.Add(text, 1)
	}
	spec, findings := schema.Load("msgen.yaml", []byte("apiVersion: msgen/v1\nsystem: x\n"))
	if spec == nil {
		f.Fatal(findings)
	}
	f.Fuzz(func(t *testing.T, text string, which int) {
		name := names[which&1]
		set := overridden(t, map[string]string{name: text})
		files, findings, err := generator.Render(t.Context(), spec, generator.Options{Overrides: set, DesignOnly: which&1 == 0})
		if err != nil || len(files) == 0 && len(findings) == 0 || len(files) > 0 && findings.HasErrors() {
			t.Fatalf("%d files, %v %v", len(files), findings, err)
		}
		for _, d := range findings {
			at := d.Primary.Span
			if at.File == nil || at.Start.Line < 1 || at.Start.Line > at.File.Lines() || at.Start.Col < 1 || !at.Start.Before(at.End) {
				t.Errorf("%q is at %s", d.Message, at)
			}
		}
	})
}

const longZero = "0000000000000000000000000000000000000000000000000000000000000000"
