// Package diagtest holds findings to golden texts in tests.
package diagtest

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
)

// Update is the flag -update of the tests that use this package: golden files are written anew.
var Update = flag.Bool("update", false, "write golden files")

// Render is the text of findings as people see it, without colours.
func Render(t *testing.T, list diag.List) string {
	t.Helper()
	var out strings.Builder
	if err := diag.Render(&out, list, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Golden holds a text to that of a file.
func Golden(t *testing.T, path, got string) {
	t.Helper()
	if *Update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
