package report

import (
	"bytes"
	"encoding/json"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// jsonVersion is that of the form below. Fields may be added under it; none changes its meaning or goes away.
const jsonVersion = 1

type jsonReport struct {
	Version    int              `json:"version"`
	Tool       jsonTool         `json:"tool"`
	Files      []string         `json:"files"`
	FailOn     string           `json:"failOn"`
	Failed     bool             `json:"failed"`
	Summary    jsonSummary      `json:"summary"`
	Findings   []jsonFinding    `json:"findings"`
	Suppressed []jsonSuppressed `json:"suppressed"`
}

type jsonTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type jsonSummary struct {
	Rules      int `json:"rules"`
	Errors     int `json:"errors"`
	Warnings   int `json:"warnings"`
	Suppressed int `json:"suppressed"`
}

type jsonFinding struct {
	Rule        string      `json:"rule"`
	Name        string      `json:"name"`
	Severity    string      `json:"severity"`
	Category    string      `json:"category"`
	Message     string      `json:"message"`
	Path        string      `json:"path"`
	File        string      `json:"file"`
	Start       *jsonPos    `json:"start"`
	End         *jsonPos    `json:"end"`
	Label       string      `json:"label"`
	Related     []jsonLabel `json:"related"`
	Help        string      `json:"help"`
	Docs        *jsonDocs   `json:"docs"`
	Fix         *jsonFix    `json:"fix"`
	Fingerprint string      `json:"fingerprint"`
}

type jsonSuppressed struct {
	jsonFinding
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// jsonPos is 1-based; a column counts runes.
type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

type jsonLabel struct {
	File  string   `json:"file"`
	Start *jsonPos `json:"start"`
	End   *jsonPos `json:"end"`
	Label string   `json:"label"`
}

type jsonDocs struct {
	Name string `json:"name"`
	URI  string `json:"uri"`
}

type jsonFix struct {
	Title string     `json:"title"`
	Edits []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	File  string   `json:"file"`
	Start *jsonPos `json:"start"`
	End   *jsonPos `json:"end"`
	New   string   `json:"new"`
}

func (m *model) json() ([]byte, error) {
	errors, warnings := m.severities()
	out := jsonReport{
		Version: jsonVersion,
		Tool:    jsonTool{"msgen", m.Report.Version},
		Files:   append([]string{}, m.Files...),
		FailOn:  max(m.FailOn, diag.Error).String(),
		Failed:  m.Failed(),
		Summary: jsonSummary{
			Rules: len(m.Rules), Errors: errors, Warnings: warnings, Suppressed: len(m.suppressed),
		},
		Findings:   make([]jsonFinding, 0, len(m.found)),
		Suppressed: make([]jsonSuppressed, 0, len(m.suppressed)),
	}
	for i := range m.found {
		out.Findings = append(out.Findings, jsonOf(&m.found[i]))
	}
	for i := range m.suppressed {
		it := &m.suppressed[i]
		out.Suppressed = append(out.Suppressed, jsonSuppressed{jsonOf(it), string(it.hidden.By), it.hidden.Reason})
	}
	return encode(out)
}

func jsonOf(it *item) jsonFinding {
	f := jsonFinding{
		Rule: it.rule.ID, Name: it.rule.Name, Severity: it.Severity.String(), Category: it.rule.Category,
		Message: it.Message, Path: it.Path, File: it.file, Label: it.Primary.Text,
		Related: []jsonLabel{}, Help: it.Help, Fingerprint: it.fingerprint,
	}
	f.Start, f.End = jsonRange(it.Primary.Span)
	for _, s := range it.Secondary {
		if s.Span.IsZero() {
			continue
		}
		l := jsonLabel{File: fileName(s.Span), Label: s.Text}
		l.Start, l.End = jsonRange(s.Span)
		f.Related = append(f.Related, l)
	}
	if uri := docsURI(it.rule); uri != "" {
		f.Docs = &jsonDocs{it.rule.ID + ".md", uri}
	}
	if it.Fix != nil {
		f.Fix = &jsonFix{Title: it.Fix.Title, Edits: []jsonEdit{}}
		for _, e := range it.Fix.Edits {
			edit := jsonEdit{File: fileName(e.Span), New: e.New}
			edit.Start, edit.End = jsonRange(e.Span)
			f.Fix.Edits = append(f.Fix.Edits, edit)
		}
	}
	return f
}

// jsonRange is nil, nil for a place without lines.
func jsonRange(s source.Span) (start, end *jsonPos) {
	if !hasRange(s) {
		return nil, nil
	}
	s = normal(s)
	return &jsonPos{s.Start.Line, s.Start.Col}, &jsonPos{s.End.Line, s.End.Col}
}

// normal is a span with lines whose columns are at least 1 and whose end is not before its start.
func normal(s source.Span) source.Span {
	s.Start.Col = max(s.Start.Col, 1)
	if s.End.Before(s.Start) {
		s.End = s.Start
	}
	return s
}

// encode is indented JSON, for people to read; < and > stay as they are.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return out.Bytes(), err
}
