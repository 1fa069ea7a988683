package generator

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

var (
	// afterName is what the template library writes behind a template's name: a line, and in a template that is executed a column in bytes, from 0.
	afterName = regexp.MustCompile(`^:([0-9]+)(?::([0-9]+))?: `)
	startedAt = regexp.MustCompile(` started at .*:([0-9]+)$`)
	executing = regexp.MustCompile(`^executing "[^"]*" at <(.*?)>: `)
	quoted    = regexp.MustCompile(`"([^"]+)"|undefined variable:? "?(\$[A-Za-z0-9_]*)|unexpected \{\{([a-z]+)`)
	block     = regexp.MustCompile(`\{\{(?:- )?\s*(if|range|with|block|define|end)\b`)
	noField   = regexp.MustCompile(`can't evaluate field ([A-Za-z0-9_]+) in type ([^ ]+)$`)
)

// placed is the finding on an override that cannot be parsed or executed.
func placed(o *override.Override, f *fault) diag.Diagnostic {
	message := strings.TrimPrefix(f.err.Error(), "template: "+f.template)
	line, col := 1, -1
	if m := afterName.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		if m[2] != "" {
			col, _ = strconv.Atoi(m[2])
		}
		message = message[len(m[0]):]
	}
	if m := startedAt.FindStringSubmatch(message); m != nil { // where it is noticed is the end of the file, or a brace far below
		line, _ = strconv.Atoi(m[1])
		message = strings.TrimSuffix(message, m[0])
	}
	what := ""
	if m := executing.FindStringSubmatch(message); m != nil {
		what, message = m[1], message[len(m[0]):]
	}
	d := diag.Diagnostic{Severity: diag.Error, Message: "the template cannot be used: " + message, Path: o.File.Name}
	d.Primary.Span = templateSpan(o.File, line, col, what, message)
	if m := noField.FindStringSubmatch(message); m != nil {
		d.Help = fieldHint(f.data, m[2], m[1])
	}
	if message == "unexpected EOF" || strings.HasPrefix(message, "unexpected <define>") {
		if at, ok := unclosed(o.File.Content); ok {
			d.Primary = diag.Label{Span: actionAt(o.File, at), Text: "this has no {{end}}"}
		}
	}
	return d
}

// unclosed is where the action stands, within its braces, that begins what is not ended.
func unclosed(text []byte) (offset int, ok bool) {
	var open []int
	for _, m := range block.FindAllSubmatchIndex(text, -1) {
		switch string(text[m[2]:m[3]]) {
		case "end":
			if len(open) == 0 {
				return 0, false
			}
			open = open[:len(open)-1]
		case "define":
			if len(open) > 0 { // it may stand in no other
				return open[len(open)-1], true
			}
			open = append(open, m[2])
		default:
			open = append(open, m[2])
		}
	}
	if len(open) == 0 {
		return 0, false
	}
	return open[len(open)-1], true
}

// templateSpan is where a template is at fault: at the column if one is given, else at what the message quotes, else in the first action of the line.
func templateSpan(file *source.File, line, col int, what, message string) source.Span {
	line = min(max(line, 1), file.Lines())
	for col < 0 && line > 1 && strings.TrimSpace(file.Line(line)) == "" {
		line-- // what is missing at the end is missing after the last text
	}
	text := file.Line(line)
	start, ok := file.Offset(source.Pos{Line: line, Col: 1})
	if !ok {
		return source.Span{File: file, Start: source.Pos{Line: line, Col: 1}, End: source.Pos{Line: line, Col: 2}}
	}
	if col >= 0 {
		from := min(col, len(text))
		// The place is that of a field's last name: what is named begins before it.
		if i := strings.LastIndex(text[:min(from+len(what), len(text))], what); what != "" && i >= 0 && i <= from {
			return spanAt(file, start+i, start+i+len(what))
		}
		return wordAt(file, start+from)
	}
	for _, m := range quoted.FindAllStringSubmatch(message, -1) {
		for _, word := range m[1:] {
			if i := strings.Index(text, word); word != "" && i >= 0 {
				return spanAt(file, start+i, start+i+len(word))
			}
		}
	}
	from := max(strings.Index(text, "{{"), 0)
	if from == 0 {
		from = len(text) - len(strings.TrimLeft(text, " \t"))
	}
	to := len(strings.TrimRight(text, " \t\r"))
	if i := strings.Index(text[from:], "}}"); i >= 0 {
		to = from + i + 2
	}
	return spanAt(file, start+from, start+max(to, from))
}
