package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// The exit codes of a Command.
const (
	ExitDone = iota
	ExitFailed
	ExitUsage
)

// ErrTold ends a Command with ExitFailed and without a word: what is wrong was printed already.
var ErrTold = errors.New("not all was done, or not all is right")

// Command is what a service's program does for an operator, instead of serving, when its first argument says so.
type Command struct {
	Name  string // the first argument
	Usage string // printed when help is asked for, and after what is wrong with the arguments
	// Parse reads the arguments after the name, and returns what does the work. An error is the user's fault; flag.ErrHelp asks for Usage.
	Parse func(args []string) (func(context.Context) error, error)
}

// Answer runs the command if a process's arguments, the program's name first, ask for it, as asked says. The work ends early on SIGTERM and
// an interrupt.
func (c Command) Answer(args []string, out, errs io.Writer) (code int, asked bool) {
	if len(args) < 2 || args[1] != c.Name {
		return 0, false
	}
	args = args[2:]
	var work func(context.Context) error
	err := flag.ErrHelp
	if len(args) == 0 || !slices.Contains([]string{"help", "-h", "--help"}, args[0]) {
		work, err = c.Parse(args)
	}
	if errors.Is(err, flag.ErrHelp) {
		Printf(out, "%s", c.Usage)
		return ExitDone, true
	}
	if err != nil {
		Printf(errs, "%s: %v\n\n%s", c.Name, err, c.Usage)
		return ExitUsage, true
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := work(ctx); err != nil {
		if !errors.Is(err, ErrTold) {
			Printf(errs, "%s: %v\n", c.Name, err)
		}
		return ExitFailed, true
	}
	return ExitDone, true
}

// ParseFlags reads flags that may stand anywhere among the other arguments, which it returns.
func ParseFlags(flags *flag.FlagSet, args []string) (others []string, err error) {
	flags.SetOutput(io.Discard)
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return others, nil
		}
		others, args = append(others, flags.Arg(0)), flags.Args()[1:]
	}
}

// Printf writes to a stream of the process, which nobody may be reading.
func Printf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }
