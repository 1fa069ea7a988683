package suppress

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// report adds what is wrong with an ignore comment.
func (s *state) report(ig *ignore) {
	switch {
	case len(ig.bad) > 0:
		s.result.Findings = append(s.result.Findings, ig.bad...)
	case ig.expired(s.opts.Today):
		s.reportExpired(ig)
	default:
		s.reportUnused(ig)
	}
}

func (s *state) reportExpired(ig *ignore) {
	var ids []string
	needless := true
	for _, r := range ig.rules {
		ids = append(ids, r.rule.ID)
		needless = needless && s.unused(r)
	}
	d := rule.Finding(rule.ExpiredIgnore)
	d.Message = fmt.Sprintf("the ignore of %s ended on %s", strings.Join(ids, ", "), ig.until)
	d.Path, d.Primary = ig.comment.Path, diag.Label{Span: ig.untilAt, Text: "over"}
	d.Help = "mend what it hid, or decide anew and give another day"
	if needless {
		d.Help = "remove the comment: there is nothing left to hide"
		d.Fix = &diag.Fix{Title: "remove the comment", Edits: []diag.Edit{removal(ig)}}
	}
	s.result.Findings = append(s.result.Findings, d)
}

func (s *state) reportUnused(ig *ignore) {
	var list []*ignored
	for _, r := range ig.rules {
		if s.unused(r) {
			list = append(list, r)
		}
	}
	for _, r := range list {
		d := rule.Finding(rule.UnusedIgnore)
		d.Message = fmt.Sprintf("nothing to ignore: %s %s finds nothing there", r.rule.ID, r.rule.Name)
		d.Path, d.Primary = ig.comment.Path, diag.Label{Span: ig.span(r.word)}
		if len(list) == len(ig.rules) {
			d.Help = "remove the comment"
			d.Fix = &diag.Fix{Title: "remove the comment", Edits: []diag.Edit{removal(ig)}}
		} else {
			d.Help = "remove " + r.word.text + " from the comment"
			d.Fix = &diag.Fix{Title: d.Help, Edits: []diag.Edit{ig.removeWord(r.word)}}
		}
		s.result.Findings = append(s.result.Findings, d)
	}
}

// unused reports that a rule was looked for where a comment names it, and found nothing.
func (s *state) unused(r *ignored) bool {
	return !r.used && s.looked(r.of.comment.Span.File, r.rule.ID)
}

// removeWord removes a word with the comma and the blanks behind it; what follows, the -- at least, keeps its distance.
func (ig *ignore) removeWord(w word) diag.Edit {
	at := ig.span(w)
	runes := at.File.Runes(at.Start.Line)
	if runes[at.End.Col-1] == ',' {
		at.End.Col++
	} else if runes[at.Start.Col-2] == ',' {
		at.Start.Col--
		return diag.Edit{Span: at}
	}
	for at.End.Col <= len(runes) && isBlank(runes[at.End.Col-1]) {
		at.End.Col++
	}
	return diag.Edit{Span: at}
}

// removal removes a comment: its whole line when nothing else stands there, otherwise with the blanks before it.
func removal(ig *ignore) diag.Edit {
	span := ig.comment.Span
	line := span.Start.Line
	runes := span.File.Runes(line)
	span.End.Col = len(runes) + 1
	for span.Start.Col > 1 && isBlank(runes[span.Start.Col-2]) {
		span.Start.Col--
	}
	switch {
	case span.Start.Col > 1:
	case line < span.File.Lines():
		span.End = source.Pos{Line: line + 1, Col: 1}
	case line > 1: // the last line, without a line end: that of the line before goes
		span.Start = source.Pos{Line: line - 1, Col: len(span.File.Runes(line-1)) + 1}
	}
	return diag.Edit{Span: span}
}

func isBlank(r rune) bool { return r == ' ' || r == '\t' }
