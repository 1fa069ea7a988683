package generator

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// declarations are a package's exported declarations and their exported fields and methods, as Type.Member, each with its type as text.
type declarations map[string]string

func (d declarations) add(src []byte) {
	if src == nil {
		return
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.SkipObjectResolution)
	if err != nil {
		return
	}
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				d.put("", decl.Name.Name, typeText(decl.Type))
			} else {
				d.put(receiver(decl), decl.Name.Name, typeText(decl.Type))
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				d.spec(spec)
			}
		}
	}
}

func (d declarations) spec(spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			d.put("", name.Name, "value")
		}
	case *ast.TypeSpec:
		d.put("", spec.Name.Name, "type")
		var fields *ast.FieldList
		switch t := spec.Type.(type) {
		case *ast.StructType:
			fields = t.Fields
		case *ast.InterfaceType:
			fields = t.Methods
		default:
			return
		}
		for _, field := range fields.List {
			for _, name := range field.Names {
				d.put(spec.Name.Name, name.Name, typeText(field.Type))
			}
		}
	}
}

// entry is where a program begins: of the names that are not exported it is the one that others depend on.
const entry = "main"

func (d declarations) put(owner, name, text string) {
	if !ast.IsExported(name) && (owner != "" || name != entry) {
		return
	}
	if owner != "" {
		name = owner + "." + name
	}
	d[name] = text
}

func receiver(decl *ast.FuncDecl) string {
	t := decl.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// compare finds what was declared and is not any more, or otherwise.
func compare(was, now declarations) *packageChange {
	c := &packageChange{names: map[string]string{}, members: map[string][]memberChange{}, wants: map[string]string{}}
	stays := map[string][]string{} // the types that have a member as before
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if owner, member, ok := strings.Cut(name, "."); ok && (was[name] == now[name] || was[name] == "") {
			stays[member] = append(stays[member], owner)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was)) {
		text, there := now[name]
		if text == was[name] {
			continue
		}
		became := gone
		if there {
			became = altered
		}
		owner, member, ok := strings.Cut(name, ".")
		_, hasOwner := now[owner]
		switch {
		case !ok:
			c.names[name] = became
		case owner == handlers:
			if there {
				c.wants[member] = text
			}
		case hasOwner:
			c.members[member] = append(c.members[member], memberChange{owner, became, stays[member]})
		}
	}
	return c
}

// typeText is a type as text, without the names of parameters: they may change freely.
func typeText(t ast.Expr) string {
	if fn, ok := t.(*ast.FuncType); ok {
		t = &ast.FuncType{Params: unnamed(fn.Params), Results: unnamed(fn.Results)}
	}
	return types.ExprString(t)
}

// unnamed has one field for each parameter, and no names.
func unnamed(list *ast.FieldList) *ast.FieldList {
	if list == nil {
		return nil
	}
	out := &ast.FieldList{}
	for _, field := range list.List {
		for range max(len(field.Names), 1) {
			out.List = append(out.List, &ast.Field{Type: field.Type})
		}
	}
	return out
}
