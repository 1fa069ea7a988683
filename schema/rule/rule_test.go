package rule_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
)

const fixtures = "../../testdata/rules"

func load(t *testing.T, path, name string) (*schema.Spec, diag.List) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return schema.Load(name, content)
}

// A rule without its pass file, fail file, golden text or page is no rule.
func TestRules(t *testing.T) {
	for _, r := range rule.All() {
		t.Run(r.ID, func(t *testing.T) {
			dir := filepath.Join(fixtures, r.ID)
			spec, list := load(t, filepath.Join(dir, "pass.yaml"), "pass.yaml")
			if len(list) > 0 {
				t.Fatalf("pass.yaml does not decode: %v", list)
			}
			if found := rule.Run(spec, r.ID); len(found) > 0 {
				t.Errorf("pass.yaml breaks the rule:\n%s", diagtest.Render(t, found))
			}
			spec, list = load(t, filepath.Join(dir, "fail.yaml"), "fail.yaml")
			if len(list) > 0 {
				t.Fatalf("fail.yaml does not decode:\n%s", diagtest.Render(t, list))
			}
			found := rule.Run(spec, r.ID)
			if len(found) == 0 {
				t.Fatal("fail.yaml does not break the rule")
			}
			for _, d := range found {
				if d.ID != r.ID || d.Name != r.Name || d.Severity != r.Severity || d.Path == "" || d.Message == "" || d.Help == "" || d.Primary.Span.IsZero() {
					t.Errorf("incomplete finding: %+v", d)
				}
				if strings.HasSuffix(d.Message, ".") {
					t.Errorf("a message ends with a full stop: %s", d.Message)
				}
			}
			diagtest.Golden(t, filepath.Join(dir, "fail.golden"), diagtest.Render(t, found))
		})
	}
}

func TestPages(t *testing.T) {
	for _, r := range rule.Every() {
		doc := r.Doc()
		if !strings.HasPrefix(doc, "# "+r.ID+" "+r.Name+"\n") {
			t.Errorf("%s: the page's title does not match", r.ID)
		}
		for _, section := range []string{"\n## Why\n\n", "\n## Avoid\n\n", "\n## Prefer\n\n", "\n## Source\n\n"} {
			if !strings.Contains(doc, section) {
				t.Errorf("%s: the page has no section %q", r.ID, strings.TrimSpace(section))
			}
		}
		if r.Summary() == "" || strings.HasPrefix(r.Summary(), "#") {
			t.Errorf("%s: no summary", r.ID)
		}
	}
}

// Ids are unique, in order, of their category's hundred; nothing lies about without a rule.
func TestRegistry(t *testing.T) {
	hundreds := map[string]string{
		rule.Architecture: "MSG1", rule.Data: "MSG2", rule.Communication: "MSG3", rule.Security: "MSG4",
		rule.Observability: "MSG5", rule.Scalability: "MSG6", rule.Contracts: "MSG7",
		rule.Suppressions: "MSG8", rule.Tree: "MSG9",
	}
	form := regexp.MustCompile(`^MSG[1-9][0-9]{2}$`)
	names, last := map[string]bool{}, ""
	known := map[string]bool{}
	for _, r := range rule.Every() {
		if !form.MatchString(r.ID) || r.ID <= last || names[r.Name] || !strings.HasPrefix(r.ID, hundreds[r.Category]) {
			t.Errorf("%s %s (%s) is out of order", r.ID, r.Name, r.Category)
		}
		last, names[r.Name], known[r.ID] = r.ID, true, true
		if got, ok := rule.Get(strings.ToLower(r.ID)); !ok || got.Name != r.Name {
			t.Errorf("Get(%s) does not find it", r.ID)
		}
	}
	for _, pattern := range []string{fixtures + "/*", "docs/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, p := range paths {
			if id := strings.TrimSuffix(filepath.Base(p), ".md"); !known[id] {
				t.Errorf("%s belongs to no rule", p)
			}
		}
	}
	if _, ok := rule.Get("MSG999"); ok {
		t.Error("Get finds a rule that is not there")
	}
}

func TestExamplesAreClean(t *testing.T) {
	for _, name := range []string{"shop.yaml", "shop-full.yaml", "minimal.yaml"} {
		spec, list := load(t, "../../testdata/specs/"+name, name)
		if list = append(list, rule.Run(spec)...); len(list) > 0 {
			t.Errorf("%s:\n%s", name, diagtest.Render(t, list))
		}
	}
}

func TestRunByPrefix(t *testing.T) {
	spec, _ := load(t, filepath.Join(fixtures, "MSG105", "fail.yaml"), "fail.yaml")
	if n := len(rule.Run(spec, "msg1")); n != 1 {
		t.Errorf("got %d findings, want 1", n)
	}
	if n := len(rule.Run(spec, "MSG2", "MSG3")); n != 0 {
		t.Errorf("got %d findings, want none", n)
	}
}
