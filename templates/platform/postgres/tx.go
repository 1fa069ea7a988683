package postgres

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// txAttempts bounds how often a transaction is run that Postgres aborts for the sake of another one.
const txAttempts = 4

// InTx runs fn in a transaction: committed when fn returns nil, rolled back when it returns an error or panics. On a
// serialization failure or a deadlock it runs fn again, so fn must do nothing that a rollback does not undo.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := pgx.BeginFunc(ctx, beginner{pool}, fn)
		if err == nil || attempt == txAttempts || !isRetriable(sqlState(err)) {
			return err
		}
		// Full jitter, so that the two that collided do not collide again.
		wait := rand.N(10 * time.Millisecond << attempt)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// isRetriable is true for serialization_failure and deadlock_detected.
func isRetriable(state string) bool {
	return state == "40001" || state == "40P01"
}

// AfterCommit has fn called once tx, a transaction of InTx or a savepoint in one, has been committed, before InTx returns. It is also
// called when nobody knows whether that was so, because the connection was lost; and for a savepoint that was rolled back, if the transaction
// was not. It is not called after a rollback. Of a transaction that is not InTx's nobody can tell the end: fn is called at once.
func AfterCommit(ctx context.Context, tx pgx.Tx, fn func(ctx context.Context)) {
	if t, ok := tx.(*transaction); ok {
		t.root.committed = append(t.root.committed, fn)
		return
	}
	fn(ctx)
}

// rolledBack reports that a commit failed because the transaction could not stand: with it, or with a constraint that is checked at its end.
func rolledBack(err error) bool {
	state := sqlState(err)
	return errors.Is(err, pgx.ErrTxCommitRollback) || isRetriable(state) || strings.HasPrefix(state, "23")
}

// beginner begins transactions that remember what is to be done when they are committed.
type beginner struct{ pool *pgxpool.Pool }

func (b beginner) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return nil, err
	}
	t := &transaction{Tx: tx}
	t.root = t
	return t, nil
}

// transaction is one of InTx, or a savepoint in it. Like any pgx.Tx it is used by one goroutine at a time.
type transaction struct {
	pgx.Tx
	root      *transaction
	committed []func(ctx context.Context) // of the root
}

// Begin sets a savepoint.
func (t *transaction) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := t.Tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &transaction{Tx: tx, root: t.root}, nil
}

// Commit also does what was to be done afterwards, unless the server has said that it has rolled back.
func (t *transaction) Commit(ctx context.Context) error {
	err := t.Tx.Commit(ctx)
	if t != t.root || rolledBack(err) {
		return err
	}
	for _, fn := range t.committed {
		fn(context.WithoutCancel(ctx))
	}
	t.committed = nil
	return err
}
