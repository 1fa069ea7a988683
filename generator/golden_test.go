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
	"services/payments/internal/gen/payment_repository.go",
	"gateway/routes.go",
	"docs/architecture.md",
}

// danced are those files of the system with a choreographed saga that only such a system has.
var danced = []string{
	"services/ordering/internal/gen/place_order_reactions.go",
	"services/inventory/internal/gen/place_order_reactions.go",
	"services/payment/internal/gen/place_order_reactions.go",
	"services/inventory/internal/gen/consumer.go",
	"services/inventory/place_order_reserve_stock.go",
	"services/ordering/internal/gen/server.go",
	"services/ordering/internal/gen/main.go",
	"docs/architecture.md",
}

// goldenSharded are the files of a service with shards that are not as those of others.
var goldenSharded = []string{
	"services/parcels/internal/gen/shards.go",
	"services/parcels/internal/gen/parcel_shards.go",
	"services/parcels/internal/gen/parcel_repository.go",
	"services/parcels/internal/gen/store.go",
	"services/parcels/internal/gen/main.go",
	"services/parcels/internal/gen/consumer.go",
	"services/parcels/internal/gen/server.go",
	"services/parcels/internal/gentest/gentest.go",
	"services/parcels/parcels_test.go",
}

// The golden files are written anew by: go test ./generator -run TestGolden -update
func TestGolden(t *testing.T) { golded(t, "testdata/golden", "shop", golden) }

func TestGoldenOfAChoreography(t *testing.T) {
	golded(t, "testdata/golden-choreography", "choreography", danced)
}

func TestGoldenOfShards(t *testing.T) { golded(t, "testdata/golden-sharded", "sharded", goldenSharded) }

// golded compares the files of an example with those below dir.
func golded(t *testing.T, dir, spec string, golden []string) {
	t.Helper()
	want := map[string]string{}
	for path, content := range system(t, example(t, spec)) {
		for _, g := range golden {
			if path == g || strings.HasSuffix(g, "/") && filepath.ToSlash(filepath.Dir(path))+"/" == g {
				want[path] = string(content)
			}
		}
	}
	for _, g := range golden {
		if !strings.HasSuffix(g, "/") && want[g] == "" {
			t.Errorf("%s has no %s", spec, g)
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
			t.Errorf("%s has no %s any more", spec, name)
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
