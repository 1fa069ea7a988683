package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func TestAfterCommit(t *testing.T) {
	pool := pgtest.New(t)
	if _, err := pool.Exec(t.Context(), `CREATE TABLE t (n int UNIQUE DEFERRABLE INITIALLY DEFERRED); INSERT INTO t VALUES (1)`); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	insert := func(ctx context.Context, tx pgx.Tx, n int) error {
		_, err := tx.Exec(ctx, `INSERT INTO t VALUES ($1)`, n)
		return err
	}
	attempts := 0
	for _, tc := range []struct {
		name  string
		fn    func(ctx context.Context, tx pgx.Tx, after func(pgx.Tx)) error
		fails bool
		want  int
	}{
		{"committed", func(ctx context.Context, tx pgx.Tx, after func(pgx.Tx)) error { after(tx); return insert(ctx, tx, 2) }, false, 1},
		{"failed", func(_ context.Context, tx pgx.Tx, after func(pgx.Tx)) error { after(tx); return failed }, true, 0},
		{"failed at the end", func(ctx context.Context, tx pgx.Tx, after func(pgx.Tx)) error { after(tx); return insert(ctx, tx, 1) }, true, 0},
		{"an error passed over", func(ctx context.Context, tx pgx.Tx, after func(pgx.Tx)) error {
			after(tx)
			_, _ = tx.Exec(ctx, `SELECT * FROM nowhere`)
			return nil
		}, true, 0},
		{"connection lost", func(ctx context.Context, tx pgx.Tx, after func(pgx.Tx)) error {
			after(tx)
			return tx.Conn().Close(ctx) // nobody knows what became of the commit
		}, true, 1},
		{"again", func(_ context.Context, tx pgx.Tx, after func(pgx.Tx)) error {
			after(tx)
			if attempts++; attempts < 3 {
				return &pgconn.PgError{Code: "40001"}
			}
			return nil
		}, false, 1},
		{"a savepoint", func(ctx context.Context, tx pgx.Tx, after func(pgx.Tx)) error {
			return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
				after(inner)
				return nil
			})
		}, false, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			called, within := 0, true
			ctx, cancel := context.WithCancel(t.Context())
			err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error {
				err := tc.fn(ctx, tx, func(tx pgx.Tx) {
					postgres.AfterCommit(ctx, tx, func(ctx context.Context) {
						if called++; within {
							t.Error("called before the commit")
						}
						cancel()
						if ctx.Err() != nil {
							t.Error("the context has ended with the caller's")
						}
					})
				})
				within = false
				return err
			})
			if (err != nil) != tc.fails || called != tc.want {
				t.Errorf("called %d times, want %d; %v", called, tc.want, err)
			}
		})
	}
	// A transaction that somebody else began.
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	called := 0
	postgres.AfterCommit(t.Context(), tx, func(context.Context) { called++ })
	if err := tx.Rollback(t.Context()); err != nil || called != 1 {
		t.Errorf("called %d times, %v", called, err)
	}
}
