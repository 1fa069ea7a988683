// Package report writes what a validation found in the formats of people and machines.
package report

import (
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// Report is the outcome of a validation.
type Report struct {
	// Version is that of msgen.
	Version string
	// Files are the names of the specs that were checked, in order, as the user gave them.
	Files []string
	// Findings are what counts, sorted by file and place.
	Findings diag.List
	// Suppressed are what ignore comments and the baseline hide.
	Suppressed []diag.Suppressed
	// Rules are those that ran.
	Rules []rule.Rule
	// FailOn is the least severity that makes the validation fail.
	FailOn diag.Severity
}

// Failed reports whether the validation failed.
func (r *Report) Failed() bool {
	for i := range r.Findings {
		if r.Findings[i].Severity <= r.FailOn {
			return true
		}
	}
	return false
}
