package diag_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

var update = flag.Bool("update", false, "write golden files")

func at(f *source.File, line, from, to int) source.Span {
	return source.Span{File: f, Start: source.Pos{Line: line, Col: from}, End: source.Pos{Line: line, Col: to}}
}

func TestRender(t *testing.T) {
	file := source.NewFile("msgen.yaml", []byte("\uFEFFservices:\n  orders:\r\n\tcalls: {pricing.Quote: {}}\n  名前: ключ\n\n  e\u0301te: x\n\n\n\n  billing: {}\n"+
		"  long: "+strings.Repeat("abcdefghi ", 20)+"HERE"+strings.Repeat(" tail", 10)+"\n"))
	other := source.NewFile("other.proto", []byte("syntax = \"proto3\";\n"))
	for name, test := range map[string]struct {
		list diag.List
		opts diag.Options
	}{
		"one": {list: diag.List{{ID: "MSG101", Severity: diag.Error, Message: "unknown service \"pricing\"",
			Primary: diag.Label{Span: at(file, 2, 3, 9), Text: "here"}, Help: "declare it under `services`"}}},
		"warning-no-label": {list: diag.List{{ID: "MSG105", Severity: diag.Warning, Message: "no owner", Primary: diag.Label{Span: at(file, 2, 3, 9)}}}},
		"tab":              {list: diag.List{{Severity: diag.Error, Message: "tab", Primary: diag.Label{Span: at(file, 3, 2, 7), Text: "this"}}}},
		"wide":             {list: diag.List{{Severity: diag.Error, Message: "wide", Primary: diag.Label{Span: at(file, 4, 7, 11), Text: "value"}, Secondary: []diag.Label{{Span: at(file, 4, 3, 5), Text: "name"}}}}},
		"combining":        {list: diag.List{{Severity: diag.Error, Message: "combining", Primary: diag.Label{Span: at(file, 6, 9, 10), Text: "x"}}}},
		"secondary": {list: diag.List{{Severity: diag.Error, Message: "cycle", Primary: diag.Label{Span: at(file, 10, 3, 10), Text: "calls"},
			Secondary: []diag.Label{{Span: at(file, 2, 3, 9), Text: "calls back"}, {Span: at(file, 1, 1, 9)}, {Span: at(other, 1, 10, 18), Text: "declared here"}}}}},
		"several": {list: diag.List{{Severity: diag.Error, Message: "a", Primary: diag.Label{Span: at(file, 1, 1, 9)}}, {Severity: diag.Warning, Message: "b", Help: "nowhere"}}},
		"colour": {opts: diag.Options{Color: true}, list: diag.List{{ID: "MSG101", Severity: diag.Error, Message: "m", Primary: diag.Label{Span: at(file, 2, 3, 9), Text: "p"},
			Secondary: []diag.Label{{Span: at(file, 1, 1, 9), Text: "s"}}, Help: "h"}}},
		"narrow":   {opts: diag.Options{Width: 60}, list: diag.List{{Severity: diag.Error, Message: "long line", Primary: diag.Label{Span: at(file, 11, 209, 213), Text: "this"}}}},
		"past-end": {list: diag.List{{Severity: diag.Error, Message: "beyond", Primary: diag.Label{Span: at(file, 99, 40, 50)}}}},
		"escape":   {list: diag.List{{Severity: diag.Error, Message: "a \x1b[31mred\x1b[0m name", Primary: diag.Label{Span: at(file, 1, 1, 2)}}}},
		"multiline": {list: diag.List{{Severity: diag.Error, Message: "over lines", Primary: diag.Label{Span: source.Span{File: file,
			Start: source.Pos{Line: 2, Col: 3}, End: source.Pos{Line: 3, Col: 4}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			if err := diag.Render(&out, test.list, test.opts); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
			}
		})
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken pipe")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestRenderReportsWriteErrors(t *testing.T) {
	if err := diag.Render(brokenWriter{}, diag.List{{Message: "x"}}, diag.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}

func TestSummary(t *testing.T) {
	e, w := diag.Diagnostic{Severity: diag.Error}, diag.Diagnostic{Severity: diag.Warning}
	for want, list := range map[string]diag.List{
		"no findings":          nil,
		"1 error":              {e},
		"2 warnings":           {w, w},
		"2 errors, 1 warning":  {e, w, e},
		"1 error, 3 warnings":  {w, w, w, e},
		"11 errors, 1 warning": {e, e, e, e, e, e, e, e, e, e, e, w},
	} {
		if got := diag.Summary(list); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSort(t *testing.T) {
	f := source.NewFile("a", []byte("x\ny\n"))
	list := diag.List{
		{ID: "B", Primary: diag.Label{Span: at(f, 2, 1, 2)}}, {ID: "A", Primary: diag.Label{Span: at(f, 2, 1, 2)}},
		{ID: "C", Primary: diag.Label{Span: at(f, 1, 1, 2)}}, {ID: "D"},
	}
	list.Sort()
	var ids string
	for _, d := range list {
		ids += d.ID
	}
	if ids != "DCAB" {
		t.Errorf("got %s", ids)
	}
}
