package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// question is a question of an interview that a flag, or an argument, answers too.
type question struct {
	tui.Question
	usage    string // of the flag
	required bool
	needs    string // what the answer says nothing without: "needs --aggregate"
}

// form is a list of questions that are answered by arguments and flags, by an interview, or by both.
type form struct {
	term.IO
	thing     string   // that is made of the answers: "service"
	args      []string // the questions that arguments answer
	questions []question
	yes       bool // ask nothing
}

// flags adds --yes and a flag for every question that no argument answers.
func (o *form) flags(f *pflag.FlagSet) {
	f.BoolVar(&o.yes, "yes", false, "ask nothing: what flags do not say is the default")
	for _, q := range o.questions {
		if slices.Contains(o.args, q.Name) {
			continue
		}
		switch q.Kind {
		case tui.Text, tui.Choice:
			f.String(q.Name, "", q.usage)
		case tui.Lines:
			f.StringArray(q.Name, nil, q.usage+"; may be repeated")
		case tui.Choices:
			f.StringSlice(q.Name, nil, q.usage+"; may be repeated")
		case tui.Confirm:
			f.Bool(q.Name, false, q.usage)
		}
	}
}

// said are the answers that arguments and flags give.
func (o *form) said(cmd *cobra.Command, args []string) tui.Answers {
	said := tui.Answers{}
	for i, arg := range args {
		said[o.args[i]] = []string{arg}
	}
	for _, q := range o.questions {
		f := cmd.Flags().Lookup(q.Name)
		if f == nil || !f.Changed || slices.Contains(o.args, q.Name) {
			continue
		}
		switch q.Kind {
		case tui.Lines:
			said[q.Name], _ = cmd.Flags().GetStringArray(q.Name)
		case tui.Choices:
			said[q.Name], _ = cmd.Flags().GetStringSlice(q.Name)
		default:
			said[q.Name] = []string{f.Value.String()}
		}
	}
	return said
}

// given are the answers that arguments and flags give, checked.
func (o *form) given(cmd *cobra.Command, args []string) (tui.Answers, error) {
	given := o.said(cmd, args)
	// What is asked, chosen from and checked depends on the answers before, so the defaults of those count too.
	answers := o.defaults(given)
	for _, q := range o.questions {
		values, ok := given[q.Name]
		if !ok {
			continue
		}
		if q.When != nil && !q.When(answers) {
			return nil, usage("%s says nothing here: it %s", o.called(q), q.needs)
		}
		if err := o.checkAnswer(q, answers, values); err != nil {
			return nil, usage("%s: %w", o.called(q), err)
		}
	}
	return given, nil
}

// called is how people name a question on the command line.
func (o *form) called(q question) string {
	if slices.Contains(o.args, q.Name) {
		return strings.ToUpper(q.Name)
	}
	return "--" + q.Name
}

func (o *form) checkAnswer(q question, answers tui.Answers, values []string) error {
	if q.Options != nil {
		var options []string
		for _, option := range q.Options(answers) {
			options = append(options, option.Value)
		}
		for _, v := range values {
			switch near := schema.Nearest(v, options); {
			case slices.Contains(options, v):
			case len(options) == 0:
				return fmt.Errorf("there is nothing to choose from, and no %q", v)
			case near != "":
				return fmt.Errorf("there is no %q; did you mean %q?", v, near)
			case len(options) <= 8:
				return fmt.Errorf("there is no %q; there is %s", v, strings.Join(options, ", "))
			default:
				return fmt.Errorf("there is no %q", v)
			}
		}
	}
	if q.Check != nil {
		return q.Check(answers, values)
	}
	return nil
}

// defaults are the answers with what the questions that were not answered have as theirs.
func (o *form) defaults(given tui.Answers) tui.Answers {
	answers := maps.Clone(given)
	for _, q := range o.questions {
		if _, ok := given[q.Name]; !ok && q.Default != nil && (q.When == nil || q.When(answers)) {
			answers[q.Name] = q.Default(answers)
		}
	}
	return answers
}

// complete checks that nothing is missing, and that the defaults are good.
func (o *form) complete(answers tui.Answers) error {
	var missing []string
	for _, q := range o.questions {
		if q.When != nil && !q.When(answers) {
			continue
		}
		if q.required && len(answers[q.Name]) == 0 {
			missing = append(missing, fmt.Sprintf("  %s: %s", o.called(q), q.usage))
			continue
		}
		if err := o.checkAnswer(q, answers, answers[q.Name]); err != nil && len(answers[q.Name]) > 0 {
			return usage("%s: %w", o.called(q), err)
		}
	}
	if len(missing) > 0 {
		return usage("the new %s needs\n%s", o.thing, strings.Join(missing, "\n"))
	}
	return nil
}

// ask has the person answer what is not given.
func (o *form) ask(ctx context.Context, given tui.Answers, preview func(tui.Answers) tui.Preview, submit string) (tui.Answers, error) {
	iv := tui.Interview{Title: "New " + o.thing, Given: given, Preview: preview, Submit: submit}
	for _, q := range o.questions {
		inner := q.Question
		if q.required {
			inner.Check = required(q)
		}
		iv.Questions = append(iv.Questions, inner)
	}
	answers, err := tui.Run(ctx, o.In, o.Out, tui.Options{Color: o.Color(o.Out)}, iv)
	if errors.Is(err, tui.ErrCancelled) {
		return nil, &exitError{exitFindings, err}
	}
	return answers, err
}

// required is a question's check that wants an answer, too.
func required(q question) func(tui.Answers, []string) error {
	return func(a tui.Answers, values []string) error {
		if len(values) == 0 || strings.TrimSpace(values[0]) == "" {
			return errors.New("this is needed")
		}
		if q.Check != nil {
			return q.Check(a, values)
		}
		return nil
	}
}

// shown are the findings of a list, as an interview shows them.
func shown(list diag.List) []tui.Finding {
	var all []tui.Finding
	for _, d := range list {
		severity := tui.Warning
		if d.Severity == diag.Error {
			severity = tui.Error
		}
		var text strings.Builder
		_ = diag.Render(&text, diag.List{d}, diag.Options{}) // a strings.Builder takes all
		all = append(all, tui.Finding{Severity: severity, Text: strings.TrimSpace(text.String())})
	}
	return all
}
