package generator_test

import (
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator"
)

// A file that has the line ends of Windows is not edited by that: it is updated, merged, left and deleted as any, and keeps them.
func TestWindowsLineEnds(t *testing.T) {
	const (
		old     = "module a.example/m\n\ngo 1.26.0\n"
		changed = "module a.example/m\n\ngo 1.26.1\n"
		mine    = "\nrequire mine.example/m v0.1.0\n"
	)
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	for _, c := range []struct {
		name, path, disk, next string
		class                  generator.Class
		action                 generator.Action
		want                   string
	}{
		{"generated, nothing changed", "a.go", old, old, generator.Generated, generator.Unchanged, old},
		{"generated, template changed", "a.go", old, changed, generator.Generated, generator.Update, changed},
		{"generated, edited", "a.go", old + mine, changed, generator.Generated, generator.Edited, old + mine},
		{"generated, edited to what it becomes", "a.go", changed, changed, generator.Generated, generator.Unchanged, changed},
		{"generated, no more asked for", "a.go", old, "", generator.Generated, generator.Delete, ""},
		{"merged, template changed", "Makefile", old, changed, generator.Merged, generator.Update, changed},
		{"merged, edited", "Makefile", old + mine, old, generator.Merged, generator.Unchanged, old + mine},
		{"merged, edited, template changed", "Makefile", old + mine, "\n" + old, generator.Merged, generator.Merge, "\n" + old + mine},
		{"go.mod", "go.mod", old + mine, changed, generator.Merged, generator.Merge, changed + mine},
		{"go.sum", "go.sum", old + "mine\n", "go 1\n", generator.Merged, generator.Merge, "go 1\ngo 1.26.0\nmine\nmodule a.example/m\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, nil)
			run(t, root, file(c.path, c.class, old))
			for name, text := range snapshot(t, root) {
				put(t, root, name, windows(text)) // as git does it, the lock and the bases too
			}
			put(t, root, c.path, windows(c.disk))
			var files []generator.File
			if c.next != "" {
				files = append(files, file(c.path, c.class, c.next))
			}
			plan := newPlan(t, root, files...)
			if got := plan.Changes[0].Action; got != c.action {
				t.Errorf("the action is %q, want %q", got, c.action)
			}
			if c.action != generator.Edited {
				run(t, root, files...)
				if again := newPlan(t, root, files...); again.Pending() {
					t.Errorf("the next run would write: %+v", again.Changes)
				}
			}
			if got := snapshot(t, root)[c.path]; got != windows(c.want) {
				t.Errorf("on disk is %q, want %q", got, windows(c.want))
			}
		})
	}
}

// The lock and the digest of the sources do not depend on the line ends.
func TestLineEndsOfRecords(t *testing.T) {
	root := tree(t, nil)
	run(t, root, before...)
	put(t, root, "msgen.lock", strings.ReplaceAll(snapshot(t, root)["msgen.lock"], "\n", "\r\n"))
	plan := newPlan(t, root, before...)
	if changes, err := plan.LockChanges(root); changes || err != nil {
		t.Errorf("the lock changes: %v", err)
	}
	want := snapshot(t, root)
	run(t, root, before...)
	equal(t, snapshot(t, root), want)

	texts := func(text string) string {
		return generator.Sources([]byte(text), map[string][]byte{"a.proto": []byte(text)}, nil)
	}
	if texts("a\nb\n") != texts("a\r\nb\r\n") || texts("a\nb\n") == texts("a\nb") {
		t.Error("the digest of the sources depends on the line ends")
	}
}
