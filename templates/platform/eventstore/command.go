package eventstore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

const (
	name  = "replay"
	usage = `usage: replay AGGREGATE [--check | --adopt]
  makes the rows of an aggregate from its events; the service may run meanwhile
  --check  only say which rows are not what their events say; exit code 1 if there are any
  --adopt  make a first event of each row that has none, as those have that are older than the event store
`
)

// Command answers for a process that was started with the argument "replay" instead of being run. args are the process's, the program's
// name first; replayers returns the service's. asked is false when they do not ask for it; code is the exit code: 0 if every row is now
// what its events say, 1 if one is not or something failed, 2 if the command cannot be understood.
func Command(args []string, out, errs io.Writer, replayers func(*pgxpool.Pool) ([]Replayer, error)) (code int, asked bool) {
	return service.Command{Name: name, Usage: usage, Parse: func(args []string) (func(context.Context) error, error) {
		c, err := parse(args)
		return func(ctx context.Context) error { return c.run(ctx, out, replayers) }, err
	}}.Answer(args, out, errs)
}

type command struct {
	aggregate    string
	check, adopt bool
}

// parse reads the arguments, in which flags may stand before and after the aggregate.
func parse(args []string) (*command, error) {
	c := &command{}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.BoolVar(&c.check, "check", false, "")
	flags.BoolVar(&c.adopt, "adopt", false, "")
	aggregates, err := service.ParseFlags(flags, args)
	switch {
	case err != nil:
		return nil, err
	case len(aggregates) == 0:
		return nil, errors.New("which aggregate?")
	case len(aggregates) > 1:
		return nil, errors.New("one aggregate at a time")
	case c.check && c.adopt:
		return nil, errors.New("--check changes nothing: leave out --adopt")
	}
	c.aggregate = aggregates[0]
	return c, nil
}

// run returns service.ErrTold if not all rows are what their events say, in the end.
func (c *command) run(ctx context.Context, out io.Writer, replayers func(*pgxpool.Pool) ([]Replayer, error)) error {
	var config postgres.Config
	if err := service.LoadEnv(&config); err != nil {
		return err
	}
	config.MaxConns = 2 // the service needs the rest
	pool, err := postgres.Open(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	list, err := replayers(pool)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range list {
		if r.Aggregate() == c.aggregate {
			return c.replay(ctx, out, pool, r)
		}
		names = append(names, r.Aggregate())
	}
	return fmt.Errorf("%s is not event sourced here: %s", c.aggregate, strings.Join(names, ", "))
}

func (c *command) replay(ctx context.Context, out io.Writer, pool *pgxpool.Pool, r Replayer) error {
	differing, orphans := 0, 0
	n, err := r.Replay(ctx, pool, c.check, c.adopt, func(d Difference) {
		service.Printf(out, "%s %s: %s\n", c.aggregate, d.Stream, d.What)
		differing++
		if d.Orphan {
			orphans++
		}
	})
	if err != nil {
		return err
	}
	switch {
	case c.check:
		service.Printf(out, "%d of %d differ\n", differing, n)
		if differing > 0 {
			return service.ErrTold
		}
		return nil
	case c.adopt:
		orphans = 0
	}
	service.Printf(out, "%d of %d mended\n", differing-orphans, n)
	if orphans > 0 {
		service.Printf(out, "%d rows without events are left as they are: --adopt makes their first event\n", orphans)
		return service.ErrTold
	}
	return nil
}
