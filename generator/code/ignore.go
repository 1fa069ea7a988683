package code

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/msgen-dev/msgen/schema/rule"
)

// mark begins a comment that hides findings: //msgen:ignore MSG351 -- reason.
const mark = "msgen:ignore"

// ignore is such a comment. It covers its own line or, when it stands alone, the next line that is more than a comment.
type ignore struct {
	pos, end token.Pos
	file     string
	line     int // that it covers
	rules    []string
	fault    error // why it cannot be read, and hides nothing
	in       string
	used     bool
}

type ignoreList []*ignore

// hiding is the comment that hides a finding; nil when there is none.
func (l ignoreList) hiding(fset *token.FileSet, f *finding) *ignore {
	at := fset.PositionFor(f.pos, false)
	for _, ig := range l {
		if ig.fault != nil || ig.line != at.Line || ig.file != at.Filename {
			continue
		}
		if ig.names(f.id) {
			return ig
		}
	}
	return nil
}

func (ig *ignore) names(id string) bool { return slices.Contains(ig.rules, id) }

// malformed is the finding on a comment that cannot be read.
func (ig *ignore) malformed() finding {
	return finding{
		id: rule.MalformedIgnore, pos: ig.pos, end: ig.end, in: ig.in,
		message: "cannot read the ignore comment: " + ig.fault.Error(), label: "hides nothing", help: "write //msgen:ignore RULE… -- reason",
	}
}

// unused is the finding on a comment that hides nothing.
func (ig *ignore) unused() finding {
	return finding{
		id: rule.UnusedIgnore, pos: ig.pos, end: ig.end, in: ig.in,
		message: "nothing to ignore here for " + strings.Join(ig.rules, ", "), label: "hides nothing", help: "delete the comment",
	}
}

// ignoreAnalyzer collects a package's ignore comments (ignoreList) and reports those that cannot be read.
func ignoreAnalyzer() *analysis.Analyzer {
	a := newAnalyzer(rule.MalformedIgnore, nil, nil)
	a.Requires, a.ResultType = nil, reflect.TypeFor[ignoreList]()
	a.Run = func(pass *analysis.Pass) (any, error) {
		var list ignoreList
		for _, f := range pass.Files {
			if ast.IsGenerated(f) || !mentions(f) {
				continue
			}
			content, err := pass.ReadFile(pass.Fset.PositionFor(f.Package, false).Filename)
			if err != nil {
				return nil, err
			}
			list = append(list, ignoresIn(pass.Fset, f, content)...)
		}
		for _, ig := range list {
			if ig.fault != nil {
				f := ig.malformed()
				pass.Report(f.diagnostic())
			}
		}
		return list, nil
	}
	return a
}

// mentions reports that a file has an ignore comment, to spare reading the text of those that have none.
func mentions(f *ast.File) bool {
	for _, group := range f.Comments {
		for _, c := range group.List {
			if _, ok := ignoreText(c.Text); ok {
				return true
			}
		}
	}
	return false
}

// ignoresIn are the ignore comments of a Go file.
func ignoresIn(fset *token.FileSet, f *ast.File, content []byte) ignoreList {
	var list ignoreList
	lines := strings.Split(string(content), "\n")
	for _, group := range f.Comments {
		for _, c := range group.List {
			text, ok := ignoreText(c.Text)
			if !ok {
				continue
			}
			at := fset.PositionFor(c.Pos(), false)
			ig := &ignore{pos: c.Pos(), end: c.End(), file: at.Filename, line: covered(lines, at.Line, at.Column), in: enclosing(f, c.Pos())}
			ig.rules, ig.fault = readIgnore(text)
			list = append(list, ig)
		}
	}
	return list
}

// ignoresOf are the ignore comments of a Go file whose syntax tree is not at hand; none when it is no Go.
func ignoresOf(fset *token.FileSet, name string, content []byte) ignoreList {
	f, err := parser.ParseFile(fset, name, content, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	return ignoresIn(fset, f, content)
}

// ignoreText is what follows the mark in a comment.
func ignoreText(comment string) (text string, ok bool) {
	text, line := strings.CutPrefix(comment, "//")
	text, ok = strings.CutPrefix(strings.TrimLeft(text, " \t"), mark)
	return text, line && ok
}

// covered is the line that a comment at a line and column covers, counted from 1.
func covered(lines []string, line, col int) int {
	if line > len(lines) || strings.TrimSpace(lines[line-1][:min(col-1, len(lines[line-1]))]) != "" {
		return line
	}
	for line < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[line-1]), "//") {
		line++
	}
	return line
}

// readIgnore reads what follows the mark: the ids of rules on code, and a reason after --.
func readIgnore(text string) ([]string, error) {
	names, reason, _ := strings.Cut(text, "--")
	if names != "" && !strings.ContainsAny(names[:1], " \t") {
		return nil, errors.New("a blank is missing after " + mark)
	}
	var ids []string
	for _, name := range strings.FieldsFunc(names, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		if strings.HasPrefix(name, "until=") {
			return nil, errors.New("until= is for comments in msgen.yaml")
		}
		r, ok := rule.Get(name)
		if !ok {
			return nil, fmt.Errorf("there is no rule %s", name)
		}
		if r.Kind != rule.OfCode {
			return nil, fmt.Errorf("%s is not a rule on code", r.ID)
		}
		ids = append(ids, r.ID)
	}
	if len(ids) == 0 {
		return nil, errors.New("it names no rule")
	}
	if strings.TrimSpace(reason) == "" {
		return nil, errors.New("it gives no reason after --")
	}
	return ids, nil
}
