package generator_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
)

// What the user writes between a run that was killed and the next one is not written over: the next plan sees it as any edit.
func TestRecoverLeavesEdits(t *testing.T) {
	root := tree(t, nil)
	run(t, root, file("a.txt", generator.Generated, "a1"), file("d/old.txt", generator.Generated, "old"), file("m.txt", generator.Merged, "1\n2\n3\n"))
	now := []generator.File{
		file("a.txt", generator.Generated, "a2"), file("b.txt", generator.Generated, "b"), file("m.txt", generator.Merged, "1\n2\n3\n4\n"), file("y.txt", generator.Yours, "y"),
	}
	plan := newPlan(t, root, now...)
	// A folder in the place of the first file stops the run as a kill would.
	drop(t, root, "a.txt")
	put(t, root, "a.txt/in the way", "x")
	if err := generator.Apply(root, plan); err == nil {
		t.Fatal("nothing stopped the run")
	}
	if err := os.RemoveAll(filepath.Join(root, "a.txt")); err != nil {
		t.Fatal(err)
	}
	mine := map[string]string{"m.txt": "0\n1\n2\n3\n", "b.txt": "mine", "y.txt": "mine too", "d/old.txt": "kept"}
	for name, text := range mine {
		put(t, root, name, text)
	}
	put(t, root, "a.txt", "a1")
	if _, err := generator.Recover(root); err != nil {
		t.Fatal(err)
	}
	got := snapshot(t, root)
	for name, text := range mine {
		if got[name] != text {
			t.Errorf("%s is %q", name, got[name])
		}
	}
	if got["a.txt"] != "a2" || got[".msgen/journal.json"] != "" || got[".msgen/base/m.txt"] != "1\n2\n3\n" {
		t.Errorf("the run is not finished: %v", got)
	}

	next := newPlan(t, root, now...)
	for _, c := range next.Changes {
		want := map[string]generator.Action{"b.txt": generator.Edited, "d/old.txt": generator.Orphan, "m.txt": generator.Merge}[c.Path]
		if want == "" {
			want = generator.Unchanged
		}
		if c.Action != want || c.Path == "m.txt" && string(c.Content) != "0\n1\n2\n3\n4\n" {
			t.Errorf("%s: %s %q, want %s", c.Path, c.Action, c.Content, want)
		}
	}
}

// A file that changes between the plan and the writing is left as well, and the run says so.
func TestApplyLeavesEdits(t *testing.T) {
	root := tree(t, nil)
	run(t, root, before...)
	plan := newPlan(t, root, after...)
	put(t, root, "m.txt", "mine")
	if err := generator.Apply(root, plan); err == nil || !strings.Contains(err.Error(), "changed while msgen was at work, and left as they are: m.txt;") {
		t.Errorf("the error is %v", err)
	}
	if got := snapshot(t, root); got["m.txt"] != "mine" || got["a.txt"] != "a2" {
		t.Errorf("there are %v", got)
	}
	if c := newPlan(t, root, after...).Of(generator.Conflict); len(c) != 1 || c[0] != "m.txt" {
		t.Errorf("the next plan has %v in conflict", c)
	}
}

// Who finds a run killed and takes the tree back (git checkout) gets all of it with the next one, however far the killed one had come: nothing that
// he did not edit is taken for an edit.
func TestRecoverAfterCheckout(t *testing.T) {
	done := tree(t, nil)
	run(t, done, before...)
	run(t, done, after...)
	want := snapshot(t, done)

	order := []string{"a.txt", "m.txt", "n/new.txt", ".msgen/base/m.txt", lock.Name}
	for killed := range len(order) + 1 {
		root := tree(t, nil)
		run(t, root, before...)
		old := snapshot(t, root)
		plan := newPlan(t, root, after...)
		drop(t, root, "a.txt")
		put(t, root, "a.txt/in the way", "x")
		if err := generator.Apply(root, plan); err == nil {
			t.Fatal("nothing stopped the run")
		}
		if err := os.RemoveAll(filepath.Join(root, "a.txt")); err != nil {
			t.Fatal(err)
		}
		for _, name := range order[:killed] {
			put(t, root, name, "")
			if err := os.Rename(filepath.Join(root, ".msgen", "stage", name), filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range old {
			put(t, root, name, text)
		}
		if _, err := generator.Recover(root); err != nil {
			t.Fatal(err)
		}
		run(t, root, after...)
		equal(t, snapshot(t, root), want)
	}
}
