package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/schema/diag"
)

func renderList(t testing.TB, list diag.List) string {
	t.Helper()
	var out strings.Builder
	if err := diag.Render(&out, list, diag.Options{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// Each bad spec gives exactly the errors of its golden text.
func TestBadSpecs(t *testing.T) {
	paths, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no bad specs: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, list := Load(filepath.Base(path), content)
			if !list.HasErrors() {
				t.Fatal("no errors")
			}
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			got := renderList(t, list)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// Each broken part of a spec is reported once, however far down its error shows, and none of the sound parts is.
func TestSeveralSyntaxErrors(t *testing.T) {
	breaks := []string{
		"    responsibility: \"Takes orders.\n", "    owner: @team\n", "    api: {GetOrder: {reads: Order}\n", "    pii: [true\n",
		"    owner: one: two\n", "     pii: true\n", "\towner: team\n", "    aggregates: }\n", "    owner: 'team\n", "   owner: team\n",
	}
	for i, first := range breaks {
		for j, second := range breaks {
			var spec strings.Builder
			spec.WriteString("apiVersion: msgen/v1\nsystem: shop\n\nservices:\n")
			for n, broken := range []string{"", first, "", second, ""} {
				fmt.Fprintf(&spec, "  s%d:\n    responsibility: Does something.\n%s    database: none\n    api:\n      Do: {http: \"GET /v1/s%d/{id}\", public: true}\n\n", n, broken, n)
			}
			_, list := Load("x.yaml", []byte(spec.String()))
			lines := map[string]bool{}
			for _, d := range list {
				if n := d.Primary.Span.Start.Line; n >= 11 && n <= 17 {
					lines["first"] = true
				} else if n >= 24 && n <= 30 {
					lines["second"] = true
				} else {
					t.Errorf("%d and %d: a spurious error:\n%s%s", i, j, spec.String(), renderList(t, list))
				}
			}
			if len(list) != 2 || len(lines) != 2 {
				t.Errorf("%d and %d: %d errors, not one for each of the two:\n%s%s", i, j, len(list), spec.String(), renderList(t, list))
			}
		}
	}
}
