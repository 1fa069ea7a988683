package generator_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
)

const nothing = "\x00"

// restored is what --restore makes of a file of each class that was left alone, edited or deleted, when its template has changed too.
func TestPlanRestore(t *testing.T) {
	const nobody = nothing
	for _, c := range []struct {
		class  generator.Class
		disk   string
		action generator.Action // "" is refused
		want   string
	}{
		{generator.Generated, "old", generator.Update, "new"},
		{generator.Generated, "mine", generator.Update, "new"},
		{generator.Generated, "new", generator.Unchanged, "new"},
		{generator.Generated, nobody, generator.Create, "new"},
		{generator.Merged, "old", generator.Update, "new"},
		{generator.Merged, "mine", generator.Update, "new"},
		{generator.Merged, "new", generator.Unchanged, "new"},
		{generator.Merged, nobody, generator.Create, "new"},
		{generator.Yours, "old", "", "old"},
		{generator.Yours, "mine", "", "mine"},
		{generator.Yours, "new", generator.Unchanged, "new"},
		{generator.Yours, nobody, generator.Create, "new"},
	} {
		t.Run(string(c.class)+" "+strings.Trim(c.disk, nobody), func(t *testing.T) {
			root := tree(t, nil)
			run(t, root, file("a.txt", c.class, "old"))
			put(t, root, "a.txt", c.disk)
			if c.disk == nobody {
				drop(t, root, "a.txt")
			}
			plan := newPlan(t, root, file("a.txt", c.class, "new"))
			err := plan.Restore("a.txt")
			if c.action == "" {
				var yours *generator.YoursError
				if !errors.As(err, &yours) || yours.Path != "a.txt" {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := plan.Changes[0].Action; got != c.action {
				t.Errorf("the action is %s, want %s", got, c.action)
			}
			if err := generator.Apply(root, plan); err != nil {
				t.Fatal(err)
			}
			after := snapshot(t, root)
			if after["a.txt"] != c.want {
				t.Errorf("on disk is %q, want %q", after["a.txt"], c.want)
			}
			if base := after[".msgen/base/a.txt"]; c.class == generator.Merged && base != c.want {
				t.Errorf("the base is %q", base)
			}
			if again := newPlan(t, root, file("a.txt", c.class, "new")); again.Pending() {
				t.Errorf("the next run would write %+v", again.Changes)
			}
		})
	}
}

// A path that the spec does not ask for is refused, with one that it may have meant.
func TestPlanRestoreUnknown(t *testing.T) {
	root := tree(t, nil)
	run(t, root, file("dir/orphan.go", generator.Yours, "x"))
	plan := newPlan(t, root, file("dir/routes.go", generator.Generated, "x"), file("dir/main.go", generator.Generated, "x"), file("b/main.go", generator.Generated, "x"))
	for path, near := range map[string]string{"dir/route.go": "dir/routes.go", "routes.go": "dir/routes.go", "main.go": "b/main.go", "dir/orphan.go": "", "../dir/routes.go": "dir/routes.go", "": ""} {
		err := plan.Restore(path)
		var unknown *generator.NotGeneratedError
		if !errors.As(err, &unknown) || unknown.Path != path || unknown.Nearest != near {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// What cannot be merged yet is not passed over once it can: the lock says that the tree is not the spec's. Restoring the file settles it.
func TestPlanKeepIsNotUpToDate(t *testing.T) {
	a := func(content string) generator.File { return file("a.txt", generator.Merged, content) }
	conflict := func(t *testing.T) string {
		root := tree(t, nil)
		run(t, root, a("one"))
		put(t, root, "a.txt", "mine")
		run(t, root, a("two"))
		if kept := run(t, root, a("three")).Of(generator.Keep); !slices.Equal(kept, []string{"a.txt"}) {
			t.Fatalf("kept are %v", kept)
		}
		return root
	}
	same := func(t *testing.T, root string) bool {
		same, err := generator.UpToDate(root, readLock(t, root), "v1.2.3", "digest")
		if err != nil {
			t.Fatal(err)
		}
		return same
	}
	root := conflict(t)
	if same(t, root) {
		t.Error("up to date with markers of an older template")
	}
	put(t, root, "a.txt", "two") // resolved
	run(t, root, a("three"))
	if got := snapshot(t, root)["a.txt"]; got != "three" || !same(t, root) {
		t.Errorf("after the markers are gone there is %q", got)
	}

	root = conflict(t)
	plan := newPlan(t, root, a("three"))
	if err := errors.Join(plan.Restore("a.txt"), generator.Apply(root, plan)); err != nil {
		t.Fatal(err)
	}
	if got := snapshot(t, root)["a.txt"]; got != "three" || !same(t, root) {
		t.Errorf("restored is %q", got)
	}
}

// Orphans are left, are still known when nothing has to be rendered, and go with Prune.
func TestPlanPrune(t *testing.T) {
	root := tree(t, nil)
	stays := file("s.txt", generator.Generated, "s")
	run(t, root, stays, file("d/y.txt", generator.Yours, "y"), file("g.txt", generator.Generated, "g"), file("m.txt", generator.Merged, "m"), file("gone.txt", generator.Yours, "y"))
	put(t, root, "g.txt", "mine")
	put(t, root, "m.txt", "mine")
	run(t, root, stays)
	drop(t, root, "gone.txt")
	want := []string{"d/y.txt", "g.txt", "m.txt"}

	if same, err := generator.UpToDate(root, readLock(t, root), "v1.2.3", "digest"); err != nil || same {
		t.Errorf("up to date though the lock has an orphan that is gone: %t %v", same, err)
	}
	run(t, root, stays)
	if same, err := generator.UpToDate(root, readLock(t, root), "v1.2.3", "digest"); err != nil || !same {
		t.Errorf("up to date: %t %v", same, err)
	}
	settled, err := generator.Settled(root, readLock(t, root))
	if err != nil || settled.Pending() || !slices.Equal(settled.Of(generator.Orphan), want) {
		t.Errorf("settled: %+v %v", settled, err)
	}

	plan := newPlan(t, root, stays)
	if pruned := plan.Prune(); !slices.Equal(pruned, want) || !slices.Equal(plan.Of(generator.Delete), want) {
		t.Errorf("pruned are %v", pruned)
	}
	if err := generator.Apply(root, plan); err != nil {
		t.Fatal(err)
	}
	after := snapshot(t, root)
	delete(after, lock.Name)
	equal(t, after, map[string]string{"s.txt": "s"})
	if files := readLock(t, root).Files; len(files) != 1 || files[0].Path != "s.txt" {
		t.Errorf("the lock has %+v", files)
	}
}
