package idempotency

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	purgeChunk       = 5000 // rows a statement deletes, so that it neither holds locks for long nor makes replicas lag
	purgeEvery       = 10 * time.Minute
	defaultRetention = 24 * time.Hour
)

// Purge deletes what was stored longer than retention ago.
func Purge(ctx context.Context, pool *pgxpool.Pool, retention time.Duration) error {
	for {
		tag, err := pool.Exec(ctx, `
			DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM idempotency WHERE created_at < now() - $1::interval ORDER BY created_at LIMIT $2))`,
			retention, purgeChunk)
		if err != nil {
			return fmt.Errorf("purge request ids: %w", err)
		}
		if tag.RowsAffected() < purgeChunk {
			return nil
		}
	}
}

// RunPurge purges every ten minutes until ctx is done; a retention of 0 means 24 hours. A purge that fails is logged: the next one
// makes up for it.
func RunPurge(ctx context.Context, pool *pgxpool.Pool, retention time.Duration) error {
	if retention <= 0 {
		retention = defaultRetention
	}
	for {
		if err := Purge(ctx, pool, retention); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "purge failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(purgeEvery):
		}
	}
}
