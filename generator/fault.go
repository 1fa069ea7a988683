package generator

import (
	"fmt"
	"strings"
	"text/template"

	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// fault is what is wrong with a template or with what it makes.
type fault struct {
	template string
	err      error
	// What follows is of a template that could be rendered, though its result is not what it has to be.
	parsed *template.Template
	data   any
	output string // the path of the result
	result []byte
	flaw   *flaw
}

// flaw is a place in a result, and what is wrong there.
type flaw struct {
	kind    string // what it is not: Go
	message string
	offset  int
	help    string
}

func (f *fault) Error() string {
	if f.flaw == nil {
		return fmt.Sprintf("templates/%v", f.err)
	}
	file := source.NewFile(f.output, f.result)
	at := file.PosAt(f.flaw.offset)
	return fmt.Sprintf("templates/%s: its result is not %s: %s\n%5d | %s\n      | %s^",
		f.template, f.flaw.kind, f.flaw.message, at.Line, file.Line(at.Line), strings.Repeat(" ", max(0, at.Col-1)))
}

// templateFaults are those of several templates; there is one at least.
type templateFaults []*fault

func (f templateFaults) Error() string { return f[0].Error() }

// findings are the faults of overrides, each at its place; of those at the same place the first.
func (f templateFaults) findings(own *override.Set) diag.List {
	var list diag.List
	seen := map[string]bool{}
	outputs := map[string]*source.File{}
	for _, one := range f {
		o := own.Get(one.template)
		if o == nil {
			continue
		}
		var d diag.Diagnostic
		if one.flaw == nil {
			d = placed(o, one)
		} else {
			file := outputs[one.output]
			if file == nil {
				file = source.NewFile(one.output, one.result)
				outputs[one.output] = file
			}
			d = one.traced(o, file)
		}
		if at := d.Primary.Span.String(); !seen[at] {
			seen[at] = true
			list = append(list, d)
		}
	}
	list.Sort()
	return list
}

// traced is the finding on a result that is not what its name says: at the place of the template that it comes from, and at its own.
func (f *fault) traced(o *override.Override, result *source.File) diag.Diagnostic {
	d := diag.Diagnostic{
		Severity: diag.Error, Path: o.File.Name, Help: f.flaw.help,
		Message: fmt.Sprintf("%s, which this template makes, is not %s: %s", f.output, f.flaw.kind, f.flaw.message),
	}
	if f.parsed == nil { // it is copied as it is, without its first line if that is ours
		d.Message = fmt.Sprintf("%s is not %s: %s", o.File.Name, f.flaw.kind, f.flaw.message)
		at := result.PosAt(f.flaw.offset)
		_, cut := override.Body(o.File.Content)
		at.Line += cut
		if offset, ok := o.File.Offset(at); ok {
			d.Primary.Span = wordAt(o.File, offset)
		}
		return d
	}
	there := diag.Label{Span: wordAt(result, f.flaw.offset), Text: "here in the result"}
	d.Primary = diag.Label{Span: spanAt(o.File, 0, 0)}
	if place, ok := trace(f.parsed, f.data, f.flaw.offset); ok {
		d.Primary = diag.Label{Span: actionAt(o.File, place), Text: "it comes from here"}
	}
	d.Secondary = []diag.Label{there}
	return d
}

// wordAt is the word that begins at an offset of a file, or the character that stands there.
func wordAt(file *source.File, offset int) source.Span {
	text := file.Content
	offset = min(offset, len(text))
	end := offset
	for end < len(text) && inWord(text[end]) {
		end++
	}
	return spanAt(file, offset, end)
}

func inWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// actionAt is the action of a template that an offset is in, or the word there when it is text.
func actionAt(file *source.File, offset int) source.Span {
	text := string(file.Content)
	offset = min(offset, len(text))
	from := strings.LastIndex(text[:offset], "{{")
	if from < 0 || strings.Contains(text[from:offset], "}}") {
		return wordAt(file, offset)
	}
	to := strings.Index(text[from:], "}}")
	if to < 0 {
		return wordAt(file, offset)
	}
	return spanAt(file, from, from+to+2)
}

// spanAt is a stretch of a file that begins at an offset, at most to the end of the line and at least one character long.
func spanAt(file *source.File, from, to int) source.Span {
	s := source.Span{File: file, Start: file.PosAt(from), End: file.PosAt(to)}
	if s.End.Line != s.Start.Line {
		s.End = source.Pos{Line: s.Start.Line, Col: len(file.Runes(s.Start.Line)) + 1}
	}
	if s.End.Col <= s.Start.Col {
		s.End.Col = s.Start.Col + 1
	}
	return s
}
