package postgres

import (
	"context"
	"math/rand/v2"
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
		err := pgx.BeginFunc(ctx, pool, fn)
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
