package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/tui"
)

type completer = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective)

// completes has the shell offer the options of the questions, given what stands on the line already. load gets what the options are made of, and reports
// whether there is any.
func (o *form) completes(cmd *cobra.Command, load func() bool) {
	for _, q := range o.questions {
		switch {
		case slices.Contains(o.args, q.Name):
		case q.Options != nil:
			_ = cmd.RegisterFlagCompletionFunc(q.Name, o.offer(q, load)) // fails for flags that are not there
		case q.Kind != tui.Confirm:
			_ = cmd.RegisterFlagCompletionFunc(q.Name, cobra.NoFileCompletions)
		}
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		for _, q := range o.questions {
			if len(args) < len(o.args) && q.Name == o.args[len(args)] && q.Options != nil {
				return o.offer(q, load)(cmd, args, typed)
			}
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// offer completes the answer to one question.
func (o *form) offer(q question, load func() bool) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > len(o.args) || !load() {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		answers := o.defaults(o.said(cmd, args))
		if q.When != nil && !q.When(answers) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var offers []cobra.Completion
		for _, option := range q.Options(answers) {
			if !slices.Contains(answers[q.Name], option.Value) || q.Kind == tui.Choice {
				offers = append(offers, cobra.CompletionWithDesc(option.Value, option.Help))
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}
