package code

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"
)

func parts(symbol string) (path, recv, name string) {
	dir, last := symbol[:strings.LastIndexByte(symbol, '/')+1], short(symbol)
	words := strings.Split(strings.ReplaceAll(last, ".go.", "\x00go."), ".") // nats.go is one word
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "\x00", ".")
	}
	if len(words) == 3 {
		return dir + words[0], words[1], words[2]
	}
	return dir + words[0], "", words[1]
}

// Every symbol of the tables is found where it is used, in any major version of its package.
func TestTables(t *testing.T) {
	for name, c := range map[string]struct {
		table map[string]bool
		run   func(*unit)
	}{
		"MSG251": {openers(), openedDatabases}, "MSG252": {publishers(), pastOutbox}, "MSG351": {defaultClients(), bareClients},
	} {
		for symbol := range c.table {
			path, recv, fn := parts(symbol)
			for _, version := range []string{"", "/v9"} {
				at := path + version
				if rest, ok := strings.CutPrefix(path, "platform/"); ok {
					at = "example.com/shop/platform/" + rest
				}
				if n := found(t, at, recv, fn, c.run); n != 1 {
					t.Errorf("%s: %s in %s: %d findings", name, symbol, at, n)
				}
			}
		}
	}
}

// found is how many findings there are on a package that uses one function or method.
func found(t *testing.T, path, recv, fn string, run func(*unit)) int {
	t.Helper()
	fset := token.NewFileSet()
	parse := func(name, src string) *ast.File {
		f, err := parser.ParseFile(fset, name, src, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	decl, use := fmt.Sprintf("func %s() {}", fn), "stub."+fn
	if recv != "" {
		decl, use = fmt.Sprintf("type %s struct{}\nfunc (*%[1]s) %[2]s() {}", recv, fn), "new(stub."+recv+")."+fn
	}
	stub, err := new(types.Config).Check(path, fset, []*ast.File{parse("stub.go", "package stub\n"+decl)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := parse("a.go", "package a\nimport stub "+fmt.Sprintf("%q", path)+"\nvar x = "+use+"\n")
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	pkg, err := (&types.Config{Importer: one{stub}}).Check("example.com/shop/services/a", fset, []*ast.File{f}, info)
	if err != nil {
		t.Fatal(err)
	}
	u := newUnit(&analysis.Pass{Fset: fset, Files: []*ast.File{f}, Pkg: pkg, TypesInfo: info, Module: &analysis.Module{Path: "example.com/shop"}}, "MSG000")
	run(u)
	return len(u.found)
}

// one imports the same package whatever it is asked for.
type one struct{ pkg *types.Package }

func (o one) Import(string) (*types.Package, error) { return o.pkg, nil }
