package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/schema/diag"
)

func newValidate(t term.IO) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [PATH]",
		Short: "Check a spec against the protocol's rules",
		Long: `Checks a spec and prints what it finds to stdout, each finding with its file, line and a caret. PATH is a spec, a folder that holds
msgen.yaml, or - for stdin; the default is the folder you are in. Exits 1 when there are errors.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := "."
			if len(args) == 1 {
				path = args[0]
			}
			name, content, err := readSpec(t, path)
			if err != nil {
				return err
			}
			spec, findings := check(name, content)
			if err := printFindings(t, t.Out, findings); err != nil {
				return err
			}
			switch {
			case spec == nil:
				return &exitError{exitUsage, nil}
			case findings.HasErrors():
				return &exitError{exitFindings, nil}
			}
			_, _ = fmt.Fprintf(t.Err, "%s: %s\n", name, diag.Summary(findings))
			return nil
		},
	}
}
