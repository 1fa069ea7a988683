package inbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// retryPoll is the pause between two looks for dead letters to handle again.
const retryPoll = time.Second

// keptEvery is the pause between two counts of the dead letters for the metrics.
const keptEvery = 15 * time.Second

// RunRetries handles the dead letters that an operator asked for (see AskRetry), until ctx is done. It returns nil; errors are logged and
// tried again.
//
// A row goes in the transaction that holds the work of its handlers: whatever dies when, the message is handled once. One that fails is
// tried once and parked again, with its new error. Of one key, those that are asked for are taken in the order in which they were parked.
// Messages of the key that were received since are not waited for, nor do they wait: they overtook the dead letter when it was parked.
func (in *Inbox) RunRetries(ctx context.Context) error {
	var nextCount time.Time
	for ctx.Err() == nil {
		took, err := in.again(ctx)
		if err == nil && !time.Now().Before(nextCount) {
			err = in.count(ctx)
			nextCount = time.Now().Add(keptEvery)
		}
		if err != nil && ctx.Err() == nil {
			in.log.WarnContext(ctx, "retry of dead letters failed, trying again", "error", err)
		}
		if took && err == nil {
			continue
		}
		if sleep(ctx, retryPoll) != nil {
			return nil
		}
	}
	return nil
}

// again takes the next dead letter to handle again. It is false if there is none.
func (in *Inbox) again(ctx context.Context) (bool, error) {
	var d *DeadLetter // the one taken
	var t tally
	err := postgres.InTx(ctx, in.pool, func(tx pgx.Tx) error {
		d, t = nil, tally{} // InTx may run this again
		// Another replica may hold a row. Those of its key wait, as the order of a key is that of the ids.
		list, err := deadLetters(ctx, tx, `
			WHERE consumer_group = $1 AND retry_at IS NOT NULL AND (key = '' OR NOT EXISTS (
				SELECT FROM dead_letters e
				WHERE e.consumer_group = $1 AND e.retry_at IS NOT NULL AND e.topic = d.topic AND e.key = d.key AND e.id < d.id))
			ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`, in.group)
		if err != nil || len(list) == 0 {
			return err
		}
		d = &list[0]
		if in.routes[d.Message.Type] == nil {
			return failure{fmt.Errorf("no handler of type %s", d.Message.Type), ""}
		}
		if in.opts.Enter != nil {
			if err := in.opts.Enter(ctx, tx, d.Message); err != nil {
				return err
			}
		}
		fresh, err := in.believed(ctx, tx, d)
		if err != nil {
			return err
		}
		if fresh {
			if err := in.handle(ctx, tx, d.Message, d.Attempts+1); err != nil {
				return err
			}
			t.handled = []event.Message{d.Message}
		} else {
			t.duplicates = 1
		}
		_, err = tx.Exec(ctx, `DELETE FROM dead_letters WHERE id = $1`, d.ID)
		return err
	})
	switch {
	case d == nil:
		return false, err
	case ctx.Err() != nil:
		return true, ctx.Err()
	case err != nil && postgres.IsDown(err): // that is nobody's fault and counts as nobody's attempt
		in.metrics.outages.Inc()
		return true, err
	case err != nil:
		return true, in.parkAgain(ctx, d, err)
	}
	in.committed(t)
	in.log.InfoContext(d.Message.Context(ctx), "dead letter handled",
		"dead_letter", d.ID, "message", d.Message.ID, "type", d.Message.Type, "key", d.Message.Key, "attempt", d.Attempts+1, "by", d.RetryBy)
	return true, in.count(ctx)
}

// parkAgain leaves a dead letter until it is asked for once more. That it is still asked for shows that no other replica took it since.
func (in *Inbox) parkAgain(ctx context.Context, d *DeadLetter, cause error) error {
	var failed failure // stays empty if it was not a handler: the commit can fail too
	errors.As(cause, &failed)
	_, err := in.pool.Exec(ctx, `
		UPDATE dead_letters SET retry_at = NULL, attempts = attempts + 1, handler = $3, error = $4, parked_at = now(),
			quarantined = $5
		WHERE id = $1 AND retry_at = $2`, d.ID, d.RetryAt, failed.where, text(cause.Error()), in.reasonNow(d, cause))
	if err != nil {
		return fmt.Errorf("park dead letter %d again: %w", d.ID, err)
	}
	in.log.ErrorContext(d.Message.Context(ctx), "dead letter failed again", "dead_letter", d.ID, "message", d.Message.ID,
		"type", d.Message.Type, "key", d.Message.Key, "attempts", d.Attempts+1, "by", d.RetryBy, "error", cause)
	return nil
}

// count sets the gauge of the dead letters that are kept.
func (in *Inbox) count(ctx context.Context) error {
	rows, err := in.pool.Query(ctx, `SELECT type, count(*) FROM dead_letters WHERE consumer_group = $1 GROUP BY type`, in.group)
	if err != nil {
		return fmt.Errorf("count dead letters: %w", err)
	}
	kept := map[string]float64{}
	for typ := range in.routes { // a zero is a value; no value would look like a process that is down
		kept[typ] = 0
	}
	var typ string
	var n float64
	if _, err = pgx.ForEachRow(rows, []any{&typ, &n}, func() error { kept[in.label(typ)] += n; return nil }); err != nil {
		return fmt.Errorf("count dead letters: %w", err)
	}
	in.metrics.kept.Reset()
	for typ, n := range kept {
		in.metrics.kept.WithLabelValues(typ).Set(n)
	}
	return nil
}
