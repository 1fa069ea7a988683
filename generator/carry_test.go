package generator

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/lock"
)

// The small system whose service old is called new.
var (
	oldFiles = []File{
		{Path: "go.mod", Class: Merged, Content: []byte("module m\n")},
		{Path: "services/old/main.go", Class: Generated, Content: []byte("package main\n")},
		{Path: "services/old/y.go", Class: Yours, Content: []byte("package main\n")},
		{Path: "services/old/m.md", Class: Merged, Content: []byte("old\n\nend\n")},
	}
	newFiles = []File{
		{Path: "go.mod", Class: Merged, Content: []byte("module m\n")},
		{Path: "services/new/main.go", Class: Generated, Content: []byte("package main // new\n")},
		{Path: "services/new/y.go", Class: Yours, Content: []byte("package main\n"), From: "services/old/y.go"},
		{Path: "services/new/m.md", Class: Merged, Content: []byte("new\n\nend\n"), From: "services/old/m.md"},
	}
	oldToNew = &Renames{
		All:      []Rename{{Kind: "service", From: "old", To: "new"}},
		folders:  map[string]string{"services/old": "services/new"},
		packages: map[string]goPackage{"services/old": {dir: "services/new"}},
	}
	// What the user has written: each of the lines must be somewhere at the end.
	mine = map[string]string{
		"services/old/y.go":    "package main\n\nimport \"m/services/old/x\"\n\nvar _ = x.Mine // y\n",
		"services/old/m.md":    "old\n\nend\nmine m\n",
		"services/old/x/x.go":  "package x // mine x\n",
		"services/old/run.sh":  "mine run\n",
		"lib/lib.go":           "package lib\n\nimport _ \"m/services/old/x\" // mine lib\n",
		"services/old/.hidden": "mine hidden\n",
	}
)

func renamePlan(t *testing.T, root string) *Plan {
	t.Helper()
	old, err := lock.Read(filepath.Join(root, lock.Name))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := NewPlan(root, newFiles, old, "v1", "new")
	if err == nil && below(old, "services/old") {
		err = plan.Follow(root, oldToNew)
	}
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// beforeRename is a folder with the old system and what the user made of it.
func beforeRename(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	plan, err := NewPlan(root, oldFiles, &lock.File{Format: lock.Format}, "v1", "old")
	if err == nil {
		err = Apply(root, plan)
	}
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if err == nil {
			err = writeFile(filepath.Join(root, filepath.FromSlash(name)), []byte(mine[name]))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// operations are the steps of a journal one by one, in the order in which finish does them.
func operations(root string, j journal) []func() error {
	var ops []func() error
	at := func(p string) string { return filepath.Join(root, filepath.FromSlash(p)) }
	carry := func(from, to string) {
		ops = append(ops, func() error {
			if err := os.MkdirAll(filepath.Dir(at(to)), 0o755); err != nil {
				return err
			}
			return os.Rename(from, at(to))
		})
	}
	renames := func(state bool) {
		for _, r := range j.Renames {
			if ofState(r.To) == state {
				carry(at(r.From), r.To)
			}
		}
	}
	moves := func(state bool) {
		for _, p := range j.Moves {
			if (ofState(p) || p == lock.Name) == state {
				carry(filepath.Join(stagePath(root), filepath.FromSlash(p)), p)
			}
		}
	}
	renames(false)
	moves(false)
	for _, p := range j.Deletes {
		ops = append(ops, func() error { return os.Remove(at(p)) })
	}
	renames(true)
	moves(true)
	return ops
}

// filesBelow are those below root by path, without the lock that keeps two runs apart.
func filesBelow(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil || d.IsDir() {
			found[filepath.ToSlash(rel)+"/"] = "" // folders count: no empty one is left
			return err
		}
		text, err := os.ReadFile(name)
		found[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// killed is a folder in which a rename was killed after some steps; done reports that those were all.
func killed(t *testing.T, steps int) (root string, done bool) {
	t.Helper()
	root = beforeRename(t)
	plan := renamePlan(t, root)
	j, writes, err := plan.steps(root)
	if err == nil {
		err = prepare(root, j, writes)
	}
	if err != nil {
		t.Fatal(err)
	}
	ops := operations(root, j)
	for _, op := range ops[:min(steps, len(ops))] {
		if err := op(); err != nil {
			t.Fatal(err)
		}
	}
	return root, steps >= len(ops)
}

// A rename that is killed after any of its steps is finished by the next run, and comes to what one makes that is not killed.
func TestRenameKilled(t *testing.T) {
	root := beforeRename(t)
	if err := Apply(root, renamePlan(t, root)); err != nil {
		t.Fatal(err)
	}
	want := filesBelow(t, root)
	if want["services/new/m.md"] != "new\n\nend\nmine m\n" || want["services/new/x/x.go"] != mine["services/old/x/x.go"] {
		t.Fatalf("the rename comes to %v", want)
	}
	for steps, done := 0, false; !done; steps++ {
		root, done = killed(t, steps)
		if _, err := Recover(root); err != nil {
			t.Fatal(err)
		}
		if got := filesBelow(t, root); !maps.Equal(got, want) {
			t.Errorf("killed after %d steps:\n%v\nwant\n%v", steps, got, want)
		}
		if plan := renamePlan(t, root); plan.Pending() {
			t.Errorf("killed after %d steps: there is more to do: %+v", steps, plan.Changes)
		}
	}
}

// What the user writes between the kill and the next run is not lost either, into whichever of the two places he writes it; nor is what he puts
// where a file is still to go.
func TestRenameKilledAndEdited(t *testing.T) {
	for name := range mine {
		for steps, done := 0, false; !done; steps++ {
			var root string
			root, done = killed(t, steps)
			at := filepath.Join(root, filepath.FromSlash(name))
			other := filepath.Join(root, filepath.FromSlash(strings.Replace(name, "/old/", "/new/", 1)))
			if _, err := os.Stat(at); err != nil {
				at = other
			}
			text, err := os.ReadFile(at)
			if err == nil {
				err = os.WriteFile(at, append(text, "// later\n"...), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := []string{"// later", "mine m", "// mine x", "mine run", "// mine lib", "mine hidden", "x.Mine // y"}
			if _, err := os.Stat(other); at != other && err != nil {
				lines = append(lines, "in the way")
				if err := writeFile(other, []byte("in the way\n")); err != nil {
					t.Fatal(err)
				}
			}
			after := fmt.Sprintf("%s, killed after %d steps", name, steps)
			var want []Stranded
			known, err := lock.Read(filepath.Join(root, lock.Name))
			if err != nil {
				t.Fatal(err)
			}
			if _, managed := known.Entry(name); !managed && len(lines) == 8 {
				want = []Stranded{{name, strings.Replace(name, "/old/", "/new/", 1)}}
			}
			if got, err := Recover(root); err != nil || !slices.Equal(got, want) {
				t.Fatalf("%s: %v is stranded, %v, want %v", after, got, err, want)
			}
			all := ""
			for _, text := range filesBelow(t, root) {
				all += text
			}
			for _, line := range lines {
				if !strings.Contains(all, line) {
					t.Errorf("%s: %q is lost", after, line)
				}
			}
			plan := renamePlan(t, root)
			err = Apply(root, plan)
			if blocked := len(plan.Of(Blocked)) > 0; blocked != (err != nil) {
				t.Errorf("%s: %v", after, err)
			} else if blocked && len(lines) < 8 {
				t.Errorf("%s: blocked by nothing: %v", after, err)
			}
		}
	}
}
