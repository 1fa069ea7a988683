package code

import (
	"go/ast"
	"go/types"
	"regexp"
	"strings"
)

// major is the part of an import path that names a major version.
var major = regexp.MustCompile(`(/v[0-9]+|\.v[0-9]+)(/|$)`)

// symbol is the name of a function, method or variable of a package: net/http.Get, net/http.Client.Do. Major versions are left out of the path, and
// the module out of those of its platform: platform/kafka.NewPublisher. It is "" for what belongs to no package.
func (u *unit) symbol(obj types.Object) string {
	if obj == nil || obj.Pkg() == nil {
		return ""
	}
	name := u.packageName(obj.Pkg().Path()) + "."
	switch obj := obj.(type) {
	case *types.Func:
		recv := obj.Signature().Recv()
		if recv == nil {
			return name + obj.Name()
		}
		t, ok := named(recv.Type())
		if !ok {
			return ""
		}
		return name + t.Obj().Name() + "." + obj.Name()
	case *types.Var:
		if obj.Parent() == obj.Pkg().Scope() {
			return name + obj.Name()
		}
	}
	return ""
}

func (u *unit) packageName(path string) string {
	if rest, ok := strings.CutPrefix(path, u.module+"/platform/"); ok && u.module != "" {
		return "platform/" + rest
	}
	return major.ReplaceAllString(path, "$2")
}

// named is the named type that t is or points to.
func named(t types.Type) (*types.Named, bool) {
	t = types.Unalias(t)
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	n, ok := t.(*types.Named)
	return n, ok
}

// uses calls f for each use of a symbol of a table in what people write, with the expression to point at.
func (u *unit) uses(table map[string]bool, f func(file *ast.File, at ast.Node, symbol string, stack []ast.Node)) {
	for _, file := range u.files(false) {
		ast.PreorderStack(file, nil, func(n ast.Node, stack []ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			s := u.symbol(u.pass.TypesInfo.Uses[id])
			if !table[s] {
				return true
			}
			at := ast.Node(id)
			if sel, ok := stack[len(stack)-1].(*ast.SelectorExpr); ok && sel.Sel == id {
				if _, ok := u.pass.TypesInfo.Uses[packageIdent(sel.X)].(*types.PkgName); ok {
					at, stack = sel, stack[:len(stack)-1]
				}
			}
			f(file, at, s, stack)
			return true
		})
	}
}

func packageIdent(e ast.Expr) *ast.Ident {
	id, _ := e.(*ast.Ident)
	return id
}

// short is a symbol as code writes it: net/http.Client.Do is http.Client.Do.
func short(symbol string) string { return symbol[strings.LastIndexByte(symbol, '/')+1:] }

// table is the set of symbols: of each line, the names that follow the package's path and a colon.
func table(lines ...string) map[string]bool {
	set := map[string]bool{}
	for _, line := range lines {
		path, names, _ := strings.Cut(line, ": ")
		for _, name := range strings.Fields(names) {
			set[path+"."+name] = true
		}
	}
	return set
}
