package code

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/tools/go/analysis/checker"
	"golang.org/x/tools/go/packages"

	"github.com/msgen-dev/msgen/schema/diag"
)

// loadMode is syntax and types of the packages that people write; those of all others are read from what the compiler left.
const loadMode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedTypes |
	packages.NeedTypesSizes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedModule

// Check finds what the Go code written by hand below root, the folder of a system with its go.mod, breaks. Spans show paths below root. What
// does not compile is a finding without a rule. It runs the go command, which must be in PATH; ctx ends it.
func Check(ctx context.Context, root string) (diag.List, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if root, err = filepath.EvalSymlinks(root); err != nil { // what walks the tree does not follow a link
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return nil, fmt.Errorf("there is no Go code to check: %w", err)
	}
	t := newTexts(root)
	list, broken, err := manifests(t)
	if err != nil || broken {
		return list, err
	}
	tree, err := scan(root)
	if err != nil {
		return nil, err
	}
	tests, err := t.testImports(tree)
	if err != nil {
		return nil, err
	}
	list = append(list, tests...)
	if len(tree.dirs) > 0 {
		found, err := t.packages(ctx, tree.dirs)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	list.Sort()
	return list, nil
}

// packages loads the packages of folders and runs the analyzers over them.
func (t *texts) packages(ctx context.Context, dirs []string) (diag.List, error) {
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("checking Go code needs the go command: %w", err)
	}
	pkgs, err := packages.Load(&packages.Config{Mode: loadMode, Context: ctx, Dir: t.root, Fset: t.fset, ParseFile: parseFile}, dirs...)
	if err != nil {
		return nil, fmt.Errorf("cannot load the Go packages: %w", err)
	}
	list := t.compileErrors(pkgs)
	graph, err := checker.Analyze(Analyzers(), pkgs, nil)
	if err != nil {
		return nil, err
	}
	comments := map[string]ignoreList{} // by package
	for _, act := range graph.Roots {
		if act.Err != nil {
			return nil, fmt.Errorf("%s: %w", act, act.Err)
		}
		if ignores, ok := act.Result.(ignoreList); ok {
			comments[act.Package.ID] = ignores
		}
	}
	for _, act := range graph.Roots {
		found, _ := act.Result.([]finding)
		list = append(list, t.unhidden(found, comments[act.Package.ID])...)
	}
	for _, ignores := range comments {
		list = append(list, t.idle(ignores)...)
	}
	return list, nil
}

// parseFile reads what go vet reads, and of the errors of a line the first: the others follow from it.
func parseFile(fset *token.FileSet, name string, src []byte) (*ast.File, error) {
	return parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
}

// unhidden are the findings that no comment hides. Comments that hide one are marked as used.
func (t *texts) unhidden(found []finding, comments ignoreList) diag.List {
	var list diag.List
	for i := range found {
		if ig := comments.hiding(t.fset, &found[i]); ig != nil {
			ig.used = true
			continue
		}
		list = append(list, found[i].rendered(t))
	}
	return list
}

// idle are the findings on comments that hide nothing.
func (t *texts) idle(comments ignoreList) diag.List {
	var list diag.List
	for _, ig := range comments {
		var f finding
		switch {
		case ig.fault != nil:
			f = ig.malformed()
		case !ig.used:
			f = ig.unused()
		default:
			continue
		}
		list = append(list, f.rendered(t))
	}
	return list
}

// testImports checks the imports of tests, which are not loaded: their types are of no interest, and would cost as much again.
func (t *texts) testImports(tree *tree) (diag.List, error) {
	var list diag.List
	for _, name := range tree.tests {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(t.fset, name, content, parser.ImportsOnly|parser.ParseComments|parser.SkipObjectResolution)
		if err != nil || ast.IsGenerated(f) {
			continue // go test says what is wrong with it
		}
		pkg := tree.module + "/" + t.rel(filepath.Dir(name))
		var comments ignoreList
		if strings.Contains(string(content), mark) {
			comments = ignoresOf(t.fset, name, content)
		}
		list = append(list, t.unhidden(foreignImports(f, tree.module, pkg), comments)...)
		list = append(list, t.idle(comments)...)
	}
	return list, nil
}

// modulePath is the path of the module in a folder.
func modulePath(root string) (string, error) {
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return "", err
	}
	path := modfile.ModulePath(content)
	if path == "" {
		return "", errors.New("go.mod names no module")
	}
	return path, nil
}
