// Package diag holds findings about a spec and renders them for people.
package diag

import (
	"cmp"
	"slices"

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
	// Fix mends the finding; nil when there is more than one way to, or none that is safe.
	Fix *Fix
}

// Fix is the one safe change that mends a finding.
type Fix struct {
	// Title says what it does: lower case, no full stop.
	Title string
	Edits []Edit
}

// Edit replaces what stands in a span; an empty span inserts.
type Edit struct {
	Span source.Span
	New  string
}

// Suppressed is a finding that does not count, and why.
type Suppressed struct {
	Diagnostic
	By     Suppressor
	Reason string // as the comment gives it; "" for a baseline
}

// Suppressor is what hides a finding.
type Suppressor string

// The suppressors.
const (
	ByComment  Suppressor = "comment"
	ByBaseline Suppressor = "baseline"
)

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
	if !slices.IsSortedFunc(l, compare) {
		slices.SortStableFunc(l, compare)
	}
}

func compare(a, b Diagnostic) int {
	if c := cmp.Compare(name(a.Primary.Span), name(b.Primary.Span)); c != 0 {
		return c
	}
	p, q := a.Primary.Span.Start, b.Primary.Span.Start
	return cmp.Or(cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Message, b.Message))
}

func name(s source.Span) string {
	if s.File == nil {
		return ""
	}
	return s.File.Name
}
