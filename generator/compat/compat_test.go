package compat_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/generator/compat"
	"github.com/msgen-dev/msgen/generator/number"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/diag/diagtest"
	"github.com/msgen-dev/msgen/schema/rule"
)

const fixtures = "../../testdata/rules"

// side makes one side of a text; numbers are those of a lock.
func side(t *testing.T, name, text string, protos map[string][]byte, numbers number.Table, suffix string) *compat.Side {
	t.Helper()
	spec, findings := schema.Load(name, []byte(text))
	if findings.HasErrors() {
		t.Fatalf("%s does not decode:\n%s", name, diagtest.Render(t, findings))
	}
	for _, d := range rule.Run(spec) {
		if r, _ := rule.Get(d.ID); r.Severity == diag.Error && !r.Policy() {
			t.Fatalf("%s breaks %s:\n%s", name, d.ID, diagtest.Render(t, diag.List{d}))
		}
	}
	s, findings, err := compat.NewSide(t.Context(), spec, protos, numbers, suffix)
	if err != nil || findings.HasErrors() {
		t.Fatalf("%s: %v\n%s", name, err, diagtest.Render(t, findings))
	}
	return s
}

// compare compares two texts as the lock of the first one has it.
func compare(t *testing.T, old, now string) diag.List {
	t.Helper()
	was := side(t, "msgen.yaml@main", old, nil, nil, "@main")
	return compat.Compare(was, side(t, "msgen.yaml", now, nil, was.System.Numbers, ""))
}

// fixture reads a side of a rule's fixture: a spec, or a folder with a spec and its contracts.
func fixture(t *testing.T, path string) (text string, protos map[string][]byte) {
	t.Helper()
	content, err := os.ReadFile(path + ".yaml")
	if err == nil {
		return string(content), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(filepath.Join(path, "msgen.yaml")); err != nil {
		t.Fatal(err)
	}
	protos = map[string][]byte{}
	names, err := filepath.Glob(filepath.Join(path, "*.proto"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if protos[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return string(content), protos
}

// A rule without its pass and fail pairs, golden text or page is no rule.
func TestRules(t *testing.T) {
	n := 0
	for _, r := range rule.Every() {
		if r.Kind != rule.OfChange {
			continue
		}
		n++
		t.Run(r.ID, func(t *testing.T) {
			dir := filepath.Join(fixtures, r.ID)
			pair := func(name string) diag.List {
				text, protos := fixture(t, filepath.Join(dir, name+".old"))
				old := side(t, "msgen.yaml@main", text, protos, nil, "@main")
				text, protos = fixture(t, filepath.Join(dir, name+".new"))
				return compat.Compare(old, side(t, "msgen.yaml", text, protos, old.System.Numbers, ""))
			}
			if found := pair("pass"); len(found) > 0 {
				t.Errorf("the pass pair breaks something:\n%s", diagtest.Render(t, found))
			}
			found := pair("fail")
			if len(found) == 0 {
				t.Fatal("the fail pair breaks nothing")
			}
			for _, d := range found {
				if d.ID != r.ID || d.Name != r.Name || d.Severity != r.Severity || d.Path == "" || d.Message == "" || d.Help == "" || d.Primary.Span.IsZero() {
					t.Errorf("incomplete finding, or one of another rule: %+v", d)
				}
				if strings.HasSuffix(d.Message, ".") {
					t.Errorf("a message ends with a full stop: %s", d.Message)
				}
				if name := d.Primary.Span.File.Name; strings.Contains(name, "@") {
					t.Errorf("the finding points into %s, which is the past", name)
				}
			}
			diagtest.Golden(t, filepath.Join(dir, "fail.golden"), diagtest.Render(t, found))
		})
	}
	if n != 9 {
		t.Errorf("there are %d rules on changes", n)
	}
}
