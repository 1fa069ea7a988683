package generator

import (
	"go/ast"
	"maps"
	"path"
	"strconv"
	"strings"
)

// missing is what changes, and what a file that was left behind uses of the module and is not there: what took that away may have been an
// earlier run.
func (p *Plan) missing(root, module string, f *ast.File, changed map[string]*packageChange) map[string]*packageChange {
	changed = maps.Clone(changed)
	for _, spec := range f.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		dir, ok := strings.CutPrefix(at, module+"/")
		if err != nil || !ok || changed[at] != nil {
			continue
		}
		now, files := declarations{}, 0
		for _, c := range p.Changes {
			if path.Dir(c.Path) != dir || !strings.HasSuffix(c.Path, ".go") || strings.HasSuffix(c.Path, "_test.go") || c.Action == Delete {
				continue
			}
			content := c.rendered
			if c.Class == Yours || content == nil {
				content = c.Disk
			}
			now.add(content)
			files++
		}
		for _, name := range p.strangers(root, dir) {
			if src, err := read(root, name); err == nil {
				now.add(src)
				files++
			}
		}
		changed[at] = &packageChange{gone: files == 0, names: undeclared(f, spec, now)}
	}
	return changed
}

// undeclared are the names behind a package's that a file uses and that are not declared: they are gone.
func undeclared(f *ast.File, spec *ast.ImportSpec, now declarations) map[string]string {
	names := map[string]string{}
	at, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return names
	}
	name := path.Base(at)
	if spec.Name != nil {
		name = spec.Name.Name
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if use, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := use.X.(*ast.Ident); ok && x.Name == name && now[use.Sel.Name] == "" {
				names[use.Sel.Name] = gone
			}
		}
		return true
	})
	return names
}
