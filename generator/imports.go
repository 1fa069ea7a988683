package generator

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"sort"
	"strings"
)

// addImports puts the import block that src needs after its package clause, so that templates name packages and never list them. Only
// packages that lookup knows can be imported, which keeps the result independent of the machine. What src imports itself, as a template of the user's
// may, goes into the same block, and lookup is not asked for its names.
//
// lookup gives the import path of a package's name in the code, "" when it is none; module is the system's module, whose packages form the last group.
func addImports(src []byte, lookup func(name string) string, module string) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", src, 0)
	if err != nil {
		return nil, err
	}
	unresolved := map[*ast.Ident]bool{}
	for _, id := range file.Unresolved {
		unresolved[id] = true
	}
	used, own := map[string]bool{}, imported(file)
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok && unresolved[id] && !own[id.Name] && lookup(id.Name) != "" {
				used[id.Name] = true
			}
		}
		return true
	})
	blank := ""
	if bytes.Contains(src, []byte("\n//go:embed ")) && !used["embed"] {
		blank = "_ \"embed\""
	}
	if len(used) == 0 && blank == "" {
		return src, nil
	}

	var groups [3][]string
	if blank != "" {
		groups[0] = append(groups[0], blank)
	}
	for name := range used {
		p := lookup(name)
		line := fmt.Sprintf("%q", p)
		if packageName(p) != name {
			line = name + " " + line
		}
		groups[group(p, module)] = append(groups[group(p, module)], line)
	}
	for _, spec := range file.Imports {
		line := spec.Path.Value
		if spec.Name != nil {
			line = spec.Name.Name + " " + line
		}
		p := strings.Trim(spec.Path.Value, "\"`")
		groups[group(p, module)] = append(groups[group(p, module)], line)
	}
	var b strings.Builder
	b.WriteString("\n\nimport (\n")
	for i, g := range groups {
		sort.Slice(g, func(i, j int) bool { return importPath(g[i]) < importPath(g[j]) })
		if i > 0 && len(g) > 0 && b.Len() > len("\n\nimport (\n") {
			b.WriteByte('\n')
		}
		for _, line := range g {
			b.WriteString("\t" + line + "\n")
		}
	}
	b.WriteString(")\n")

	at := fset.Position(file.Name.End()).Offset
	out := make([]byte, 0, len(src)+b.Len())
	out = append(out, src[:at]...)
	out = append(out, b.String()...)
	for _, decl := range file.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.IMPORT {
			out = append(out, src[at:fset.Position(d.Pos()).Offset]...)
			at = fset.Position(d.End()).Offset
		}
	}
	return append(out, src[at:]...), nil
}

// imported are the names that a file gives the packages that it imports. What a package is called whose import has no name is taken from its path.
func imported(file *ast.File) map[string]bool {
	names := map[string]bool{}
	for _, spec := range file.Imports {
		if spec.Name != nil {
			names[spec.Name.Name] = true
		} else {
			names[packageName(strings.Trim(spec.Path.Value, "\"`"))] = true
		}
	}
	return names
}

// group is 0 for the standard library, 1 for other modules, 2 for the system itself.
func group(p, module string) int {
	switch {
	case p == module || strings.HasPrefix(p, module+"/"):
		return 2
	case strings.Contains(strings.SplitN(p, "/", 2)[0], "."):
		return 1
	}
	return 0
}

// packageName is the name that an import path suggests: the last element that is not a major version.
func packageName(p string) string {
	base := path.Base(p)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		return path.Base(path.Dir(p))
	}
	return base
}

func importPath(line string) string { return line[strings.IndexAny(line, "\"`"):] }
