//go:build race

package sequence_test

// The race detector makes a sequence several times as long. `make sequences` runs them without it.
const few = 1
