package generator_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
)

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		put(t, root, name, content)
	}
	return root
}

func put(t *testing.T, root, name, content string) {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// snapshot is everything below a folder, by path; without the lock that keeps two runs apart.
func snapshot(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		if rel = filepath.ToSlash(rel); rel != ".msgen/lock" {
			files[rel] = string(content)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equal(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, content := range want {
		if have, ok := got[name]; !ok {
			t.Errorf("%s is gone", name)
		} else if have != content {
			t.Errorf("%s is %q, want %q", name, have, content)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s should not be there", name)
		}
	}
}

// file is a file to generate.
func file(path string, class generator.Class, content string) generator.File {
	return generator.File{Path: path, Class: class, Content: []byte(content)}
}

func readLock(t *testing.T, root string) *lock.File {
	t.Helper()
	l, err := lock.Read(filepath.Join(root, lock.Name))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newPlan(t *testing.T, root string, files ...generator.File) *generator.Plan {
	t.Helper()
	plan, err := generator.NewPlan(root, files, readLock(t, root), "v1.2.3", "digest")
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// run plans and applies.
func run(t *testing.T, root string, files ...generator.File) *generator.Plan {
	t.Helper()
	plan := newPlan(t, root, files...)
	if err := generator.Apply(root, plan); err != nil {
		t.Fatal(err)
	}
	return plan
}

// The decision table, row by row. Every row begins with a run that writes "old"; then the disk is changed, and the next run has a template
// that says what the row says, or none.
func TestDecisions(t *testing.T) {
	const (
		same    = "old"
		changed = "new"
		gone    = ""
	)
	keep := func(t *testing.T, root string) {}
	edit := func(t *testing.T, root string) { put(t, root, "dir/a.txt", "mine") }
	meet := func(t *testing.T, root string) { put(t, root, "dir/a.txt", "new") } // edited to what the template now says
	remove := func(t *testing.T, root string) {
		if err := os.Remove(filepath.Join(root, "dir", "a.txt")); err != nil {
			t.Fatal(err)
		}
	}
	const absent = "\x00"
	for _, c := range []struct {
		name   string
		class  generator.Class
		disk   func(*testing.T, string)
		next   string
		action generator.Action
		want   string // on disk afterwards
	}{
		{"generated, nothing changed", generator.Generated, keep, same, generator.Unchanged, "old"},
		{"generated, template changed", generator.Generated, keep, changed, generator.Update, "new"},
		{"generated, edited", generator.Generated, edit, same, generator.Edited, "mine"},
		{"generated, edited, template changed", generator.Generated, edit, changed, generator.Edited, "mine"},
		{"generated, edited to what it becomes", generator.Generated, meet, changed, generator.Unchanged, "new"},
		{"generated, deleted", generator.Generated, remove, same, generator.Create, "old"},
		{"generated, deleted, template changed", generator.Generated, remove, changed, generator.Create, "new"},
		{"generated, no more asked for", generator.Generated, keep, gone, generator.Delete, absent},
		{"generated, no more asked for, edited", generator.Generated, edit, gone, generator.Orphan, "mine"},
		{"generated, no more asked for, deleted", generator.Generated, remove, gone, "", absent},

		{"yours, nothing changed", generator.Yours, keep, same, generator.Unchanged, "old"},
		{"yours, template changed", generator.Yours, keep, changed, generator.Unchanged, "old"},
		{"yours, edited", generator.Yours, edit, same, generator.Unchanged, "mine"},
		{"yours, edited, template changed", generator.Yours, edit, changed, generator.Unchanged, "mine"},
		{"yours, deleted", generator.Yours, remove, same, generator.Unchanged, absent},
		{"yours, deleted, template changed", generator.Yours, remove, changed, generator.Unchanged, absent},
		{"yours, no more asked for", generator.Yours, keep, gone, generator.Orphan, "old"},
		{"yours, no more asked for, edited", generator.Yours, edit, gone, generator.Orphan, "mine"},
		{"yours, no more asked for, deleted", generator.Yours, remove, gone, "", absent},

		{"merged, nothing changed", generator.Merged, keep, same, generator.Unchanged, "old"},
		{"merged, template changed", generator.Merged, keep, changed, generator.Update, "new"},
		{"merged, edited", generator.Merged, edit, same, generator.Unchanged, "mine"},
		{"merged, edited, template changed", generator.Merged, edit, changed, generator.Conflict,
			"<<<<<<< yours\nmine\n||||||| last generated\nold\n=======\nnew\n>>>>>>> new\n"},
		{"merged, edited to what it becomes", generator.Merged, meet, changed, generator.Unchanged, "new"},
		{"merged, deleted", generator.Merged, remove, same, generator.Unchanged, absent},
		{"merged, deleted, template changed", generator.Merged, remove, changed, generator.Unchanged, absent},
		{"merged, no more asked for", generator.Merged, keep, gone, generator.Delete, absent},
		{"merged, no more asked for, edited", generator.Merged, edit, gone, generator.Orphan, "mine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, nil)
			other := file("other.txt", generator.Generated, "other")
			run(t, root, file("dir/a.txt", c.class, "old"), other)
			c.disk(t, root)
			files := []generator.File{other}
			if c.next != gone {
				files = append(files, file("dir/a.txt", c.class, c.next))
			}
			before := snapshot(t, root)
			plan := newPlan(t, root, files...)
			var action generator.Action
			for _, change := range plan.Changes {
				if change.Path == "dir/a.txt" {
					action = change.Action
				}
			}
			if action != c.action {
				t.Errorf("the action is %q, want %q", action, c.action)
			}
			equal(t, snapshot(t, root), before) // planning writes nothing

			err := generator.Apply(root, plan)
			var edited *generator.EditedError
			if errors.As(err, &edited) {
				equal(t, snapshot(t, root), before)
				if !slices.Equal(edited.Paths, []string{"dir/a.txt"}) {
					t.Errorf("edited are %v", edited.Paths)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if (c.action == generator.Edited) != (edited != nil) {
				t.Errorf("the error is %v", err)
			}
			got, ok := snapshot(t, root)["dir/a.txt"]
			if !ok {
				got = absent
			}
			if got != c.want {
				t.Errorf("on disk is %q, want %q", got, c.want)
			}
			if got == absent && c.action == generator.Delete {
				if _, err := os.Stat(filepath.Join(root, "dir")); !errors.Is(err, fs.ErrNotExist) {
					t.Error("the empty folder is left behind")
				}
			}
			if edited != nil {
				return
			}
			// A further run has nothing to do, and says the same of what it leaves alone.
			after := snapshot(t, root)
			again := run(t, root, files...)
			if again.Pending() {
				t.Errorf("the next run would write: %+v", again.Changes)
			}
			equal(t, snapshot(t, root), after)
			if c.action == generator.Keep || c.action == generator.Orphan {
				if paths := again.Of(c.action); !slices.Equal(paths, []string{"dir/a.txt"}) {
					t.Errorf("the next run reports %v", paths)
				}
			}
		})
	}
}

// A file that is there before msgen first runs is never lost.
func TestFirstRunFindsFiles(t *testing.T) {
	for _, c := range []struct {
		class  generator.Class
		action generator.Action
	}{{generator.Generated, generator.Edited}, {generator.Yours, generator.Unchanged}, {generator.Merged, generator.Keep}} {
		root := tree(t, map[string]string{"a.txt": "mine"})
		plan := newPlan(t, root, file("a.txt", c.class, "new"))
		if got := plan.Changes[0].Action; got != c.action {
			t.Errorf("%s: the action is %s, want %s", c.class, got, c.action)
		}
		_ = generator.Apply(root, plan)
		if got := snapshot(t, root)["a.txt"]; got != "mine" {
			t.Errorf("%s: the file is now %q", c.class, got)
		}
	}
}

// One edited file keeps everything from being written, also what would be created or deleted.
func TestEditedWritesNothing(t *testing.T) {
	root := tree(t, nil)
	run(t, root, file("a.txt", generator.Generated, "a"), file("b.txt", generator.Generated, "b"), file("c.txt", generator.Generated, "c"))
	put(t, root, "a.txt", "mine")
	before := snapshot(t, root)
	plan := newPlan(t, root, file("a.txt", generator.Generated, "a2"), file("b.txt", generator.Generated, "b2"), file("d.txt", generator.Generated, "d"))
	err := generator.Apply(root, plan)
	var edited *generator.EditedError
	if !errors.As(err, &edited) || !strings.Contains(err.Error(), "a.txt") {
		t.Fatalf("the error is %v", err)
	}
	equal(t, snapshot(t, root), before)
}

// A run that changes nothing touches nothing: no time of any file moves, the lock's included.
func TestUnchangedTouchesNothing(t *testing.T) {
	root := tree(t, nil)
	files := []generator.File{file("a/b.txt", generator.Generated, "b"), file("m.txt", generator.Merged, "m"), file("y.txt", generator.Yours, "y"), file("x.sh", generator.Generated, "#!/bin/sh\n")}
	run(t, root, files...)
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	touch := func(path string) {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	all := append([]string{"."}, slices.Sorted(func(yield func(string) bool) {
		for name := range snapshot(t, root) {
			if !yield(name) {
				return
			}
		}
	})...)
	if !slices.Contains(all, lock.Name) || !slices.Contains(all, ".msgen/base/m.txt") {
		t.Fatalf("there are %v", all)
	}
	slices.Reverse(all) // the folder last
	for _, name := range all {
		touch(filepath.Join(root, name))
	}
	if plan := run(t, root, files...); plan.Pending() {
		t.Errorf("the plan writes %+v", plan.Changes)
	}
	for _, name := range all {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil || !info.ModTime().Equal(long) {
			t.Errorf("%s was touched: %v %v", name, info.ModTime(), err)
		}
	}
	info, err := os.Stat(filepath.Join(root, "x.sh"))
	if err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("the script cannot be run: %v %v", info.Mode(), err)
	}
}

// Paths that leave the folder are refused, directly and through links.
func TestOutsideIsRefused(t *testing.T) {
	outside := tree(t, map[string]string{"b.txt": "theirs"})
	for _, path := range []string{"../b.txt", "a/../../b.txt", "/etc/b.txt", ".."} {
		root := tree(t, nil)
		if _, err := generator.NewPlan(root, []generator.File{file(path, generator.Generated, "x")}, readLock(t, root), "v", "d"); err == nil {
			t.Errorf("%s is planned", path)
		}
	}
	for _, link := range []string{"dir", "dir/b.txt"} {
		root := tree(t, nil)
		at := filepath.Join(root, link)
		target := outside
		if link != "dir" {
			target = filepath.Join(outside, "b.txt")
			if err := os.Mkdir(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(target, at); err != nil {
			t.Skip(err)
		}
		_, err := generator.NewPlan(root, []generator.File{file("dir/b.txt", generator.Generated, "x")}, readLock(t, root), "v", "d")
		if err == nil || !strings.Contains(err.Error(), "symbolic link") {
			t.Errorf("through %s: %v", link, err)
		}
	}
	// msgen's own folder is no way out either.
	for _, name := range []string{".msgen", lock.Name} {
		root := tree(t, nil)
		target := outside
		if name == lock.Name {
			target = filepath.Join(outside, "b.txt")
		}
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Skip(err)
		}
		plan, err := generator.NewPlan(root, []generator.File{file("m.txt", generator.Merged, "x")}, &lock.File{Format: lock.Format}, "v", "d")
		if err == nil {
			err = generator.Apply(root, plan)
		}
		if err == nil {
			t.Errorf("msgen writes through the link %s", name)
		}
		if _, err := os.Stat(filepath.Join(root, "m.txt")); err == nil {
			t.Errorf("%s is a link: the run wrote half", name)
		}
	}
	equal(t, snapshot(t, outside), map[string]string{"b.txt": "theirs"})
}

// A file that was deleted while nothing asked for it is made anew when the spec asks for it again; one that was deleted while the spec did stays deleted.
func TestDeletedOrphanComesBack(t *testing.T) {
	root := tree(t, nil)
	mine, other := file("a.go", generator.Yours, "a"), file("b.go", generator.Yours, "b")
	run(t, root, mine, other)
	run(t, root, other) // a.go is an orphan now
	drop(t, root, "a.go")
	drop(t, root, "b.go")
	run(t, root, mine, other)
	got := snapshot(t, root)
	delete(got, lock.Name)
	equal(t, got, map[string]string{"a.go": "a"})
}
