package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/schema/rule"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeSpec generates from the spec that the README shows.
func TestReadmeSpec(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(readme(t))
	if block == nil {
		t.Fatal("the README shows no spec")
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("notes.yaml", []byte(block[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	if code := Main([]string{"validate", "notes.yaml"}, strings.NewReader(""), &out, &errOut); code != 0 || out.Len() > 0 {
		t.Errorf("msgen validate: exit %d\n%s", code, out.String())
	}
	if code := Main([]string{"new", "notebook", "--spec", "notes.yaml"}, strings.NewReader(""), &out, &errOut); code != 0 {
		t.Errorf("msgen new: exit %d\n%s", code, errOut.String())
	}
}

// TestReadmeFinding holds the finding that the README shows to what is printed.
func TestReadmeFinding(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("..", "..", "..", "testdata", "rules", "MSG301", "fail.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(readme(t), string(golden)) {
		t.Errorf("the README does not show\n%s", golden)
	}
}

// TestValidatePage holds the page on validate to the command: its flags, its formats and the rules that it names.
func TestValidatePage(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "validate.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	cmd := newValidate(term.IO{})
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(page, "--"+f.Name) {
			t.Errorf("the page does not explain --%s", f.Name)
		}
	})
	for _, m := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(page, -1) {
		if cmd.LocalFlags().Lookup(m[1]) == nil {
			t.Errorf("the page names --%s, which validate does not have", m[1])
		}
	}
	for _, format := range formats() {
		if !strings.Contains(page, "| `"+format+"` |") {
			t.Errorf("the page does not list the format %s", format)
		}
	}
	for _, id := range regexp.MustCompile(`MSG\d\d+`).FindAllString(page, -1) {
		if _, ok := rule.Get(id); !ok {
			t.Errorf("the page names %s, which is no rule", id)
		}
	}
}

// TestReadmeCommands checks that every command and flag that the README names exists.
func TestReadmeCommands(t *testing.T) {
	text := readme(t)
	for _, m := range regexp.MustCompile(`msgen (new|generate|validate|explain|rules|design|schema|[a-z]+-[a-z]+)\b`).FindAllStringSubmatch(text, -1) {
		if code := Main([]string{m[1], "--help"}, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}); code != 0 {
			t.Errorf("the README names msgen %s, which exits with %d", m[1], code)
		}
	}
	makefile, err := os.ReadFile(filepath.Join("..", "..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?m)`make ([a-z-]+)`|^make ([a-z-]+) ").FindAllStringSubmatch(text, -1) {
		target := m[1] + m[2]
		if !bytes.Contains(makefile, []byte("\n"+target+":")) {
			t.Errorf("the README names make %s, which the Makefile does not have", target)
		}
	}
}
