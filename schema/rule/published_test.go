package rule_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
)

const published = "../../testdata/specs/published"

// reviewed is a line of a review: the rule, the logical path of its findings, in which a `*` stands for any one name, the verdict and why.
var reviewed = regexp.MustCompile("(?m)^- \\*\\*(MSG[0-9]{3})\\*\\* `([^`]+)`: (agree|partly|disagree)[,;:.] .+$")

// What the rules say of architectures that others have published is known, and a person has looked at each finding: a new one fails the test
// until the review speaks of it, and so does a line of the review that no finding needs.
func TestPublished(t *testing.T) {
	paths, err := filepath.Glob(published + "/*.yaml")
	if err != nil || len(paths) != 3 {
		t.Fatalf("%d published architectures: %v", len(paths), err)
	}
	for _, path := range paths {
		base := strings.TrimSuffix(path, ".yaml")
		t.Run(filepath.Base(base), func(t *testing.T) {
			found := findings(t, path)
			diagtest.Golden(t, base+".golden", diagtest.Render(t, found))

			review, err := os.ReadFile(base + ".review.md")
			if err != nil {
				t.Fatal(err)
			}
			entries := reviewed.FindAllStringSubmatch(string(review), -1)
			if bullets := strings.Count(string(review), "\n- **MSG"); bullets != len(entries) {
				t.Errorf("%d of %d lines of the review have no verdict", bullets-len(entries), bullets)
			}
			used := make([]bool, len(entries))
			for _, d := range found {
				ok := false
				for i, e := range entries {
					if d.ID == e[1] && covers(e[2], d.Path) {
						used[i], ok = true, true
					}
				}
				if !ok {
					t.Errorf("nobody has reviewed %s at %s: %s", d.ID, d.Path, d.Message)
				}
			}
			for i, e := range entries {
				if !used[i] {
					t.Errorf("the review speaks of %s at %s, which is not found", e[1], e[2])
				}
			}
		})
	}
}

// covers matches a logical path name by name; `*` is any one name.
func covers(pattern, path string) bool {
	want, names := strings.Split(pattern, "."), strings.Split(path, ".")
	for i, name := range want {
		if i >= len(names) || name != "*" && name != names[i] {
			return false
		}
	}
	return len(names) == len(want)
}

// Every rule that is an error finds something in the bad specs, and what it says is known.
func TestBad(t *testing.T) {
	fired := map[string]bool{}
	for _, name := range []string{"bad", "bad-2", "bad-3"} {
		found := findings(t, "../../testdata/specs/"+name+".yaml")
		diagtest.Golden(t, "../../testdata/specs/"+name+".golden", diagtest.Render(t, found))
		for _, d := range found {
			fired[d.ID] = true
		}
	}
	for _, r := range rule.All() {
		if r.Kind == rule.OfSpec && r.Severity == diag.Error && !fired[r.ID] {
			t.Errorf("%s %s finds nothing", r.ID, r.Name)
		}
	}
}

// A comment of a bad spec names the rules that its line breaks, and they find it there.
func TestBadComments(t *testing.T) {
	id := regexp.MustCompile(`MSG[0-9]{3}`)
	for _, name := range []string{"bad", "bad-2", "bad-3"} {
		path := "../../testdata/specs/" + name + ".yaml"
		at := map[string]bool{}
		for _, d := range findings(t, path) {
			at[fmt.Sprintf("%s %d", d.ID, d.Primary.Span.Start.Line)] = true
			for _, s := range d.Secondary {
				at[fmt.Sprintf("%s %d", d.ID, s.Span.Start.Line)] = true
			}
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(content), "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "#") {
				continue
			}
			_, comment, _ := strings.Cut(line, " # ")
			for _, want := range id.FindAllString(comment, -1) {
				if !at[fmt.Sprintf("%s %d", want, i+1)] {
					t.Errorf("%s.yaml:%d: no %s here", name, i+1, want)
				}
			}
		}
	}
}

func findings(t *testing.T, path string) diag.List {
	t.Helper()
	spec, list := load(t, path, filepath.Base(path))
	if len(list) > 0 {
		t.Fatalf("%s does not decode:\n%s", path, diagtest.Render(t, list))
	}
	return rule.Run(spec)
}
