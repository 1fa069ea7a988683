package generator_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/generator"
)

func TestMergedFiles(t *testing.T) {
	const mod = "module example.com/shop\n\ngo 1.26.0\n\nrequire a.example/x v1.0.0\n"
	for _, c := range []struct {
		name, path      string
		old, disk, next string
		action          generator.Action
		want            string
	}{
		{"apart", "Makefile", "a\nb\nc\n", "mine\na\nb\nc\n", "a\nb\nc\nnew\n", generator.Merge, "mine\na\nb\nc\nnew\n"},
		{"the same lines", "Makefile", "a\nb\nc\n", "a\nmine\nc\n", "a\nnew\nc\n", generator.Conflict,
			"a\n<<<<<<< yours\nmine\n||||||| last generated\nb\n=======\nnew\n>>>>>>> new\nc\n"},
		{"older markers", "Makefile", "a\nb\n", "a\n<<<<<<< yours\nmine\n=======\nb\n>>>>>>> new\n", "a\nb\nnew\n", generator.Keep,
			"a\n<<<<<<< yours\nmine\n=======\nb\n>>>>>>> new\n"},
		{"requirements", "go.mod", mod, mod + "\nrequire mine.example/m v0.1.0\n", "module example.com/shop\n\ngo 1.26.0\n\nrequire a.example/x v1.1.0\n", generator.Merge,
			"module example.com/shop\n\ngo 1.26.0\n\nrequire a.example/x v1.1.0\n\nrequire mine.example/m v0.1.0\n"},
		{"no go.mod", "go.mod", mod, "nothing\n", "module example.com/shop\n\ngo 1.26.1\n", generator.Keep, "nothing\n"},
		{"checksums", "go.sum", "a v1 h1:x\n", "a v1 h1:x\nmine v1 h1:y\n", "a v2 h1:z\n", generator.Merge, "a v1 h1:x\na v2 h1:z\nmine v1 h1:y\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := tree(t, nil)
			run(t, root, file(c.path, generator.Merged, c.old))
			if err := os.WriteFile(filepath.Join(root, c.path), []byte(c.disk), 0o600); err != nil {
				t.Fatal(err)
			}
			plan := run(t, root, file(c.path, generator.Merged, c.next))
			if got := plan.Changes[0].Action; got != c.action {
				t.Errorf("the action is %q, want %q", got, c.action)
			}
			after := snapshot(t, root)
			if after[c.path] != c.want {
				t.Errorf("on disk is\n%s\nwant\n%s", after[c.path], c.want)
			}
			// Nothing is merged twice, and the next change is merged from here.
			if again := run(t, root, file(c.path, generator.Merged, c.next)); again.Pending() {
				t.Errorf("the next run would write: %+v", again.Changes)
			}
			equal(t, snapshot(t, root), after)
		})
	}
}

// Without the text that was generated last there is nothing to merge from: the edit stays.
func TestMergeWithoutBase(t *testing.T) {
	root := tree(t, nil)
	run(t, root, file("Makefile", generator.Merged, "a\n"))
	for name, content := range map[string]string{"Makefile": "mine\na\n", ".msgen/base/Makefile": "not what it was\n"} {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plan := run(t, root, file("Makefile", generator.Merged, "a\nb\n"))
	if len(plan.Of(generator.Keep)) != 1 || snapshot(t, root)["Makefile"] != "mine\na\n" {
		t.Errorf("%+v, on disk %q", plan.Changes, snapshot(t, root)["Makefile"])
	}
}
