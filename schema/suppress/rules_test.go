package suppress_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
	"github.com/msgen-dev/msgen/schema/suppress"
)

// today is the day of all tests.
var today = time.Date(2026, time.November, 23, 23, 59, 0, 0, time.UTC)

// check loads a spec, runs the rules and hides what is to be hidden.
func check(t *testing.T, name, text string, opts suppress.Options) suppress.Result {
	t.Helper()
	spec, list := schema.Load(name, []byte(text))
	if len(list) > 0 {
		t.Fatalf("the spec does not decode:\n%s", diagtest.Render(t, list))
	}
	opts.Today = today
	return suppress.Apply([]*source.File{spec.File}, rule.Run(spec), opts)
}

// Each rule on suppressions has a spec that keeps it, and one that breaks it with exactly its golden text; a .json beside a spec is its
// baseline.
func TestRules(t *testing.T) {
	for _, id := range []string{rule.MalformedIgnore, rule.ExpiredIgnore, rule.UnusedIgnore, rule.StaleBaseline} {
		t.Run(id, func(t *testing.T) {
			dir := filepath.Join("..", "..", "testdata", "rules", id)
			run := func(name string) diag.List {
				text, err := os.ReadFile(filepath.Join(dir, name+".yaml"))
				if err != nil {
					t.Fatal(err)
				}
				var opts suppress.Options
				if id == rule.StaleBaseline {
					content, err := os.ReadFile(filepath.Join(dir, name+".json"))
					if err != nil {
						t.Fatal(err)
					}
					if opts.Baseline, err = suppress.ReadBaseline(name+".json", content); err != nil {
						t.Fatal(err)
					}
				}
				return check(t, name+".yaml", string(text), opts).Findings
			}
			if list := run("pass"); len(list) > 0 {
				t.Errorf("pass.yaml has findings:\n%s", diagtest.Render(t, list))
			}
			var own diag.List
			for _, d := range run("fail") {
				if d.ID != id {
					continue
				}
				if d.Name == "" || d.Severity == 0 || d.Path == "" || d.Message == "" || d.Help == "" || d.Primary.Span.IsZero() {
					t.Errorf("incomplete finding: %+v", d)
				}
				own = append(own, d)
			}
			if len(own) == 0 {
				t.Error("fail.yaml does not break the rule")
			}
			diagtest.Golden(t, filepath.Join(dir, "fail.golden"), diagtest.Render(t, own))
		})
	}
}

func makeDir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
}
