package generator

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// Break is a Go file of the user's that what a plan writes keeps from building.
type Break struct {
	Path   string
	Reason string // "it uses ordersv1.GetOrderRequest, which is gone"
	// Sure is false when only types could tell: the file has the name of a field or method that is gone or has changed, and it may be another's.
	Sure bool
}

// Breaks are the files of the user's that use what the plan removes or changes in generated packages, at most one finding a file, sorted by
// path. It looks at names and not at types, and at what is on disk, so it must be asked before the plan is applied. A file that does not parse
// is passed over.
func (p *Plan) Breaks(root string) []Break {
	changed := p.changedPackages(root)
	if len(changed) == 0 {
		return nil
	}
	byImport := map[string]*packageChange{}
	module := p.module()
	for dir, c := range changed {
		byImport[path.Join(module, dir)] = c
	}
	var list []Break
	for _, name := range p.userFiles(root) {
		src, err := read(root, name)
		if err != nil || src == nil {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		b := Break{Path: name}
		if b.Reason, b.Sure = broken(f, byImport); b.Reason == "" {
			b.Reason = outgrown(f, changed[path.Join(path.Dir(name), "internal/gen")])
		}
		if b.Reason != "" {
			list = append(list, b)
		}
	}
	return list
}

func (p *Plan) module() string {
	if c := p.find("go.mod"); c != nil {
		return modfile.ModulePath(c.rendered)
	}
	return ""
}

// handlers is the interface that the user implements: nobody calls through it but what is generated.
const handlers = "Handlers"

// What becomes of a declaration.
const (
	gone    = "which is gone"
	altered = "which has changed"
)

// packageChange is what goes or changes in a generated package.
type packageChange struct {
	gone    bool              // the whole package
	names   map[string]string // the declarations: what became of each
	members map[string]string // the fields and methods, where every one of that name is concerned: what became of it
	wants   map[string]string // the methods of handlers that are asked for otherwise: as what
}

// changedPackages are the folders of generated Go that lose or change a declaration.
func (p *Plan) changedPackages(root string) map[string]*packageChange {
	touched := map[string]bool{}
	for _, c := range p.Changes {
		if c.Class == Generated && strings.HasSuffix(c.Path, ".go") && (c.Action == Update || c.Action == Delete) {
			touched[path.Dir(c.Path)] = true
		}
	}
	was, now, files := map[string]declarations{}, map[string]declarations{}, map[string]int{}
	for dir := range touched {
		was[dir], now[dir] = declarations{}, declarations{}
	}
	for _, c := range p.Changes {
		dir := path.Dir(c.Path)
		if !touched[dir] || !strings.HasSuffix(c.Path, ".go") || strings.HasSuffix(c.Path, "_test.go") {
			continue
		}
		was[dir].add(c.Disk)
		content := c.rendered
		if c.Class == Yours || c.Action == Orphan {
			content = c.Disk
		}
		if content != nil {
			now[dir].add(content)
			files[dir]++
		}
	}
	changes := map[string]*packageChange{}
	for dir := range touched {
		for _, name := range p.strangers(root, dir) {
			if src, err := read(root, name); err == nil {
				was[dir].add(src)
				now[dir].add(src)
				files[dir]++
			}
		}
		c := compare(was[dir], now[dir])
		c.gone = files[dir] == 0
		if c.gone || len(c.names)+len(c.members)+len(c.wants) > 0 {
			changes[dir] = c
		}
	}
	return changes
}

// userFiles are the Go files that are the user's: those that msgen made for him and what he has put beside them.
func (p *Plan) userFiles(root string) []string {
	dirs := map[string]bool{}
	var list []string
	for _, c := range p.Changes {
		if (c.Class == Yours || c.Action == Orphan) && strings.HasSuffix(c.Path, ".go") {
			dirs[path.Dir(c.Path)] = true
			if c.Disk != nil && c.Action != Delete {
				list = append(list, c.Path)
			}
		}
	}
	for dir := range dirs {
		list = append(list, p.strangers(root, dir)...)
	}
	slices.Sort(list)
	return list
}

// strangers are the Go files in a folder that the plan knows nothing of.
func (p *Plan) strangers(root, dir string) []string {
	entries, err := os.ReadDir(filepath.Join(root, filepath.FromSlash(dir)))
	if err != nil {
		return nil
	}
	var list []string
	for _, e := range entries {
		if name := path.Join(dir, e.Name()); e.Type().IsRegular() && strings.HasSuffix(name, ".go") && p.find(name) == nil {
			list = append(list, name)
		}
	}
	return list
}

// broken is what a file uses that is gone or has changed. A name behind its package's is sure to be gone; anything else only types could tell.
func broken(f *ast.File, changed map[string]*packageChange) (reason string, sure bool) {
	imported := map[string]*packageChange{}
	var all []*packageChange
	for _, spec := range f.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		c := changed[at]
		if err != nil || c == nil {
			continue
		}
		if c.gone {
			return fmt.Sprintf("it uses the package %s, %s", at, gone), true
		}
		name := path.Base(at)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = c
		all = append(all, c)
	}
	if len(all) == 0 {
		return "", false
	}
	ast.Inspect(f, func(n ast.Node) bool {
		use, ok := n.(*ast.SelectorExpr)
		if !ok || sure {
			return !sure
		}
		name := use.Sel.Name
		if x, ok := use.X.(*ast.Ident); ok && imported[x.Name] != nil {
			became := imported[x.Name].names[name]
			sure = became == gone
			if became != "" && (sure || reason == "") {
				reason = fmt.Sprintf("it uses %s.%s, %s", x.Name, name, became)
			}
			return true
		}
		for _, c := range all {
			if became := c.members[name]; became != "" {
				reason = cmp.Or(reason, "it uses "+name+", "+became)
			}
		}
		return true
	})
	return reason, sure
}

var ofGen = regexp.MustCompile(`\bgen\.`)

// outgrown is a handler in a file that the generated interface now asks for with another signature.
func outgrown(f *ast.File, gen *packageChange) string {
	if gen == nil {
		return ""
	}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv == nil {
			continue
		}
		if want := gen.wants[fn.Name.Name]; want != "" && ofGen.ReplaceAllString(typeText(fn.Type), "") != want {
			return fmt.Sprintf("its handler %s is not what gen.%s now asks for, %s", fn.Name.Name, handlers, want)
		}
	}
	return ""
}
