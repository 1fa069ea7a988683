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
	from, to := p.movedModule()
	if len(changed) == 0 && from == "" && len(p.Of(Orphan)) == 0 {
		return nil
	}
	byImport := map[string]*packageChange{}
	module := p.module(root)
	for dir, c := range changed {
		byImport[path.Join(module, dir)] = c
	}
	var list []Break
	for _, name := range p.userFiles(root) {
		name, src, err := p.after(root, name)
		if err != nil || src == nil {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		known := byImport
		if c := p.find(name); c != nil && c.Action == Orphan {
			known = p.missing(root, module, f, byImport)
		}
		b := Break{Path: name, Reason: leftBehind(f, from, to)}
		if b.Reason == "" {
			b.Reason = p.renamedHandler(path.Dir(name), f)
		}
		if b.Sure = b.Reason != ""; !b.Sure {
			b.Reason, b.Sure = broken(f, known)
		}
		if c := changed[path.Dir(name)]; !b.Sure && c != nil && c.mainless && f.Name.Name == "main" {
			b.Reason, b.Sure = "there is no func main in its package main any more", true
		}
		if b.Reason == "" {
			b.Reason = p.outgrown(f, changed[path.Join(path.Dir(name), "internal/gen")])
		}
		if b.Reason != "" {
			list = append(list, b)
		}
	}
	return list
}

// module is the path under which what is generated is imported.
func (p *Plan) module(root string) string {
	if c := p.find("go.mod"); c != nil {
		return modfile.ModulePath(c.rendered)
	}
	text, err := read(root, "go.mod")
	if err != nil {
		return ""
	}
	return modfile.ModulePath(text)
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
	gone     bool                      // the whole package
	mainless bool                      // its func main goes
	names    map[string]string         // the declarations: what became of each
	members  map[string][]memberChange // the fields and methods that are concerned, by name
	wants    map[string]string         // the methods of handlers that are asked for otherwise: as what
}

// memberChange is what became of a type's field or method.
type memberChange struct {
	owner, became string
	stays         []string // the types that have one of that name as before
}

// changedPackages are the folders of generated Go that lose or change a declaration.
func (p *Plan) changedPackages(root string) map[string]*packageChange {
	touched := map[string]bool{}
	for _, c := range p.Changes {
		if c.Class == Generated && strings.HasSuffix(c.Path, ".go") && (c.Action == Update || c.Action == Delete) {
			touched[p.dirNow(path.Dir(c.Path))] = true
		}
	}
	was, now, files := map[string]declarations{}, map[string]declarations{}, map[string]int{}
	for dir := range touched {
		was[dir], now[dir] = declarations{}, declarations{}
	}
	for _, c := range p.Changes {
		dir := p.dirNow(path.Dir(c.Path))
		if !touched[dir] || !strings.HasSuffix(c.Path, ".go") || strings.HasSuffix(c.Path, "_test.go") {
			continue
		}
		was[dir].add(p.retyped(c.Disk))
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
		p.renames.tell(c.names)
		c.gone = files[dir] == 0
		_, had := was[dir][entry]
		_, has := now[dir][entry]
		if c.mainless = had && !has; c.gone || c.mainless || len(c.names)+len(c.members)+len(c.wants) > 0 {
			changes[dir] = c
		}
	}
	return changes
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
	var all []string
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
		all = append(all, name)
	}
	if len(all) == 0 {
		return "", false
	}
	used := qualified(f)
	ast.Inspect(f, func(n ast.Node) bool {
		use, ok := n.(*ast.SelectorExpr)
		if !ok || sure {
			return !sure
		}
		name := use.Sel.Name
		if x, ok := use.X.(*ast.Ident); ok && imported[x.Name] != nil {
			became := imported[x.Name].names[name]
			sure = became != "" && became != altered
			if became != "" && (sure || reason == "") {
				reason = fmt.Sprintf("it uses %s.%s, %s", x.Name, name, became)
			}
			return true
		}
		for _, pkg := range all {
			for _, m := range slices.Backward(imported[pkg].members[name]) { // a request comes before what it is about
				if m.meant(used, pkg) {
					reason = cmp.Or(reason, "it uses "+name+", "+m.became+" in "+m.owner)
				}
			}
		}
		return true
	})
	return reason, sure
}

// meant reports whether a file that uses the member's name probably means this one: it names the type, or none of the types that have it as before.
func (m memberChange) meant(used map[string]bool, pkg string) bool {
	return used[pkg+"."+m.owner] || !slices.ContainsFunc(m.stays, func(owner string) bool { return used[pkg+"."+owner] })
}

// qualified are the names that a file uses behind that of a package, such as ordersv1.Order.
func qualified(f *ast.File) map[string]bool {
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if use, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := use.X.(*ast.Ident); ok {
				used[x.Name+"."+use.Sel.Name] = true
			}
		}
		return true
	})
	return used
}

var ofGen = regexp.MustCompile(`\bgen\.`)

// outgrown is a handler in a file that the generated interface now asks for with another signature.
func (p *Plan) outgrown(f *ast.File, gen *packageChange) string {
	if gen == nil {
		return ""
	}
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv == nil {
			continue
		}
		if want := gen.wants[fn.Name.Name]; want != "" && ofGen.ReplaceAllString(string(p.retyped([]byte(typeText(fn.Type)))), "") != want {
			return fmt.Sprintf("its handler %s is not what gen.%s now asks for, %s", fn.Name.Name, handlers, want)
		}
	}
	return ""
}
