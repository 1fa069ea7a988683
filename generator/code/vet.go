package code

import (
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"
)

// IsVetTool reports that a program's arguments, without its name, are those that go vet -vettool passes: -V=full, -flags, or a file that
// describes a package as the last.
func IsVetTool(args []string) bool {
	switch {
	case len(args) == 0:
		return false
	case len(args) == 1 && (args[0] == "-V=full" || args[0] == "-flags"):
		return true
	}
	for _, a := range args[:len(args)-1] {
		if !strings.HasPrefix(a, "-") {
			return false
		}
	}
	return strings.HasSuffix(args[len(args)-1], ".cfg")
}

// VetMain is the whole program when go vet runs it. It reads os.Args, prints findings to stderr, and ends the process.
func VetMain() { unitchecker.Main(Analyzers()...) }
