package msgen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/msgen-dev/msgen"

// goPackage is what the go command says of a package.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// layer is the top-level folder of one of our packages; "" for others'.
func layer(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	top, _, _ := strings.Cut(rest, "/")
	return top
}

// below are the layers that a layer may import beside itself: cmd → generator → {schema, templates}.
var below = map[string][]string{
	"cmd":       {"generator", "schema", "templates"},
	"generator": {"schema", "templates"},
	"schema":    {},
	"templates": {},
}

// The direction of imports, tests included.
func TestImportDirection(t *testing.T) {
	seen := map[string]int{}
	for _, p := range packages(t) {
		from := layer(p.ImportPath)
		if from == "" {
			continue // the folder of this test
		}
		allowed, ok := below[from]
		if !ok {
			t.Errorf("%s is in no layer of the design", p.ImportPath)
			continue
		}
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			to := layer(imported)
			if to == "" {
				continue
			}
			seen[from+" → "+to]++
			if to != from && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
	// Were the list wrong, the test would see nothing to forbid.
	for _, want := range []string{"cmd → generator", "cmd → schema", "generator → schema", "generator → templates", "schema → schema", "templates → templates"} {
		if seen[want] == 0 {
			t.Errorf("no package shows %s: is the list of packages right? %v", want, seen)
		}
	}
}

// The platform is copied into other modules: it imports nothing of ours but itself.
func TestPlatformStandsAlone(t *testing.T) {
	const platform = module + "/templates/platform/"
	n := 0
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.ImportPath, platform) {
			continue
		}
		n++
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if layer(imported) != "" && !strings.HasPrefix(imported, platform) {
				t.Errorf("%s imports %s, which a generated system does not have", p.ImportPath, imported)
			}
		}
	}
	if n < 10 {
		t.Errorf("the platform has %d packages", n)
	}
}

// One package reads YAML and one knows cobra, so that a swap is one change.
func TestOneHomePerDependency(t *testing.T) {
	homes := map[string][]string{
		"gopkg.in/yaml.v3":                {"schema", "generator"}, // the spec; the lock and the documents
		"github.com/spf13/cobra":          {"cmd"},
		"github.com/Masterminds/sprig/v3": {"generator"},
	}
	found := map[string]bool{}
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			home, ok := homes[imported]
			if !ok {
				continue
			}
			found[imported] = true
			if !slices.Contains(home, layer(p.ImportPath)) {
				t.Errorf("%s imports %s, which belongs to %v", p.ImportPath, imported, home)
			}
		}
	}
	for name := range homes {
		if !found[name] {
			t.Errorf("nothing imports %s: this test is out of date", name)
		}
	}
}

// The design gives the top-level folders.
func TestTopLevelFolders(t *testing.T) {
	want := []string{"cmd", "docs", "generator", "schema", "templates", "testdata"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && e.Name() != "bin" && e.Name() != "dist" && !slices.Contains(want, e.Name()) {
			t.Errorf("the design has no folder %s", e.Name())
		}
	}
}
