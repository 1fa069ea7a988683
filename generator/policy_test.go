package generator_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
)

// Ignoring a policy lets generate go on, so its result must be Go.
func TestPoliciesCanBeIgnored(t *testing.T) {
	n := 0
	for _, r := range rule.All() {
		if !r.Policy() {
			continue
		}
		n++
		if r.Severity != diag.Error {
			t.Errorf("%s does not stop generate: it need not be a policy", r.ID)
		}
		content, err := os.ReadFile(filepath.Join("..", "testdata", "rules", r.ID, "fail.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		spec, findings := schema.Load("fail.yaml", content)
		if findings.HasErrors() {
			t.Fatalf("%s: %v", r.ID, findings)
		}
		files, findings, err := generator.Render(t.Context(), spec, generator.Options{})
		if err != nil || findings.HasErrors() || len(files) == 0 {
			t.Errorf("%s: %v %v", r.ID, findings, err)
		}
	}
	if n == 0 {
		t.Error("there is no policy")
	}
}
