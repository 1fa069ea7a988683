//go:build !unix

package sequence_test

// limitFiles does nothing here: such a run ends as any other.
func limitFiles(string) error { return nil }
