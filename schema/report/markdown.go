package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema/rule"
)

// markdown is the protocol's own report, in the form that its phase 3 gives: what fails field by field, or what was checked.
func (m *model) markdown(lang string) ([]byte, error) {
	w, ok := languages()[lang]
	if lang == "" {
		w, ok = english(), true
	}
	if !ok {
		return nil, fmt.Errorf("unknown language %q: it is en or ru", lang)
	}
	p := &protocol{model: m, words: w}
	if m.Failed() {
		p.failed()
	} else {
		p.passed()
	}
	return oneEnd([]byte(p.out.String())), nil
}

// protocol writes the report in one language.
type protocol struct {
	*model
	words
	out strings.Builder
}

func (p *protocol) line(parts ...string) { p.out.WriteString(strings.Join(parts, "") + "\n") }

// failed has the header once, then a block for each finding that counts.
func (p *protocol) failed() {
	p.line("⛔ MICROSERVICES VALIDATION FAILED")
	if p.note != "" {
		p.line("\n", p.note)
	}
	first := true
	for i := range p.found {
		it := &p.found[i]
		if !p.fails(it) {
			continue
		}
		if !first {
			p.line("\n---")
		}
		first = false
		p.block(it)
	}
	p.line("\n", p.back)
	p.rest()
}

// block is one finding in the protocol's fields. The two blanks end a line in Markdown.
func (p *protocol) block(it *item) {
	p.line("\n", p.reason, ": ", inline(it.Message), "  ")
	p.line(p.service, ": ", p.serviceOf(it.Path), "  ")
	p.line(p.aspect, ": ", it.rule.Category)
	p.line("\n", p.violation, ":")
	p.line("- ", p.ruleLine(it.rule))
	if place := it.place(); place != "" {
		p.line("- ", block(place))
	}
	p.line("\n", p.action, ":")
	switch {
	case it.Help != "":
		p.line("- ", block(it.Help))
	case it.rule.ID == syntaxID:
		p.line("- ", p.correct)
	default:
		p.line("- ", p.review)
	}
	if it.Fix != nil {
		p.line("- ", "`msgen validate --fix`: ", inline(it.Fix.Title))
	}
}

// ruleLine is the rule that is broken, with the address of its page.
func (p *protocol) ruleLine(r rule.Rule) string {
	text := inline(r.ID + " " + r.Name)
	if uri := docsURI(r); uri != "" {
		return "[" + text + "](" + uri + "): " + r.Summary() // which is Markdown
	}
	return text
}

// serviceOf is the service that a logical path leads through; the system as a whole when it leads through none.
func (p *protocol) serviceOf(path string) string {
	if rest, ok := strings.CutPrefix(path, "services."); ok {
		name, _, _ := strings.Cut(rest, ".")
		if name != "" {
			return inline(name)
		}
	}
	if path == "" {
		return p.system
	}
	return p.system + " (" + inline(path) + ")"
}

// passed has the protocol's six lines. One is ticked only when all rules of its aspects have run, so that a narrowed check does not claim more
// than it did.
func (p *protocol) passed() {
	p.line("✅ VALIDATION PASSED")
	if p.note != "" && len(p.found)+len(p.suppressed) > 0 {
		p.line("\n", p.note)
	}
	p.line("\n", p.checked, ":")
	whole := true
	for i, aspects := range checkedAspects() {
		ran, all := 0, 0
		for _, r := range rule.All() {
			if slices.Contains(aspects, r.Category) {
				all++
				if slices.ContainsFunc(p.Rules, func(q rule.Rule) bool { return q.ID == r.ID }) {
					ran++
				}
			}
		}
		if ran == all {
			p.line("- ✅ ", p.lines[i])
			continue
		}
		whole = false
		p.line("- ➖ ", p.lines[i], " — ", fmt.Sprintf(p.partly, ran, all))
	}
	p.line("\n", fmt.Sprintf(p.counted, len(p.Rules), len(p.Files)))
	if whole {
		p.line("\n", p.ready)
	}
	p.rest()
}

// rest lists what does not count: warnings, and findings that are suppressed.
func (p *protocol) rest() {
	var warnings []*item
	for i := range p.found {
		if !p.fails(&p.found[i]) {
			warnings = append(warnings, &p.found[i])
		}
	}
	if len(warnings) > 0 {
		p.line("\n", p.warnings, ":")
		for _, it := range warnings {
			p.entry(it)
		}
	}
	if len(p.suppressed) > 0 {
		p.line("\n", p.hidden, ":")
		for i := range p.suppressed {
			p.entry(&p.suppressed[i])
		}
	}
}

// entry is a finding in one item of a list.
func (p *protocol) entry(it *item) {
	text := "- " + inline(it.title()) + ": " + inline(it.Message)
	if place := it.place(); place != "" {
		text += " (" + inline(place) + ")"
	}
	switch {
	case it.hidden != nil:
		by := p.by[it.hidden.By]
		if it.hidden.Reason != "" {
			by += ": " + inline(it.hidden.Reason)
		}
		text += " — " + by
	case it.Help != "":
		text += " — " + inline(it.Help)
	}
	p.line(text)
}
