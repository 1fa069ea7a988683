package projection

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

const (
	name  = "rebuild"
	usage = `usage: rebuild VIEW [--check] [--unverified skip|take]
  makes the rows of a view anew from all events that the broker has; the service goes on meanwhile
  --check       only say which rows are not what their events say; exit code 1 if there are any
  --unverified  what to do with messages whose signature does not hold any more: skip them, or take them
`
)

// Service is what the command needs of the service whose process it is.
type Service struct {
	Group string
	// Views returns its views, with their handlers bound to pool.
	Views func(pool *pgxpool.Pool) ([]View, error)
	// Verifier returns what tells messages to believe from others; nil where none are signed.
	Verifier func() (inbox.Verifier, error)
}

// Command answers for a process that was started with the argument "rebuild" instead of being run. args are the process's, the program's name
// first. asked is false when they do not ask for it; code is the exit code: 0 if the view is now what its events say, 1 if it is not or something
// failed, 2 if the command cannot be understood.
func Command(args []string, out, errs io.Writer, svc Service) (code int, asked bool) {
	return service.Command{Name: name, Usage: usage, Parse: func(args []string) (func(context.Context) error, error) {
		c, err := parse(args)
		return func(ctx context.Context) error { return c.run(ctx, out, errs, svc) }, err
	}}.Answer(args, out, errs)
}

type command struct {
	view, unverified string
	check            bool
}

// parse reads the arguments, in which flags may stand before and after the view.
func parse(args []string) (*command, error) {
	c := &command{}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.BoolVar(&c.check, "check", false, "")
	flags.StringVar(&c.unverified, "unverified", "", "")
	views, err := service.ParseFlags(flags, args)
	switch {
	case err != nil:
		return nil, err
	case len(views) == 0:
		return nil, errors.New("which view?")
	case len(views) > 1:
		return nil, errors.New("one view at a time")
	case c.unverified != "" && c.unverified != "skip" && c.unverified != "take":
		return nil, fmt.Errorf("--unverified is skip or take, not %q", c.unverified)
	}
	c.view = views[0]
	return c, nil
}

// run returns service.ErrTold if the view is not what its events say, in the end.
func (c *command) run(ctx context.Context, out, errs io.Writer, svc Service) error {
	opts := Options{
		Group: svc.Group, Unverified: c.unverified, Check: c.check,
		Logger: slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Progress: func(folded int, behind int64) {
			service.Printf(errs, "rebuild: %d messages folded, %d to go\n", folded, behind)
		},
	}
	if err := service.LoadEnv(&opts.Postgres); err != nil {
		return err
	}
	if err := service.LoadEnv(&opts.Kafka); err != nil {
		return err
	}
	if svc.Verifier != nil {
		var err error
		if opts.Verifier, err = svc.Verifier(); err != nil {
			return err
		}
	}
	o, err := Rebuild(ctx, func(pool *pgxpool.Pool) (View, error) { return c.find(pool, svc.Views) }, opts)
	if err != nil {
		return err
	}
	for _, key := range o.Keys {
		service.Printf(out, "%s %s\n", c.view, key)
	}
	if more := o.Added + o.Changed + o.Removed - len(o.Keys); more > 0 {
		service.Printf(out, "and %d more\n", more)
	}
	if o.Skipped > 0 {
		service.Printf(out, "%d messages were not believed\n", o.Skipped)
	}
	if c.check {
		service.Printf(out, "%d messages: %d rows are missing, %d differ, %d have no events, %d are right\n", o.Folded, o.Added, o.Changed, o.Removed, o.Same)
		if o.Differs() {
			return service.ErrTold
		}
		return nil
	}
	service.Printf(out, "%d messages: %d rows added, %d changed, %d removed, %d were right; folding waited for %s\n", o.Folded, o.Added, o.Changed, o.Removed, o.Same, o.Waited.Round(1e6))
	return nil
}

func (c *command) find(pool *pgxpool.Pool, views func(*pgxpool.Pool) ([]View, error)) (View, error) {
	list, err := views(pool)
	if err != nil {
		return View{}, err
	}
	var names []string
	for _, v := range list {
		if v.Name == c.view {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return View{}, fmt.Errorf("%s is no view of this service: %s", c.view, strings.Join(names, ", "))
}
