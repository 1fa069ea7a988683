package suppress_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
	"github.com/msgen-dev/msgen/schema/suppress"
)

const baselineText = `{
  "version": 1,
  "entries": [
    {"file": "a.yaml", "rule": "MSG101", "path": "services.<a> & \"b\"", "count": 1},
    {"file": "a.yaml", "rule": "MSG105", "path": "", "count": 2},
    {"file": "sub/a.yaml", "rule": "MSG101", "path": "x", "count": 1}
  ]
}
`

func read(t *testing.T, name, text string) *suppress.Baseline {
	t.Helper()
	b, err := suppress.ReadBaseline(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBaselineFile(t *testing.T) {
	a, sub := source.NewFile("deploy/a.yaml", []byte("a: b\n")), source.NewFile("deploy/sub/a.yaml", []byte("a: b\n"))
	f := func(id, path string, file *source.File) diag.Diagnostic {
		d := finding(id, file, 1)
		d.Path = path
		return d
	}
	list := diag.List{
		f("MSG101", "x", sub), f("MSG105", "", a), f("MSG101", `services.<a> & "b"`, a), f("MSG105", "", a), f(rule.UnusedIgnore, "x", a),
		{Severity: diag.Error, Message: "no id", Primary: at(a, 1, 1)},
	}
	b := suppress.NewBaseline("deploy/baseline.json", list)
	if got := string(b.Marshal()); got != baselineText {
		t.Errorf("got %s, want %s", got, baselineText)
	}
	if got := string(read(t, "deploy/baseline.json", baselineText).Marshal()); got != baselineText {
		t.Errorf("read and written again: %s", got)
	}
	const empty = "{\n  \"version\": 1,\n  \"entries\": []\n}\n"
	if got := string(suppress.NewBaseline("b.json", nil).Marshal()); got != empty {
		t.Errorf("empty: got %s", got)
	}
	if b := read(t, "b.json", empty); len(b.Entries) != 0 {
		t.Errorf("got %v", b.Entries)
	}
}

func TestBaselineCounts(t *testing.T) {
	f := source.NewFile("a.yaml", []byte("a: b\n"))
	same := func(n int) (list diag.List) {
		for range n {
			list = append(list, finding("MSG105", f, 1))
		}
		return list
	}
	const entry = `{"version": 1, "entries": [{"file": "a.yaml", "rule": "MSG105", "path": "line1", "count": 2}]}`
	const byBaseline = "(MSG105:1 baseline )"
	for name, test := range map[string]struct {
		entries  string
		findings diag.List
		files    []*source.File
		ran      func(string) bool
		want     string
	}{
		"fewer":              {entry, same(1), []*source.File{f}, nil, "MSG804:1 " + byBaseline},
		"as many":            {entry, same(2), []*source.File{f}, nil, byBaseline + " " + byBaseline},
		"more":               {entry, same(4), []*source.File{f}, nil, "MSG105:1 MSG105:1 " + byBaseline + " " + byBaseline},
		"none":               {entry, nil, []*source.File{f}, nil, "MSG804:1"},
		"another rule":       {entry, diag.List{finding("MSG101", f, 1)}, nil, nil, "MSG101:1"},
		"another path":       {entry, diag.List{finding("MSG105", f, 2)}, nil, nil, "MSG105:2"},
		"file not checked":   {entry, nil, nil, nil, ""},
		"rule did not run":   {entry, nil, []*source.File{f}, func(string) bool { return false }, ""},
		"unknown rule":       {strings.Replace(entry, "MSG105", "MSG199", 1), nil, []*source.File{f}, nil, "MSG804:1"},
		"a rule by its name": {strings.Replace(entry, "MSG105", "NoOwner", 1), same(1), []*source.File{f}, nil, "MSG105:1 MSG804:1"},
	} {
		t.Run(name, func(t *testing.T) {
			b := read(t, "b.json", test.entries)
			for range 2 { // the second time as the first: a baseline does not wear out
				got := outcome(suppress.Apply(test.files, test.findings, suppress.Options{Today: today, Baseline: b, Ran: test.ran}))
				if got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
		})
	}
}

// A comment goes first: what it hides needs no entry.
func TestCommentBeforeBaseline(t *testing.T) {
	f := source.NewFile("a.yaml", []byte("a: b # msgen:ignore MSG105 -- r\n"))
	list := diag.List{finding("MSG105", f, 1)}
	got := outcome(suppress.Apply([]*source.File{f}, list, suppress.Options{Today: today, Baseline: suppress.NewBaseline("b.json", list)}))
	if want := "(MSG105:1 comment r)"; !strings.HasSuffix(got, want) || !strings.Contains(got, "MSG804") {
		t.Errorf("got %q", got)
	}
}

// A baseline means the same wherever msgen is started.
func TestBaselineFromAnywhere(t *testing.T) {
	root := t.TempDir()
	const text = `{"version": 1, "entries": [{"file": "shop/msgen.yaml", "rule": "MSG105", "path": "line1", "count": 1}]}`
	abs := filepath.ToSlash(root)
	for name, test := range map[string]struct{ dir, baseline, spec string }{
		"from its folder":     {".", "base.json", "shop/msgen.yaml"},
		"with a dot":          {".", "./base.json", "./shop/msgen.yaml"},
		"from the spec's":     {"shop", "../base.json", "msgen.yaml"},
		"from beside":         {"other", "../base.json", "../shop/msgen.yaml"},
		"absolute spec":       {"shop", "../base.json", abs + "/shop/msgen.yaml"},
		"absolute baseline":   {"shop", abs + "/base.json", "msgen.yaml"},
		"absolute, elsewhere": {"other", abs + "/base.json", abs + "/shop/msgen.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(root, test.dir)
			makeDir(t, dir)
			t.Chdir(dir)
			f := source.NewFile(test.spec, []byte("a: b\n"))
			list := diag.List{finding("MSG105", f, 1)}
			if got := outcome(suppress.Apply([]*source.File{f}, list, suppress.Options{Today: today, Baseline: read(t, test.baseline, text)})); got != "(MSG105:1 baseline )" {
				t.Errorf("got %q", got)
			}
			written := suppress.NewBaseline(test.baseline, list)
			if got := written.Entries[0].File; got != "shop/msgen.yaml" {
				t.Errorf("written as %q", got)
			}
		})
	}
	f := source.NewFile("<stdin>", nil)
	if got := suppress.NewBaseline("x/b.json", diag.List{finding("MSG105", f, 1)}).Entries[0].File; got != "<stdin>" {
		t.Errorf("stdin is %q", got)
	}
}

func TestReadBaselineRefuses(t *testing.T) {
	const head = "{\n  \"version\": 1,\n  \"entries\": [\n"
	for name, test := range map[string]struct{ text, want string }{
		"empty":               {"", "b.json:1:1: unexpected end of JSON input"},
		"no JSON":             {"{\n  version: 1}", "b.json:2:3: invalid character 'v' looking for beginning of object key string"},
		"cut off":             {"{\n\"version\": 1,", "b.json:2:13: unexpected end of JSON input"},
		"a list":              {"[]", "b.json:1:2: expected an object, found array"},
		"null":                {"null", "b.json:1:1: the baseline has no version"},
		"more behind it":      {head + "]}\n{}", "b.json:5:1: invalid character '{' after top-level value"},
		"no version":          {`{"entries": []}`, "b.json:1:1: the baseline has no version"},
		"text version":        {`{"version": "1"}`, `b.json:1:16: version must be a whole number, found string`},
		"another version":     {`{"version": 2, "findings": {}}`, "b.json:1:1: version 2 of the baseline is unknown: this msgen reads version 1"},
		"no entries":          {`{"version": 1}`, "b.json:1:1: the baseline has no entries"},
		"entries no list":     {`{"version": 1, "entries": {}}`, "b.json:1:28: entries must be a list"},
		"unknown key":         {"{\"version\": 1, \"entries\": [],\n \"x\": 1}", `b.json:2:5: unknown key "x"`},
		"twice a key":         {`{"version": 1, "entries": [], "entries": []}`, `b.json:1:40: the key "entries" stands twice`},
		"entry no object":     {head + "  1]}", "b.json:4:3: expected an object, found number"},
		"unknown key inside":  {head + "    {\"file\": \"a\", \"rule\": \"MSG105\", \"line\": 7}]}", `b.json:4:5: unknown field "line"`},
		"no file":             {head + "{}]}", "b.json:4:1: an entry names no file"},
		"no rule":             {head + `{"file": "a"}]}`, "b.json:4:1: an entry names no rule"},
		"no count":            {head + `{"file": "a", "rule": "MSG105", "path": "p"}]}`, "b.json:4:1: an entry's count must be 1 or more"},
		"text count":          {head + `{"file": "a", "rule": "MSG105", "path": "p", "count": "1"}]}`, "b.json:4:1: count must be a whole number, found string"},
		"a fraction as count": {head + `{"file": "a", "rule": "MSG105", "path": "p", "count": 1.5}]}`, "b.json:4:1: count must be a whole number, found number 1.5"},
		"duplicate": {
			head + "{\"file\": \"a\", \"rule\": \"MSG105\", \"path\": \"p\", \"count\": 1},\n {\"file\": \"a\", \"rule\": \"MSG105\", \"path\": \"p\", \"count\": 2}]}",
			"b.json:5:2: MSG105 at p of a stands in the baseline already, in line 4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := suppress.ReadBaseline("b.json", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Errorf("got %v %v, want %q", b, err, test.want)
			}
		})
	}
}

// A stale entry is shown where it stands, whatever the form of the file.
func TestStalePlace(t *testing.T) {
	f := source.NewFile("a.yaml", []byte("a: b\n"))
	b := read(t, "b.json", "\uFEFF{\"version\": 1, \"entries\": [\r\n  {\"file\": \"a.yaml\", \"rule\": \"MSG105\", \"path\": \"ж\", \"count\": 1},\r\n\t{\r\n\"file\": \"a.yaml\", \"rule\": \"MSG101\", \"path\": \"x\", \"count\": 1\r\n}]}")
	r := suppress.Apply([]*source.File{f}, nil, suppress.Options{Today: today, Baseline: b})
	var got []string
	for _, d := range r.Findings {
		s := d.Primary.Span
		end := source.Span{File: s.File, Start: s.End}
		got = append(got, d.Path+" "+s.String()+" "+end.String())
	}
	if want := "ж b.json:2:3 b.json:2:64;x b.json:3:2 b.json:5:2"; strings.Join(got, ";") != want {
		t.Errorf("got %q, want %q", strings.Join(got, ";"), want)
	}
}

// Whatever is read as a baseline is written so that it reads the same.
func FuzzReadBaseline(f *testing.F) {
	f.Add(baselineText)
	f.Add(`{"entries": [{"file": "a", "rule": "r", "count": 1}], "version": 1}`)
	f.Add("\uFEFF{}")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := suppress.ReadBaseline("b.json", []byte(text))
		if err != nil {
			return
		}
		first := b.Marshal()
		again, err := suppress.ReadBaseline("b.json", first)
		if err != nil {
			t.Fatalf("%q is written as %s: %v", text, first, err)
		}
		if !bytes.Equal(again.Marshal(), first) {
			t.Fatalf("%s is written again as %s", first, again.Marshal())
		}
	})
}
