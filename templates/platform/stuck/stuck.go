// Package stuck is the command of a service for the work that cannot go on by itself: messages that the broker does not take (rows of the
// outbox), messages that the handlers do not take (dead letters) and parked sagas. It is a part of the service's program, as an image may
// hold nothing else, and needs its environment. It opens the database and nothing else.
//
// What needs the service's code is asked for and done by the running service: handling a dead letter again (inbox.RunRetries) and moving a
// saga (saga.RunTimers). Each change is written to table stuck_log in its own transaction.
package stuck

import (
	"context"
	"embed"
	"io"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// Migrations creates the table stuck_log.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Parts is what the service has in which work can get stuck.
type Parts struct {
	Outbox bool
	Group  string // of the inbox, "" if there is none
	Sagas  bool
	// Shards opens the shards of the service, nil if it has none. What close returns is called in the end.
	Shards func(ctx context.Context, config postgres.Config) (shards []Shard, closeAll func(), err error)
}

// Shard is a part of the service's work with a database of its own.
type Shard struct {
	Number int
	Pool   *pgxpool.Pool
	// Enter prepares a transaction for the change of a row of a table, which stays where it is until the transaction ends.
	Enter func(ctx context.Context, tx pgx.Tx, table, id string) error
}

// Streams are the process's.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

const name = "stuck"

const usage = `usage: stuck list [--kind outbox|dead-letter|saga] [--json]
       stuck show ID [--json]
       stuck retry ID... | --all [--kind KIND]
       stuck drop ID...         an outbox row is never sent, a dead letter never handled
       stuck skip ID...         a saga goes on as if its step were done
       stuck compensate ID...   a saga is turned back
       stuck log [--json]       what was done by this command, the last first

  --yes           do not ask before drop, skip and compensate
  --by NAME       who does it, for the log; default: the variable USER
  --reason TEXT   why, for the log
`

// Command answers for a process that was started with the argument "stuck" instead of being run. args are the process's, the program's
// name first. asked is false when they do not ask for it; code is the exit code: 0 if all was done, 1 if something was not, 2 if the
// command cannot be understood.
func Command(args []string, std Streams, parts Parts) (code int, asked bool) {
	return service.Command{Name: name, Usage: usage, Parse: func(args []string) (func(context.Context) error, error) {
		c, err := parse(args, parts)
		return func(ctx context.Context) error { return c.connected(ctx, std) }, err
	}}.Answer(args, std.Out, std.Err)
}

// connected runs the command with a connection of the service's configuration.
func (c *command) connected(ctx context.Context, std Streams) error {
	var config postgres.Config
	if err := service.LoadEnv(&config); err != nil {
		return err
	}
	config.MaxConns = 2 // the service needs the rest
	if c.parts.Shards != nil {
		return c.sharded(ctx, config, std)
	}
	pool, err := postgres.Open(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	return c.do(ctx, desks{{pool: pool, parts: c.parts}}, std)
}

// sharded runs the command on all shards.
func (c *command) sharded(ctx context.Context, config postgres.Config, std Streams) error {
	shards, closeAll, err := c.parts.Shards(ctx, config)
	if err != nil {
		return err
	}
	defer closeAll()
	list := make(desks, len(shards))
	for i, sh := range shards {
		list[i] = &desk{pool: sh.Pool, parts: c.parts, shard: strconv.Itoa(sh.Number), enter: sh.Enter}
	}
	return c.do(ctx, list, std)
}
