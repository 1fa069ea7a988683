package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Action is what an operator asks for: see Ask.
type Action string

// The actions, each of which is the Orchestrator's method of that name.
const (
	ActionRetry      Action = "retry"
	ActionSkip       Action = "skip"
	ActionCompensate Action = "compensate"
)

// Request is an Action that was asked for and is not yet done.
type Request struct {
	Action     Action
	Reason, By string
	AskedAt    time.Time
}

// Querier is a *pgxpool.Pool, *pgx.Conn or pgx.Tx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// Ask asks the orchestrator of a saga to do something with it, from a process that has no definitions. RunTimers does it and writes into
// the step log what came of it. It is false if there is no such saga, it is not in a state for that (PARKED; for ActionCompensate also
// RUNNING), or something was asked for already.
func Ask(ctx context.Context, db Querier, id string, r Request) (bool, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return false, status.Errorf(codes.InvalidArgument, "saga id: %v", err)
	}
	states := []State{Parked}
	if r.Action == ActionCompensate {
		states = append(states, Running)
	}
	tag, err := db.Exec(ctx, `
		INSERT INTO saga_request (saga_id, action, reason, asked_by)
		SELECT id, $3, $4, $5 FROM saga WHERE id = $1 AND state = ANY ($2) ON CONFLICT DO NOTHING`,
		u, states, r.Action, clean(r.Reason), clean(r.By))
	if err != nil {
		return false, fmt.Errorf("ask to %s saga %s: %w", r.Action, id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// answerRequests does what operators asked for, each request in a transaction of its own.
func (o *Orchestrator) answerRequests(ctx context.Context) error {
	names, numbers := o.known()
	rows, err := o.pool.Query(ctx, `
		SELECT r.saga_id FROM saga_request r JOIN saga s ON s.id = r.saga_id
		WHERE (s.name, s.definition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
		ORDER BY r.asked_at LIMIT $3`, names, numbers, timerBatch)
	if err != nil {
		return fmt.Errorf("look for requests of operators: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("look for requests of operators: %w", err)
	}
	var errs []error
	for _, id := range ids {
		if err := o.answerRequest(ctx, id); err != nil {
			errs = append(errs, err)
		}
	}
	if len(ids) > 0 {
		o.opts.Nudge()
	}
	return errors.Join(errs...)
}

// answerRequest does what was asked for a saga, unless another orchestrator is at it. What the saga's state no longer allows is refused
// in its log.
func (o *Orchestrator) answerRequest(ctx context.Context, id uuid.UUID) error {
	return postgres.InTx(ctx, o.pool, func(tx pgx.Tx) error {
		var r Request
		err := tx.QueryRow(ctx, `
			DELETE FROM saga_request WHERE saga_id = (SELECT saga_id FROM saga_request WHERE saga_id = $1 FOR UPDATE SKIP LOCKED)
			RETURNING action, reason, asked_by`, id).Scan(&r.Action, &r.Reason, &r.By)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take request for saga %s: %w", id, err)
		}
		s, err := o.load(ctx, tx, id, "FOR UPDATE")
		if err != nil {
			return err
		}
		if s.def == nil {
			return fmt.Errorf("request for saga %s: version %d of %s is not known here", id, s.definition, s.name)
		}
		s.by = r.By
		var refused error
		switch r.Action {
		case ActionRetry:
			refused = o.retry(s.traced(ctx), s)
		case ActionSkip:
			refused = o.skip(s.traced(ctx), s)
		case ActionCompensate:
			refused = o.forceCompensate(s.traced(ctx), s, r.Reason)
		}
		if refused != nil { // the instance may be half changed: only the log is written
			note := fmt.Sprintf("%s for %s refused: %s", r.Action, r.By, status.Convert(refused).Message())
			o.log.WarnContext(ctx, "request of an operator refused", "saga", s.name, "id", id, "action", r.Action, "by", r.By, "error", refused)
			return o.refuse(ctx, tx, id, note)
		}
		o.log.InfoContext(ctx, "request of an operator done",
			"saga", s.name, "id", id, "action", r.Action, "by", r.By, "reason", r.Reason, "state", s.state)
		return o.save(ctx, tx, s)
	})
}

// refuse notes in a saga's log that a request was not granted.
func (o *Orchestrator) refuse(ctx context.Context, tx pgx.Tx, id uuid.UUID, note string) error {
	s, err := o.load(ctx, tx, id, "")
	if err != nil {
		return err
	}
	a := s.now()
	return o.record(ctx, tx, s, entry{step: a.step, op: a.op, attempt: s.attempt, event: logOperator, note: note})
}
