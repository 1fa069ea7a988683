package e2e_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestChoreographies runs choreographed sagas beside one that is led, over services that take part in several. Whatever is the user's to write is
// not written: such steps refuse.
func TestChoreographies(t *testing.T) {
	components(t)
	spec, err := filepath.Abs("../../../testdata/specs/choreographies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "mixed", "--spec", spec)
	run(t, dir, "go", "vet", "./services/...")
	run(t, dir, "go", "mod", "tidy", "-diff")
	run(t, dir, "go", "test", "./services/...")
	s := start(t, dir, "mixed", []string{"shop-front", "orders", "stock", "genie"})
	write := token(t, s, "orders.write", "wishes.write")
	for _, way := range []struct {
		name, path   string
		body         map[string]any
		service, end string
		left         map[string]int // by service and what is counted there
	}{
		{"a saga that is led", "/v1/orders", map[string]any{"sku": "tea"}, "orders", "COMPLETED",
			map[string]int{"orders orders WHERE state = 'done'": 1, "stock holds WHERE state = 'held'": 1}},
		{"a saga whose pivot is first", "/v1/parcels", map[string]any{"orderId": customer}, "orders", "COMPLETED",
			map[string]int{"orders parcels WHERE state = 'sent'": 1, "stock notes": 1}},
		{"a saga whose pivot is refused", "/v1/wishes", map[string]any{"text": "rain"}, "shop-front", "COMPENSATED",
			map[string]int{"shop-front wishes": 1, "genie grants": 0, "stock holds WHERE state = 'held'": 1, "stock holds WHERE state = 'free'": 1}},
	} {
		t.Run(way.name, func(t *testing.T) {
			placed := send(t, s, http.MethodPost, way.path, write, "", way.body)
			if placed.Status != http.StatusCreated {
				t.Fatal(placed)
			}
			eventually(t, "the saga", func() string {
				if count(t, s, way.service, "SELECT count(*) FROM saga WHERE key = $1 AND state = $2", placed.text("id"), way.end) != 1 {
					return "not " + way.end
				}
				return ""
			})
			for what, want := range way.left {
				service, rows, _ := strings.Cut(what, " ")
				if n := count(t, s, service, "SELECT count(*) FROM "+rows); n != want {
					t.Errorf("%s: %d, want %d", what, n, want)
				}
			}
		})
	}
}
