// Package rule holds the protocol's rules: a registry of checks over a decoded spec, each with an id, a severity and a page that
// explains it.
package rule

import (
	"embed"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// The categories are the protocol's aspects; a rule's hundred is its category.
const (
	Architecture  = "Architecture"
	Data          = "Data"
	Communication = "Communication"
	Security      = "Security"
	Observability = "Observability"
	Scalability   = "Scalability"
	Contracts     = "Contracts"
)

// Rule is one rule.
type Rule struct {
	ID       string // MSG101
	Name     string // UnknownReference
	Severity diag.Severity
	Category string
	// Check reports what breaks the rule. It is given any spec that could be decoded, also one with errors and unresolved references. It is
	// nil for rules that do not look at the spec alone.
	Check func(s *schema.Spec, report Report)
	Kind  Kind
}

//go:embed docs/*.md
var docs embed.FS

// Doc is the rule's page in Markdown: what, why, avoid, prefer, source.
func (r Rule) Doc() string {
	text, err := docs.ReadFile("docs/" + r.ID + ".md")
	if err != nil {
		return ""
	}
	return string(text)
}

// Summary is the first sentence of the rule's page.
func (r Rule) Summary() string {
	for _, line := range strings.Split(r.Doc(), "\n") {
		if line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}

// Report records findings of one rule.
type Report struct {
	rule *Rule
	list *diag.List
}

// finding is what a check found.
type finding struct {
	path    string
	span    source.Span
	label   string
	message string
	help    string
	related []diag.Label
	fix     *diag.Fix // nil unless there is just one safe way to mend it
}

func (r Report) add(f finding) {
	*r.list = append(*r.list, diag.Diagnostic{
		ID: r.rule.ID, Name: r.rule.Name, Severity: r.rule.Severity, Message: f.message, Path: f.path,
		Primary: diag.Label{Span: f.span, Text: f.label}, Secondary: f.related, Help: f.help, Fix: f.fix,
	})
}

// All are the rules of the spec, by id.
func All() []Rule {
	var list []Rule
	for _, family := range [][]Rule{architecture(), data(), communication(), security(), observability(), scalability(), contracts()} {
		list = append(list, family...)
	}
	return list
}

// Get is the rule of an id; ok is false when there is none.
func Get(id string) (r Rule, ok bool) {
	for _, r := range Every() {
		if strings.EqualFold(r.ID, id) || strings.EqualFold(r.Name, id) {
			return r, true
		}
	}
	return Rule{}, false
}

// Run checks a spec and returns the findings in the order of the text. Only the rules that Select picks run. Specs with aliases get no fixes.
func Run(s *schema.Spec, selectors ...string) diag.List {
	selected, unknown := Select(selectors)
	if unknown != "" {
		return nil
	}
	var list diag.List
	rules := All()
	for i := range rules {
		if selected(rules[i].ID) {
			rules[i].Check(s, Report{rule: &rules[i], list: &list})
		}
	}
	if s.Aliased {
		for i := range list {
			list[i].Fix = nil
		}
	}
	list.Sort()
	return list
}

func label(span source.Span, text string) diag.Label { return diag.Label{Span: span, Text: text} }

// methods calls f for every method with its logical path.
func methods(s *schema.Spec, f func(m *schema.Method, path string)) {
	for _, service := range s.Services {
		for _, m := range service.API {
			f(m, m.Path())
		}
	}
}

// calls calls f for every call with its logical path.
func calls(s *schema.Spec, f func(c *schema.Call, path string)) {
	for _, service := range s.Services {
		for _, c := range service.Calls {
			f(c, "services."+service.Name.V+".calls."+c.Target.Name.V)
		}
	}
}
