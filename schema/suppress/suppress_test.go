package suppress_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
	"github.com/msgen-dev/msgen/schema/suppress"
)

func at(f *source.File, line, col int) diag.Label {
	return diag.Label{Span: source.Span{File: f, Start: source.Pos{Line: line, Col: col}, End: source.Pos{Line: line, Col: col + 1}}}
}

func finding(id string, f *source.File, line int) diag.Diagnostic {
	d := rule.Finding(id)
	d.Message, d.Path, d.Primary = "found", fmt.Sprintf("line%d", line), at(f, line, 1)
	return d
}

// outcome is a result in words: what counts and what is hidden, by rule and line.
func outcome(r suppress.Result) string {
	var words []string
	for _, d := range r.Findings {
		words = append(words, fmt.Sprintf("%s:%d", d.ID, d.Primary.Span.Start.Line))
	}
	for _, s := range r.Suppressed {
		words = append(words, fmt.Sprintf("(%s:%d %s %s)", s.ID, s.Primary.Span.Start.Line, s.By, s.Reason))
	}
	return strings.Join(words, " ")
}

func TestIgnore(t *testing.T) {
	for name, test := range map[string]struct {
		file string // a.yaml when empty
		text string
		ids  []string // findings as MSG105:2
		ran  func(string) bool
		want string
	}{
		"same line":            {text: "a: b # msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment r)"},
		"above":                {text: "# msgen:ignore MSG105 -- r 1\n\n# more\na: b\n", ids: []string{"MSG105:4"}, want: "(MSG105:4 comment r 1)"},
		"stacked":              {text: "# msgen:ignore MSG105 -- r\n# msgen:ignore MSG101 -- s\na: b\n", ids: []string{"MSG105:3", "MSG101:3"}, want: "(MSG101:3 comment s) (MSG105:3 comment r)"},
		"several rules":        {text: "a: b # msgen:ignore MSG105 MSG101 -- r\n", ids: []string{"MSG105:1", "MSG101:1"}, want: "(MSG101:1 comment r) (MSG105:1 comment r)"},
		"commas":               {text: "a: b # msgen:ignore MSG105,MSG101, until=2027-01-31, -- r\n", ids: []string{"MSG105:1", "MSG101:1"}, want: "(MSG101:1 comment r) (MSG105:1 comment r)"},
		"by name":              {text: "a: b # msgen:ignore noOwner -- r\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment r)"},
		"id in small letters":  {text: "a: b # msgen:ignore msg105 -- r\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment r)"},
		"all on the line":      {text: "a: b # msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1", "MSG105:1"}, want: "(MSG105:1 comment r) (MSG105:1 comment r)"},
		"reason with dashes":   {text: "a: b # msgen:ignore MSG105 -- a -- b  c\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment a -- b  c)"},
		"last day":             {text: "a: b # msgen:ignore MSG105 until=2026-11-23 -- r\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment r)"},
		"expired":              {text: "a: b # msgen:ignore MSG105 until=2026-11-22 -- r\n", ids: []string{"MSG105:1"}, want: "MSG105:1 MSG802:1"},
		"expired and mended":   {text: "a: b # msgen:ignore MSG105 until=2026-11-22 -- r\n", want: "MSG802:1"},
		"another in its place": {text: "# msgen:ignore MSG105 until=2026-11-22 -- r\na: b # msgen:ignore MSG105 -- s\n", ids: []string{"MSG105:2"}, want: "MSG802:1 (MSG105:2 comment s)"},
		"twice":                {text: "a: b # msgen:ignore MSG105 MSG105 -- r\n", ids: []string{"MSG105:1"}, want: "MSG803:1 (MSG105:1 comment r)"},
		"another rule":         {text: "a: b # msgen:ignore MSG101 -- r\n", ids: []string{"MSG105:1"}, want: "MSG105:1 MSG803:1"},
		"another line":         {text: "a: b # msgen:ignore MSG105 -- r\nc: d\n", ids: []string{"MSG105:2"}, want: "MSG803:1 MSG105:2"},
		"not the block":        {text: "# msgen:ignore MSG105 -- r\na:\n  b: c\n", ids: []string{"MSG105:3"}, want: "MSG803:1 MSG105:3"},
		"not before it":        {text: "a: b\n# msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1"}, want: "MSG105:1 MSG803:2"},
		"malformed hides none": {text: "a: b # msgen:ignore MSG105\n", ids: []string{"MSG105:1"}, want: "MSG105:1 MSG801:1"},
		"inside a text":        {text: "a: \"b # msgen:ignore MSG105 -- r\"\n", ids: []string{"MSG105:1"}, want: "MSG105:1"},
		"no yaml":              {file: "a.go", text: "a: b # msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1"}, want: "MSG105:1"},
		"yml":                  {file: "a.yml", text: "a: b # msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment r)"},
		"stdin":                {file: "<stdin>", text: "a: b # msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1"}, want: "(MSG105:1 comment r)"},
		"not run":              {text: "a: b # msgen:ignore MSG105 MSG101 -- r\n", ran: func(id string) bool { return id == "MSG101" }, want: "MSG803:1"},
		"talk about msgen":     {text: "# msgen: see its page\n# msgen:generate\na: b\n", want: ""},
		"suppressions":         {text: "a: b # msgen:ignore MSG105 -- r\n", ids: []string{"MSG105:1", "MSG804:1"}, want: "MSG804:1 (MSG105:1 comment r)"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.file == "" {
				test.file = "a.yaml"
			}
			f := source.NewFile(test.file, []byte(test.text))
			var list diag.List
			for _, id := range test.ids {
				var line int
				if _, err := fmt.Sscanf(id[len("MSG105:"):], "%d", &line); err != nil {
					t.Fatal(err)
				}
				list = append(list, finding(id[:len("MSG105")], f, line))
			}
			before := slices.Clone(list)
			got := outcome(suppress.Apply([]*source.File{f}, list, suppress.Options{Today: today, Ran: test.ran}))
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for i := range list {
				if list[i].ID != before[i].ID {
					t.Error("the findings were changed")
				}
			}
		})
	}
}

// What the decoder refuses has no id and cannot be ignored; the rules did not see the spec, so that no ignore is unused.
func TestErrorsWithoutID(t *testing.T) {
	f := source.NewFile("a.yaml", []byte("a: b # msgen:ignore MSG105 -- r\n"))
	broken := diag.Diagnostic{Severity: diag.Error, Message: "no such key", Primary: at(f, 1, 1)}
	baseline := suppress.NewBaseline("b.json", diag.List{broken, finding("MSG105", f, 1), finding(rule.UnusedIgnore, f, 1)})
	if len(baseline.Entries) != 1 || baseline.Entries[0].Rule != "MSG105" {
		t.Errorf("got %+v", baseline.Entries)
	}
	got := outcome(suppress.Apply([]*source.File{f}, diag.List{broken}, suppress.Options{Today: today, Baseline: baseline}))
	if got != ":1" {
		t.Errorf("got %q", got)
	}
}

// The day is that of the clock's own place.
func TestToday(t *testing.T) {
	f := source.NewFile("a.yaml", []byte("a: b # msgen:ignore MSG105 until=2026-11-23 -- r\n"))
	for zone, want := range map[int]string{0: "(MSG105:1 comment r)", 2: "MSG105:1 MSG802:1"} {
		now := today.In(time.FixedZone("", zone*60*60))
		if got := outcome(suppress.Apply([]*source.File{f}, diag.List{finding("MSG105", f, 1)}, suppress.Options{Today: now})); got != want {
			t.Errorf("%d hours east: got %q, want %q", zone, got, want)
		}
	}
}

// Every fix on an ignore comment leads to a spec without that finding, and changes nothing else.
func TestFixes(t *testing.T) {
	for name, test := range map[string]struct {
		text, want string
		line       int // of a finding of MSG105; 0 for none
	}{
		"own line":          {"a: b\n  # msgen:ignore MSG105 -- r\nc: d # e\n", "a: b\nc: d # e\n", 0},
		"behind a value":    {"a: b \t # msgen:ignore MSG105 -- r \nc: d\n", "a: b\nc: d\n", 0},
		"last line":         {"a: b\n# msgen:ignore MSG105 -- r", "a: b", 0},
		"crlf and bom":      {"\uFEFF# msgen:ignore MSG105 -- ж😀\r\na: b\r\n", "\uFEFFa: b\r\n", 0},
		"behind a comment":  {"# ab # msgen:ignore MSG105 -- r\na: b\n", "# ab\na: b\n", 0},
		"several, all":      {"a: b # msgen:ignore MSG105 MSG101 until=2027-01-01 -- r\n", "a: b\n", 0},
		"several, one":      {"a: b # msgen:ignore MSG101  MSG105 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"several, two":      {"a: b # msgen:ignore MSG101 MSG105 MSG102 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"expired":           {"a: b # msgen:ignore MSG105 until=2026-01-01 -- r\n", "a: b\n", 0},
		"typo of a name":    {"a: b # msgen:ignore NoOwnr -- r\n", "a: b # msgen:ignore NoOwner -- r\n", 1},
		"typo of ignore":    {"a: b # msgen:ignroe MSG105 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"blank":             {"a: b # msgen: ignore MSG105 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"comma behind it":   {"a: b # msgen:ignore MSG101, MSG105 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"comma between":     {"a: b # msgen:ignore MSG105,MSG101 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"comma before it":   {"a: b # msgen:ignore MSG105, MSG101 -- r\n", "a: b # msgen:ignore MSG105, -- r\n", 1},
		"commas all round":  {"a: b # msgen:ignore MSG101,MSG105,MSG102,MSG103 -- r\n", "a: b # msgen:ignore MSG105 -- r\n", 1},
		"dash":              {"a: b # msgen:ignore MSG105 — ж\n", "a: b # msgen:ignore MSG105 -- ж\n", 1},
		"dashes that stick": {"a: b # msgen:ignore MSG105 --ж\n", "a: b # msgen:ignore MSG105 -- ж\n", 1},
		"no dashes":         {"a: b # msgen:ignore MSG105 they said so\n", "a: b # msgen:ignore MSG105 -- they said so\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			text := test.text
			for round := 0; ; round++ {
				f := source.NewFile("a.yaml", []byte(text))
				var list diag.List
				if test.line > 0 {
					list = append(list, finding("MSG105", f, test.line))
				}
				r := suppress.Apply([]*source.File{f}, list, suppress.Options{Today: today})
				edits := edit.Fixes(r.Findings)[f]
				if len(edits) == 0 {
					if len(r.Findings) > 0 {
						t.Errorf("left: %v", r.Findings)
					}
					break
				}
				if round == 5 {
					t.Fatal("no end of fixes")
				}
				out, err := edit.Apply(f, edits)
				if err != nil {
					t.Fatal(err)
				}
				text = string(out)
			}
			if text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}

// Any comment is taken or refused at a place in the file, and fixes come to an end.
func FuzzIgnore(f *testing.F) {
	for _, seed := range []string{
		"a: b # msgen:ignore MSG105 MSG101,x until=2027-01-31 -- r", "# msgen:ignore\na: b\n", "a: |\n  # msgen:ignore -- \n# msgen: ignore x --y",
		"\uFEFFa: 'b # msgen:ignroe' # msgen:ignore — ж😀\r\n", "a: b # msgen:ignore\t\u00a0MSG105\t--",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for round := 0; ; round++ {
			file := source.NewFile("a.yaml", []byte(text))
			r := suppress.Apply([]*source.File{file}, diag.List{finding("MSG105", file, 1)}, suppress.Options{Today: today})
			for _, d := range r.Findings {
				if d.Message == "found" {
					continue // the test's own
				}
				if _, ok := file.Offset(d.Primary.Span.Start); !ok {
					t.Fatalf("%q: a span outside the file: %v", text, d)
				}
				if _, ok := file.Offset(d.Primary.Span.End); !ok {
					t.Fatalf("%q: a span ends outside the file: %v", text, d)
				}
			}
			edits := edit.Fixes(r.Findings)[file]
			if len(edits) == 0 {
				return
			}
			if round > 4+len(text) {
				t.Fatalf("no end of fixes: %q", text)
			}
			out, err := edit.Apply(file, edits)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			text = string(out)
		}
	})
}

// A thousand services with an ignore each; most of the time goes into the second reading of the YAML.
func BenchmarkApply(b *testing.B) {
	var text strings.Builder
	text.WriteString("apiVersion: msgen/v1\nsystem: big\nservices:\n")
	for i := range 1000 {
		_, _ = fmt.Fprintf(&text, "  # msgen:ignore MSG105 -- the team is formed in January\n  s%d:\n    responsibility: \"Does # things.\"\n    api: {Do%d: {internal: true}}\n", i, i)
	}
	spec, _ := schema.Load("big.yaml", []byte(text.String()))
	found := rule.Run(spec)
	b.ResetTimer()
	for range b.N {
		suppress.Apply([]*source.File{spec.File}, found, suppress.Options{Today: today})
	}
}
