package shard

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

const (
	name  = "shards"
	usage = `usage: shards status [--json]
       shards add --count N [--pause DURATION]

  status   the shards, with their slots (of 1024), their rows as the database's statistics have them, and their unsent messages
  add      makes shards until there are N, and moves slots with their rows until all have as many; the service runs meanwhile.
           If it is stopped, however, run it again.
  --pause  how long the move of one slot may take (10s); writers to that slot wait so long, and two seconds more, at most
`
)

// Command answers for a process that was started with the argument "shards" instead of being run. args are the process's, the program's
// name first; migrate brings the tables of a shard to this release, as in Options. asked is false when they do not ask for it; code is the
// exit code: 0 if it was done, 1 if not, 2 if the command cannot be understood.
func Command(args []string, out, errs io.Writer, count int, migrate func(context.Context, *pgxpool.Pool) error) (code int, asked bool) {
	return service.Command{Name: name, Usage: usage, Parse: func(args []string) (func(context.Context) error, error) {
		c, err := parse(args)
		return func(ctx context.Context) error { return c.run(ctx, out, Options{Count: count, Migrate: migrate}) }, err
	}}.Answer(args, out, errs)
}

type command struct {
	verb  string
	json  bool
	count int
	pause time.Duration
}

func parse(args []string) (*command, error) {
	if len(args) == 0 {
		return nil, errors.New("nothing to do")
	}
	c := &command{verb: args[0]}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	switch c.verb {
	case "status":
		flags.BoolVar(&c.json, "json", false, "")
	case "add":
		flags.IntVar(&c.count, "count", 0, "")
		flags.DurationVar(&c.pause, "pause", 10*time.Second, "")
	default:
		return nil, fmt.Errorf("%q is not a word of this command", c.verb)
	}
	others, err := service.ParseFlags(flags, args[1:])
	switch {
	case err != nil:
		return nil, err
	case len(others) > 0:
		return nil, fmt.Errorf("%q is too much", others[0])
	case c.verb == "add" && c.count <= 0:
		return nil, errors.New("add needs --count, how many shards there are to be in all")
	case c.verb == "add" && c.pause <= 0:
		return nil, errors.New("--pause must be more than nothing")
	}
	return c, nil
}

func (c *command) run(ctx context.Context, out io.Writer, opts Options) error {
	var config postgres.Config
	if err := service.LoadEnv(&config); err != nil {
		return err
	}
	s, err := connect(ctx, config, opts)
	if err != nil {
		return err
	}
	defer s.Close()
	if c.verb == "add" {
		return c.add(ctx, s, out)
	}
	list, err := s.Status(ctx)
	if err != nil {
		return err
	}
	return printStatus(out, list, c.json)
}

func (c *command) add(ctx context.Context, s *Set, out io.Writer) error {
	moves := 0
	err := s.Add(ctx, c.count, AddOptions{Pause: c.pause, Moved: func(done Moved, n, of int) {
		rows := int64(0)
		for _, n := range done.Rows {
			rows += n
		}
		moves = n
		service.Printf(out, "%d/%d slot %d: shard %d to %d, %d rows\n", n, of, done.Slot, done.From, done.To, rows)
	}})
	if err != nil {
		return fmt.Errorf("%w; %d slots were moved, and every slot is whole: run it again", err, moves)
	}
	service.Printf(out, "%d shards, %d slots moved\n", c.count, moves)
	return nil
}

func printStatus(out io.Writer, list []Status, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(list)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	service.Printf(t, "SHARD\tSLOTS\tUNSENT\tSINCE\tROWS\n")
	for _, st := range list {
		service.Printf(t, "%d\t%d\t%d\t%s\t%s\n", st.Shard, st.Slots, st.Unsent, st.Since.UTC().Format(time.RFC3339), rowsText(st.Rows))
	}
	return t.Flush()
}

// rowsText is the tables that have rows, in the order of their names.
func rowsText(rows map[string]int64) string {
	var list []string
	for _, table := range slices.Sorted(maps.Keys(rows)) {
		if rows[table] > 0 {
			list = append(list, fmt.Sprintf("%s %d", table, rows[table]))
		}
	}
	return strings.Join(list, ", ")
}
