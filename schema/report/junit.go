package report

import (
	"bytes"
	"encoding/xml"
	"slices"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// The form is that which Jenkins takes; the others follow it.

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Skipped   *junitOutcome `xml:"skipped"`
	Failure   *junitOutcome `xml:"failure"`
	Out       string        `xml:"system-out,omitempty"`
}

type junitOutcome struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// junit has a suite for each file and in it a case for each rule that ran. encoding/xml writes U+FFFD for what XML cannot hold.
func (m *model) junit() ([]byte, error) {
	all := append(slices.Clone(m.found), m.suppressed...)
	files := slices.Clone(m.Files)
	var others []string
	for i := range all {
		if f := all[i].file; !slices.Contains(files, f) && !slices.Contains(others, f) {
			others = append(others, f)
		}
	}
	sort.Strings(others)
	out := junitSuites{Name: "msgen validate"}
	for i, file := range append(files, others...) {
		suite, err := m.junitSuite(file, of(all, file), i < len(files))
		if err != nil {
			return nil, err
		}
		out.Suites = append(out.Suites, suite)
		out.Tests += suite.Tests
		out.Failures += suite.Failures
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", "  ")
	if err := e.Encode(out); err != nil {
		return nil, err
	}
	return oneEnd(b.Bytes()), nil
}

// of are the findings of one file.
func of(all []item, file string) []*item {
	var list []*item
	for i := range all {
		if all[i].file == file {
			list = append(list, &all[i])
		}
	}
	return list
}

// junitSuite is the suite of a file. A spec has a case for every rule that ran; another file only for the rules that found something in it.
func (m *model) junitSuite(file string, list []*item, spec bool) (junitSuite, error) {
	suite := junitSuite{Name: file}
	if file == "" {
		suite.Name = "msgen" // findings on no file
	}
	byRule := map[string][]*item{}
	for _, it := range list {
		byRule[it.rule.ID] = append(byRule[it.rule.ID], it)
	}
	rules := m.ran
	if spec && (len(rules) == 0 || rules[0].ID != syntaxID) {
		rules = append([]rule.Rule{foreign(&diag.Diagnostic{})}, rules...) // that it can be read is a case too
	}
	for _, r := range rules {
		found := byRule[r.ID]
		if len(found) == 0 && !spec {
			continue
		}
		c, err := m.junitCase(r, found)
		if err != nil {
			return suite, err
		}
		// Rules do not run, or not on everything, when the spec cannot be read: they have not passed.
		if len(found) == 0 && len(byRule[syntaxID]) > 0 {
			c.Skipped = &junitOutcome{Message: "not decided: the spec has errors of syntax"}
		}
		suite.Cases = append(suite.Cases, c)
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	return suite, nil
}

// junitCase is a rule's case: failed when a finding counts against the validation, skipped when all are suppressed, else passed with the
// warnings as its output.
func (m *model) junitCase(r rule.Rule, list []*item) (junitCase, error) {
	c := junitCase{Name: r.ID + " " + r.Name, ClassName: "msgen." + r.Category}
	var failed, warned diag.List
	hidden := ""
	for _, it := range list {
		switch {
		case it.hidden != nil && hidden == "":
			hidden = "suppressed " + suppressedBy(it)
		case it.hidden != nil:
		case m.fails(it):
			failed = append(failed, *it.Diagnostic)
		default:
			warned = append(warned, *it.Diagnostic)
		}
	}
	if len(failed) > 0 {
		text, err := rendered(failed)
		if err != nil {
			return c, err
		}
		message := failed[0].Message
		if len(failed) > 1 {
			message += " (and " + diag.Summary(failed[1:]) + " more)"
		}
		c.Failure = &junitOutcome{Type: failed[0].Severity.String(), Message: message, Text: text}
	}
	if len(warned) > 0 {
		text, err := rendered(warned)
		if err != nil {
			return c, err
		}
		c.Out = text
	}
	if hidden != "" && c.Failure == nil && c.Out == "" {
		c.Skipped = &junitOutcome{Message: hidden}
	}
	return c, nil
}

func rendered(list diag.List) (string, error) {
	var b strings.Builder
	err := diag.Render(&b, list, diag.Options{})
	return b.String(), err
}
