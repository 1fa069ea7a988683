package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/joshdk/go-junit"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
)

// junitElement is what the schema of Jenkins' xUnit plugin (junit-10.xsd) says of an element, as far as msgen writes it.
type junitElement struct {
	children, required, optional []string
	text                         bool
}

var junitElements = map[string]junitElement{
	"testsuites": {children: []string{"testsuite"}, optional: []string{"name", "time", "tests", "failures", "errors"}},
	"testsuite": {
		children: []string{"testsuite", "properties", "testcase", "system-out", "system-err"}, required: []string{"name", "tests", "failures", "errors"},
		optional: []string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
	},
	"testcase": {
		children: []string{"skipped", "error", "failure", "system-out", "system-err"}, required: []string{"name"},
		optional: []string{"time", "classname", "group"},
	},
	"failure":    {optional: []string{"type", "message"}, text: true},
	"skipped":    {optional: []string{"type", "message"}, text: true},
	"system-out": {text: true},
}

// checkJUnit holds a document against junitElements.
func checkJUnit(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	var open []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			form, ok := junitElements[name]
			if len(open) == 0 && name != "testsuites" || len(open) > 0 && !slices.Contains(junitElements[open[len(open)-1]].children, name) || !ok {
				t.Errorf("element %s is not allowed in %v", name, open)
			}
			missing := slices.Clone(form.required)
			for _, a := range e.Attr {
				if !slices.Contains(form.required, a.Name.Local) && !slices.Contains(form.optional, a.Name.Local) {
					t.Errorf("%s may not have attribute %s", name, a.Name.Local)
				}
				missing = slices.DeleteFunc(missing, func(n string) bool { return n == a.Name.Local })
				if a.Name.Local == "name" && a.Value == "" {
					t.Errorf("%s has no name", name)
				}
			}
			if len(missing) > 0 {
				t.Errorf("%s lacks %v", name, missing)
			}
			open = append(open, name)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && strings.TrimSpace(string(e)) != "" && !junitElements[open[len(open)-1]].text {
				t.Errorf("text in %v", open)
			}
		}
	}
}

func ingest(t *testing.T, text string) []junit.Suite {
	t.Helper()
	suites, err := junit.Ingest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return suites
}

// findCase is the case of a rule in the suite of a file.
func findCase(t *testing.T, suites []junit.Suite, file, id string) junit.Test {
	t.Helper()
	for _, s := range suites {
		if s.Name != file {
			continue
		}
		for _, c := range s.Tests {
			if strings.HasPrefix(c.Name, id+" ") {
				return c
			}
		}
	}
	t.Fatalf("no case of %s in %s", id, file)
	return junit.Test{}
}

func TestJUnit(t *testing.T) {
	for name, r := range reports(t) {
		t.Run(name, func(t *testing.T) {
			text := write(t, "junit", r, report.Options{})
			checkJUnit(t, text)
			suites := ingest(t, text)
			failed := 0
			for i, s := range suites {
				// The attributes say what the consumer counts itself.
				if s.Totals.Error != 0 || !strings.Contains(text, `tests="`+strconv.Itoa(s.Totals.Tests)+`" failures="`+strconv.Itoa(s.Totals.Failed)+`" errors="0" skipped="`+strconv.Itoa(s.Totals.Skipped)+`"`) {
					t.Errorf("%s: got %+v", s.Name, s.Totals)
				}
				if i < len(r.Files) && (s.Name != r.Files[i] || s.Totals.Tests < len(r.Rules)+1) {
					t.Errorf("suite %d is %s with %d tests", i, s.Name, s.Totals.Tests)
				}
				failed += s.Totals.Failed
			}
			if (failed > 0) != r.Failed() || len(suites) < len(r.Files) {
				t.Errorf("%d cases failed, the validation failed: %t", failed, r.Failed())
			}
		})
	}
}

func TestJUnitCases(t *testing.T) {
	r := failing(t)
	suites := ingest(t, write(t, "junit", r, report.Options{}))
	file := func(id string) string { return "systems/" + id + "/msgen.yaml" }

	c := findCase(t, suites, file("MSG301"), "MSG301")
	var text strings.Builder
	if err := diag.Render(&text, r.Findings[:1], diag.Options{}); err != nil {
		t.Fatal(err)
	}
	if c.Status != junit.StatusFailed || c.Name != "MSG301 EventNeverSent" || c.Classname != "msgen.Communication" || c.Message != r.Findings[0].Message {
		t.Errorf("got %+v", c)
	}
	var failure junit.Error
	if !errors.As(c.Error, &failure) || failure.Type != "error" || strings.TrimSpace(failure.Body) != strings.TrimSpace(text.String()) {
		t.Errorf("got %+v, want\n%s", c.Error, text.String())
	}
	if c := findCase(t, suites, file("MSG301"), "MSG101"); c.Status != junit.StatusPassed || c.SystemOut != "" {
		t.Errorf("a rule without findings: %+v", c)
	}
	// A warning does not fail a case unless it fails the validation.
	if c := findCase(t, suites, file("MSG601"), "MSG601"); c.Status != junit.StatusPassed || !strings.Contains(c.SystemOut, "warning[MSG601]") {
		t.Errorf("a warning: %+v", c)
	}
	r.FailOn = diag.Warning
	if c := findCase(t, ingest(t, write(t, "junit", r, report.Options{})), file("MSG601"), "MSG601"); c.Status != junit.StatusFailed {
		t.Errorf("a warning that counts: %+v", c)
	}
	if c := findCase(t, suites, file("MSG305"), "MSG305"); c.Status != junit.StatusSkipped || !strings.Contains(c.Message, "no idempotent API") {
		t.Errorf("a suppressed finding: %+v", c)
	}
	suites = ingest(t, write(t, "junit", syntax(t), report.Options{}))
	if c := findCase(t, suites, "<stdin>", "MSG000"); c.Status != junit.StatusFailed {
		t.Errorf("a syntax error: %+v", c)
	}
	if c := findCase(t, suites, "<stdin>", "MSG101"); c.Status != junit.StatusSkipped {
		t.Errorf("a rule beside a syntax error: %+v", c)
	}
}
