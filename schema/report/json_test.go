package report_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
	"github.com/msgen-dev/msgen/schema/rule"
)

type jsonPos struct{ Line, Column int }

type jsonFinding struct {
	Rule, Name, Severity, Category, Message, Path, File, Label, Help, Fingerprint string
	Start, End                                                                    *jsonPos
	Related                                                                       []struct {
		File, Label string
		Start, End  *jsonPos
	}
	Docs *struct{ Name, URI string }
	Fix  *struct {
		Title string
		Edits []struct {
			File, New  string
			Start, End *jsonPos
		}
	}
	By, Reason string
}

type jsonReport struct {
	Version  int
	Failed   bool
	FailOn   string
	Files    []string
	Findings []jsonFinding
	Summary  struct{ Rules, Errors, Warnings, Suppressed int }

	Suppressed []jsonFinding
}

func decodeJSON(t *testing.T, text string) jsonReport {
	t.Helper()
	var r jsonReport
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestJSON(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			text := write(t, "json", r, report.Options{})
			for _, list := range []string{"files", "findings", "suppressed", "related", "edits"} {
				if strings.Contains(text, `"`+list+`": null`) {
					t.Errorf("%s is null", list)
				}
			}
			got := decodeJSON(t, text)
			if got.Version != 1 || got.Failed != r.Failed() || len(got.Findings) != len(r.Findings) || len(got.Suppressed) != len(r.Suppressed) ||
				got.Summary.Errors+got.Summary.Warnings != len(r.Findings) || got.Summary.Suppressed != len(r.Suppressed) || got.Summary.Rules != len(r.Rules) {
				t.Errorf("got %+v", got)
			}
			seen := map[string]bool{}
			for i, f := range append(got.Findings, got.Suppressed...) {
				if f.Rule == "" || f.Name == "" || f.Severity == "" || f.Category == "" || f.Message == "" || seen[f.Fingerprint] {
					t.Errorf("finding %d is incomplete or not unique: %+v", i, f)
				}
				seen[f.Fingerprint] = true
				if (f.Start == nil) != (f.End == nil) || f.Start != nil && (f.Start.Line < 1 || f.Start.Column < 1 || f.End.Line < f.Start.Line) {
					t.Errorf("finding %d has a wrong place: %+v %+v", i, f.Start, f.End)
				}
			}
		})
	}
}

// A finding comes back whole.
func TestJSONFields(t *testing.T) {
	r := failing(t)
	got := decodeJSON(t, write(t, "json", r, report.Options{}))
	want := r.Findings[0]
	f := got.Findings[0]
	if f.Rule != "MSG301" || f.Name != want.Name || f.Severity != "error" || f.Category != "Communication" || f.Message != want.Message ||
		f.Path != want.Path || f.File != want.Primary.Span.File.Name || *f.Start != (jsonPos{21, 7}) || *f.End != (jsonPos{21, 19}) || f.Help != want.Help {
		t.Errorf("got %+v, want %+v", f, want)
	}
	if len(f.Related) != 1 || f.Related[0].Label != "declared here" || *f.Related[0].Start != (jsonPos{24, 3}) {
		t.Errorf("got %+v", f.Related)
	}
	if f.Docs == nil || f.Docs.Name != "MSG301.md" || !strings.HasSuffix(f.Docs.URI, "/schema/rule/docs/MSG301.md") {
		t.Errorf("got %+v", f.Docs)
	}
	last := got.Findings[len(got.Findings)-1]
	if last.Fix == nil || last.Fix.Title != "run two replicas" || len(last.Fix.Edits) != 1 || last.Fix.Edits[0].New != "2" || *last.Fix.Edits[0].Start != *last.Start {
		t.Errorf("got %+v", last.Fix)
	}
	if s := got.Suppressed; s[0].By != "comment" || s[0].Reason != r.Suppressed[0].Reason || s[1].By != "baseline" || s[1].Reason != "" {
		t.Errorf("got %+v", s)
	}
}

// Fingerprints stay when lines move or a finding is suppressed.
func TestFingerprints(t *testing.T) {
	prints := func(r *report.Report) []string {
		var list []string
		got := decodeJSON(t, write(t, "json", r, report.Options{}))
		for _, f := range append(got.Findings, got.Suppressed...) {
			list = append(list, f.Fingerprint)
		}
		return list
	}
	before := prints(many())
	moved := many()
	for i := range moved.Findings {
		moved.Findings[i].Primary.Span.Start.Line += 7
		moved.Findings[i].Primary.Span.End.Line += 7
	}
	for i, p := range prints(moved) {
		if p != before[i] {
			t.Errorf("fingerprint %d changed with its line", i)
		}
	}
	hidden := many()
	hidden.Suppressed = []diag.Suppressed{{Diagnostic: hidden.Findings[0], By: diag.ByBaseline}}
	hidden.Findings = hidden.Findings[1:]
	got := prints(hidden)
	if got[len(got)-1] != before[0] || got[0] != before[1] {
		t.Error("fingerprints changed when a finding was suppressed")
	}
}

const formats = "../../docs/formats.md"

// The page's example is what msgen writes for the spec that it names, and its table names every key.
func TestJSONDocs(t *testing.T) {
	page, err := os.ReadFile(formats)
	if err != nil {
		t.Fatal(err)
	}
	r := base()
	check(t, r, "MSG601")
	one, _ := rule.Get("MSG601")
	r.Rules, r.Findings = []rule.Rule{one}, r.Findings[:1]
	r.Files[0] = "msgen.yaml"
	d := &r.Findings[0]
	d.Primary.Span.File.Name = "msgen.yaml"
	d.Fix = &diag.Fix{Title: "run two replicas", Edits: []diag.Edit{{Span: d.Primary.Span, New: "2"}}}
	want := write(t, "json", r, report.Options{})
	example := regexp.MustCompile("(?s)```json\n(.*?)```")
	if *update {
		page = example.ReplaceAllLiteral(page, []byte("```json\n"+want+"```"))
		if err := os.WriteFile(formats, page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := example.FindSubmatch(page)
	if len(m) != 2 || string(m[1]) != want {
		t.Errorf("the example is not what is written now:\n%s", want)
	}
	keys := regexp.MustCompile(`"([A-Za-z]+)":`)
	for _, k := range keys.FindAllStringSubmatch(write(t, "json", failing(t), report.Options{}), -1) {
		if !strings.Contains(string(page), "`"+k[1]+"`") {
			t.Errorf("the page does not explain %s", k[1])
		}
	}
}
