package generator

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/Masterminds/sprig/v3"
	"golang.org/x/mod/modfile"

	"github.com/msgen-dev/msgen/templates"
)

func TestAddImports(t *testing.T) {
	table := map[string]string{
		"context": "context", "fs": "io/fs", "embed": "embed", "fmt": "fmt", "grpc": "google.golang.org/grpc", "pgx": "github.com/jackc/pgx/v5",
		"env": "github.com/caarlos0/env/v11", "money": "google.golang.org/genproto/googleapis/type/money", "ordersv1": "example.com/shop/api/shop/orders/v1",
		"event": "example.com/shop/platform/event", "shop": "example.com/shop", "shopping": "example.com/shopping/shopping",
	}
	for name, c := range map[string]struct{ src, want string }{
		"none":       {"package p\n\nvar x = 1\n", "package p\n\nvar x = 1\n"},
		"one":        {"package p\n\nvar x = fmt.Sprint()\n", "package p\n\nimport (\n\t\"fmt\"\n)\n\n\nvar x = fmt.Sprint()\n"},
		"twice":      {"package p\nvar x = fmt.A(fmt.B)\n", "package p\n\nimport (\n\t\"fmt\"\n)\n\nvar x = fmt.A(fmt.B)\n"},
		"unknown":    {"package p\nvar x = nobody.Knows\n", "package p\nvar x = nobody.Knows\n"},
		"shadowed":   {"package p\nfunc f(fmt T) { fmt.Print() }\n", "package p\nfunc f(fmt T) { fmt.Print() }\n"},
		"own var":    {"package p\nvar fmt T\nvar x = fmt.Print\n", "package p\nvar fmt T\nvar x = fmt.Print\n"},
		"one is not": {"package p\nfunc f(fmt T) { fmt.Print() }\nfunc g() { fmt.Print() }\n", "package p\n\nimport (\n\t\"fmt\"\n)\n\nfunc f(fmt T) { fmt.Print() }\nfunc g() { fmt.Print() }\n"},
		"a field":    {"package p\nvar x = y.fmt.Print\n", "package p\nvar x = y.fmt.Print\n"},
		"a type":     {"package p\ntype T struct{ *money.Money }\n", "package p\n\nimport (\n\t\"google.golang.org/genproto/googleapis/type/money\"\n)\n\ntype T struct{ *money.Money }\n"},
		"a generic":  {"package p\nvar x grpc.S[ordersv1.Order]\n", "package p\n\nimport (\n\t\"google.golang.org/grpc\"\n\n\t\"example.com/shop/api/shop/orders/v1\"\n)\n\nvar x grpc.S[ordersv1.Order]\n"},
		"groups": {
			"package p\nvar x = f(event.E, fs.F, context.C, grpc.G, pgx.P, shop.S, env.E, shopping.S)\n",
			"package p\n\nimport (\n\t\"context\"\n\t\"io/fs\"\n\n\t\"example.com/shopping/shopping\"\n\t\"github.com/caarlos0/env/v11\"\n\t\"github.com/jackc/pgx/v5\"\n" +
				"\t\"google.golang.org/grpc\"\n\n\t\"example.com/shop\"\n\t\"example.com/shop/platform/event\"\n)\n\nvar x = f(event.E, fs.F, context.C, grpc.G, pgx.P, shop.S, env.E, shopping.S)\n",
		},
		"embed for a directive": {
			"package p\n\n//go:embed a.sql\nvar a []byte\n", "package p\n\nimport (\n\t_ \"embed\"\n)\n\n\n//go:embed a.sql\nvar a []byte\n",
		},
		"embed used": {
			"package p\n\n//go:embed a.sql\nvar a embed.FS\n", "package p\n\nimport (\n\t\"embed\"\n)\n\n\n//go:embed a.sql\nvar a embed.FS\n",
		},
		"imports of its own": {
			"package p\n\nimport \"strings\"\n\nimport (\n\tfmt \"example.org/fmt\"\n\t_ \"embed\"\n)\n\nvar x = strings.Join(fmt.A, grpc.B)\n",
			"package p\n\nimport (\n\t_ \"embed\"\n\t\"strings\"\n\n\tfmt \"example.org/fmt\"\n\t\"google.golang.org/grpc\"\n)\n\n\n\n\n\n\nvar x = strings.Join(fmt.A, grpc.B)\n",
		},
		"only its own": {"package p\n\nimport \"strings\"\n\nvar x = strings.Join\n", "package p\n\nimport \"strings\"\n\nvar x = strings.Join\n"},
		"doc stays":    {"// Package p does.\npackage p // here\n\nvar x = fmt.S\n", "// Package p does.\npackage p\n\nimport (\n\t\"fmt\"\n)\n // here\n\nvar x = fmt.S\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := addImports([]byte(c.src), func(name string) string { return table[name] }, "example.com/shop")
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(c.want, `"example.com/shop/api/shop/orders/v1"`, `ordersv1 "example.com/shop/api/shop/orders/v1"`, 1)
			if string(got) != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	if _, err := addImports([]byte("package p\nfunc {"), func(string) string { return "" }, "m"); err == nil {
		t.Error("what is not Go has no error")
	}
}

func TestRewriteImports(t *testing.T) {
	const from = platformModule
	for name, c := range map[string]struct{ src, want string }{
		"rewritten": {
			"package p\n\nimport (\n\t\"fmt\"\n\n\tx \"" + from + "/event\"\n\t_ `" + from + "/page`\n)\n",
			"package p\n\nimport (\n\t\"fmt\"\n\n\tx \"example.com/s/platform/event\"\n\t_ \"example.com/s/platform/page\"\n)\n",
		},
		"only imports":    {"package p\n\n// " + from + "/event\nvar s = \"" + from + "/event\"\n", "package p\n\n// " + from + "/event\nvar s = \"" + from + "/event\"\n"},
		"not a prefix":    {"package p\n\nimport \"" + from + "er/event\"\n", "package p\n\nimport \"" + from + "er/event\"\n"},
		"the root itself": {"package p\n\nimport \"" + from + "\"\n", "package p\n\nimport \"example.com/s/platform\"\n"},
		"no imports":      {"package p\r\n\r\nvar x  =  1", "package p\r\n\r\nvar x  =  1"},
	} {
		got, err := rewriteImports([]byte(c.src), "example.com/s/platform")
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v, got\n%s\nwant\n%s", name, err, got, c.want)
		}
	}
	if _, err := rewriteImports([]byte("import"), "m"); err == nil {
		t.Error("what is not Go has no error")
	}
}

// The functions that templates have: nothing that gives another result tomorrow, elsewhere or to somebody else.
func TestTemplateFunctions(t *testing.T) {
	want := []string{"add", "cell", "default", "dict", "goDuration", "indent", "join", "lower", "nindent", "quote", "trim", "upper"}
	if got := slices.Sorted(maps.Keys(funcs())); !slices.Equal(got, want) {
		t.Errorf("the functions are %v, want %v", got, want)
	}
	forbidden := []string{
		"now", "date", "ago", "htmlDate", "unixEpoch", "env", "expandenv", "getHostByName", "uuidv4", "randAlpha", "randAlphaNum", "randBytes",
		"randInt", "shuffle", "genPrivateKey", "genCA", "genSelfSignedCert", "derivePassword", "bcrypt", "htpasswd", "encryptAES", "keys", "values",
	}
	for _, name := range forbidden {
		if sprig.TxtFuncMap()[name] == nil {
			t.Errorf("sprig has no %s: this test would not notice it", name)
		}
		fsys := overlay{templates.FS, outputs[0].template, "{{" + name + "}}"}
		if _, err := parse(fsys, nil, all); err == nil || !strings.Contains(err.Error(), "function \""+name+"\" not defined") {
			t.Errorf("a template with %s: %v", name, err)
		}
	}
}

// overlay is a file system with one file replaced.
type overlay struct {
	fs.FS
	name, content string
}

func (o overlay) Open(name string) (fs.File, error) {
	if name == o.name {
		return fstest.MapFS{name: {Data: []byte(o.content)}}.Open(name)
	}
	return o.FS.Open(name)
}

// Every template is in the table of outputs, and the table names no other.
func TestTemplatesAreUsed(t *testing.T) {
	var want []string
	for _, o := range outputs {
		want = append(want, o.template)
	}
	slices.Sort(want)
	if unique := slices.Compact(slices.Clone(want)); len(unique) != len(want) {
		t.Error("the table names a template twice")
	}
	var got []string
	err := fs.WalkDir(templates.FS, ".", func(name string, d fs.DirEntry, err error) error {
		top, _, _ := strings.Cut(name, "/")
		if err == nil && !d.IsDir() && top != "platform" && top != "examples" {
			got = append(got, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the templates are\n%s\nthe table has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOutputPath(t *testing.T) {
	for _, c := range []struct {
		template string
		vars     []string
		want     string
	}{
		{"root/dot-github/workflows/ci.yml.tmpl", nil, ".github/workflows/ci.yml"},
		{"module/go.sum", nil, "go.sum"},
		{"service/services/{service}/{method}.go.tmpl", []string{"{service}", "order-history", "{method}", "get_it"}, "services/order-history/get_it.go"},
		{"service/services/{service}/{service}_test.go.tmpl", []string{"{service}", "a"}, "services/a/a_test.go"},
		{"service/services/{service}/main.go.tmpl", []string{"{service}", "polka-dot-shop"}, "services/polka-dot-shop/main.go"},
	} {
		if got := outputPath(c.template, c.vars); got != c.want {
			t.Errorf("%s goes to %s, want %s", c.template, got, c.want)
		}
	}
}

// A generated system has the versions with which the platform is tested here.
func TestModuleVersions(t *testing.T) {
	parse := func(name string) *modfile.File {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mod, err := modfile.Parse(name, []byte(strings.Replace(string(text), "{{.Module}}", "example.com/x", 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		return mod
	}
	ours, theirs := parse("../go.mod"), parse("../templates/module/go.mod.tmpl")
	if ours.Go.Version != theirs.Go.Version {
		t.Errorf("systems are for Go %s, this module for %s", theirs.Go.Version, ours.Go.Version)
	}
	versions := map[string]string{}
	for _, r := range ours.Require {
		versions[r.Mod.Path] = r.Mod.Version
	}
	sum, err := os.ReadFile("../templates/module/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range theirs.Require {
		if have := versions[r.Mod.Path]; have != r.Mod.Version {
			t.Errorf("systems use %s %s, this module %q: run go generate ./templates", r.Mod.Path, r.Mod.Version, have)
		}
		if !strings.Contains(string(sum), r.Mod.Path+" "+r.Mod.Version+" h1:") && !strings.Contains(string(sum), r.Mod.Path+" "+r.Mod.Version+"/go.mod h1:") {
			t.Errorf("go.sum does not have %s %s", r.Mod.Path, r.Mod.Version)
		}
	}
}

// A template whose result is no Go shows the line.
func TestTemplateFault(t *testing.T) {
	src := []byte("package p\n\nfunc f( {\n")
	_, err := addImports(src, func(string) string { return "" }, "m")
	text := templateFaults{{template: "x.go.tmpl", output: "x.go", result: src, flaw: notGo(err)}}.Error()
	for _, want := range []string{"templates/x.go.tmpl: its result is not Go", "    3 | func f( {", "^"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%v", want, text)
		}
	}
}

func all(output) bool { return true }
