package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/rule"
)

func newRules(t term.IO) *cobra.Command {
	return &cobra.Command{
		Use:   "rules",
		Short: "List the rules",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, r := range rule.Every() {
				if _, err := fmt.Fprintf(t.Out, "%s  %-7s  %-13s  %s\n", r.ID, r.Severity, r.Category, r.Name); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func newExplain(t term.IO) *cobra.Command {
	return &cobra.Command{
		Use:     "explain RULE",
		Short:   "Print the page of a rule",
		Example: "  msgen explain MSG101",
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return ids(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			r, ok := rule.Get(args[0])
			if !ok {
				hint := "msgen rules lists them"
				if near := schema.Nearest(strings.ToUpper(args[0]), ids()); near != "" {
					hint = fmt.Sprintf("did you mean %s?", near)
				}
				return usage("there is no rule %q; %s", args[0], hint)
			}
			_, err := fmt.Fprint(t.Out, r.Doc())
			return err
		},
	}
}

func ids() []string {
	var list []string
	for _, r := range rule.Every() {
		list = append(list, r.ID)
	}
	return list
}
