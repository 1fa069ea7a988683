package saga

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	purgeChunk       = 1000 // rows a statement deletes, so that it neither holds locks for long nor makes replicas lag
	purgeEvery       = 10 * time.Minute
	defaultRetention = 30 * 24 * time.Hour
)

// Purge deletes completed and compensated sagas with their logs, and the answers of participants, that are older than retention. A
// saga that waits for an operator for longer than that finds participants that know nothing of it any more.
func Purge(ctx context.Context, pool *pgxpool.Pool, retention time.Duration) error {
	for _, sql := range []string{
		`DELETE FROM saga WHERE id = ANY (ARRAY(
			SELECT id FROM saga WHERE state IN ('COMPLETED', 'COMPENSATED') AND updated_at < now() - $1::interval LIMIT $2))`,
		`DELETE FROM saga_participant WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM saga_participant WHERE created_at < now() - $1::interval ORDER BY created_at LIMIT $2))`,
	} {
		for {
			tag, err := pool.Exec(ctx, sql, retention, purgeChunk)
			if err != nil {
				return fmt.Errorf("purge sagas: %w", err)
			}
			if tag.RowsAffected() < purgeChunk {
				break
			}
		}
	}
	return nil
}

// RunPurge purges every ten minutes until ctx is done; a retention of 0 means 30 days. A purge that fails is logged: the next one
// makes up for it. Run it where sagas are orchestrated and where they are taken part in.
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
