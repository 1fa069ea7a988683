package rule_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
)

// source are the protocol's own lines by section, as testdata/protocol.ru.txt has them.
func protocolSource(t *testing.T) map[string]int {
	t.Helper()
	content, err := os.ReadFile("testdata/protocol.ru.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines, section := map[string]int{}, ""
	for _, line := range strings.Split(string(content), "\n") {
		switch name, heading := strings.CutPrefix(line, "== "); {
		case heading:
			section = name
		case line != "":
			lines[section+": "+line]++
		}
	}
	return lines
}

// Every line of the protocol stands in the table once, with what enforces it; the table has no others.
func TestProtocolIsWhole(t *testing.T) {
	want, ids := protocolSource(t), map[string]bool{}
	for _, line := range rule.Protocol() {
		if ids[line.ID] || line.ID == "" || line.EN == "" {
			t.Errorf("%s: an id that is taken, or no text", line.ID)
		}
		ids[line.ID] = true
		section, _, _ := strings.Cut(line.ID, ".")
		if i := strings.LastIndex(line.ID, "."); i > 0 {
			section = line.ID[:i]
		}
		key := section + ": " + line.RU
		if want[key] != 1 {
			t.Errorf("%s is %d times in the source: %s", line.ID, want[key], line.RU)
		}
		delete(want, key)
		if len(line.Rules) == 0 && line.Held == "" {
			t.Errorf("%s: nothing enforces it: %s", line.ID, line.EN)
		}
	}
	for line := range want {
		t.Errorf("the table lacks %s", line)
	}
}

// What the tables name is there: rules, tests and packages of the platform.
func TestProtocolNamesWhatIs(t *testing.T) {
	tests := testNames(t)
	named := regexp.MustCompile(`\bTest[A-Z]\w*`)
	packages := regexp.MustCompile("`(platform/\\w+)`")
	check := func(id string, rules []string, held string) {
		seen := map[string]bool{}
		for _, r := range rules {
			if got, ok := rule.Get(r); !ok || got.ID != r || seen[r] {
				t.Errorf("%s names %s, which is no rule or named twice", id, r)
			}
			seen[r] = true
		}
		for _, name := range named.FindAllString(held, -1) {
			if !tests[name] {
				t.Errorf("%s names %s, which is no test", id, name)
			}
		}
		for _, m := range packages.FindAllStringSubmatch(held, -1) {
			if _, err := os.Stat(filepath.Join("..", "..", "templates", m[1])); err != nil {
				t.Errorf("%s names %s, which is no package", id, m[1])
			}
		}
	}
	enforced := map[string]bool{}
	for _, line := range rule.Protocol() {
		check(line.ID, line.Rules, line.Held)
		for _, r := range line.Rules {
			enforced[r] = true
		}
	}
	last := 0
	for i, c := range rule.Candidates() {
		check(fmt.Sprintf("candidate %d (%s)", i, c.EN), c.Rules, c.Held+" "+c.Open)
		if len(c.Rules) == 0 && c.Held == "" && c.Open == "" || c.Source == "" {
			t.Errorf("candidate %s says nothing", c.EN)
		}
		if c.No == "" {
			continue
		}
		if last++; c.No != fmt.Sprint(last) {
			t.Errorf("candidate %s stands where %d should", c.No, last)
		}
	}
	if last != 76 {
		t.Errorf("%d candidates are numbered, want 76", last)
	}
	for _, r := range rule.Every() {
		_, source, _ := strings.Cut(r.Doc(), "\n## Source\n\n")
		if r.Severity == diag.Error && !enforced[r.ID] && strings.TrimSpace(source) == "" {
			t.Errorf("%s enforces no line of the protocol, and its page names no other source", r.ID)
		}
	}
}

// testNames are the tests of this repository.
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names, declared := map[string]bool{}, regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, root := range []string{"../../templates", "../../generator", "../../schema", "../../cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			content, err := os.ReadFile(path)
			for _, m := range declared.FindAllSubmatch(content, -1) {
				names[string(m[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// docs/protocol.md is made from the tables: go test ./schema/rule -run TestProtocolPage -update
func TestProtocolPage(t *testing.T) {
	diagtest.Golden(t, "../../docs/protocol.md", protocolPage())
}

func protocolPage() string {
	var b strings.Builder
	b.WriteString(`# The protocol, line by line

msgen is built on a protocol for microservices. This page lists each of its lines that says how a system must or must not be, in the source's
words and in English, with the rules of ` + "`msgen validate`" + ` that check it, and with what else keeps it: a package of the generated system, and the
test that shows it. Where a line is not kept yet, the page says so.

The page is made from the tables in ` + "`schema/rule`" + `; a test fails when a line has nothing, and when the page is not up to date.
`)
	section := ""
	for _, line := range rule.Protocol() {
		if line.Section != section {
			section = line.Section
			fmt.Fprintf(&b, "\n## %s\n\n| id | line | in English | rules | held by |\n|---|---|---|---|---|\n", section)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", line.ID, cell(line.RU), cell(line.EN), links(line.Rules), cell(line.Held))
	}
	b.WriteString(`
## Candidates of the field

What else good sources ask for, by number: which rule it became, what makes a rule needless, or why it is open. Those without a number are the
protocol's own.

| no. | what is wrong | source | rules | held by | open |
|---|---|---|---|---|---|
`)
	for _, c := range rule.Candidates() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", c.No, cell(c.EN), c.Source, links(c.Rules), cell(c.Held), cell(c.Open))
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func links(ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = fmt.Sprintf("[%[1]s](../schema/rule/docs/%[1]s.md)", id)
	}
	return strings.Join(list, ", ")
}
