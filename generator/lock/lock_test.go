package lock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/lock"
)

// Locks that older commits of msgen have written are read: the first ones have no numbers, those after them no orphans. What is written
// from them says the same of every file.
func TestOlder(t *testing.T) {
	for name, numbers := range map[string]int{"first": 0, "numbers": 9} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".lock"))
		if err != nil {
			t.Fatal(err)
		}
		old, err := lock.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(old.Files) != 5 || len(old.Numbers) != numbers || old.Numbers == nil {
			t.Errorf("%s: %d files, %d numbers", name, len(old.Files), len(old.Numbers))
		}
		if e, ok := old.Entry("services/notes/get_note.go"); !ok || e.Class != "yours" || e.Orphan {
			t.Errorf("%s: the entry is %+v, %t", name, e, ok)
		}
		now, err := old.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		_, was, _ := strings.Cut(string(text), "\n") // the comment may say more now
		if _, is, _ := strings.Cut(string(now), "\n"); is != was {
			t.Errorf("%s: it is written as\n%s", name, now)
		}
	}
}

const sum = "27ae41e4649b934ca495991b7852b855e3b0c44298fc1c149afbf4c8996fb924"

// entry is a lock with one file.
func entry(path, class, sha256 string) string {
	return "format: 1\ngenerator: v1\nspec: abc\nfiles:\n  - path: '" + path + "'\n    class: " + class + "\n    sha256: " + sha256 + "\n"
}

// What msgen has not written is refused whole, with what to do about it.
func TestRefused(t *testing.T) {
	fine := entry("a/b.go", "generated", sum)
	if l, err := lock.Parse([]byte(fine)); err != nil || len(l.Files) != 1 {
		t.Fatal(l, err)
	}
	const restore = "restore it from version control"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"empty":              {"", []string{"msgen.lock is damaged", restore}},
		"a comment":          {"# nothing\n", []string{"damaged", restore}},
		"no format":          {strings.Replace(fine, "format: 1\n", "", 1), []string{"no format", restore}},
		"format 0":           {strings.Replace(fine, "format: 1", "format: 0", 1), []string{"no format", restore}},
		"format of words":    {strings.Replace(fine, "format: 1", "format: new", 1), []string{"damaged", restore}},
		"no mapping":         {"- format: 1\n", []string{"damaged", restore}},
		"no YAML":            {"format: 1\nfiles: {", []string{"damaged", restore}},
		"newer":              {strings.Replace(fine, "format: 1", "format: 2", 1), []string{"layout 2", "knows 1", "(v1)", "newer"}},
		"newer, and else":    {"format: 3\ngenerator: v3\nfiles: {a: generated}\nnumbers: {a: 1}\n", []string{"layout 3", "(v3)"}},
		"unknown class":      {entry("a", "theirs", sum), []string{`a is of the class "theirs"`, "generated, yours, merged", restore}},
		"no class":           {entry("a", "''", sum), []string{"class"}},
		"no hash":            {entry("a", "yours", "abc"), []string{"a has no sha256", restore}},
		"a long hash":        {entry("a", "yours", sum+"00"), []string{"a has no sha256"}},
		"outside":            {entry("../a", "generated", sum), []string{`"../a" does not stay in the folder`, restore}},
		"outside in it":      {entry("b/../../a", "generated", sum), []string{"does not stay"}},
		"absolute":           {entry("/etc/passwd", "generated", sum), []string{`"/etc/passwd" does not stay`}},
		"the folder":         {entry(".", "generated", sum), []string{"does not stay"}},
		"nothing":            {entry("", "generated", sum), []string{"does not stay"}},
		"not clean":          {entry("a//b", "generated", sum), []string{"does not stay"}},
		"twice":              {fine + strings.SplitN(fine, "files:\n", 2)[1], []string{"a/b.go is there twice", restore}},
		"a number twice":     {fine + "numbers: |\n  a.B: x=1:string y=1:string\n", []string{"x and y have the number 1", restore}},
		"a conflict":         {strings.Replace(fine, "spec: abc\n", "<<<<<<< HEAD\nspec: abc\n=======\nspec: def\n>>>>>>> other\n", 1), []string{"msgen.lock:3:", "git checkout", "msgen generate"}},
		"the conflict's end": {fine + ">>>>>>> other\n", []string{"msgen.lock:8:"}},
	} {
		l, err := lock.Parse([]byte(c.text))
		if err == nil {
			t.Errorf("%s: it is read as %+v", name, l)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", name, err, want)
			}
		}
	}
}
