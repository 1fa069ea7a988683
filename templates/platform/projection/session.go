package projection

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// errLost ends a rebuild: the temporary tables ended with the session, and without them the names would mean the service's own.
var errLost = errors.New("the connection to the database was lost: run the command again")

// session is a pool of one connection, which is never replaced. Its ctx ends when the connection does.
type session struct {
	pool *pgxpool.Pool
	ctx  context.Context
	end  context.CancelCauseFunc
}

func open(ctx context.Context, cfg postgres.Config) (*session, error) {
	first, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	s := &session{}
	s.ctx, s.end = context.WithCancelCause(ctx)

	pc := first.Config()
	pc.MaxConns, pc.MinConns, pc.MinIdleConns = 1, 0, 0
	pc.MaxConnLifetime, pc.MaxConnIdleTime = math.MaxInt64, math.MaxInt64
	pc.MaxConnLifetimeJitter = 0
	var connected atomic.Bool
	pc.AfterConnect = func(context.Context, *pgx.Conn) error {
		if connected.Swap(true) {
			s.end(errLost)
			return errLost
		}
		return nil
	}
	if s.pool, err = pgxpool.NewWithConfig(s.ctx, pc); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return s, nil
}

func (s *session) close() {
	s.end(context.Canceled)
	s.pool.Close()
}

// cause is why work in the session failed.
func (s *session) cause(err error) error {
	if err != nil && errors.Is(context.Cause(s.ctx), errLost) {
		return errLost
	}
	return err
}

// shadow puts temporary tables before those of the service and its inbox. It returns the schema that the latter are in.
func (s *session) shadow(ctx context.Context, table string) (schema string, err error) {
	err = s.pool.QueryRow(ctx, `SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::text::regclass`, table).Scan(&schema)
	if err != nil {
		return "", fmt.Errorf("find table %s: %w", table, err)
	}
	for _, name := range []string{table, "inbox", "dead_letters"} {
		_, err := s.pool.Exec(ctx, fmt.Sprintf("CREATE TEMPORARY TABLE %s (LIKE %s INCLUDING ALL)",
			pgx.Identifier{name}.Sanitize(), pgx.Identifier{schema, name}.Sanitize()))
		if err != nil {
			return "", fmt.Errorf("make a temporary copy of table %s: %w", name, err)
		}
	}
	return schema, nil
}

// freezeWait is how long the service's folding may be kept waiting: for the exclusive lock, and then for the last events. The exchange of
// the rows comes after it.
const freezeWait = 10 * time.Second
