package generator_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/generator/view"
)

const dataPage = "../docs/template-data.md"

const dataHead = `# What templates are rendered for

What a template names with ` + "`{{.Name}}`" + ` are the fields and methods below. [templates.md](templates.md) says how to change a template. This page is written by
a test from the code, and is that of the msgen that it comes with.

A ` + "`schema.Value`" + ` is a value of the spec with its place: ` + "`.V`" + ` is the value, ` + "`.Set`" + ` whether the spec gives it. A pointer may be nil: ask with ` + "`{{if}}`" + ` or ` + "`{{with}}`" + `.
A method is called without brackets, its arguments behind it: ` + "`{{.Has \"orders\"}}`" + `.

`

// The page on the data of templates lists every field and method that they can use. It is written anew by:
// go test ./generator -run TestTemplateData -update
func TestTemplateData(t *testing.T) {
	types := map[string]reflect.Type{}
	for _, name := range append([]string{"kitchen-sink", "choreography", "sharded"}, examples...) {
		sys, findings := view.Build(example(t, name), view.Options{})
		if findings.HasErrors() {
			t.Fatal(findings)
		}
		maps.Copy(types, generator.DataTypes(sys))
	}
	var b strings.Builder
	b.WriteString(dataHead + "| template | is rendered for |\n|---|---|\n")
	var found []reflect.Type
	seen := map[reflect.Type]bool{}
	for _, name := range generator.TemplateNames() {
		if !override.IsTemplate(name) {
			continue
		}
		if types[name] == nil {
			t.Errorf("no example has a thing to render %s for", name)
			continue
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, typeLink(types[name]))
		collect(types[name], seen, &found)
	}
	functions := generator.FuncNames()
	slices.Sort(functions)
	fmt.Fprintf(&b, "\nBeside those of Go's text/template there are the functions `%s`.\n", strings.Join(functions, "`, `"))
	slices.SortFunc(found, func(a, b reflect.Type) int { return strings.Compare(rank(a)+a.String(), rank(b)+b.String()) })
	docs := comments(t)
	for _, typ := range found {
		section(t, &b, typ, docs)
	}
	if *update {
		if err := os.WriteFile(dataPage, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(dataPage)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(string(have), "\r\n", "\n"); got != b.String() {
		t.Errorf("%s is out of date; write it anew with -update:\n%s", dataPage, firstDifference(got, b.String()))
	}
}

// rank puts what the templates are made for before what the spec says.
func rank(t reflect.Type) string {
	if strings.HasPrefix(t.String(), "schema.") {
		return "2"
	}
	return "1"
}

// collect adds the structs of ours that a template gets to from a type.
func collect(t reflect.Type, seen map[reflect.Type]bool, list *[]reflect.Type) {
	if seen[t] || !ours(t) {
		return
	}
	seen[t] = true
	if t.Kind() == reflect.Struct && t.Name() != "" && !strings.HasPrefix(t.Name(), "Value[") {
		*list = append(*list, t)
	}
	for _, next := range generator.Reachable(t) {
		collect(next, seen, list)
	}
}

// ours reports that a type is of the packages that the page is on, or leads to one.
func ours(t reflect.Type) bool {
	if t.Name() == "" {
		return true
	}
	for _, p := range []string{"/generator", "/generator/view", "/schema"} {
		if strings.HasSuffix(t.PkgPath(), "msgen-dev/msgen"+p) {
			return true
		}
	}
	return false
}

var modulePath = regexp.MustCompile(`github\.com/msgen-dev/msgen/(?:[a-z]+/)*`)

func typeName(t reflect.Type) string { return modulePath.ReplaceAllString(t.String(), "") }

// typeLink is a type with a link to its section.
func typeLink(t reflect.Type) string {
	elem := t
	for elem.Name() == "" && (elem.Kind() == reflect.Pointer || elem.Kind() == reflect.Slice || elem.Kind() == reflect.Map) {
		elem = elem.Elem()
	}
	if strings.HasPrefix(elem.Name(), "Value[") {
		v, _ := elem.FieldByName("V")
		elem = v.Type
		for elem.Name() == "" && elem.Kind() != reflect.Struct {
			elem = elem.Elem()
		}
	}
	text := "`" + typeName(t) + "`"
	if elem.Kind() == reflect.Struct && ours(elem) {
		return "[" + text + "](#" + strings.ToLower(strings.ReplaceAll(typeName(elem), ".", "")) + ")"
	}
	return text
}

// section writes what there is to name of a type.
func section(t *testing.T, b *strings.Builder, typ reflect.Type, docs map[string]string) {
	t.Helper()
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| name | type | |\n|---|---|---|\n", typeName(typ), docs[typeName(typ)])
	for _, f := range reflect.VisibleFields(typ) {
		if !f.IsExported() || f.Anonymous {
			continue
		}
		owner := typ
		for _, i := range f.Index[:len(f.Index)-1] { // of an embedded type
			owner = owner.Field(i).Type
		}
		row(b, f.Name, typeLink(f.Type), docs[typeName(owner)+"."+f.Name])
	}
	for _, m := range methods(typ) {
		signature := m.Name
		for i := 1; i < m.Type.NumIn(); i++ {
			signature += " " + typeName(m.Type.In(i))
		}
		doc, ok := docs[typeName(typ)+"."+m.Name]
		for i := 0; !ok && i < typ.NumField(); i++ {
			doc, ok = docs[typeName(typ.Field(i).Type)+"."+m.Name] // of an embedded type
		}
		if !ok {
			t.Errorf("the method %s.%s has no comment", typeName(typ), m.Name)
		}
		row(b, signature, typeLink(m.Type.Out(0)), doc)
	}
}

// methods are those of a type and of pointers to it that a template can call.
func methods(typ reflect.Type) []reflect.Method {
	var list []reflect.Method
	pointer := reflect.PointerTo(typ)
	for i := range pointer.NumMethod() {
		m := pointer.Method(i)
		if n := m.Type.NumOut(); n == 1 || n == 2 && m.Type.Out(1).String() == "error" {
			list = append(list, m)
		}
	}
	return list
}

func row(b *strings.Builder, name, typ, doc string) {
	fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, typ, strings.NewReplacer("|", `\|`, "<", `\<`).Replace(doc))
}

// comments are those of the types, fields and methods that templates see, by their names. Those on types and methods are cut to a sentence.
func comments(t *testing.T) map[string]string {
	t.Helper()
	docs := map[string]string{}
	pkg := doc.Package{}
	for name, dir := range map[string]string{"generator": ".", "view": "view", "schema": "../schema"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), dir+"/"+e.Name(), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					if d.Recv != nil {
						docs[name+"."+receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = pkg.Synopsis(d.Doc.Text())
					}
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						if s, ok := spec.(*ast.TypeSpec); ok {
							docs[name+"."+s.Name.Name] = pkg.Synopsis(d.Doc.Text())
							fieldComments(docs, name+"."+s.Name.Name, s.Type)
						}
					}
				}
			}
		}
	}
	return docs
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func fieldComments(docs map[string]string, of string, e ast.Expr) {
	s, ok := e.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
		for _, name := range f.Names {
			docs[of+"."+name.Name] = text
		}
	}
}
