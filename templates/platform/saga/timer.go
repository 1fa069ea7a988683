package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// timerBatch is how many sagas a look for those whose time is up takes.
const timerBatch = 32

// RunTimers resends, compensates or parks the sagas whose time is up, and does what operators asked for (see Ask), until ctx is done. The time is the database's. It is also the
// recovery at boot: a saga that lost its orchestrator is one that gets no reply. It returns nil; errors are logged and tried again.
func (o *Orchestrator) RunTimers(ctx context.Context) error {
	var nextStats time.Time
	for ctx.Err() == nil {
		moved, err := o.fire(ctx)
		if err == nil && !time.Now().Before(nextStats) {
			err = o.stats(ctx)
			nextStats = time.Now().Add(o.opts.StatsEvery)
		}
		if err == nil {
			err = o.answerRequests(ctx)
		}
		if err != nil && ctx.Err() == nil {
			o.log.WarnContext(ctx, "saga timers failed, trying again", "error", err)
		}
		if err == nil && moved == timerBatch {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(o.opts.Poll):
		}
	}
	return nil
}

// fire moves the sagas whose time is up, each in a transaction of its own, and returns how many it moved.
func (o *Orchestrator) fire(ctx context.Context) (moved int, err error) {
	names, numbers := o.known()
	rows, err := o.pool.Query(ctx, `
		SELECT id FROM saga
		WHERE next_at <= now() AND (name, definition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
		ORDER BY next_at LIMIT $3`, names, numbers, timerBatch)
	if err != nil {
		return 0, fmt.Errorf("look for due sagas: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("look for due sagas: %w", err)
	}
	defer func() {
		if moved > 0 {
			o.opts.Nudge()
		}
	}()
	for _, id := range ids {
		ok, err := o.fireOne(ctx, id)
		if ok {
			moved++
		}
		if err == nil {
			continue
		}
		if postgres.IsDown(err) || ctx.Err() != nil {
			return moved, err
		}
		if err := o.postpone(ctx, id, err); err != nil {
			return moved, err
		}
	}
	return moved, nil
}

func (o *Orchestrator) known() (names []string, numbers []int32) {
	for v := range o.defs {
		names, numbers = append(names, v.name), append(numbers, int32(v.number))
	}
	return names, numbers
}

// fireOne moves one saga, unless another orchestrator holds it or has moved it already.
func (o *Orchestrator) fireOne(ctx context.Context, id uuid.UUID) (moved bool, err error) {
	err = postgres.InTx(ctx, o.pool, func(tx pgx.Tx) error {
		moved = false
		s, err := o.load(ctx, tx, id, "AND next_at <= now() FOR UPDATE SKIP LOCKED")
		if errors.Is(err, errNotFound) {
			return nil
		}
		if err != nil || s.def == nil {
			return err
		}
		ctx, span := otel.Tracer("platform/saga").Start(event.Message{Extensions: s.trace}.Context(ctx), "timer "+s.name,
			trace.WithAttributes(attribute.String("saga.id", s.id.String()), attribute.String("saga.step", s.now().step)))
		defer span.End()
		o.timedOut(ctx, s)
		moved = true
		return o.save(ctx, tx, s)
	})
	if err != nil {
		return false, err
	}
	if moved {
		o.metrics.timeouts.Inc()
	}
	return moved, nil
}

// postpone puts off a saga that cannot be moved, so that it does not stand in the way of others.
func (o *Orchestrator) postpone(ctx context.Context, id uuid.UUID, cause error) error {
	o.metrics.timerErrors.Inc()
	o.log.ErrorContext(ctx, "saga cannot be moved, trying again later", "id", id, "error", cause)
	_, err := o.pool.Exec(ctx, `UPDATE saga SET next_at = now() + $2::interval WHERE id = $1 AND next_at <= now()`,
		id, o.backoff(5))
	if err != nil {
		return fmt.Errorf("postpone saga %s: %w", id, err)
	}
	return nil
}
