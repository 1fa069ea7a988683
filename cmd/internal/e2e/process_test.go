package e2e

import "testing"

// Each process has ports of its own, though all are found before any of them listens.
func TestFreeAddr(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		addr, err := freeAddr()
		if err != nil {
			t.Fatal(err)
		}
		if seen[addr] {
			t.Fatalf("%s is given twice", addr)
		}
		seen[addr] = true
	}
}
