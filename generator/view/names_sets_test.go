package view

import (
	"os"
	"regexp"
	"testing"
)

// A service may have the name of one of the platform's sets of migrations: its own are remembered under another.
func TestMigrationSetsAreApart(t *testing.T) {
	template, err := os.ReadFile("../../templates/service/services/{service}/internal/gen/migrations.go.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	sets := regexp.MustCompile(`\{"([a-z]+)", \w+\.Migrations\}`).FindAllSubmatch(template, -1)
	if len(sets) < 6 {
		t.Fatalf("only %d sets were found", len(sets))
	}
	for _, set := range sets {
		if name := string(set[1]); migrationSet(name) == name {
			t.Errorf("a service %s would share the platform's set of migrations", name)
		}
	}
	if got := migrationSet("orders"); got != "orders" {
		t.Errorf("the set of orders is %s", got)
	}
}
