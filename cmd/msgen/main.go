// Command msgen turns an architecture spec into a complete Go system. See the README.
package main

import (
	"os"
	"runtime/debug"
	"strings"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
)

// version is set when a release is built.
var version = "dev"

func main() {
	info, ok := debug.ReadBuildInfo()
	if version == "dev" && ok {
		version = installed(info.Main.Version)
	}
	cli.Version = version
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// installed is the version that a build's module has, such as that of `go install …@v1.2.3`; "dev" when it has none, or is built from files that
// were changed since.
func installed(module string) string {
	if !strings.HasPrefix(module, "v") || strings.Contains(module, "+dirty") {
		return "dev"
	}
	return module
}
