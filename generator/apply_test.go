package generator_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/lock"
)

// before and after are two states of a system.
var (
	before = []generator.File{
		file("a.txt", generator.Generated, "a1"), file("d/old.txt", generator.Generated, "old"), file("m.txt", generator.Merged, "m1"), file("y.txt", generator.Yours, "y1"),
	}
	after = []generator.File{
		file("a.txt", generator.Generated, "a2"), file("m.txt", generator.Merged, "m2"), file("n/new.txt", generator.Generated, "new"), file("y.txt", generator.Yours, "y2"),
	}
)

// A run that is killed anywhere between its first move and its end is finished by the next, whatever was done already. The journal is
// written as Apply writes it.
func TestRecoverFinishes(t *testing.T) {
	done := tree(t, nil)
	run(t, done, before...)
	plan := run(t, done, after...)
	want := snapshot(t, done)
	lockText, err := plan.Lock.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	staged := map[string]string{"a.txt": "a2", ".msgen/base/m.txt": "m2", "m.txt": "m2", "n/new.txt": "new", "msgen.lock": string(lockText)}
	const journal = `{"moves":["a.txt",".msgen/base/m.txt","m.txt","n/new.txt","msgen.lock"],"deletes":["d/old.txt"]}`
	order := []string{"a.txt", ".msgen/base/m.txt", "m.txt", "n/new.txt", "msgen.lock"}

	for killed := range len(order) + 2 {
		root := tree(t, nil)
		run(t, root, before...)
		for i, name := range order {
			if i < killed {
				put(t, root, name, staged[name])
			} else {
				put(t, root, ".msgen/stage/"+name, staged[name])
			}
		}
		if killed > len(order) {
			if err := os.RemoveAll(filepath.Join(root, "d")); err != nil {
				t.Fatal(err)
			}
		}
		put(t, root, ".msgen/journal.json", journal)
		if _, err := generator.Recover(root); err != nil {
			t.Fatalf("killed after %d steps: %v", killed, err)
		}
		equal(t, snapshot(t, root), want)
		if again := newPlan(t, root, after...); again.Pending() {
			t.Errorf("killed after %d steps: there is more to do: %+v", killed, again.Changes)
		}
	}
}

// A run that is killed while it stages has changed nothing, and what it staged goes.
func TestRecoverForgetsStage(t *testing.T) {
	root := tree(t, nil)
	run(t, root, before...)
	want := snapshot(t, root)
	put(t, root, ".msgen/stage/a.txt", "a2")
	put(t, root, ".msgen/stage/journal.tmp", `{"moves":["a.t`)
	if _, err := generator.Recover(root); err != nil {
		t.Fatal(err)
	}
	equal(t, snapshot(t, root), want)
}

func TestRecoverRefuses(t *testing.T) {
	outside := tree(t, nil)
	for name, journal := range map[string]string{
		"damaged":      `{"moves":[`,
		"outside":      `{"moves":["../escaped.txt"]}`,
		"absolute":     `{"deletes":["/etc/nothing"]}`,
		"through link": `{"moves":["link/escaped.txt"]}`,
	} {
		root := tree(t, map[string]string{".msgen/journal.json": journal, ".msgen/stage/link/escaped.txt": "x"})
		if err := os.Symlink(outside, filepath.Join(root, "link")); err != nil {
			t.Skip(err)
		}
		if _, err := generator.Recover(root); err == nil {
			t.Errorf("a journal that is %s is obeyed", name)
		}
	}
	equal(t, snapshot(t, outside), nil)
}

// The base of a merge follows what is on disk, however it came there.
func TestMergeBase(t *testing.T) {
	root := tree(t, map[string]string{"m.txt": "m1"})
	base := func(want string) {
		t.Helper()
		if got := snapshot(t, root)[".msgen/base/m.txt"]; got != want {
			t.Errorf("the base is %q, want %q", got, want)
		}
	}
	run(t, root, file("m.txt", generator.Merged, "m1")) // there already, and the same
	base("m1")
	put(t, root, "m.txt", "m2")
	run(t, root, file("m.txt", generator.Merged, "m2")) // edited to what the template became
	base("m2")
	put(t, root, "m.txt", "mine")
	run(t, root, file("m.txt", generator.Merged, "m3"))
	base("m3") // the edit has been merged with it
	run(t, root)
	base("m3")
}

func TestOneRunAtATime(t *testing.T) {
	root := tree(t, nil)
	release, err := generator.Exclusive(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := generator.Exclusive(root); err == nil || !strings.Contains(err.Error(), "another msgen") {
		t.Errorf("a second run comes in: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	release, err = generator.Exclusive(root)
	if err != nil {
		t.Fatalf("after the first has left: %v", err)
	}
	if err := release(); err != nil {
		t.Error(err)
	}
}

// What stands in the way is found before anything is written.
func TestSomethingInTheWay(t *testing.T) {
	for name, c := range map[string]struct{ have, want string }{
		"a folder where a file goes":  {"n/new.txt/inside.txt", "n/new.txt"},
		"a file where a folder goes":  {"n", "n/new.txt"},
		"a file where our own folder": {".msgen", "n/new.txt"},
	} {
		root := tree(t, map[string]string{c.have: "theirs"})
		want := snapshot(t, root)
		plan, err := generator.NewPlan(root, []generator.File{file("a.txt", generator.Generated, "a"), file(c.want, generator.Generated, "x")},
			&lock.File{Format: lock.Format}, "v", "d")
		if err == nil {
			err = generator.Apply(root, plan)
		}
		if err == nil || !strings.Contains(err.Error(), "; move what stands there out of the way, and run it again") {
			t.Errorf("%s: the error is %v", name, err)
		}
		equal(t, snapshot(t, root), want)
	}
}

// Something that comes into the way after everything was staged stops a run half way: it says so, and the next one goes on when it is gone.
func TestUnfinished(t *testing.T) {
	root := tree(t, map[string]string{
		"a.txt": "a1", "b.txt/in the way": "theirs", "old.txt": "old",
		".msgen/stage/a.txt": "a2", ".msgen/stage/b.txt": "b2",
		".msgen/journal.json": `{"moves":["a.txt","b.txt"],"deletes":["old.txt"]}`,
	})
	for range 2 {
		if _, err := generator.Recover(root); err == nil || !strings.Contains(err.Error(), "the next run writes the others: ") {
			t.Fatalf("the error is %v", err)
		}
		if half, err := generator.Interrupted(root); !half || err != nil {
			t.Fatal("it is not known that the run is unfinished: ", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(root, "b.txt")); err != nil {
		t.Fatal(err)
	}
	if _, err := generator.Recover(root); err != nil {
		t.Fatal(err)
	}
	equal(t, snapshot(t, root), map[string]string{"a.txt": "a2", "b.txt": "b2"})
	if half, err := generator.Interrupted(root); half || err != nil {
		t.Error("it is not finished: ", err)
	}
}

func TestLock(t *testing.T) {
	root := tree(t, nil)
	path := filepath.Join(root, lock.Name)
	empty, err := lock.Read(path)
	if err != nil || len(empty.Files) > 0 || empty.Format != lock.Format {
		t.Fatalf("a missing lock is %+v, %v", empty, err)
	}
	run(t, root, before...)
	l := readLock(t, root)
	if l.Generator != "v1.2.3" || l.Spec != "digest" || len(l.Files) != len(before) {
		t.Errorf("the lock is %+v", l)
	}
	if e, ok := l.Entry("d/old.txt"); !ok || e.Class != "generated" || len(e.SHA256) != 64 {
		t.Errorf("the entry is %+v, %t", e, ok)
	}
	if _, ok := l.Entry("d/older.txt"); ok {
		t.Error("there is an entry that nobody wrote")
	}
	text, err := l.Marshal()
	if err != nil || string(text) != snapshot(t, root)[lock.Name] {
		t.Errorf("reading and writing changes it: %v", err)
	}
	var paths []string
	for _, e := range l.Files {
		paths = append(paths, e.Path)
	}
	if !slices.IsSorted(paths) {
		t.Errorf("paths are %v", paths)
	}
	for text, want := range map[string]string{"format: 99\ngenerator: v9\n": "layout 99", "files: {": "damaged", "format: [": "damaged", "": "damaged"} {
		put(t, root, lock.Name, text)
		if _, err := lock.Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := lock.Read(root); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder is read: %v", err)
	}
}
