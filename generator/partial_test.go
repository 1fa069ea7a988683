package generator_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
)

// A part of a system is brought in line and the rest stays, on disk and in the lock.
func TestPartialPlan(t *testing.T) {
	root := tree(t, nil)
	run(t, root, before...)
	want := snapshot(t, root)
	partial := func(f generator.File) *lock.File {
		t.Helper()
		plan, err := generator.NewPartialPlan(root, []generator.File{f}, readLock(t, root))
		if err == nil {
			err = generator.Apply(root, plan)
		}
		if err != nil {
			t.Fatal(err)
		}
		return readLock(t, root)
	}
	partial(before[1]) // nothing new
	equal(t, snapshot(t, root), want)

	l := partial(file("d/old.txt", generator.Generated, "newer"))
	if len(l.Files) != len(before) || l.Generator != "v1.2.3" {
		t.Errorf("the lock is %+v", l)
	}
	want["d/old.txt"] = "newer"
	want[lock.Name] = snapshot(t, root)[lock.Name]
	equal(t, snapshot(t, root), want)
	// The tree is of two specs: it is up to date with neither.
	if same, err := generator.UpToDate(root, l, "v1.2.3", "digest"); err != nil || same {
		t.Errorf("up to date: %t, %v", same, err)
	}
	// The next whole run sees no edit.
	if edited := run(t, root, before...).Of(generator.Edited); len(edited) > 0 {
		t.Errorf("edited are %v", edited)
	}
	// One that is new to the lock takes its place in the order.
	partial(file("b.txt", generator.Generated, "b"))
	if e, ok := readLock(t, root).Entry("b.txt"); !ok || e.Class != "generated" {
		t.Errorf("the entry is %+v, %t", e, ok)
	}

	put(t, root, "a.txt", "mine")
	plan, err := generator.NewPartialPlan(root, []generator.File{file("a.txt", generator.Generated, "a3")}, readLock(t, root))
	if err != nil {
		t.Fatal(err)
	}
	var edited *generator.EditedError
	if err := generator.Apply(root, plan); !errors.As(err, &edited) {
		t.Errorf("the error is %v", err)
	}
}

func TestReplace(t *testing.T) {
	root := tree(t, nil)
	f := file("d/a.txt", generator.Generated, "new")
	ours := func(disk []byte) bool { return string(disk) == "old" }
	for _, have := range []string{"", "old", "new"} {
		if have != "" {
			put(t, root, f.Path, have)
		}
		if err := generator.Replace(root, f, ours); err != nil {
			t.Errorf("over %q: %v", have, err)
		}
		equal(t, snapshot(t, root), map[string]string{f.Path: "new"})
	}
	put(t, root, f.Path, "mine")
	var edited *generator.EditedError
	if err := generator.Replace(root, f, ours); !errors.As(err, &edited) {
		t.Errorf("the error is %v", err)
	}
	if err := generator.Replace(root, file("../a.txt", generator.Generated, "x"), ours); err == nil {
		t.Error("a file outside is written")
	}
	equal(t, snapshot(t, root), map[string]string{f.Path: "mine"})
}

// What a run that is killed while it looks whether it can write leaves behind goes with the next.
func TestProbeIsRemoved(t *testing.T) {
	root := tree(t, nil)
	run(t, root, before...)
	if err := os.Mkdir(filepath.Join(root, "d", ".msgen-probe"), 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, root, append(slices.Clone(before[:1]), file("d/old.txt", generator.Generated, "newer"))...)
	entries, err := os.ReadDir(filepath.Join(root, "d"))
	if err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
}

// A file of that name is somebody's: it stays, and nothing is written.
func TestProbeIsSomebodys(t *testing.T) {
	root := tree(t, map[string]string{".msgen-probe": "mine"})
	if err := generator.Apply(root, newPlan(t, root, before...)); err == nil {
		t.Error("no error")
	}
	equal(t, snapshot(t, root), map[string]string{".msgen-probe": "mine"})
}
