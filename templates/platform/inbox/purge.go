package inbox

import (
	"context"
	"fmt"
	"time"
)

// purgeChunk is how many rows a purge deletes at once, so that it neither holds locks for long nor makes replicas lag.
const purgeChunk = 5000

// Purge deletes the ids of messages received longer than olderThan ago. Such a message would be handled again if it were delivered
// again. Dead letters stay.
func (in *Inbox) Purge(ctx context.Context, olderThan time.Duration) error {
	for {
		tag, err := in.pool.Exec(ctx, `
			DELETE FROM inbox WHERE ctid = ANY (ARRAY(
				SELECT ctid FROM inbox WHERE received_at < now() - $1::interval ORDER BY received_at LIMIT $2))`,
			olderThan, purgeChunk)
		if err != nil {
			return fmt.Errorf("purge inbox: %w", err)
		}
		if tag.RowsAffected() < purgeChunk {
			return nil
		}
	}
}

// RunPurge purges what is older than Options.Retention, now and then every Options.PurgeEvery, until ctx is done. A purge that fails
// is logged: the next one makes up for it.
func (in *Inbox) RunPurge(ctx context.Context) error {
	for {
		if err := in.Purge(ctx, in.opts.Retention); err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "purge failed", "error", err)
		}
		if sleep(ctx, in.opts.PurgeEvery) != nil {
			return nil
		}
	}
}
