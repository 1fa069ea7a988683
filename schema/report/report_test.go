package report_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

var update = flag.Bool("update", false, "write golden files")

// reports are those that every format is tried on.
func reports(t *testing.T) map[string]*report.Report {
	t.Helper()
	warnings := failing(t)
	warnings.FailOn = diag.Warning
	return map[string]*report.Report{
		"empty": {}, "clean": clean(t), "failing": failing(t), "fail-on-warning": warnings, "only-warnings": onlyWarnings(t),
		"syntax": syntax(t), "hostile": hostile(), "many": many(),
	}
}

func base(files ...string) *report.Report {
	return &report.Report{Version: "1.2.3", Files: files, Rules: rule.All(), FailOn: diag.Error}
}

// check loads the failing spec of a rule, names it after the rule and adds what that rule finds.
func check(t *testing.T, r *report.Report, id string) {
	t.Helper()
	name := "systems/" + id + "/msgen.yaml"
	content, err := os.ReadFile(filepath.Join("..", "..", "testdata", "rules", id, "fail.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec, list := schema.Load(name, content)
	if spec == nil || len(list) > 0 {
		t.Fatalf("%s does not load: %v", id, list)
	}
	r.Files = append(r.Files, name)
	r.Findings = append(r.Findings, rule.Run(spec, id)...)
}

func clean(t *testing.T) *report.Report {
	t.Helper()
	content, err := os.ReadFile("../../testdata/specs/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, list := schema.Load("msgen.yaml", content)
	r := base("msgen.yaml")
	r.Findings = append(r.Findings, list...)
	r.Findings = append(r.Findings, rule.Run(spec)...)
	if len(r.Findings) > 0 {
		t.Fatalf("the minimal spec is not clean: %v", r.Findings)
	}
	return r
}

// failing has errors with related places, warnings and findings that are suppressed in both ways.
func failing(t *testing.T) *report.Report {
	t.Helper()
	r := base()
	for _, id := range []string{"MSG301", "MSG105", "MSG601"} {
		check(t, r, id)
	}
	other := base()
	check(t, other, "MSG305")
	check(t, other, "MSG501")
	r.Files = append(r.Files, other.Files...)
	r.Suppressed = []diag.Suppressed{
		{Diagnostic: other.Findings[0], By: diag.ByComment, Reason: "the partner has no idempotent API before 2027"},
		{Diagnostic: other.Findings[len(other.Findings)-1], By: diag.ByBaseline},
	}
	fixed := &r.Findings[len(r.Findings)-1]
	fixed.Fix = &diag.Fix{Title: "run two replicas", Edits: []diag.Edit{{Span: fixed.Primary.Span, New: "2"}}}
	return r
}

func onlyWarnings(t *testing.T) *report.Report {
	t.Helper()
	r := base()
	check(t, r, "MSG501")
	return r
}

// syntax is a spec that cannot be read.
func syntax(t *testing.T) *report.Report {
	t.Helper()
	_, list := schema.Load("<stdin>", []byte("apiVersion: msgen/v1\nsystem: shop\nservices: {orders: {replica: 2, owner: [a]}}\n"))
	if len(list) < 2 {
		t.Fatalf("got %d findings, want several", len(list))
	}
	r := base("<stdin>")
	r.Findings = list
	return r
}

// nasty is what a spec or a file name may hold to break out of a format.
const nasty = "a\"b'c\\d %0A 100% ::error file=x::y ]]> <b>&amp;</b> | `code` *x* _y_ [l](http://e.x) {0} \x00\x1b[31m\r\nz\t\u2028\u202e 𝔘\xff"

// hostile has findings whose every text is hostile, with places of every kind: none, a file alone, one line, several, an empty one.
func hostile() *report.Report {
	name := "dir with space/100%/a,b:c#d?e|f`g<h>.yaml"
	f := source.NewFile(name, []byte("one: 𝔘𝔘𝔘 two\nthree: \x1b]]>\nfour\n"))
	at := func(line, col, endLine, endCol int) source.Span {
		return source.Span{File: f, Start: source.Pos{Line: line, Col: col}, End: source.Pos{Line: endLine, Col: endCol}}
	}
	spans := []source.Span{{}, {File: f}, at(1, 6, 1, 9), at(1, 6, 3, 2), at(2, 8, 2, 8), {File: f, Start: source.Pos{Line: 2}}}
	r := base(name, "<stdin>", "/abs/olute/ü.yaml", "C:/win/msgen.yaml", "../up.yaml", "a:b.yaml")
	for i, s := range spans {
		for _, severity := range []diag.Severity{diag.Error, diag.Warning} {
			d := diag.Diagnostic{
				ID: "MSG301", Name: "EventNeverSent", Severity: severity, Message: fmt.Sprintf("%d %s", i, nasty), Path: "services." + nasty,
				Primary: diag.Label{Span: s, Text: nasty}, Help: nasty,
				Secondary: []diag.Label{{Span: at(3, 1, 3, 5), Text: nasty}, {Text: "nowhere"}, {Span: source.Span{File: f}, Text: "in the file"}},
				Fix:       &diag.Fix{Title: nasty, Edits: []diag.Edit{{Span: s, New: nasty}, {Span: at(1, 1, 1, 1), New: "<!]]>"}}},
			}
			r.Findings = append(r.Findings, d)
			if i < 2 { // without a rule, and of one that the registry does not know
				d.ID, d.Name, d.Path, d.Fix = "", "", "", nil
				r.Findings = append(r.Findings, d)
				d.ID, d.Name = "X1", "Unknown"
				r.Suppressed = append(r.Suppressed, diag.Suppressed{Diagnostic: d, By: diag.ByComment, Reason: nasty})
			}
		}
	}
	for _, name := range r.Files[1:] {
		r.Findings = append(r.Findings, diag.Diagnostic{
			ID: "MSG101", Name: "UnknownReference", Severity: diag.Error, Message: "x", Path: "events.X",
			Primary: diag.Label{Span: source.Span{File: source.NewFile(name, []byte("x")), Start: source.Pos{Line: 1, Col: 1}, End: source.Pos{Line: 1, Col: 2}}},
		})
	}
	return r
}

// many has more findings than GitHub shows, and the same finding on several lines.
func many() *report.Report {
	r := base("msgen.yaml")
	f := source.NewFile("msgen.yaml", []byte(strings.Repeat("line\n", 60)))
	for i := range 48 {
		d := diag.Diagnostic{
			ID: "MSG105", Name: "NoOwner", Severity: diag.Warning, Message: fmt.Sprintf("finding %d", i), Path: "services.orders",
			Primary: diag.Label{Span: source.Span{File: f, Start: source.Pos{Line: i + 1, Col: 1}, End: source.Pos{Line: i + 1, Col: 5}}},
		}
		if i%2 == 1 {
			d.ID, d.Name, d.Severity = "MSG101", "UnknownReference", diag.Error
		}
		r.Findings = append(r.Findings, d)
	}
	return r
}

func write(t *testing.T, format string, r *report.Report, opts report.Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, format, r, opts); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// counted are numbers of rules, which grow with the registry.
var counted = regexp.MustCompile(`([0-9]+ of )?[0-9]+ rules|Rules checked: [0-9]+|правил: [0-9]+( из [0-9]+)?`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = counted.ReplaceAllStringFunc(got, func(s string) string { return regexp.MustCompile(`[0-9]+`).ReplaceAllString(s, "N") })
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, want)
	}
}

// Every format of every report ends with one line end, is the same when written again, and holds nothing that moves a terminal's cursor.
func TestOutput(t *testing.T) {
	for name, r := range reports(t) {
		for _, format := range append(slices.Clone(report.Formats), "summary") {
			t.Run(name+"/"+format, func(t *testing.T) {
				once := func() string {
					if format != "summary" {
						return write(t, format, r, report.Options{})
					}
					var out bytes.Buffer
					if err := report.JobSummary(&out, r); err != nil {
						t.Fatal(err)
					}
					return out.String()
				}
				got := once()
				if got == "" && format == "github" && len(r.Findings) == 0 {
					return // nothing to annotate
				}
				if !strings.HasSuffix(got, "\n") || strings.HasSuffix(got, "\n\n") {
					t.Errorf("does not end with one line end: %q", got[max(0, len(got)-20):])
				}
				if again := once(); again != got {
					t.Error("differs when written again")
				}
				if strings.ContainsAny(got, "\x00\x1b\r") {
					t.Error("holds control characters")
				}
			})
		}
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestErrors(t *testing.T) {
	r := many()
	for _, format := range report.Formats {
		if err := report.Write(brokenPipe{}, format, r, report.Options{}); !errors.Is(err, errPipe) {
			t.Errorf("%s: got %v, want the writer's error", format, err)
		}
	}
	if err := report.JobSummary(brokenPipe{}, r); !errors.Is(err, errPipe) {
		t.Errorf("summary: got %v, want the writer's error", err)
	}
	var out bytes.Buffer
	for _, format := range []string{"", "text", "xml"} {
		if err := report.Write(&out, format, r, report.Options{}); err == nil || out.Len() > 0 {
			t.Errorf("format %q: got %v and %q", format, err, out.String())
		}
	}
	if err := report.Write(&out, "markdown", r, report.Options{Lang: "de"}); err == nil || out.Len() > 0 {
		t.Errorf("lang de: got %v and %q", err, out.String())
	}
}
