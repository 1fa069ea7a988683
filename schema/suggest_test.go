package schema_test

import (
	"testing"

	"github.com/msgen-dev/msgen/schema"
)

func TestTypo(t *testing.T) {
	known := []string{"orders", "order-lines", "pricing", "v1beta", "gin", "tap", "shops", "shop"}
	for name, want := range map[string]string{
		"odrers":      "orders",
		"ORDERS":      "orders",
		"orderss":     "orders",
		"order_lines": "order-lines",
		"prcng":       "",    // two edits
		"orders":      "",    // no typo
		"shopx":       "",    // shops and shop
		"v2beta":      "",    // a version of its own
		"v1bета":      "",    // two edits, in letters that look alike
		"gim":         "",    // too short to be sure
		"GIN":         "gin", // but for its case
		"":            "",
		"pricinг":     "pricing",
	} {
		if got := schema.Typo(name, known); got != want {
			t.Errorf("Typo(%q) is %q, want %q", name, got, want)
		}
	}
	if got := schema.Typo("none", nil); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	if got := schema.Typo("ordrs", []string{"orders", "orders"}); got != "orders" {
		t.Errorf("one candidate given twice: %q", got)
	}
}
