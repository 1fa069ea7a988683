// Package postgres opens the service's database, migrates it, runs transactions and turns database errors into gRPC
// statuses.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/mtls"
)

// Config is read from the environment.
type Config struct {
	// URL is a postgres:// URL; it holds a password and is never logged.
	URL string `env:"DATABASE_URL,required"`
	// MaxConns bounds the pool. The outbox relay has three connections of its own besides.
	MaxConns int32 `env:"DATABASE_MAX_CONNS" envDefault:"16"`
	// StatementTimeout ends a statement that runs away; 0 means never.
	StatementTimeout time.Duration `env:"DATABASE_STATEMENT_TIMEOUT" envDefault:"30s"`
	// IdleInTxTimeout ends a transaction that nobody goes on with and whose locks block others; 0 means never.
	IdleInTxTimeout time.Duration `env:"DATABASE_IDLE_IN_TX_TIMEOUT" envDefault:"60s"`
	// StartTimeout is how long Open waits for a database that does not answer yet.
	StartTimeout time.Duration `env:"DATABASE_START_TIMEOUT" envDefault:"30s"`
	// Schema is the only schema in the search path, "" for what the URL or the server says. It is no part of the environment.
	Schema string
	// TLS, when it is on, goes before what the URL says.
	TLS mtls.Component `envPrefix:"DATABASE_"`
}

// Open returns a pool of connections once the database answers. It tries until cfg.StartTimeout, since services and
// their databases start together. The caller closes the pool.
func Open(ctx context.Context, cfg Config) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a valid Postgres URL") // err could quote the password
	}
	if cfg.MaxConns > 0 {
		pc.MaxConns = cfg.MaxConns
	}
	params := pc.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = filepath.Base(os.Args[0])
	}
	params["statement_timeout"] = millis(cfg.StatementTimeout)
	params["idle_in_transaction_session_timeout"] = millis(cfg.IdleInTxTimeout)
	params["timezone"] = "UTC"
	if cfg.Schema != "" {
		params["search_path"] = cfg.Schema
	}
	secured, err := cfg.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("DATABASE_TLS: %w", err)
	}
	if secured != nil {
		secure(pc.ConnConfig, secured)
	}
	pc.ConnConfig.ConnectTimeout = 5 * time.Second
	pc.ConnConfig.Tracer = newTracer()

	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open database pool: %w", err)
	}
	if err := waitFor(ctx, pool, cfg.StartTimeout); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

func waitFor(ctx context.Context, pool *pgxpool.Pool, limit time.Duration) error {
	if limit <= 0 {
		limit = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error // of an attempt that was not cut short: it says more than that the time is over
	for {
		err := pool.Ping(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		// A wrong password or name will not heal by waiting, an absent server may.
		if !IsDown(err) && ctx.Err() == nil {
			return fmt.Errorf("connect to database: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("database did not answer: %w", errors.Join(ctx.Err(), last))
		case <-time.After(250 * time.Millisecond):
		}
	}
}

func millis(d time.Duration) string {
	return strconv.FormatInt(d.Milliseconds(), 10)
}
