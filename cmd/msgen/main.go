// Command msgen turns an architecture spec into a complete Go system. See the README.
package main

import (
	"os"

	"github.com/msgen-dev/msgen/cmd/internal/cli"
)

// version is set when a release is built.
var version = "dev"

func main() {
	cli.Version = version
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
