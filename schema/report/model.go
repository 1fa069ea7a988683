package report

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"sort"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

const (
	home     = "https://github.com/msgen-dev/msgen"
	docsHome = home + "/blob/main/schema/rule/docs/"
)

// The rule that syntax and type errors are reported under: consumers want an id for everything, and msgen has none for them.
const (
	syntaxID       = "MSG000"
	syntaxName     = "SpecSyntax"
	syntaxCategory = "Specification"
)

// item is a finding with what the formats need beside it.
type item struct {
	*diag.Diagnostic
	rule rule.Rule
	// file is the name of the file it is in: that of its place, or of the only file; "" when there is none.
	file string
	// fingerprint identifies the finding from run to run: rule, file, logical path and which of those it is, never the line.
	fingerprint string
	// hidden says what suppresses it; nil when it counts.
	hidden *diag.Suppressed
}

// model is a report as the formats see it.
type model struct {
	*Report
	dir        string
	found      []item
	suppressed []item
	// ran are the rules that ran, and those that have findings all the same, by id.
	ran []rule.Rule
}

func newModel(r *Report, opts Options) *model {
	m := &model{Report: r, dir: opts.Dir}
	known, ran := map[string]rule.Rule{}, map[string]bool{}
	for _, q := range append(rule.Every(), r.Rules...) {
		known[q.ID] = q
	}
	add := func(d *diag.Diagnostic, hidden *diag.Suppressed) item {
		it := item{Diagnostic: d, file: fileName(d.Primary.Span), hidden: hidden}
		if it.file == "" && len(r.Files) == 1 {
			it.file = r.Files[0]
		}
		var ok bool
		if it.rule, ok = known[d.ID]; !ok {
			it.rule = foreign(d)
		}
		if !ran[it.rule.ID] {
			ran[it.rule.ID] = true
			m.ran = append(m.ran, it.rule)
		}
		return it
	}
	for i := range r.Findings {
		m.found = append(m.found, add(&r.Findings[i], nil))
	}
	for i := range r.Suppressed {
		m.suppressed = append(m.suppressed, add(&r.Suppressed[i].Diagnostic, &r.Suppressed[i]))
	}
	for _, q := range r.Rules {
		if !ran[q.ID] {
			ran[q.ID] = true
			m.ran = append(m.ran, q)
		}
	}
	sort.SliceStable(m.ran, func(i, j int) bool { return m.ran[i].ID < m.ran[j].ID })
	m.number()
	return m
}

// foreign is the rule of a finding that the registry has none for: that of syntax errors.
func foreign(d *diag.Diagnostic) rule.Rule {
	r := rule.Rule{ID: d.ID, Name: d.Name, Severity: d.Severity, Category: syntaxCategory}
	if r.ID == "" {
		r.ID, r.Name, r.Severity = syntaxID, syntaxName, diag.Error
	}
	return r
}

// number gives each finding its fingerprint. Suppressed ones are counted along, so that hiding one does not change the others'.
func (m *model) number() {
	all := make([]*item, 0, len(m.found)+len(m.suppressed))
	for i := range m.found {
		all = append(all, &m.found[i])
	}
	for i := range m.suppressed {
		all = append(all, &m.suppressed[i])
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Primary.Span.Start.Before(all[j].Primary.Span.Start) })
	count := map[string]int{}
	for _, it := range all {
		what := it.Path
		if what == "" {
			what = it.Message
		}
		key := strings.Join([]string{it.rule.ID, m.relative(it.file), what}, "\x00")
		count[key]++
		sum := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(count[key])))
		it.fingerprint = hex.EncodeToString(sum[:])
	}
}

// fails reports whether a finding makes the validation fail.
func (m *model) fails(it *item) bool { return it.Severity <= m.FailOn }

// summary counts findings and suppressed ones: "2 errors, 1 warning, 3 suppressed".
func (m *model) summary() string {
	text := diag.Summary(m.Findings)
	if n := len(m.suppressed); n > 0 {
		text += ", " + strconv.Itoa(n) + " suppressed"
	}
	return text
}

// severities counts the errors and warnings that are not suppressed.
func (m *model) severities() (errors, warnings int) {
	for i := range m.found {
		if m.found[i].Severity == diag.Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

// title is a rule's id and name.
func (it *item) title() string { return it.rule.ID + " " + it.rule.Name }

// place is file:line:col as far as they are known.
func (it *item) place() string {
	if s := it.Primary.Span; hasRange(s) {
		return placeOf(s)
	}
	return it.file
}

// placeOf is file:line:col, or the file alone for a span without lines.
func placeOf(s source.Span) string {
	if hasRange(s) {
		return normal(s).String()
	}
	return fileName(s)
}

// docsURI is the address of a rule's page; "" when it has none.
func docsURI(r rule.Rule) string {
	if r.Doc() == "" {
		return ""
	}
	return docsHome + r.ID + ".md"
}

func fileName(s source.Span) string {
	if s.File == nil {
		return ""
	}
	return s.File.Name
}

// hasRange reports whether a span names lines, not just a file.
func hasRange(s source.Span) bool { return s.File != nil && s.Start.Line > 0 }

// relative is a file's name as CI systems want it: relative to dir where it lies below it, without "./".
func (m *model) relative(name string) string {
	if name == "" || name == stdin {
		return name
	}
	clean := path.Clean(name)
	if m.dir != "" {
		if rest, ok := strings.CutPrefix(clean, strings.TrimSuffix(m.dir, "/")+"/"); ok {
			return rest
		}
	}
	return clean
}
