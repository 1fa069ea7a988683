// Package suppress decides which findings count: ignore comments in a spec and a baseline file hide some, and both are checked themselves
// (MSG801 to MSG804).
//
// An ignore comment names rules by id or name, may name the last day on which it holds, and must give a reason:
//
//	# msgen:ignore MSG105 until=2027-01-31 -- the team is formed in January
//
// It stands on the line of the finding or, alone, above it, where several may be stacked. It is about that one line, never about the block
// below it: a finding inside the block gets a comment of its own.
//
// A baseline is a JSON file of findings that were there when it was written. They are counted by file, rule and logical path, so that moved
// lines change nothing; a finding beyond the count is shown. Files are named relative to the folder of the baseline, with forward slashes, so
// that it means the same wherever msgen is started; "<stdin>" stays as it is.
package suppress

import (
	"time"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// Options say what hides findings.
type Options struct {
	// Today is the day on which ignore comments are judged; its time of day does not matter.
	Today time.Time
	// Baseline hides the findings that it lists; nil for none.
	Baseline *Baseline
	// Ran reports whether a rule was checked, so that what it did not find is not there; nil when all were.
	Ran func(ruleID string) bool
}

// Result is what is left and what is hidden.
type Result struct {
	// Findings are those that count, with those on the suppressions themselves, sorted.
	Findings diag.List
	// Suppressed are those that do not, sorted.
	Suppressed []diag.Suppressed
}

// Apply hides findings. files are all that were checked, of any kind: ignore comments are read in those whose name ends in .yaml or .yml and
// in <stdin>, and entries of the baseline are stale only if their file is among them. Findings without a rule's id and those on
// suppressions cannot be hidden. findings is left as it is.
func Apply(files []*source.File, findings diag.List, opts Options) Result {
	s := state{opts: opts, vocabulary: newVocabulary(), incomplete: incompleteFiles(findings)}
	for _, f := range files {
		s.ignores = append(s.ignores, s.vocabulary.readIgnores(f)...)
	}
	sorted := append(diag.List{}, findings...)
	sorted.Sort()
	s.hide(sorted)
	for _, ig := range s.ignores {
		s.report(ig)
	}
	if opts.Baseline != nil {
		s.reportStale(files)
	}
	s.result.Findings.Sort()
	return s.result
}

type state struct {
	opts       Options
	vocabulary *vocabulary
	ignores    []*ignore
	// incomplete are the files with errors that no rule has: the rules did not see them whole.
	incomplete map[*source.File]bool
	// left is how many more findings each entry of the baseline hides.
	left   map[key]int
	result Result
}

func incompleteFiles(findings diag.List) map[*source.File]bool {
	files := map[*source.File]bool{}
	for i := range findings {
		if findings[i].ID == "" && findings[i].Severity == diag.Error {
			files[findings[i].Primary.Span.File] = true
		}
	}
	return files
}

// hide sorts findings into those that count and those that do not.
func (s *state) hide(findings diag.List) {
	type place struct {
		file *source.File
		line int
	}
	at := map[place][]*ignored{}
	for _, ig := range s.ignores {
		for _, r := range ig.rules {
			p := place{ig.comment.Span.File, ig.comment.Line}
			at[p] = append(at[p], r)
		}
	}
	if b := s.opts.Baseline; b != nil {
		s.left = b.counts()
	}
	for _, d := range findings {
		if !hideable(&d) {
			s.result.Findings = append(s.result.Findings, d)
			continue
		}
		if span := d.Primary.Span; !span.IsZero() {
			if by := s.ignoredBy(&d, at[place{span.File, span.Start.Line}]); by != nil {
				s.result.Suppressed = append(s.result.Suppressed, diag.Suppressed{Diagnostic: d, By: diag.ByComment, Reason: by.of.reason})
				continue
			}
		}
		if b := s.opts.Baseline; b != nil {
			if k := b.keyOf(&d); s.left[k] > 0 {
				s.left[k]--
				s.result.Suppressed = append(s.result.Suppressed, diag.Suppressed{Diagnostic: d, By: diag.ByBaseline})
				continue
			}
		}
		s.result.Findings = append(s.result.Findings, d)
	}
}

// ignoredBy is the first of a line's ignores that hides a finding. Expired ones note that they would.
func (s *state) ignoredBy(d *diag.Diagnostic, line []*ignored) *ignored {
	for _, r := range line {
		if r.rule.ID != d.ID || len(r.of.bad) > 0 {
			continue
		}
		r.used = true
		if !r.of.expired(s.opts.Today) {
			return r
		}
	}
	return nil
}

// hideable reports whether a finding may be hidden at all.
func hideable(d *diag.Diagnostic) bool {
	switch d.ID {
	case "", rule.MalformedIgnore, rule.ExpiredIgnore, rule.UnusedIgnore, rule.StaleBaseline:
		return false
	}
	return true
}

// looked reports whether a rule was checked on a file, and on all of it.
func (s *state) looked(file *source.File, id string) bool {
	return !s.incomplete[file] && (s.opts.Ran == nil || s.opts.Ran(id))
}
