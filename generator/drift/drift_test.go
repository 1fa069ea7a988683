package drift_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/drift"
	"github.com/msgen-dev/msgen/generator/lock"
	"github.com/msgen-dev/msgen/generator/migration"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
)

const (
	specs    = "../../testdata/specs"
	fixtures = "../../testdata/rules"
	release  = "v1.2.3"
)

// input is what msgen.yaml in a folder says.
func input(t testing.TB, root, version string) drift.Input {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "msgen.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	spec, found := schema.Load("msgen.yaml", content)
	if found.HasErrors() {
		t.Fatal(found)
	}
	return drift.Input{Spec: spec, Content: content, Version: version}
}

// generate makes the system of a spec in a new folder, as a release does it.
func generate(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	content, err := os.ReadFile(filepath.Join(specs, "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, "msgen.yaml", string(content))
	regenerate(t, root)
	return root
}

// regenerate brings a system in line with its msgen.yaml.
func regenerate(t testing.TB, root string) {
	t.Helper()
	in := input(t, root, release)
	old, err := lock.Read(filepath.Join(root, lock.Name))
	if err != nil {
		t.Fatal(err)
	}
	history, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(migration.File)))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	files, found, err := generator.Render(t.Context(), in.Spec, generator.Options{History: history, Numbers: old.Numbers})
	if err != nil || found.HasErrors() {
		t.Fatal(err, found)
	}
	plan, err := generator.NewPlan(root, files, old, release, generator.Sources(in.Content, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := generator.Apply(root, plan); err != nil {
		t.Fatal(err)
	}
}

func clone(t *testing.T, from string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return root
}

func put(t testing.TB, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// overlay writes the files of a folder over a system; x.deleted deletes x.
func overlay(t *testing.T, root, from string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if name, ok := strings.CutSuffix(rel, ".deleted"); ok {
			return os.Remove(filepath.Join(root, name))
		}
		content, err := os.ReadFile(path)
		put(t, root, filepath.ToSlash(rel), string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, root string, in drift.Input) diag.List {
	t.Helper()
	list, err := drift.Check(t.Context(), root, in)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Each fixture lies over a fresh system. The golden texts are written anew by: go test ./generator/drift -run TestRules -update
func TestRules(t *testing.T) {
	rules, fresh := 0, generate(t)
	for _, r := range rule.Every() {
		if r.Kind != rule.OfTree {
			continue
		}
		rules++
		t.Run(r.ID, func(t *testing.T) {
			dir := filepath.Join(fixtures, r.ID)
			for _, version := range []string{release, generator.DevVersion} {
				root := clone(t, fresh)
				overlay(t, root, filepath.Join(dir, "pass"))
				if list := check(t, root, input(t, root, version)); len(list) > 0 {
					t.Errorf("%s: pass breaks a rule:\n%s", version, diagtest.Render(t, list))
				}
				root = clone(t, fresh)
				overlay(t, root, filepath.Join(dir, "fail"))
				list := check(t, root, input(t, root, version))
				if len(list) == 0 {
					t.Errorf("%s: fail does not break the rule", version)
				}
				for _, d := range list {
					if d.ID != r.ID || d.Name != r.Name || d.Severity != r.Severity || d.Path == "" || d.Message == "" || d.Help == "" || d.Primary.Span.IsZero() {
						t.Errorf("incomplete finding, or one of another rule: %+v", d)
					}
				}
				diagtest.Golden(t, filepath.Join(dir, "fail.golden"), diagtest.Render(t, list))
			}
		})
	}
	if rules == 0 {
		t.Error("there are no rules on the tree")
	}
}

func TestNothingGenerated(t *testing.T) {
	root := t.TempDir()
	put(t, root, "services/a/a.go", "<<<<<<< HEAD\n")
	if list := check(t, root, drift.Input{Version: release}); len(list) > 0 {
		t.Errorf("a folder without a lock has findings:\n%s", diagtest.Render(t, list))
	}
}

// A spec that no system is made of would be out of date if it was rendered: what the lock says must spare that.
func TestNotRenderedInVain(t *testing.T) {
	root := generate(t)
	in := input(t, root, release)
	other, found := schema.Load("other.yaml", []byte(strings.Replace(string(in.Content), "title: {type: string,", "heading: {type: string,", 1)))
	if found.HasErrors() {
		t.Fatal(found)
	}
	in.Spec = other
	if list := check(t, root, in); len(list) > 0 {
		t.Errorf("the lock is up to date:\n%s", diagtest.Render(t, list))
	}
	overlay(t, root, filepath.Join(fixtures, rule.MissingGenerated, "fail"))
	if list := check(t, root, in); len(list) == 0 || list[0].ID != rule.MissingGenerated {
		t.Errorf("a missing file is not found, or the spec is rendered:\n%s", diagtest.Render(t, list))
	}
	in.Version = "v1.2.4"
	list := check(t, root, in)
	if len(list) < 2 || list[len(list)-1].ID != rule.OutOfDate && list[0].ID != rule.OutOfDate {
		t.Errorf("another version does not render:\n%s", diagtest.Render(t, list))
	}
	for _, d := range list {
		if d.ID == rule.OutOfDate && (strings.Count(d.Help, "update ") > 5 || !strings.Contains(d.Help, "more")) {
			t.Errorf("it names too many files: %s", d.Help)
		}
	}
}

// What the tree remembers, the numbers of removed fields and the migrations, is part of what would be generated.
func TestRemembered(t *testing.T) {
	root := generate(t)
	in := input(t, root, release)
	put(t, root, "msgen.yaml", strings.Replace(string(in.Content), "          body: string\n", "", 1))
	list := check(t, root, input(t, root, release))
	if len(list) != 1 || list[0].ID != rule.OutOfDate {
		t.Fatalf("a removed field:\n%s", diagtest.Render(t, list))
	}
	regenerate(t, root)
	for _, version := range []string{release, generator.DevVersion} {
		if list := check(t, root, input(t, root, version)); len(list) > 0 {
			t.Errorf("%s: the tree was just generated:\n%s", version, diagtest.Render(t, list))
		}
	}
}

// Without a spec the rest is still checked.
func TestSpecWithErrors(t *testing.T) {
	root := generate(t)
	for _, id := range []string{rule.EditedGenerated, rule.MissingGenerated, rule.MergeMarkers} {
		overlay(t, root, filepath.Join(fixtures, id, "fail"))
	}
	found := map[string]bool{}
	for _, d := range check(t, root, drift.Input{Content: []byte("services: 1"), Version: "v9.9.9"}) {
		found[d.ID] = true
	}
	if len(found) != 3 || found[rule.OutOfDate] {
		t.Errorf("found %v", found)
	}
}

// Markers in a generated file are one finding, not two; those in the lock are found although it cannot be read.
func TestConflictsOfGenerated(t *testing.T) {
	root := generate(t)
	routes := filepath.Join(root, "gateway", "routes.go")
	content, err := os.ReadFile(routes)
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, "gateway/routes.go", string(content)+"<<<<<<< HEAD\n=======\n>>>>>>> main\n")
	if list := check(t, root, input(t, root, release)); len(list) != 1 || list[0].ID != rule.MergeMarkers {
		t.Errorf("got:\n%s", diagtest.Render(t, list))
	}
	old, err := os.ReadFile(filepath.Join(root, lock.Name))
	if err != nil {
		t.Fatal(err)
	}
	put(t, root, lock.Name, "<<<<<<< HEAD\n"+string(old))
	list := check(t, root, input(t, root, release))
	if len(list) != 2 || list[0].Path != "gateway/routes.go" || list[1].Path != lock.Name {
		t.Errorf("got:\n%s", diagtest.Render(t, list))
	}
}

func TestRefused(t *testing.T) {
	root := t.TempDir()
	put(t, root, lock.Name, "format: 1\nfiles: [{path: ../outside, class: generated, sha256: x}]\n")
	if _, err := drift.Check(t.Context(), root, drift.Input{Version: release}); err == nil || !strings.Contains(err.Error(), "outside") {
		t.Errorf("a lock that leads outside: %v", err)
	}
	put(t, root, lock.Name, "format: 99\n")
	if _, err := drift.Check(t.Context(), root, drift.Input{Version: release}); err == nil {
		t.Error("a lock of a newer layout is read")
	}
}
