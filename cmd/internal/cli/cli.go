// Package cli is the command line of msgen: one file a command.
//
// The rules of its output: stdout carries the result and nothing else; findings, progress and hints go to stderr, except for validate, whose
// result the findings are. Colour only on a terminal.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/generator"
	"github.com/msgen-dev/msgen/generator/code"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// The exit codes.
const (
	exitClean    = 0 // nothing to report
	exitFindings = 1 // findings, or out of date
	exitUsage    = 2 // wrong usage, or a spec that cannot be read
	exitFailure  = 3 // could not do it: I/O, or a fault of msgen
)

// Version is the version that the program says it is; the linker sets it in releases.
var Version = generator.DevVersion

// exitError ends the program with a code. A nil err has been reported already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "reported"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// Main runs the command line and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) (status int) {
	if code.IsVetTool(args) { // go vet -vettool=msgen
		code.VetMain()
	}
	t, stop := term.New(in, out, errOut, os.Getenv)
	defer stop()
	defer func() {
		if r := recover(); r != nil {
			_, _ = fmt.Fprintf(t.Err, "msgen: this is a fault of msgen, please report it with the spec that shows it: %v\n%s", r, debug.Stack())
			status = exitFailure
		}
	}()
	root := newRoot(t)
	root.SetArgs(args)
	err := root.Execute()
	var exit *exitError
	switch {
	case err == nil:
		return exitClean
	case errors.As(err, &exit):
		if exit.err != nil {
			_, _ = fmt.Fprintf(t.Err, "msgen: %v\n", exit.err)
		}
		return exit.code
	}
	_, _ = fmt.Fprintf(t.Err, "msgen: %v\n", err)
	return exitFailure
}

func newRoot(t term.IO) *cobra.Command {
	root := &cobra.Command{
		Use:   "msgen",
		Short: "Turn an architecture spec into a complete Go system",
		Long: `msgen reads one architecture spec (msgen.yaml: services, events, consistency), checks it against the protocol's rules, and
writes a complete Go system that builds, passes its own tests and runs.`,
		Example:       "  msgen new shop --example shop\n  cd shop && msgen generate --check",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(newNew(t), newGenerate(t), newAddService(t), newAddEvent(t), newAddMethod(t), newAddCall(t), newAddSaga(t), newValidate(t), newExplain(t), newRules(t), newDesign(t), newTemplates(t), newSchema(t), newVersion(t), newMan(t))
	root.SetFlagErrorFunc(unknownFlag)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Args = func(_ *cobra.Command, args []string) error {
				cmd, rest, err := root.Find(args)
				if err != nil {
					return err
				}
				return unknownCommand(cmd, rest)
			}
		case "completion":
			c.Args = unknownCommand
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
		wrongUsage(c)
	}
	return root
}

// wrongUsage makes what cobra finds wrong with a command's arguments and flags end with the code for that.
func wrongUsage(c *cobra.Command) {
	args := c.Args
	c.Args = func(cmd *cobra.Command, list []string) error {
		var err error
		if args != nil {
			err = args(cmd, list)
		}
		if err = errors.Join(err, cmd.ValidateFlagGroups()); err == nil {
			return nil
		}
		var exit *exitError
		if errors.As(err, &exit) {
			return err
		}
		return usage("%s: %w; see %s --help", cmd.Name(), err, cmd.CommandPath())
	}
	for _, sub := range c.Commands() {
		wrongUsage(sub)
	}
}

func unknownFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := schema.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return usage("%w; did you mean --%s?", err, near)
		}
	}
	return usage("%w; see %s --help", err, cmd.CommandPath())
}

func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see " + cmd.CommandPath() + " --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return usage("there is no command %q; %s", args[0], hint)
}

// printFindings renders findings to w with a summary line.
func printFindings(t term.IO, w io.Writer, list diag.List) error {
	if len(list) == 0 {
		return nil
	}
	if err := diag.Render(w, list, diag.Options{Color: t.Color(w), Width: t.Width(w)}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", diag.Summary(list))
	return err
}
