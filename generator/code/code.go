// Package code checks the Go that people write in a generated system: that it calls, stores and publishes through what msgen generated for
// it, and not past it. The checks are go/analysis analyzers; Check runs them over a tree, VetMain as a tool of go vet.
//
// What is generated, as its header says, is not checked. Tests are checked for the packages that they import (MSG151) and for nothing
// else: they may well open a database or publish an event of their own. The platform folder is where a system keeps what all its
// services share, so that hand-written code below it may do what MSG251, MSG252 and MSG351 keep services from.
package code

import (
	"go/ast"
	"reflect"
	"sort"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/msgen-dev/msgen/schema/rule"
)

// pages is where the rules' pages can be read.
const pages = "https://github.com/msgen-dev/msgen/blob/main/schema/rule/docs/"

// Analyzers are the checks of Go code: one for each rule, named as the rule in lower case, and malformedignore for ignore comments that cannot be
// read. MSG152 is no analyzer, as it looks at go.mod: only Check finds it.
func Analyzers() []*analysis.Analyzer {
	ignores := ignoreAnalyzer()
	return []*analysis.Analyzer{
		newAnalyzer(rule.ForeignPackage, ignores, foreignPackages),
		newAnalyzer(rule.DatabaseOutsideRepository, ignores, openedDatabases),
		newAnalyzer(rule.PublishPastOutbox, ignores, pastOutbox),
		newAnalyzer(rule.BareHTTPClient, ignores, bareClients),
		newAnalyzer(rule.LostContext, ignores, lostContexts),
		ignores,
	}
}

// newAnalyzer is the analyzer of a rule. Its result is all that it found ([]finding), and it reports what no comment hides.
func newAnalyzer(id string, ignores *analysis.Analyzer, run func(*unit)) *analysis.Analyzer {
	r, _ := rule.Get(id)
	return &analysis.Analyzer{
		Name:             strings.ToLower(r.Name),
		Doc:              r.Summary() + "\n\n" + body(r),
		URL:              pages + id + ".md",
		Requires:         []*analysis.Analyzer{ignores},
		ResultType:       reflect.TypeFor[[]finding](),
		RunDespiteErrors: true, // as much as can be said of code that does not compile yet
		Run: func(pass *analysis.Pass) (any, error) {
			u := newUnit(pass, id)
			run(u)
			sort.SliceStable(u.found, func(i, j int) bool { return u.found[i].pos < u.found[j].pos })
			comments, _ := pass.ResultOf[ignores].(ignoreList)
			for i := range u.found {
				f := &u.found[i]
				if comments.hiding(pass.Fset, f) == nil {
					pass.Report(f.diagnostic())
				}
			}
			return u.found, nil
		},
	}
}

// body is a rule's page without its title and summary.
func body(r rule.Rule) string {
	_, text, _ := strings.Cut(r.Doc(), r.Summary())
	return strings.TrimSpace(text)
}

// unit is one package while one rule looks at it.
type unit struct {
	pass   *analysis.Pass
	id     string
	module string // its path
	pkg    string // the package's path
	found  []finding
}

func newUnit(pass *analysis.Pass, id string) *unit {
	u := &unit{pass: pass, id: id}
	u.pkg, _, _ = strings.Cut(pass.Pkg.Path(), " ") // go vet calls a package with its tests "p [p.test]"
	u.pkg = strings.TrimSuffix(u.pkg, "_test")
	if pass.Module != nil {
		u.module = pass.Module.Path
	}
	return u
}

// files are those of the package that people write.
func (u *unit) files(tests bool) []*ast.File {
	var list []*ast.File
	for _, f := range u.pass.Files {
		if ast.IsGenerated(f) || !tests && isTest(u.pass.Fset.PositionFor(f.Package, false).Filename) {
			continue
		}
		list = append(list, f)
	}
	return list
}

// shared reports that the package belongs to the platform.
func (u *unit) shared() bool { return strings.HasPrefix(u.pkg+"/", u.module+"/platform/") }

func (u *unit) add(file *ast.File, n ast.Node, f finding) {
	f.id, f.pos, f.end = u.id, n.Pos(), n.End()
	if f.in == "" {
		f.in = enclosing(file, n.Pos())
	}
	u.found = append(u.found, f)
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }
