package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// maxID is the longest message id accepted, in bytes: it must fit an index entry (a third of a page, 2704 bytes).
const maxID = 1024

// Process handles the messages of batch in their order and returns nil when each of them is handled, recognised as a duplicate,
// skipped or parked, all of it committed: the batch may then be acknowledged. It returns an error only when ctx is done; while the
// database is down it waits.
func (in *Inbox) Process(ctx context.Context, batch []event.Message) error {
	todo, err := in.verified(ctx, in.triage(batch))
	if err != nil {
		return err
	}
	in.metrics.batchSize.Observe(float64(len(batch)))
	switch len(todo) {
	case 0:
		return ctx.Err()
	case 1: // a batch of one would only be tried once more than it should
	default:
		err := in.waitOut(ctx, func() error { return in.together(ctx, todo) })
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		in.log.WarnContext(ctx, "batch failed, its messages are handled one by one", "messages", len(todo), "error", err)
	}
	return in.oneByOne(ctx, todo)
}

// triage drops the messages that nobody handles and marks those that cannot even be looked up.
func (in *Inbox) triage(batch []event.Message) []event.Message {
	todo := make([]event.Message, 0, len(batch))
	for _, msg := range batch {
		switch {
		case malformed(msg):
			todo = append(todo, msg)
		case in.routes[msg.Type] == nil:
			in.metrics.skipped.Inc()
			if _, seen := in.warned.LoadOrStore(msg.Type, true); !seen {
				in.log.Info("messages of a type without a handler are skipped", "type", msg.Type, "topic", msg.Topic)
			}
		default:
			todo = append(todo, msg)
		}
	}
	return todo
}

// malformed is true for a message that has no usable identity. Postgres takes neither a NUL nor invalid UTF-8 as text.
func malformed(msg event.Message) bool {
	return msg.Type == event.TypeMalformed || !validID(msg.ID)
}

func validID(id string) bool {
	return id != "" && len(id) <= maxID && utf8.ValidString(id) && !slices.Contains([]byte(id), 0)
}

// together handles all messages in one transaction, or none. Which of them is to blame for an error is left open: a failure in a
// shared transaction can be a neighbour's.
func (in *Inbox) together(ctx context.Context, msgs []event.Message) error {
	ids := make([]string, len(msgs))
	for i, msg := range msgs {
		if malformed(msg) {
			return fmt.Errorf("message at %s/%d/%d is malformed", msg.Topic, msg.Partition, msg.Offset)
		}
		ids[i] = msg.ID
	}
	var t tally
	err := in.opts.InTx(ctx, msgs[0], func(tx pgx.Tx) error {
		t = tally{} // InTx may run this again
		fresh, err := in.claim(ctx, tx, ids)
		if err != nil {
			return err
		}
		for _, msg := range msgs {
			if !fresh[msg.ID] {
				t.duplicates++
				continue
			}
			delete(fresh, msg.ID) // the same message later in this batch is a duplicate
			if err := in.handle(ctx, tx, msg, 1); err != nil {
				return fmt.Errorf("message %s: %w", msg.ID, err)
			}
			t.handled = append(t.handled, msg)
		}
		return nil
	})
	if err != nil {
		return err
	}
	in.committed(t)
	return nil
}

// claim marks the ids as handled and returns those that were not yet. A transaction that has claimed an id and not ended makes this
// one wait: two consumers of the same message, as during a rebalance, do not both handle it. Sorted, so that they do not deadlock.
func (in *Inbox) claim(ctx context.Context, tx pgx.Tx, ids []string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `
		INSERT INTO inbox (consumer_group, message_id)
		SELECT $1, id FROM unnest($2::text[]) AS id ORDER BY id
		ON CONFLICT DO NOTHING
		RETURNING message_id`, in.group, ids)
	if err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	fresh := make(map[string]bool, len(ids))
	var id string
	if _, err = pgx.ForEachRow(rows, []any{&id}, func() error { fresh[id] = true; return nil }); err != nil {
		return nil, fmt.Errorf("claim messages: %w", err)
	}
	return fresh, nil
}

// tally is what a transaction did, counted once it is committed.
type tally struct {
	handled    []event.Message
	duplicates int
}

func (in *Inbox) committed(t tally) {
	in.metrics.duplicates.Add(float64(t.duplicates))
	if len(t.handled) == 0 {
		return
	}
	now := time.Now()
	for _, msg := range t.handled {
		in.metrics.processed.WithLabelValues(msg.Type).Inc()
		if !msg.Time.IsZero() {
			in.metrics.lag.Observe(max(0, now.Sub(msg.Time).Seconds()))
		}
	}
	in.opts.Nudge()
}

// waitOut runs f again for as long as the database is down. That is nobody's fault and counts as nobody's attempt.
func (in *Inbox) waitOut(ctx context.Context, f func() error) error {
	for n := 0; ; n++ {
		err := f()
		if err == nil || ctx.Err() != nil || !postgres.IsDown(err) {
			return err
		}
		in.metrics.outages.Inc()
		in.log.WarnContext(ctx, "database is down, waiting", slog.Any("error", err))
		if sleep(ctx, in.backoff(n)) != nil {
			return err
		}
	}
}
