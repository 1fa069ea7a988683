package merge

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct {
		base, yours, theirs, want string
		conflicts                 int
	}{
		"nothing changed":             {"a\nb\n", "a\nb\n", "a\nb\n", "a\nb\n", 0},
		"only yours":                  {"a\nb\n", "a\nx\nb\n", "a\nb\n", "a\nx\nb\n", 0},
		"only new":                    {"a\nb\n", "a\nb\n", "a\nx\nb\n", "a\nx\nb\n", 0},
		"apart":                       {"a\nb\nc\n", "x\na\nb\nc\n", "a\nb\nc\ny\n", "x\na\nb\nc\ny\n", 0},
		"the same":                    {"a\nb\n", "a\nx\nb\n", "a\nx\nb\n", "a\nx\nb\n", 0},
		"the same, one more":          {"a\nb\nc\nd\n", "x\nb\nc\nd\n", "x\nb\nc\ny\n", "x\nb\nc\ny\n", 0},
		"conflict":                    {"a\nb\nc\n", "a\nx\nc\n", "a\ny\nc\n", "a\n<<<<<<< yours\nx\n||||||| last generated\nb\n=======\ny\n>>>>>>> new\nc\n", 1},
		"deleted and changed":         {"a\nb\nc\n", "a\nc\n", "a\ny\nc\n", "a\n<<<<<<< yours\n||||||| last generated\nb\n=======\ny\n>>>>>>> new\nc\n", 1},
		"touching":                    {"a\nb\n", "x\nb\n", "a\ny\n", "<<<<<<< yours\nx\nb\n||||||| last generated\na\nb\n=======\na\ny\n>>>>>>> new\n", 1},
		"your line ends":              {"a\nb\n", "a\r\nb\r\nc\r\n", "x\na\nb\n", "x\r\na\r\nb\r\nc\r\n", 0},
		"their line ends are none":    {"a\r\nb\r\n", "a\nb\n", "a\r\nb\r\nc\r\n", "a\nb\nc\n", 0},
		"mixed line ends stay":        {"a\nb\nc\n", "a\r\nb\nc\n", "a\nb\nc\nd\n", "a\r\nb\nc\nd\r\n", 0},
		"you took the last end":       {"a\nb\n", "a\nb", "a\nx\nb\n", "a\nx\nb", 0},
		"you gave the last end":       {"a\nb", "a\nb\n", "x\na\nb", "x\na\nb\n", 0},
		"new takes the last end":      {"a\nb\n", "x\na\nb\n", "a\nb", "x\na\nb", 0},
		"a conflict has its last end": {"a", "x", "y", "<<<<<<< yours\nx\n||||||| last generated\na\n=======\ny\n>>>>>>> new\n", 1},
		"from nothing":                {"", "a\n", "", "a\n", 0},
		"all from nothing":            {"", "", "a\n", "a\n", 0},
		"emptied":                     {"a\n", "", "a\n", "", 0},
		"blank lines":                 {"\n\n\n", "\n\nx\n\n", "\n\n\n", "\n\nx\n\n", 0},
	} {
		got := Merge([]byte(c.base), []byte(c.yours), []byte(c.theirs))
		if string(got.Text) != c.want || got.Conflicts != c.conflicts {
			t.Errorf("%s: got %d conflicts and\n%q\nwant %d and\n%q", name, got.Conflicts, got.Text, c.conflicts, c.want)
		}
		if has := Marker(got.Text) > 0; has != (c.conflicts > 0) {
			t.Errorf("%s: markers found: %v", name, has)
		}
	}
}

// FuzzMerge holds ours beside git's: where both are clean the text is the same, and no line of yours is lost.
func FuzzMerge(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n", "a\nb\nc\nd\n")
	f.Add("a\nb\nc\nd\ne\n", "b\nc\nd\ne\n", "a\nb\nc\nd\n")
	f.Add("{\n}\n{\n}\n", "{\n}\n{\n\n}\n", "{\n}\n\n{\n}\n{\n}\n")
	f.Fuzz(func(t *testing.T, base, yours, theirs string) {
		got := Merge([]byte(base), []byte(yours), []byte(theirs))
		kept(t, base, yours, theirs, got)
		if strings.ContainsAny(base+yours+theirs, "\r\x00") || !ends(base) || !ends(yours) || !ends(theirs) {
			return // git compares the ends of lines
		}
		compareWithGit(t, base, yours, theirs, got)
	})
}

func ends(s string) bool { return s == "" || strings.HasSuffix(s, "\n") }

// kept holds that each line which you added is in the result at least as often as you have it, unless the same deletion of base's is new.
func kept(t *testing.T, base, yours, theirs string, got Result) {
	t.Helper()
	if strings.HasSuffix(yours, "\r") {
		return // an end after it makes it read as an empty line
	}
	count := func(s string) map[string]int {
		n := map[string]int{}
		for _, l := range split([]byte(s)).lines {
			n[l]++
		}
		return n
	}
	inBase, inYours, inResult := count(base), count(yours), count(string(got.Text))
	for line, n := range inYours {
		if added := n - inBase[line]; added > 0 && inResult[line] < added {
			t.Errorf("%q was added %d times and is there %d times: Merge(%q, %q, %q) = %q", line, added, inResult[line], base, yours, theirs, got.Text)
		}
	}
}

// compareWithGit reports whether both are clean.
func compareWithGit(t *testing.T, base, yours, theirs string, got Result) bool {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"base": base, "yours": yours, "new": theirs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(context.Background(), "git", "merge-file", "-p", "--diff3", "yours", "base", "new")
	cmd.Dir = dir
	out, err := cmd.Output()
	clean := err == nil && got.Conflicts == 0
	if clean && !bytes.Equal(out, got.Text) {
		t.Errorf("Merge(%q, %q, %q)\n= %q\ngit: %q", base, yours, theirs, got.Text, out)
	}
	return clean
}

// Random edits of texts with many equal lines, where diffs are ambiguous.
func TestAgreesWithGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := rand.New(rand.NewPCG(1, 2))
	clean := 0
	for range 200 {
		base := randomText(r, 5+r.IntN(30))
		yours, theirs := edited(r, base), edited(r, base)
		got := Merge([]byte(base), []byte(yours), []byte(theirs))
		kept(t, base, yours, theirs, got)
		if compareWithGit(t, base, yours, theirs, got) {
			clean++
		}
	}
	if clean < 40 {
		t.Errorf("only %d of the cases were clean in both: they show nothing", clean)
	}
}

// Two texts that have nothing in common, and two that are one line many times, cost no more than the bound allows.
func BenchmarkMerge(b *testing.B) {
	base := strings.Split(strings.Repeat("\tif err != nil {\n\t\treturn err\n\t}\n\n", 7500), "\n")[:30000]
	for i := range base {
		if i%7 == 0 {
			base[i] = "line " + strconv.Itoa(i)
		}
	}
	change := func(every int, word string) []byte {
		lines := slices.Clone(base)
		for i := every; i < len(lines); i += every {
			lines[i] = word + strconv.Itoa(i)
		}
		return []byte(strings.Join(lines, "\n"))
	}
	shuffled := slices.Clone(base)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for name, theirs := range map[string][]byte{
		"edits=60":   change(500, "new "),
		"edits=3000": change(10, "new "),
		"nothing":    []byte(strings.Repeat("nothing of it\n", 30000)),
		"shuffled":   []byte(strings.Join(shuffled, "\n")),
	} {
		b.Run("lines=30000/"+name, func(b *testing.B) {
			yours := change(700, "yours ")
			for b.Loop() {
				Merge([]byte(strings.Join(base, "\n")), yours, theirs)
			}
		})
	}
}

var words = []string{"{", "}", "", "return nil", "if err != nil {", "a", "b", "c", "d", "e", "f", "g"}

func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(words[r.IntN(len(words))] + "\n")
	}
	return b.String()
}

func edited(r *rand.Rand, s string) string {
	lines := strings.SplitAfter(s, "\n")
	lines = lines[:len(lines)-1]
	for range 1 + r.IntN(3) {
		i := r.IntN(len(lines) + 1)
		switch {
		case r.IntN(2) == 0 || i == len(lines):
			lines = append(lines[:i:i], append([]string{words[r.IntN(len(words))] + "\n"}, lines[i:]...)...)
		default:
			lines = append(lines[:i:i], lines[i+1:]...)
		}
	}
	return strings.Join(lines, "")
}
