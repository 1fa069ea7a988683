package report_test

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/msgen-dev/msgen/schema/report"
)

func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type sarifRegion struct{ StartLine, StartColumn, EndLine, EndColumn int }

type sarifLocation struct {
	ID               int
	Message          *struct{ Text string }
	PhysicalLocation *struct {
		ArtifactLocation struct{ URI, URIBaseID string }
		Region           *sarifRegion
	}
	LogicalLocations []struct{ FullyQualifiedName string }
}

type sarifResult struct {
	RuleID                      string
	RuleIndex                   int
	Level                       string
	Message                     struct{ Text string }
	Locations, RelatedLocations []sarifLocation
	PartialFingerprints         map[string]string
	Suppressions                []struct{ Kind, Justification string }
	Fixes                       []struct {
		ArtifactChanges []struct {
			Replacements []struct {
				DeletedRegion   sarifRegion
				InsertedContent struct{ Text string }
			}
		}
	}
}

type sarifRun struct {
	ColumnKind string
	Tool       struct {
		Driver struct {
			Name, Version, SemanticVersion string
			Rules                          []struct {
				ID, Name, HelpURI                       string
				ShortDescription, FullDescription, Help struct{ Text, Markdown string }
				DefaultConfiguration                    struct{ Level string }
				Properties                              struct{ Tags []string }
			}
		}
	}
	Results []sarifResult
}

func decodeSARIF(t *testing.T, text string) sarifRun {
	t.Helper()
	var log struct{ Runs []sarifRun }
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || !strings.Contains(text, `"results": [`) {
		t.Fatalf("no run, or no list of results: %s", text)
	}
	return log.Runs[0]
}

func TestSARIF(t *testing.T) {
	s := sarifSchema(t)
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			text := write(t, "sarif", r, report.Options{})
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(doc); err != nil {
				t.Errorf("not valid: %v", err)
			}
			run := decodeSARIF(t, text)
			if len(run.Results) != len(r.Findings)+len(r.Suppressed) || run.ColumnKind != "unicodeCodePoints" {
				t.Errorf("got %d results", len(run.Results))
			}
			rules := run.Tool.Driver.Rules
			for i, r := range rules {
				if r.ShortDescription.Text == "" && r.ID != "X1" || len(r.Properties.Tags) != 1 || i > 0 && rules[i-1].ID >= r.ID {
					t.Errorf("rule %d: %+v", i, r)
				}
			}
			seen := map[string]bool{}
			for i, f := range run.Results {
				if f.RuleID == "" || rules[f.RuleIndex].ID != f.RuleID || f.Suppressions == nil || f.Message.Text == "" {
					t.Errorf("result %d: %+v", i, f)
				}
				if p := f.PartialFingerprints["ruleAndPath/v1"]; p == "" || seen[p] {
					t.Errorf("result %d: fingerprint %q is none or not unique", i, p)
				} else {
					seen[p] = true
				}
				for _, l := range append(f.Locations, f.RelatedLocations...) {
					if l.PhysicalLocation == nil {
						continue
					}
					at := l.PhysicalLocation.ArtifactLocation
					u, err := url.Parse(at.URI)
					if err != nil || strings.ContainsAny(at.URI, " \\<>|`\"") || u.IsAbs() == (at.URIBaseID == "%SRCROOT%") || strings.HasPrefix(at.URI, "./a/") {
						t.Errorf("result %d: uri %q relative to %q: %v", i, at.URI, at.URIBaseID, err)
					}
					if g := l.PhysicalLocation.Region; g != nil && (g.StartLine < 1 || g.StartColumn < 1 || g.EndLine < g.StartLine) {
						t.Errorf("result %d: region %+v", i, g)
					}
				}
			}
		})
	}
}

func TestSARIFFields(t *testing.T) {
	r := failing(t)
	run := decodeSARIF(t, write(t, "sarif", r, report.Options{}))
	d := run.Tool.Driver
	if d.Name != "msgen" || d.SemanticVersion != "1.2.3" || len(d.Rules) != len(r.Rules) {
		t.Errorf("got driver %s %s with %d rules", d.Name, d.SemanticVersion, len(d.Rules))
	}
	f := run.Results[0]
	meta := d.Rules[f.RuleIndex]
	if meta.Name != "EventNeverSent" || meta.DefaultConfiguration.Level != "error" || meta.Properties.Tags[0] != "Communication" ||
		!strings.Contains(meta.Help.Markdown, "## Prefer") || !strings.HasSuffix(meta.HelpURI, "MSG301.md") ||
		!strings.Contains(meta.FullDescription.Text, "wait for ever") {
		t.Errorf("got rule %+v", meta)
	}
	l := f.Locations[0]
	if l.PhysicalLocation.ArtifactLocation.URI != "systems/MSG301/msgen.yaml" || *l.PhysicalLocation.Region != (sarifRegion{21, 7, 21, 19}) ||
		l.LogicalLocations[0].FullyQualifiedName != r.Findings[0].Path {
		t.Errorf("got %+v", l)
	}
	if len(f.RelatedLocations) != 1 || f.RelatedLocations[0].ID != 1 || !strings.Contains(f.Message.Text, "([declared here](1))") ||
		!strings.Contains(f.Message.Text, "\nhelp: add it to") {
		t.Errorf("got %q and %+v", f.Message.Text, f.RelatedLocations)
	}
	n := len(r.Findings)
	fix := run.Results[n-1].Fixes[0].ArtifactChanges[0].Replacements[0]
	if fix.InsertedContent.Text != "2" || fix.DeletedRegion != *run.Results[n-1].Locations[0].PhysicalLocation.Region {
		t.Errorf("got %+v", fix)
	}
	in, ex := run.Results[n].Suppressions, run.Results[n+1].Suppressions
	if len(in) != 1 || in[0].Kind != "inSource" || in[0].Justification != r.Suppressed[0].Reason || len(ex) != 1 || ex[0].Kind != "external" {
		t.Errorf("got %+v and %+v", in, ex)
	}
}

func TestURIs(t *testing.T) {
	got := map[string]string{}
	r := hostile()
	for _, f := range decodeSARIF(t, write(t, "sarif", r, report.Options{Dir: "/abs"})).Results {
		if len(f.Locations) == 0 {
			continue
		}
		if p := f.Locations[0].PhysicalLocation; p != nil {
			got[p.ArtifactLocation.URI] = p.ArtifactLocation.URIBaseID
		}
	}
	for uri, root := range map[string]string{
		"dir%20with%20space/100%25/a,b:c%23d%3Fe%7Cf%60g%3Ch%3E.yaml": "%SRCROOT%",
		"stdin":                     "%SRCROOT%",
		"olute/%C3%BC.yaml":         "%SRCROOT%",
		"file:///C:/win/msgen.yaml": "",
		"../up.yaml":                "%SRCROOT%",
		"./a:b.yaml":                "%SRCROOT%",
	} {
		if base, ok := got[uri]; !ok || base != root {
			t.Errorf("%s is not there or not relative to %q: %v", uri, root, got)
		}
	}
	if text := write(t, "sarif", r, report.Options{}); !strings.Contains(text, `"file:///abs/olute/%C3%BC.yaml"`) {
		t.Error("an absolute name without a folder is no file address")
	}
}

// A finding without lines has no region, one without a file no physical location; syntax errors have a rule.
func TestSARIFPlaces(t *testing.T) {
	r := hostile()
	regions, none := 0, 0
	for _, f := range decodeSARIF(t, write(t, "sarif", r, report.Options{})).Results {
		switch p := f.Locations; {
		case len(p) == 0 || p[0].PhysicalLocation == nil:
			none++
		case p[0].PhysicalLocation.Region != nil:
			regions++
		}
	}
	wantRegions, wantNone := 0, 0
	list := r.Findings
	for _, s := range r.Suppressed {
		list = append(list, s.Diagnostic)
	}
	for _, d := range list {
		switch {
		case d.Primary.Span.File == nil:
			wantNone++
		case d.Primary.Span.Start.Line > 0:
			wantRegions++
		}
	}
	if regions != wantRegions || none != wantNone {
		t.Errorf("got %d regions and %d without a file, want %d and %d", regions, none, wantRegions, wantNone)
	}
	run := decodeSARIF(t, write(t, "sarif", syntax(t), report.Options{}))
	if f := run.Results[0]; f.RuleID != "MSG000" || run.Tool.Driver.Rules[f.RuleIndex].Name != "SpecSyntax" {
		t.Errorf("a syntax error has rule %s", f.RuleID)
	}
}

// Text that looks like a placeholder or a link stays text; braces of a route stay as they are.
func TestSARIFLiterals(t *testing.T) {
	r := many()
	r.Findings = r.Findings[:1]
	r.Findings[0].Message = "GET /v1/orders/{id} has {0} and [no link](1)"
	const want = `GET /v1/orders/{id} has {{0}} and \[no link](1)`
	if got := decodeSARIF(t, write(t, "sarif", r, report.Options{})).Results[0].Message.Text; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
