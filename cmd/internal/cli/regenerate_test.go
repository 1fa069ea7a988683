package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/msgen-dev/msgen/cmd/internal/term"
)

func regenerate(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "regenerate.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPeersTable holds the table of the peers' tests to the script that runs them: each row is a section, in the same order, and the commands
// that show a row are run in its section.
func TestPeersTable(t *testing.T) {
	_, table, _ := strings.Cut(regenerate(t), "\n## What others do\n")
	rows := map[string]string{}
	var titles []string
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 4 {
			if strings.HasPrefix(line, "| ") {
				t.Errorf("a row has %d cells: %s", len(cells), line)
			}
			continue
		}
		titles = append(titles, strings.TrimSpace(cells[0]))
		rows[strings.TrimSpace(cells[0])] = cells[3]
	}
	if len(titles) == 0 || titles[0] != "test" {
		t.Fatalf("the page has no table of tests: %v", titles)
	}
	titles = titles[1:]

	script, err := os.ReadFile(filepath.Join("testdata", "script", "peers.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(script), "\n-- ")
	var sections []string
	run := map[string][]string{} // the commands of a section
	command := regexp.MustCompile(`\b(?:exec|exits \d+|flock \S+) (.*)$`)
	for _, line := range strings.Split(text, "\n") {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			sections = append(sections, title)
		} else if m := command.FindStringSubmatch(line); m != nil && len(sections) > 0 {
			_, last, wrapped := strings.Cut(m[1], " msgen ") // flock FILE msgen …
			if wrapped {
				m[1] = "msgen " + last
			}
			at := sections[len(sections)-1]
			run[at] = append(run[at], m[1])
		}
	}
	if !slices.Equal(titles, sections) {
		t.Errorf("the rows are\n  %s\nand the sections of the script\n  %s", strings.Join(titles, "\n  "), strings.Join(sections, "\n  "))
	}
	for _, title := range titles {
		shown := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(rows[title], -1)
		if len(shown) == 0 {
			t.Errorf("%s: no command shows it", title)
		}
		for _, m := range shown {
			if !slices.Contains(run[title], m[1]) {
				t.Errorf("%s: the script runs %q, and not %q", title, run[title], m[1])
			}
		}
	}
}

// TestRegeneratePage holds the page to the commands: it explains every flag of generate, and the commands that it shows exist as it shows them.
func TestRegeneratePage(t *testing.T) {
	page := regenerate(t)
	newGenerate(term.IO{}).LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !strings.Contains(page, "--"+f.Name) {
			t.Errorf("the page does not explain --%s", f.Name)
		}
	})
	commands := map[string]*cobra.Command{}
	for _, c := range newRoot(term.IO{}).Commands() {
		commands[c.Name()] = c
	}
	n := 0
	for _, m := range regexp.MustCompile("(?m)(?:^|`)msgen ([a-z-]+)([^`\n]*)").FindAllStringSubmatch(page, -1) {
		c := commands[m[1]]
		if c == nil {
			t.Errorf("the page names msgen %s, which is no command", m[1])
			continue
		}
		for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(m[2], -1) {
			n++
			if c.LocalFlags().Lookup(flag[1]) == nil {
				t.Errorf("the page names msgen %s --%s, which is no flag", m[1], flag[1])
			}
		}
	}
	if n < 5 {
		t.Errorf("the page shows %d flags", n)
	}
}

// TestRegenerateClasses holds what the page says of merged files to what is merged.
func TestRegenerateClasses(t *testing.T) {
	merged := regexp.MustCompile(`(?m)^\| merged \| (.*?) \|`).FindStringSubmatch(regenerate(t))
	if merged == nil {
		t.Fatal("the page has no row of merged files")
	}
	var said []string
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(merged[1], -1) {
		said = append(said, m[1])
	}
	slices.Sort(said)
	t.Chdir(t.TempDir())
	if code := Main([]string{"new", "jotter"}, strings.NewReader(""), new(strings.Builder), new(strings.Builder)); code != exitClean {
		t.Fatal("exit ", code)
	}
	text, err := os.ReadFile(filepath.Join("jotter", "msgen.lock"))
	if err != nil {
		t.Fatal(err)
	}
	var are []string
	for _, m := range regexp.MustCompile(`path: (.*)\n +class: merged`).FindAllStringSubmatch(string(text), -1) {
		are = append(are, m[1])
	}
	if !slices.Equal(said, are) {
		t.Errorf("the page says that %v are merged, and %v are", said, are)
	}
}
