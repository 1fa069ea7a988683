package edit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/source"
)

func span(f *source.File, startLine, startCol, endLine, endCol int) source.Span {
	return source.Span{File: f, Start: source.Pos{Line: startLine, Col: startCol}, End: source.Pos{Line: endLine, Col: endCol}}
}

// e is an edit in one line.
func e(f *source.File, line, from, to int, text string) diag.Edit {
	return diag.Edit{Span: span(f, line, from, line, to), New: text}
}

func TestApply(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		edits func(f *source.File) []diag.Edit
		want  string
	}{
		"none":      {"a: b # c\n", func(*source.File) []diag.Edit { return nil }, "a: b # c\n"},
		"replace":   {"a:  b   # c\n\n\nd: e", func(f *source.File) []diag.Edit { return []diag.Edit{e(f, 1, 5, 6, "xyz")} }, "a:  xyz   # c\n\n\nd: e"},
		"unordered": {"abc\n", func(f *source.File) []diag.Edit { return []diag.Edit{e(f, 1, 3, 4, "C"), e(f, 1, 1, 2, "A")} }, "AbC\n"},
		"insert":    {"abc\n", func(f *source.File) []diag.Edit { return []diag.Edit{e(f, 1, 1, 1, "0"), e(f, 1, 4, 4, "d\n")} }, "0abcd\n\n"},
		"touching": {"abc\n", func(f *source.File) []diag.Edit {
			return []diag.Edit{e(f, 1, 2, 3, "y"), e(f, 1, 1, 2, "x"), e(f, 1, 2, 2, "-")}
		}, "x-yc\n"},
		"twice": {"abc\n", func(f *source.File) []diag.Edit {
			return []diag.Edit{e(f, 1, 2, 2, "-"), e(f, 1, 2, 2, "-"), e(f, 1, 1, 2, ""), e(f, 1, 1, 2, "")}
		}, "-bc\n"},
		"a line": {"a\nb\nc\n", func(f *source.File) []diag.Edit { return []diag.Edit{{Span: span(f, 2, 1, 3, 1)}} }, "a\nc\n"},
		"at the end": {"a\nb\n", func(f *source.File) []diag.Edit {
			return []diag.Edit{e(f, 3, 1, 1, "c\n")}
		}, "a\nb\nc\n"},
		"bom, tabs, crlf, non-bmp": {"\uFEFF\tж😀: x\r\nb\ty\r\n", func(f *source.File) []diag.Edit {
			return []diag.Edit{e(f, 1, 6, 7, "1\n2"), e(f, 2, 3, 4, "ю"), e(f, 1, 1, 1, "#")}
		}, "\uFEFF#\tж😀: 1\r\n2\r\nb\tю\r\n"},
		"crlf kept": {"a\r\nb\r\n", func(f *source.File) []diag.Edit { return []diag.Edit{e(f, 1, 2, 2, "\r\nx\n")} }, "a\r\nx\r\n\r\nb\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := source.NewFile("f.yaml", []byte(test.text))
			got, err := edit.Apply(f, test.edits(f))
			if err != nil || string(got) != test.want {
				t.Errorf("got %q %v, want %q", got, err, test.want)
			}
			if string(f.Content) != test.text {
				t.Error("the file was changed")
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	f, other := source.NewFile("f.yaml", []byte("abc\ndef\n")), source.NewFile("g.yaml", nil)
	for name, test := range map[string]struct {
		edits []diag.Edit
		want  string
	}{
		"overlap":             {[]diag.Edit{e(f, 1, 1, 3, "x"), e(f, 1, 2, 4, "y")}, "two edits of f.yaml:1:2 overlap"},
		"one inside another":  {[]diag.Edit{{Span: span(f, 1, 1, 3, 1)}, e(f, 2, 2, 2, "y")}, "two edits of f.yaml:2:2 overlap"},
		"same place":          {[]diag.Edit{e(f, 1, 2, 2, "x"), e(f, 1, 2, 2, "y")}, "two edits of f.yaml:1:2 overlap"},
		"same text":           {[]diag.Edit{e(f, 1, 2, 3, "x"), e(f, 1, 2, 3, "y")}, "two edits of f.yaml:1:2 overlap"},
		"past the line":       {[]diag.Edit{e(f, 1, 2, 6, "x")}, "an edit of f.yaml:1:2 reaches outside the file"},
		"past the file":       {[]diag.Edit{e(f, 4, 1, 1, "x")}, "an edit of f.yaml:4:1 reaches outside the file"},
		"backwards":           {[]diag.Edit{e(f, 1, 3, 2, "x")}, "an edit of f.yaml:1:3 reaches outside the file"},
		"of another file":     {[]diag.Edit{e(other, 1, 1, 1, "x")}, "an edit of g.yaml:1:1 does not belong to f.yaml"},
		"of no file":          {[]diag.Edit{{New: "x"}}, "an edit of - does not belong to f.yaml"},
		"the first line is 1": {[]diag.Edit{e(f, 0, 1, 1, "x")}, "an edit of f.yaml:0:1 reaches outside the file"},
	} {
		if got, err := edit.Apply(f, test.edits); err == nil || err.Error() != test.want {
			t.Errorf("%s: got %q %v, want %q", name, got, err, test.want)
		}
	}
}

func TestFixes(t *testing.T) {
	f, g := source.NewFile("f", []byte("abcdef\n")), source.NewFile("g", []byte("xyz\n"))
	fix := func(edits ...diag.Edit) diag.Diagnostic { return diag.Diagnostic{Fix: &diag.Fix{Edits: edits}} }
	got := edit.Fixes(diag.List{
		{}, {Fix: &diag.Fix{}}, fix(diag.Edit{New: "nowhere"}),
		fix(e(f, 1, 1, 3, "1")),
		fix(e(f, 1, 2, 4, "2"), e(g, 1, 1, 2, "2")), // in the way of the first: left out whole
		fix(e(g, 1, 1, 2, "3"), e(f, 1, 3, 4, "3")),
		fix(e(f, 1, 1, 3, "1"), e(f, 1, 6, 6, "!")), // shares an edit with the first
		fix(e(f, 1, 6, 6, "?")),
	})
	for _, test := range []struct {
		file *source.File
		want string
	}{{f, "13de!f\n"}, {g, "3yz\n"}} {
		out, err := edit.Apply(test.file, got[test.file])
		if err != nil || string(out) != test.want {
			t.Errorf("%s: got %q %v, want %q", test.file.Name, out, err, test.want)
		}
	}
	if len(got) != 2 {
		t.Errorf("got edits of %d files", len(got))
	}
}

func TestDiff(t *testing.T) {
	if got := edit.Diff("f", []byte("a\n"), []byte("a\n")); got != "" {
		t.Errorf("got %q", got)
	}
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("line %d", i))
	}
	old := strings.Join(lines, "\n")
	lines[10] = "changed"
	got := edit.Diff("/some/f.yaml", []byte(old), []byte(strings.Join(lines, "\n")))
	want := "--- a/some/f.yaml\n+++ b/some/f.yaml\n@@ -8,7 +8,7 @@\n line 7\n line 8\n line 9\n-line 10\n+changed\n line 11\n line 12\n line 13\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Whatever the text and the edit, what stands outside of it stays as it is.
func FuzzApply(f *testing.F) {
	f.Add("a: b\r\nc: d\n", 1, 2, 2, 1, "x\n")
	f.Add("\uFEFFж😀\u2028\xff", 1, 1, 1, 3, "")
	f.Fuzz(func(t *testing.T, text string, startLine, startCol, endLine, endCol int, insert string) {
		file := source.NewFile("f", []byte(text))
		out, err := edit.Apply(file, []diag.Edit{{Span: span(file, startLine, startCol, endLine, endCol), New: insert}})
		if err != nil {
			return
		}
		from, _ := file.Offset(source.Pos{Line: startLine, Col: startCol})
		to, _ := file.Offset(source.Pos{Line: endLine, Col: endCol})
		if !strings.HasPrefix(string(out), text[:from]) || !strings.HasSuffix(string(out), text[to:]) || len(out) < from+len(text)-to {
			t.Fatalf("%q became %q", text, out)
		}
	})
}

func TestReplace(t *testing.T) {
	for name, test := range map[string]struct {
		text     string
		from, to int // columns of the span in line 1
		old, now string
		want     string // "" for no fix
	}{
		"plain":               {"a: odrers # odrers\n", 4, 10, "odrers", "orders", "a: orders # odrers\n"},
		"double quoted":       {"a: \"odrers\"\n", 4, 12, "odrers", "orders", "a: \"orders\"\n"},
		"single quoted":       {"a: 'odrers'\n", 4, 12, "odrers", "orders", "a: 'orders'\n"},
		"wide":                {"ж😀: odrers\n", 5, 11, "odrers", "orders", "ж😀: orders\n"},
		"needs quotes":        {"a: string[]\n", 4, 12, "string[]", "[]string", "a: \"[]string\"\n"},
		"has quotes":          {"a: 'string[]'\n", 4, 14, "string[]", "[]string", "a: '[]string'\n"},
		"other case":          {"a: get /v1/{id}\n", 4, 16, "get /v1/{id}", "GET /v1/{id}", "a: GET /v1/{id}\n"},
		"other verb":          {"a: GET /v1/{id}\n", 4, 16, "GET /v1/{id}", "POST /v1/{id}", "a: POST /v1/{id}\n"},
		"boolean":             {"a: yes\n", 4, 7, "yes", "true", "a: true\n"},
		"quoted boolean":      {"a: \"yes\"\n", 4, 9, "yes", "true", ""},
		"alias":               {"a: *odrers\n", 4, 11, "odrers", "orders", ""},
		"escape":              {"a: \"\\x6fdrers\"\n", 4, 15, "odrers", "orders", ""},
		"part of it":          {"a: odrers.X\n", 4, 12, "odrers", "orders", ""},
		"same":                {"a: orders\n", 4, 10, "orders", "orders", ""},
		"nothing to put":      {"a: odrers\n", 4, 10, "odrers", "", ""},
		"quote in it":         {"a: it's\n", 4, 8, "it's", "its", ""},
		"past the line":       {"a: odrers\n", 4, 30, "odrers", "orders", ""},
		"backwards":           {"a: odrers\n", 9, 4, "odrers", "orders", ""},
		"before the line":     {"a: odrers\n", 0, 4, "odrers", "orders", ""},
		"nothing was written": {"a: odrers\n", 4, 10, "", "orders", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := source.NewFile("f", []byte(test.text))
			fix := edit.Replace(span(f, 1, test.from, 1, test.to), test.old, test.now)
			if fix == nil {
				if test.want != "" {
					t.Error("no fix")
				}
				return
			}
			got, err := edit.Apply(f, fix.Edits)
			if err != nil || string(got) != test.want || fix.Title != "replace "+test.old+" by "+test.now {
				t.Errorf("got %q %q %v, want %q", fix.Title, got, err, test.want)
			}
		})
	}
	if edit.Replace(source.Span{}, "a", "b") != nil {
		t.Error("a fix without a place")
	}
	f := source.NewFile("f", []byte("a\nb\n"))
	if edit.Replace(span(f, 1, 1, 2, 2), "a", "b") != nil {
		t.Error("a fix over lines")
	}
}

func TestBoth(t *testing.T) {
	f := source.NewFile("f", []byte("a: b\n"))
	a, b := edit.Replace(span(f, 1, 1, 1, 2), "a", "x"), edit.Replace(span(f, 1, 4, 1, 5), "b", "y")
	if edit.Both(a, nil) != nil || edit.Both(nil, b) != nil {
		t.Error("half a fix")
	}
	both := edit.Both(a, b)
	got, err := edit.Apply(f, both.Edits)
	if err != nil || string(got) != "x: y\n" || both.Title != "replace a by x and replace b by y" || len(a.Edits) != 1 {
		t.Errorf("got %q %q %v", both.Title, got, err)
	}
}
