package generator_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden are the shop's files that stand for the rest: a contract, what a service's code, tables and user's files look like, the routes and
// the document. A name that ends in a slash is the files of that folder.
var golden = []string{
	"api/shop/orders/v1/orders.proto",
	"services/orders/",
	"services/orders/internal/gen/server.go",
	"services/orders/internal/gen/order_repository.go",
	"services/orders/internal/gen/consumer.go",
	"services/orders/internal/gen/place_order_saga.go",
	"services/orders/internal/gen/migrations/",
	"gateway/routes.go",
	"docs/architecture.md",
}

// The golden files are written anew by: go test ./generator -run TestGolden -update
func TestGolden(t *testing.T) {
	const dir = "testdata/golden"
	want := map[string]string{}
	for path, content := range system(t, example(t, "shop")) {
		for _, g := range golden {
			if path == g || strings.HasSuffix(g, "/") && filepath.ToSlash(filepath.Dir(path))+"/" == g {
				want[path] = string(content)
			}
		}
	}
	for _, g := range golden {
		if !strings.HasSuffix(g, "/") && want[g] == "" {
			t.Errorf("the shop has no %s", g)
		}
	}
	if *update {
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		for name, content := range want {
			put(t, dir, name+".golden", content)
		}
	}
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		got[strings.TrimSuffix(filepath.ToSlash(rel), ".golden")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range want {
		if have, ok := got[name]; !ok {
			t.Errorf("%s has no golden file", name)
		} else if have != content {
			t.Errorf("%s is not as its golden file; at the first difference\n%s", name, firstDifference(content, have))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("the shop has no %s any more", name)
		}
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	clip := func(lines []string) string { return strings.Join(lines[min(i, len(lines)):min(i+3, len(lines))], "\n") }
	return "got:\n" + clip(g) + "\nwant:\n" + clip(w)
}
