package localca

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Main is the command around an authority, and returns the process's exit code. args are the process's, the program's name first; a says
// what certificates a system has. Flags: -dir DIR, where they go; -owner UID and -owner NAME=UID, whose they are; -watch, to go on and renew
// them until SIGTERM; -check, to make nothing and only say whether all are good. What it does goes to out.
func Main(args []string, out io.Writer, a Authority) int {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&a.Dir, "dir", "certs", "where the certificates go")
	a.Owners = Owners{}
	flags.Func("owner", "the user id that owns them, or NAME=UID for one process; without it, who runs this", a.Owners.set)
	watch := flags.Bool("watch", false, "go on, and renew them before they end")
	check := flags.Bool("check", false, "make nothing: only say whether all are good")
	switch err := flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil || flags.NArg() > 0:
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, out, a, *watch, *check); err != nil {
		say(out, "localca: %v\n", err)
		return 1
	}
	return 0
}

// set reads UID or NAME=UID.
func (o Owners) set(value string) error {
	name, id, named := strings.Cut(value, "=")
	if !named {
		name, id = "", value
	}
	uid, err := strconv.Atoi(id)
	if err != nil || uid < 0 {
		return fmt.Errorf("%q is no user id", id)
	}
	o[name] = uid
	return nil
}

func run(ctx context.Context, out io.Writer, a Authority, watch, check bool) error {
	if check {
		return a.Check(time.Now())
	}
	for {
		made, err := a.Ensure(time.Now())
		for _, name := range made {
			say(out, "localca: made a certificate for %s, good for %s\n", name, a.Lifetime)
		}
		if err != nil || !watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(min(a.Lifetime/10, time.Minute)):
		}
	}
}

func say(out io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(out, format, args...) // nobody may be reading
}
