package schema

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// The bounds of recovery: how many syntax errors are reported, and how many bytes are parsed again to find them.
const (
	maxSyntaxErrors = 10
	recoveryBudget  = 16 << 20
)

// lines are lines of a file, both ends included.
type lines struct{ from, to int }

// yamlErrors reports a syntax error and what else is wrong. The YAML library stops at the first: so the part that holds it, a service, an event
// or a key at the top, is taken out, and the rest is read again. What is left in the end is decoded for its errors of type. Nothing is said of
// a part that was taken out beyond its first error, nor of what holds it: they follow from the syntax.
func yamlErrors(file *source.File, err error) diag.List {
	r := &recovery{file: file, budget: recoveryBudget}
	for n := 1; n <= file.Lines(); n++ {
		r.text = append(r.text, file.Line(n))
	}
	for r.next = err; r.next != nil; {
		list := yamlError(file, r.next)
		r.list = append(r.list, list...)
		if len(r.list) == maxSyntaxErrors || !r.takeOut(list[0].Primary.Span.Start.Line) {
			return r.list
		}
	}
	r.decode()
	r.list.Sort()
	return r.list
}

// recovery is a file of which parts are taken out.
type recovery struct {
	file   *source.File
	text   []string // the lines of the file, empty where they were taken out
	cut    []lines
	next   error      // the next error of the library in what is left
	rest   *yaml.Node // what is left, once it has none
	list   diag.List
	budget int
}

// takeOut takes out the part with the error of a line. It reports false when nothing can be said of the rest.
func (r *recovery) takeOut(line int) bool {
	top := r.entry(line, 0)
	here := r.inner(top, line)
	// What is not closed is noticed where the next part begins.
	before := here
	if up := r.above(here.from); up > 0 {
		before = r.inner(r.entry(up, 0), up)
	}
	candidates := []lines{here, before, {before.from, here.to}, top}
	if line == here.from {
		candidates[0], candidates[1] = before, here
	}
	for _, c := range candidates {
		if r.try(c, line) {
			return true
		}
	}
	return false
}

// try reads the file without some lines. It is a success when nothing is wrong with the rest, or something further down that has a sound line
// between: an error right behind the cut is the same one, seen later.
func (r *recovery) try(c lines, line int) bool {
	r.budget -= len(r.file.Content)
	if r.budget < 0 {
		return false
	}
	text := append([]string(nil), r.text...)
	for n := c.from; n <= c.to; n++ {
		text[n-1] = ""
	}
	doc, err := decodeNode(yaml.NewDecoder(strings.NewReader(strings.Join(text, "\n"))))
	if err != nil {
		if m := unknownAnchor.FindStringSubmatch(err.Error()); len(m) > 1 && strings.Contains(strings.Join(r.text, "\n"), "&"+m[1]) {
			return false // the anchor stands in what was taken out
		}
		at := yamlError(r.file, err)[0].Primary.Span.Start.Line
		sound := 0
		for n := max(c.to, line) + 1; n < at; n++ {
			if !insignificant(text[n-1]) {
				sound++
			}
		}
		if sound == 0 {
			return false
		}
	}
	r.text, r.cut, r.next, r.rest = text, append(r.cut, c), err, doc
	return true
}

// decode reports the errors of type of what is left.
func (r *recovery) decode() {
	doc := r.rest
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return
	}
	d := &decoder{file: r.file, spec: &Spec{File: r.file}}
	specObject.decode(d, doc.Content[0], place{}, d.spec)
	for _, finding := range d.list {
		if finding.Path != "" && !r.follows(finding.Primary.Span.Start.Line) {
			r.list = append(r.list, finding)
		}
	}
}

// follows reports whether a line holds a part that was taken out, or lies in one.
func (r *recovery) follows(line int) bool {
	for _, c := range r.cut {
		if line == r.entry(c.from, 0).from || line >= c.from && line <= c.to {
			return true
		}
	}
	return false
}

// entry are the lines of the entry, at most so far indented, in which a line lies, by the lines of the whole file.
func (r *recovery) entry(line, most int) lines {
	from := line
	for from > 1 && (insignificant(r.file.Line(from)) || indentation(r.file.Line(from)) > most) {
		from--
	}
	to := line
	for to < r.file.Lines() && (insignificant(r.file.Line(to+1)) || indentation(r.file.Line(to+1)) > most) {
		to++
	}
	return lines{from, to}
}

// inner are the lines of the entry of an entry at the top; those of the latter when it has no entries, or the line is its first.
func (r *recovery) inner(top lines, line int) lines {
	if line == top.from {
		return top
	}
	for n := top.from + 1; n <= top.to; n++ {
		if insignificant(r.file.Line(n)) {
			continue
		}
		e := r.entry(line, indentation(r.file.Line(n)))
		if e.from <= top.from {
			return top
		}
		return lines{e.from, min(e.to, top.to)}
	}
	return top
}

// above is the nearest line above with text that is still there; 0 when there is none.
func (r *recovery) above(line int) int {
	for n := line - 1; n > 0; n-- {
		if !insignificant(r.text[n-1]) {
			return n
		}
	}
	return 0
}

// insignificant reports whether a line is blank or a comment.
func insignificant(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || text[0] == '#'
}

// indentation is the column of the first text; a tab, which YAML takes for none, reaches as far as it looks.
func indentation(line string) int {
	n := 0
	for _, c := range line {
		switch c {
		case ' ':
			n++
		case '\t':
			n += 8 - n%8
		default:
			return n
		}
	}
	return n
}
