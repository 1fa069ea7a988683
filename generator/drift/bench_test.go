package drift_test

import (
	"testing"

	"github.com/msgen-dev/msgen/generator/drift"
)

// BenchmarkCheck is a tree that is up to date, which is not rendered.
func BenchmarkCheck(b *testing.B) {
	root := generate(b)
	in := input(b, root, release)
	for b.Loop() {
		if list, err := drift.Check(b.Context(), root, in); err != nil || len(list) > 0 {
			b.Fatal(err, list)
		}
	}
}
