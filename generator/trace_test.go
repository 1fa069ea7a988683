package generator

import (
	"bytes"
	"io/fs"
	"os"
	"testing"
	"text/template"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/templates"
)

// Marks change nothing but that they are there; and every byte of a result that is text of the template is found there.
func TestTrace(t *testing.T) {
	text, err := os.ReadFile("../testdata/specs/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := schema.Load("msgen.yaml", text)
	sys, findings := view.Build(spec, view.Options{})
	if findings.HasErrors() {
		t.Fatal(findings)
	}
	set, err := parse(templates.FS, nil, all)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, o := range outputs {
		parsed, ok := set.parsed[o.template]
		items := o.each(sys)
		if !ok || len(items) == 0 {
			continue
		}
		source, err := fs.ReadFile(templates.FS, o.template)
		if err != nil {
			t.Fatal(err)
		}
		marked, err := instrument(parsed)
		if err != nil {
			t.Fatal(err)
		}
		var plain, with bytes.Buffer
		if err := parsed.Execute(&plain, items[0].data); err != nil {
			t.Fatal(err)
		}
		if err := marked.Execute(&with, items[0].data); err != nil {
			t.Fatal(err)
		}
		result := plain.Bytes()
		if without := mark.ReplaceAll(with.Bytes(), nil); !bytes.Equal(without, result) {
			t.Errorf("%s makes another text with marks", o.template)
		}
		for offset := 0; offset < len(result); offset += 1 + len(result)/40 {
			place, ok := trace(parsed, items[0].data, offset)
			if !ok || place < 0 || place >= len(source) {
				t.Fatalf("%s: byte %d comes from %d %t", o.template, offset, place, ok)
			}
			inAction := bytes.LastIndex(source[:place], []byte("{{")) > bytes.LastIndex(source[:place], []byte("}}"))
			if inAction {
				continue
			}
			found++
			if source[place] != result[offset] {
				t.Errorf("%s: byte %d of the result, %q, is said to be %q at %d", o.template, offset, result[offset], source[place], place)
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d bytes were found", found)
	}
}

// An offset between what two nodes write belongs to the second, one past the end to the last.
func TestTracePlaces(t *testing.T) {
	const text = `ab{{.}}{{if .}}cd{{else}}no{{end}}{{with $x := .}}{{end}}{{template "x" .}}{{define "x"}}ef{{end}}`
	parsed, err := template.New("t").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	// abXYZcdef
	for offset, want := range map[int]string{0: "ab{{", 1: "b{{", 2: ".}}{{if", 4: ".}}{{if", 5: "cd{{", 6: "d{{", 7: "ef{{", 8: "f{{", 9: "{{end}}"} {
		place, ok := trace(parsed, any("XYZ"), offset)
		if offset == 9 && ok && text[place:] == want {
			continue
		}
		if !ok || len(text) < place+len(want) || text[place:place+len(want)] != want {
			t.Errorf("byte %d comes from %q %t, want %q", offset, text[min(place, len(text)):], ok, want)
		}
	}
}
