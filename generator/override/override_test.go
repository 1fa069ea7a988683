package override_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/msgen-dev/msgen/generator/override"
)

// known are templates as there are.
var known = []override.Template{
	{Name: "root/Makefile.tmpl", Output: "Makefile", Class: "merged"},
	{Name: "root/dot-github/workflows/ci.yml.tmpl", Output: ".github/workflows/ci.yml", Class: "merged"},
	{Name: "module/go.sum", Output: "go.sum", Class: "merged", Fixed: "it is no template"},
	{Name: "service/{service}/main.go.tmpl", Output: "services/{service}/main.go", Class: "generated"},
	{Name: "service/{service}/{method}.go.tmpl", Output: "services/{service}/{method}.go", Class: "yours"},
	{Name: "platform/page/page.go", Output: "platform/page/page.go", Class: "generated"},
}

// project is a folder with some files.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, root string) (names, found []string) {
	t.Helper()
	set, list, err := override.Read(root, known)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range set.All() {
		names = append(names, o.Name)
	}
	for _, d := range list {
		found = append(found, d.Message+"; "+d.Help)
	}
	return names, found
}

func TestRead(t *testing.T) {
	names, found := read(t, project(t, map[string]string{
		".msgen/templates/service/{service}/main.go.tmpl": "a",
		".msgen/templates/root/Makefile.tmpl":             "b",
		".msgen/templates/platform/page/page.go":          "c",
		".msgen/templates/root/Makefile.tmpl~":            "left by an editor",
		".msgen/templates/root/.Makefile.tmpl.swp":        "and by another",
		".msgen/templates/.DS_Store":                      "",
		".msgen/base/root/Makefile.tmpl":                  "no template",
	}))
	if want := []string{"platform/page/page.go", "root/Makefile.tmpl", "service/{service}/main.go.tmpl"}; !slices.Equal(names, want) || found != nil {
		t.Errorf("there are %v and %v", names, found)
	}
	if names, found := read(t, t.TempDir()); names != nil || found != nil {
		t.Errorf("a folder without overrides has %v and %v", names, found)
	}
}

func TestReadRefuses(t *testing.T) {
	_, found := read(t, project(t, map[string]string{
		".msgen/templates/root/Makefle.tmpl":                  "a",
		".msgen/templates/Makefile":                           "b",
		".msgen/templates/ci.yml":                             "c",
		".msgen/templates/services/orders/main.go":            "d",
		".msgen/templates/services/orders/place.go":           "e",
		".msgen/templates/module/go.sum":                      "f",
		".msgen/templates/what/is/this":                       "",
		".msgen/templates/root/.github/workflows/ci.yml.tmpl": "g",
	}))
	want := []string{
		".msgen/templates/Makefile overrides nothing: there is no template of this name; did you mean .msgen/templates/root/Makefile.tmpl?",
		".msgen/templates/ci.yml overrides nothing: there is no template of this name; did you mean .msgen/templates/root/dot-github/workflows/ci.yml.tmpl?",
		".msgen/templates/module/go.sum cannot be overridden: it is no template; delete this file",
		".msgen/templates/root/.github/workflows/ci.yml.tmpl overrides nothing: there is no template of this name; did you mean .msgen/templates/root/dot-github/workflows/ci.yml.tmpl?",
		".msgen/templates/root/Makefle.tmpl overrides nothing: there is no template of this name; did you mean .msgen/templates/root/Makefile.tmpl?",
		".msgen/templates/services/orders/main.go overrides nothing: there is no template of this name; did you mean .msgen/templates/service/{service}/main.go.tmpl?",
		".msgen/templates/services/orders/place.go overrides nothing: there is no template of this name; did you mean .msgen/templates/service/{service}/{method}.go.tmpl?",
		".msgen/templates/what/is/this overrides nothing: there is no template of this name; msgen templates list names all that can be overridden",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}

// What was ejected from a template that this msgen has no more says who had it.
func TestReadGone(t *testing.T) {
	_, found := read(t, project(t, map[string]string{".msgen/templates/deploy/helm/chart.tmpl": string(override.Eject("x.tmpl", nil, "v0.9.0"))}))
	const want = "; msgen v0.9.0 had one: bring your change to what makes its output now, and delete this file"
	if len(found) != 1 || !strings.HasSuffix(found[0], want) {
		t.Errorf("found %v, want %s", found, want)
	}
}

// Nothing is read through a link, wherever it is.
func TestReadLinks(t *testing.T) {
	outside := project(t, map[string]string{"templates/root/Makefile.tmpl": "secret", "Makefile.tmpl": "secret"})
	for name, c := range map[string]struct{ link, target string }{
		"a file":      {".msgen/templates/root/Makefile.tmpl", "Makefile.tmpl"},
		"a folder":    {".msgen/templates/root", "templates/root"},
		"templates":   {".msgen/templates", "templates"},
		"all of them": {".msgen", "."},
	} {
		root := t.TempDir()
		link := filepath.Join(root, filepath.FromSlash(c.link))
		if err := os.MkdirAll(filepath.Dir(link), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(outside, c.target), link); err != nil {
			t.Skip("links cannot be made here: ", err)
		}
		names, found := read(t, root)
		if names != nil || len(found) != 1 || !strings.Contains(found[0], "link") {
			t.Errorf("%s: there are %v and %v", name, names, found)
		}
	}
	if _, found := read(t, project(t, map[string]string{".msgen/templates": "a file"})); len(found) != 1 || !strings.Contains(found[0], "is not a folder") {
		t.Errorf("a file in the folder's place: %v", found)
	}
}

func TestFS(t *testing.T) {
	base := fstest.MapFS{
		"root/Makefile.tmpl":                    {Data: []byte("built in")},
		"root/dot-github/workflows/ci.yml.tmpl": {Data: []byte("built in")},
		"platform/page/page.go":                 {Data: []byte("package page\n")},
	}
	set, _, err := override.Read(project(t, map[string]string{
		".msgen/templates/root/Makefile.tmpl":    string(override.Eject("root/Makefile.tmpl", []byte("mine"), "v1")),
		".msgen/templates/platform/page/page.go": string(override.Eject("platform/page/page.go", []byte("package mine\n"), "v1")),
	}), known)
	if err != nil {
		t.Fatal(err)
	}
	fsys := set.FS(base)
	for name, want := range map[string]string{
		"root/Makefile.tmpl":                    string(override.Eject("root/Makefile.tmpl", []byte("mine"), "v1")),
		"root/dot-github/workflows/ci.yml.tmpl": "built in",
		"platform/page/page.go":                 "package mine\n",
	} {
		if text, err := fs.ReadFile(fsys, name); err != nil || string(text) != want {
			t.Errorf("%s is %q %v, want %q", name, text, err, want)
		}
		f, err := fsys.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(f); err != nil || text.String() != want || f.Close() != nil {
			t.Errorf("%s opened is %q %v, want %q", name, text.String(), err, want)
		}
	}
	if got := (*override.Set)(nil).FS(base); len(got.(fstest.MapFS)) != len(base) {
		t.Error("without overrides the file system is another")
	}
}

// What was ejected remembers its original, whatever version control makes of line ends, until that has changed.
func TestStale(t *testing.T) {
	original := "# for {{.Name}}\nall:\n"
	ejected := string(override.Eject("root/Makefile.tmpl", []byte(original), "v1.2.3"))
	for name, c := range map[string]struct {
		text, original string
		want           bool
	}{
		"ejected":            {ejected, original, false},
		"edited":             {ejected + "mine:\n", original, false},
		"the original":       {ejected, original + "more:\n", true},
		"no line":            {original, original + "more:\n", false},
		"line ends":          {strings.ReplaceAll(ejected, "\n", "\r\n"), original, false},
		"line ends, changed": {strings.ReplaceAll(ejected, "\n", "\r\n"), original + "more:\n", true},
		"a line not first":   {"\n" + ejected, original + "more:\n", false},
	} {
		set, _, err := override.Read(project(t, map[string]string{".msgen/templates/root/Makefile.tmpl": c.text}), known)
		if err != nil {
			t.Fatal(err)
		}
		list, err := set.Stale(fstest.MapFS{"root/Makefile.tmpl": {Data: []byte(c.original)}})
		if err != nil || (len(list) == 1) != c.want {
			t.Errorf("%s: stale are %v %v", name, list, err)
		}
		if len(list) == 1 && list[0].Origin.Version != "v1.2.3" {
			t.Errorf("%s: it is of %q", name, list[0].Origin.Version)
		}
	}
	for _, name := range []string{"root/Makefile.tmpl", "platform/page/page.go"} {
		body, lines := override.Body(override.Eject(name, []byte(original), "a version of\ntwo lines"))
		if string(body) != original || lines != 1 {
			t.Errorf("%s: the body is %q behind %d lines", name, body, lines)
		}
	}
}

// The digest of what a system is made from changes with every name and text.
func TestWrite(t *testing.T) {
	seen := map[string]string{}
	for name, files := range map[string]map[string]string{
		"none":    nil,
		"one":     {"root/Makefile.tmpl": "a"},
		"another": {"service/{service}/main.go.tmpl": "a"},
		"edited":  {"root/Makefile.tmpl": "b"},
		"two":     {"root/Makefile.tmpl": "a", "service/{service}/main.go.tmpl": "a"},
		"empty":   {"root/Makefile.tmpl": ""},
	} {
		below := map[string]string{}
		for n, text := range files {
			below[".msgen/templates/"+n] = text
		}
		set, _, err := override.Read(project(t, below), known)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := set.Write(&out); err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[out.String()]; ok {
			t.Errorf("%s is as %s", name, other)
		}
		seen[out.String()] = name
		if name == "none" && out.Len() > 0 {
			t.Errorf("no overrides are %q", out.String())
		}
	}
}
