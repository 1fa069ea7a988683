package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/schema"
)

func newSchema(t term.IO) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the spec, for editors",
		Example: `  msgen schema > msgen.schema.json
  # then, as the first line of msgen.yaml:
  # yaml-language-server: $schema=msgen.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := t.Out.Write(schema.JSONSchema())
			return err
		},
	}
}

func newVersion(t term.IO) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version := Version
			if info, ok := debug.ReadBuildInfo(); ok && version == "dev" && info.Main.Version != "" && info.Main.Version != "(devel)" {
				version = info.Main.Version // go install …@version
			}
			_, err := fmt.Fprintf(t.Out, "msgen %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

func newMan(t term.IO) *cobra.Command {
	return &cobra.Command{
		Use:   "man [COMMAND…]",
		Short: "Print the manual page, or that of one command",
		Example: `  msgen man | man -l -
  msgen man generate > msgen-generate.1
  msgen man templates eject`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			if of, rest, err := cmd.Root().Find(args); err == nil && len(rest) == 0 {
				for _, c := range of.Commands() {
					names = append(names, c.Name())
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			of, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if err := unknownCommand(of, rest); err != nil {
				return err
			}
			of.DisableAutoGenTag = true
			// A fixed date: the page must not change with the day it is printed.
			date := time.Unix(0, 0).UTC()
			return doc.GenMan(of, &doc.GenManHeader{Section: "1", Date: &date}, t.Out)
		},
	}
}
