package cli

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator/override"
	"github.com/msgen-dev/msgen/templates"
)

// upgraded is a system with an override of root/Makefile.tmpl that an older msgen ejected: its original was what old makes of the present one, and the
// user's is what edit makes of that.
func upgraded(t *testing.T, old, edit func(string) string) (path string) {
	t.Helper()
	const name = "root/Makefile.tmpl"
	t.Chdir(t.TempDir())
	var out bytes.Buffer
	if code := Main([]string{"new", "jotter"}, strings.NewReader(""), &out, &out); code != 0 {
		t.Fatal(out.String())
	}
	t.Chdir("jotter")
	text, err := fs.ReadFile(templates.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	was := old(string(text))
	ejected := override.Eject(name, []byte(was), "v0.9.0")
	path = filepath.FromSlash(override.Path(name))
	for at, text := range map[string]string{
		filepath.Join(".msgen", "base", path): string(ejected),
		path:                                  strings.Replace(string(ejected), was, edit(was), 1),
	} {
		if err := os.MkdirAll(filepath.Dir(at), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func replaced(old, now string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, now, 1) }
}

// After an upgrade the summary names the override, and merge brings the two together, once.
func TestTemplatesMerge(t *testing.T) {
	const first, last = "# The everyday commands of {{.Name}}.", "\n.PHONY: ours\nours: ## Does what we need.\n"
	for name, c := range map[string]struct {
		old, edit func(string) string
		code      int
		says      string
		has, not  []string
	}{
		"both": {
			old: replaced(first, "# Commands."), edit: func(s string) string { return s + last }, says: "merged .msgen/templates/root/Makefile.tmpl: your edit and what",
			has: []string{first, last, "/* msgen: from dev sha256:"}, not: []string{"v0.9.0", "# Commands.", "<<<<<<<"},
		},
		"the same edit": {
			old: replaced(first, "# Commands."), edit: replaced("# Commands.", first), says: "merged ",
			has: []string{first, "/* msgen: from dev sha256:"}, not: []string{"<<<<<<<"},
		},
		"a conflict": {
			old: replaced(first, "# Commands."), edit: replaced("# Commands.", "# Ours."), code: exitFindings, says: "with 1 conflict",
			has: []string{"<<<<<<< yours\n# Ours. `make", "||||||| last generated\n# Commands. `make", ">>>>>>> new\n", "/* msgen: from dev sha256:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := upgraded(t, c.old, c.edit)
			msgen := func(want int, args ...string) string {
				t.Helper()
				var out bytes.Buffer
				if code := Main(args, strings.NewReader(""), &out, &out); code != want {
					t.Fatalf("msgen %s: exit %d, want %d\n%s", strings.Join(args, " "), code, want, out.String())
				}
				return out.String()
			}
			const warned = "was made from the original of msgen v0.9.0, which has changed: msgen templates merge"
			if said := msgen(0, "generate"); !strings.Contains(said, warned) {
				t.Errorf("generate says\n%s", said)
			}
			if said := msgen(c.code, "templates", "merge"); !strings.Contains(said, c.says) {
				t.Errorf("merge says\n%s", said)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.has {
				if !strings.Contains(string(text), want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(string(text), not) {
					t.Errorf("%q is in\n%s", not, text)
				}
			}
			if said := msgen(0, "templates", "merge"); !strings.Contains(said, "no original has changed") {
				t.Errorf("the second merge says\n%s", said)
			}
			if c.code != exitClean {
				if said := msgen(exitFindings, "validate"); !strings.Contains(said, "MSG904") {
					t.Errorf("validate does not find the markers:\n%s", said)
				}
				return
			}
			if said := msgen(0, "generate"); strings.Contains(said, warned) {
				t.Errorf("generate says\n%s", said)
			}
			msgen(0, "generate", "--check")
		})
	}
}

// TestTemplatesPage holds the page on templates to the commands, to what they print, and to the states.
func TestTemplatesPage(t *testing.T) {
	read := func(elem ...string) string {
		text, err := os.ReadFile(filepath.Join(elem...))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	page := read("..", "..", "..", "docs", "templates.md")
	flags := map[string]bool{"check": true, "diff": true} // of generate
	for _, c := range newTemplates(term.IO{}).Commands() {
		if !strings.Contains(page, "| `msgen templates "+c.Use) {
			t.Errorf("the page does not list %s", c.Use)
		}
		c.InheritedFlags() // merges them
		for _, m := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(c.UsageString(), -1) {
			if flags[m[1]] = true; m[1] != "help" && !strings.Contains(page, "--"+m[1]) {
				t.Errorf("the page does not explain --%s of %s", m[1], c.Name())
			}
		}
	}
	for _, m := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(page, -1) {
		if !flags[m[1]] {
			t.Errorf("the page names --%s, which there is not", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`msgen templates ([a-z]+)`).FindAllStringSubmatch(page, -1) {
		if c, _, err := newTemplates(term.IO{}).Find([]string{m[1]}); err != nil || c.Name() != m[1] {
			t.Errorf("the page names msgen templates %s, which there is not", m[1])
		}
	}
	for _, state := range []string{stateBuiltIn, stateOverridden, stateStale, stateFixed} {
		if !strings.Contains(page, "`"+state+"`") {
			t.Errorf("the page does not explain the state %s", state)
		}
	}
	golden := read("testdata", "script", "templates.txtar")
	_, golden, _ = strings.Cut(golden, "-- go.stderr --\n")
	golden, _, _ = strings.Cut(golden, "\n\n1 error\n")
	if golden == "" || !strings.Contains(page, "```\n"+golden+"\n```") {
		t.Errorf("the page does not show\n%s", golden)
	}
}

// The commands below templates have manual pages as the others have.
func TestTemplatesManual(t *testing.T) {
	for _, c := range newTemplates(term.IO{}).Commands() {
		var page, errOut bytes.Buffer
		if code := Main([]string{"man", "templates", c.Name()}, nil, &page, &errOut); code != exitClean || errOut.Len() > 0 {
			t.Fatal(code, errOut.String())
		}
		if !strings.Contains(page.String(), c.Short) || !strings.HasPrefix(page.String(), ".nh\n.TH \"MSGEN-TEMPLATES-"+strings.ToUpper(c.Name())+"\" \"1\"") {
			t.Errorf("the page of %s is\n%s", c.Name(), page.String())
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || !strings.Contains(page.String(), "--"+f.Name) {
				t.Errorf("%s: the flag %s is not explained", c.Name(), f.Name)
			}
		})
	}
	if code := Main([]string{"man", "templates", "nope"}, nil, &bytes.Buffer{}, &bytes.Buffer{}); code != exitUsage {
		t.Errorf("the page of what there is not: exit %d", code)
	}
}
