package compile

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/reporter"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// faults are what the compiler complains of, as findings.
type faults struct {
	sources map[string][]byte
	files   map[string]*source.File
	list    diag.List
}

// What begins the message of an import that leads nowhere: ours, and the compiler's, which stops at any one of them.
const (
	noImport   = "there is no file "
	unresolved = "could not resolve path "
)

// add turns a fault into a finding at what it names. A fault that was reported already is left out: the compiler finds some of them twice.
func (f *faults) add(err reporter.ErrorWithPos) {
	start := err.Start()
	d := diag.Diagnostic{Severity: diag.Error, Message: message(err.Unwrap()), Path: start.Filename}
	if content, ok := f.sources[start.Filename]; ok && start.Line > 0 {
		file := f.files[start.Filename]
		if file == nil {
			file = source.NewFile(start.Filename, content)
			f.files[start.Filename] = file
		}
		d.Primary.Span = span(file, start, err.End(), strings.HasPrefix(d.Message, "syntax error: expecting "))
	}
	for i := range f.list {
		if f.list[i].Message == d.Message && f.list[i].Primary.Span == d.Primary.Span && f.list[i].Path == d.Path {
			return
		}
	}
	f.list = append(f.list, d)
}

// sorted are the findings in the order of the texts, without those that say once more what another says at the same place: the parser of a token
// that it cannot read, the compiler of an import.
func (f *faults) sorted() diag.List {
	var list diag.List
	for _, d := range f.list {
		again := (strings.HasPrefix(d.Message, "syntax error: unexpected error") || strings.HasPrefix(d.Message, unresolved)) && slices.ContainsFunc(f.list, func(other diag.Diagnostic) bool {
			return other.Message != d.Message && other.Primary.Span.Start == d.Primary.Span.Start && other.Path == d.Path
		})
		if !again {
			list = append(list, d)
		}
	}
	list.Sort()
	return list
}

// span is what a fault names: the first line of it, or the word at its place. What is missing is missing behind the word before. The compiler's
// columns count bytes, and tabs as so wide as they look: so its offsets count.
func span(file *source.File, start, end ast.SourcePos, missing bool) source.Span {
	text, shift := file.Content, 0
	if bytes.HasPrefix(text, []byte("\uFEFF")) {
		shift = len("\uFEFF") // which the compiler does not count
	}
	from, to := min(start.Offset+shift, len(text)), min(end.Offset+shift, len(text))
	switch {
	case missing:
		for from > 0 && strings.IndexByte(" \t\r\n", text[from-1]) >= 0 {
			from--
		}
		to = from
	case to > from:
		to++ // the end is the last byte
	default:
		for to = from; to < len(text) && word(text[to]); {
			to++
		}
	}
	s := source.Span{File: file, Start: file.PosAt(from), End: file.PosAt(to)}
	if s.End.Line != s.Start.Line {
		s.End = source.Pos{Line: s.Start.Line, Col: len(file.Runes(s.Start.Line)) + 1}
	}
	if s.End.Col <= s.Start.Col {
		s.End.Col = s.Start.Col + 1
	}
	return s
}

func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// innerPlace is a place that the compiler repeats inside of a message: its column is wrong where there are tabs, and the file's name is said.
var innerPlace = regexp.MustCompile(`(?: at)? \S+\.proto:[0-9]+:[0-9]+`)

// message is what a fault says: it begins in lower case and ends without a full stop.
func message(err error) string {
	text := innerPlace.ReplaceAllString(strings.TrimSuffix(strings.TrimSpace(err.Error()), "."), "")
	return strings.Replace(text, "unexpected $end", "unexpected end of file", 1)
}
