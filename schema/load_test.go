package schema

import (
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
