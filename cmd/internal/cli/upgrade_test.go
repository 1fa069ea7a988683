package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A system of a msgen that did not keep numbers yet keeps them all the same, though its spec is put in another order before the first run.
func TestUpgrade(t *testing.T) {
	t.Chdir(t.TempDir())
	msgen := func(want int, args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := Main(args, strings.NewReader(""), &out, &errOut); code != want {
			t.Fatalf("msgen %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, errOut.String())
		}
		return out.String() + errOut.String()
	}
	text := func(name string) string {
		t.Helper()
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	change := func(name string, edit func(string) string) {
		t.Helper()
		was := text(name)
		now := edit(was)
		if now == was {
			t.Fatal("nothing to change in ", name)
		}
		if err := os.WriteFile(name, []byte(now), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const proto = "api/jotter/notes/v1/notes.proto"

	msgen(0, "new", "jotter")
	t.Chdir("jotter")
	lock := text("msgen.lock")
	change("msgen.lock", func(s string) string {
		old, _, _ := strings.Cut(s, "\nnumbers: ")
		return old + "\n"
	})
	if said := msgen(1, "generate", "--check"); !strings.Contains(said, "msgen.lock is out of date") {
		t.Error(said)
	}
	if said := msgen(0, "validate"); strings.Contains(said, "MSG9") {
		t.Error(said)
	}
	msgen(0, "generate")
	if text("msgen.lock") != lock {
		t.Error("the lock is not what it would have been")
	}

	change("msgen.lock", func(s string) string {
		old, _, _ := strings.Cut(s, "\nnumbers: ")
		return old + "\n"
	})
	before := text(proto)
	change("msgen.yaml", func(s string) string {
		const title, body = "          title: {type: string, minLength: 1, maxLength: 200}\n", "          body: string\n"
		return strings.Replace(s, title+body, body+title, 1)
	})
	msgen(0, "generate")
	if after := text(proto); after != before {
		t.Errorf("the contract has become\n%s", after)
	}
	if !strings.Contains(text("msgen.lock"), "jotter.notes.v1.Note: id=1:string") {
		t.Error("the lock has no numbers")
	}
}
