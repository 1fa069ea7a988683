// Package diag holds findings about a spec and renders them for people.
package diag

import (
	"sort"

	"github.com/msgen-dev/msgen/schema/source"
)

// Severity says how bad a finding is.
type Severity int

// The severities, worst first.
const (
	Error Severity = iota + 1
	Warning
)

// String is the severity as it is printed.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Label is a span with a short word on why it matters.
type Label struct {
	Span source.Span
	Text string
}

// Diagnostic is one finding.
type Diagnostic struct {
	// ID is the rule's id (MSG101); "" for syntax and type errors, which have no rule.
	ID string
	// Name is the rule's PascalCase name.
	Name     string
	Severity Severity
	// Message says what is wrong: lower case, no full stop.
	Message string
	// Path is the logical path of the thing, such as services.orders.database. It survives moved lines.
	Path string
	// Primary is where the fault is; its text is printed beside the caret.
	Primary Label
	// Secondary are other places that explain it ("owned here").
	Secondary []Label
	// Help says what to do.
	Help string
}

// List is a set of findings.
type List []Diagnostic

// HasErrors reports whether any finding is an error.
func (l List) HasErrors() bool {
	for i := range l {
		if l[i].Severity == Error {
			return true
		}
	}
	return false
}

// Sort orders findings by file, place, rule and message, so that the same spec prints the same text.
func (l List) Sort() {
	sort.SliceStable(l, func(i, j int) bool {
		a, b := l[i], l[j]
		an, bn := name(a.Primary.Span), name(b.Primary.Span)
		if an != bn {
			return an < bn
		}
		if a.Primary.Span.Start != b.Primary.Span.Start {
			return a.Primary.Span.Start.Before(b.Primary.Span.Start)
		}
		if a.ID != b.ID {
			return a.ID < b.ID
		}
		return a.Message < b.Message
	})
}

func name(s source.Span) string {
	if s.File == nil {
		return ""
	}
	return s.File.Name
}
