package report

import (
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	// srcRoot is the name by which consumers know the root of the sources.
	srcRoot = "%SRCROOT%"
	// fingerprintKey names how fingerprints are made; another way would be v2.
	fingerprintKey = "ruleAndPath/v1"
)

func (m *model) sarif() ([]byte, error) {
	driver := sarifDriver{
		Name: "msgen", Version: m.Report.Version, InformationURI: home, Rules: make([]sarifRule, 0, len(m.ran)),
	}
	if v := strings.TrimPrefix(m.Report.Version, "v"); semver.IsValid("v" + v) {
		driver.SemanticVersion = v
	}
	index := map[string]int{}
	for i, r := range m.ran {
		index[r.ID] = i
		driver.Rules = append(driver.Rules, sarifRuleOf(r))
	}
	results := make([]sarifResult, 0, len(m.found)+len(m.suppressed))
	for i := range m.found {
		results = append(results, m.sarifResult(&m.found[i], index))
	}
	for i := range m.suppressed {
		results = append(results, m.sarifResult(&m.suppressed[i], index))
	}
	return encode(sarifLog{
		Schema: sarifSchema, Version: "2.1.0",
		Runs: []sarifRun{{
			Tool: sarifTool{driver}, ColumnKind: "unicodeCodePoints",
			OriginalURIBaseIDs: map[string]sarifArtifact{srcRoot: {Description: &sarifText{Text: "The folder that msgen was run for."}}},
			Results:            results,
		}},
	})
}

func sarifRuleOf(r rule.Rule) sarifRule {
	out := sarifRule{
		ID: r.ID, Name: r.Name, HelpURI: docsURI(r), DefaultConfiguration: sarifConfig{r.Severity.String()},
		Properties: sarifProperties{Tags: []string{r.Category}, ProblemSeverity: r.Severity.String()},
	}
	if doc := r.Doc(); doc != "" {
		out.ShortDescription.Text = r.Summary()
		out.FullDescription.Text = strings.TrimSpace(r.Summary() + " " + why(doc))
		out.Help = sarifText{Text: doc, Markdown: doc}
		return out
	}
	out.ShortDescription.Text = "The spec cannot be read as it stands."
	out.FullDescription.Text = "The spec is not well-formed YAML, or a key or value in it is not one that msgen knows."
	out.Help.Text = "Correct what the message names; `msgen schema` prints the JSON Schema of the spec, for editors."
	return out
}

// why is the section of a rule's page that gives its reason, in one line.
func why(doc string) string {
	_, text, _ := strings.Cut(doc, "\n## Why\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return strings.Join(strings.Fields(text), " ")
}

func (m *model) sarifResult(it *item, index map[string]int) sarifResult {
	out := sarifResult{
		RuleID: it.rule.ID, RuleIndex: index[it.rule.ID], Level: it.Severity.String(),
		PartialFingerprints: map[string]string{fingerprintKey: it.fingerprint},
		Locations:           []sarifLocation{}, Suppressions: []sarifSuppression{}, // all results have suppressions, or none (§3.27.23)
	}
	location := sarifLocation{PhysicalLocation: m.physical(it.file, it.Primary.Span)}
	if it.Path != "" {
		location.LogicalLocations = []sarifLogical{{it.Path}}
	}
	if location.PhysicalLocation != nil || location.LogicalLocations != nil {
		if it.Primary.Text != "" {
			location.Message = &sarifText{Text: literal(it.Primary.Text)}
		}
		out.Locations = append(out.Locations, location)
	}
	// GitHub shows those related places that the message links to.
	text := literal(it.Message)
	for _, l := range it.Secondary {
		if l.Span.IsZero() {
			continue
		}
		related := sarifLocation{ID: len(out.RelatedLocations) + 1, PhysicalLocation: m.physical(fileName(l.Span), l.Span)}
		if l.Text != "" {
			related.Message = &sarifText{Text: literal(l.Text)}
			text += " ([" + brackets.Replace(literal(l.Text)) + "](" + strconv.Itoa(related.ID) + "))"
		}
		out.RelatedLocations = append(out.RelatedLocations, related)
	}
	if it.Help != "" {
		text += "\nhelp: " + literal(it.Help)
	}
	out.Message.Text = text
	if it.hidden != nil {
		s := sarifSuppression{Kind: "external", Status: "accepted", Justification: it.hidden.Reason}
		if it.hidden.By == diag.ByComment {
			s.Kind = "inSource"
		}
		out.Suppressions = append(out.Suppressions, s)
	}
	if it.Fix != nil {
		if changes := m.changes(it.Fix.Edits); len(changes) > 0 {
			out.Fixes = []sarifFix{{sarifText{Text: literal(it.Fix.Title)}, changes}}
		}
	}
	return out
}

// changes are a fix's edits by file, in the order in which the files first occur.
func (m *model) changes(edits []diag.Edit) []sarifChange {
	var out []sarifChange
	at := map[string]int{}
	for _, e := range edits {
		if !hasRange(e.Span) {
			continue
		}
		name := e.Span.File.Name
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, sarifChange{ArtifactLocation: m.artifact(name)})
		}
		out[i].Replacements = append(out[i].Replacements, sarifReplacement{region(e.Span), sarifText{Text: e.New}})
	}
	return out
}

// physical is a place in a file; nil when there is no file. A place without lines gets no region: a line below 1 is not valid.
func (m *model) physical(file string, s source.Span) *sarifPhysical {
	if file == "" {
		return nil
	}
	p := &sarifPhysical{ArtifactLocation: m.artifact(file)}
	if hasRange(s) {
		r := region(s)
		p.Region = &r
	}
	return p
}

func (m *model) artifact(file string) sarifArtifact {
	uri, rooted := m.uri(file)
	if rooted {
		return sarifArtifact{URI: uri}
	}
	return sarifArtifact{URI: uri, URIBaseID: srcRoot}
}

func region(s source.Span) sarifRegion {
	s = normal(s)
	return sarifRegion{s.Start.Line, s.Start.Col, s.End.Line, s.End.Col}
}

var (
	// placeholder is what a consumer would fill with an argument, in or out of doubled braces.
	placeholder = regexp.MustCompile(`\{[0-9]+\}`)
	link        = regexp.MustCompile(`\[[^\]]*\]\(`)
	brackets    = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`)
)

// literal keeps a text from being read as a placeholder or link (§3.11.5, §3.11.6). Other braces and brackets are left alone: the standard asks
// that all be escaped, and the consumers at hand show the escapes.
func literal(s string) string {
	s = placeholder.ReplaceAllString(s, "{$0}")
	return link.ReplaceAllString(s, `\$0`)
}
