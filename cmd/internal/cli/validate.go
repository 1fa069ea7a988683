package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/report"
	"github.com/msgen-dev/msgen/schema/rule"
)

// The formats that the command itself has to know. Text is for people at a terminal and not among those of package report.
const (
	formatText     = "text"
	formatMarkdown = "markdown"
	formatGitHub   = "github"
)

// formats are all that --format takes.
func formats() []string { return append([]string{formatText}, report.Formats...) }

// languages are those of the protocol's report.
var languages = []string{"en", "ru"}

type validateOptions struct {
	term.IO
	format, lang  string
	failOn        string
	rules         []string
	baseline      string
	writeBaseline bool
	fix, diff     bool
	code          bool
	against       string
	// resume ends what holdCollection began.
	resume func()
}

func newValidate(t term.IO) *cobra.Command {
	o := &validateOptions{IO: t}
	cmd := &cobra.Command{
		Use:   "validate [PATH…]",
		Short: "Check specs, and the systems beside them, against the protocol's rules",
		Long: `Checks specs and prints what it finds to stdout, each finding with its file, line and a caret. A PATH is a spec, a folder that holds
msgen.yaml or has such folders below it, or - for stdin; the default is the folder you are in. Where a generated system stands beside a spec, what
was edited, is missing or is out of date in it is found too.

A comment hides a finding on its line or the next one:

  # msgen:ignore MSG101 until=2027-01-31 -- why

Exits 0 when there is nothing that --fail-on asks for, 1 when there is, 2 when a spec cannot be read.`,
		Example: `  msgen validate
  msgen validate --format sarif > msgen.sarif
  msgen validate --fix --diff
  msgen validate --against origin/main --code`,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", formatText, strings.Join(formats(), ", ")+"; markdown is the protocol's own report")
	f.StringVar(&o.lang, "lang", "en", "language of the markdown report: en, ru")
	f.StringVar(&o.failOn, "fail-on", "error", "exit 1 from this severity on: error, warning")
	f.StringSliceVar(&o.rules, "rule", nil, "check only these rules: an id (MSG101), the beginning of ids (MSG1) or a name")
	f.StringVar(&o.baseline, "baseline", "", "hide the findings that this file lists; entries that match nothing are findings")
	f.BoolVar(&o.writeBaseline, "write-baseline", false, "write what is found to the --baseline file instead of reporting it")
	f.BoolVar(&o.fix, "fix", false, "mend, in the specs, what has one safe answer")
	f.BoolVar(&o.diff, "diff", false, "with --fix: print the changes and write nothing")
	f.BoolVar(&o.code, "code", false, "check the Go code of the generated systems too")
	f.StringVar(&o.against, "against", "", "report what breaks the API and the events as they were at this git ref")
	complete(cmd, "format", formats())
	complete(cmd, "lang", languages)
	complete(cmd, "fail-on", []string{"error", "warning"})
	complete(cmd, "rule", ids())
	return cmd
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // there is no such flag
	}
}

// check refuses values that mean nothing, and combinations of which one part would be without effect.
func (o *validateOptions) check(paths []string) error {
	stdin := slices.Contains(paths, "-")
	switch {
	case !slices.Contains(formats(), o.format):
		return oneOf("format", o.format, formats())
	case !slices.Contains(languages, o.lang):
		return oneOf("lang", o.lang, languages)
	case o.lang != "en" && o.format != formatMarkdown:
		return usage("--lang %s is for --format markdown; the other formats are in English", o.lang)
	case o.failOn != "error" && o.failOn != "warning":
		return oneOf("fail-on", o.failOn, []string{"error", "warning"})
	case o.writeBaseline && o.baseline == "":
		return usage("--write-baseline needs --baseline FILE to write to")
	case o.writeBaseline && (o.fix || len(o.rules) > 0):
		return usage("--write-baseline takes all findings as they are: use it without --fix and --rule")
	case o.diff && !o.fix:
		return usage("--diff shows what --fix would change: use both")
	case o.fix && stdin && !o.diff:
		return usage("stdin cannot be mended in place: use --fix --diff")
	case stdin && (o.code || o.against != ""):
		return usage("--code and --against look at the folder of a spec: stdin has none")
	}
	if _, unknown := rule.Select(o.rules); unknown != "" {
		near := schema.Nearest(strings.ToUpper(unknown), ids())
		if near == "" {
			near = schema.Nearest(unknown, names())
		}
		if near != "" {
			return usage("there is no rule %q; did you mean %s?", unknown, near)
		}
		return usage("there is no rule %q; see msgen rules", unknown)
	}
	return nil
}

// oneOf says which values a flag takes.
func oneOf(flag, value string, values []string) error {
	if near := schema.Nearest(value, values); near != "" {
		return usage("--%s %s is not known; did you mean %s?", flag, value, near)
	}
	return usage("--%s %s is not known; it is one of %s", flag, value, strings.Join(values, ", "))
}

func names() []string {
	var list []string
	for _, r := range rule.Every() {
		list = append(list, r.Name)
	}
	return list
}

func (o *validateOptions) run(ctx context.Context, paths []string) error {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if err := o.check(paths); err != nil {
		return err
	}
	inputs, err := readInputs(o.IO, paths)
	if err != nil {
		return err
	}
	o.resume = holdCollection(inputs, o.Getenv)
	defer o.resume()
	v, err := o.validate(ctx, inputs)
	if err != nil {
		return err
	}
	if o.writeBaseline {
		return o.saveBaseline(v)
	}
	if o.fix {
		o.resume() // each round of fixes leaves the specs of the one before
		was := inputs
		if inputs, v, err = o.mend(ctx, was, v); err != nil {
			return err
		}
		if o.diff {
			return o.printChanges(was, inputs)
		}
		if err := o.writeChanges(was, inputs); err != nil {
			return err
		}
	}
	if err := o.print(v); err != nil {
		return err
	}
	switch {
	case v.unreadable:
		return &exitError{exitUsage, nil}
	case v.report.Failed():
		return &exitError{exitFindings, nil}
	}
	return nil
}

// print writes the report to stdout in the format asked for.
func (o *validateOptions) print(v *validation) error {
	r := v.report
	if o.format == formatText {
		if err := printFindings(o.IO, o.Out, r.Findings); err != nil {
			return err
		}
		if !r.Findings.HasErrors() || len(r.Suppressed) > 0 {
			_, _ = fmt.Fprintf(o.Err, "%s: %s%s\n", subject(r.Files), diag.Summary(r.Findings), hidden(len(r.Suppressed)))
		}
		return nil
	}
	if err := report.Write(o.Out, o.format, r, report.Options{Lang: o.lang, Dir: workDir()}); err != nil {
		return err
	}
	if path := o.Getenv("GITHUB_STEP_SUMMARY"); o.format == formatGitHub && path != "" {
		return jobSummary(path, r)
	}
	return nil
}

// workDir is the folder that the files of a report for CI are relative to; "" when nobody can say.
func workDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return filepath.ToSlash(dir)
}

// jobSummary adds the report to the summary page of a job of GitHub Actions, which other steps write to as well.
func jobSummary(path string, r *report.Report) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	err = report.JobSummary(f, r)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// subject is what was checked, for the last line.
func subject(files []string) string {
	if len(files) == 1 {
		return files[0]
	}
	return fmt.Sprintf("%d specs", len(files))
}

func hidden(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d hidden)", n)
}
