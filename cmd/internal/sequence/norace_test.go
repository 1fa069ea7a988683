//go:build !race

package sequence_test

const few = 3
