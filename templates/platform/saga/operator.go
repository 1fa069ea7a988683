package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// Info is a saga as an operator sees it.
type Info struct {
	ID, Name, Key string
	Definition    int
	State         State
	// Step is the name of the current step, "" if the definition is not known here.
	Step    string
	Attempt int
	// Reason is why it is compensated, ParkedReason why it is parked.
	Reason, ParkedReason string
	CreatedAt, UpdatedAt time.Time
}

// listLimit bounds List.
const listLimit = 1000

// List returns the sagas in a state, the oldest first, at most 1000.
func (o *Orchestrator) List(ctx context.Context, state State) ([]Info, error) {
	rows, err := o.pool.Query(ctx, `
		SELECT id::text, name, key, definition, state, step, attempt, reason, parked_reason, created_at, updated_at
		FROM saga WHERE state = $1 ORDER BY created_at, id LIMIT $2`, state, listLimit)
	if err != nil {
		return nil, fmt.Errorf("list sagas: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Info, error) {
		var i Info
		var step int
		err := row.Scan(&i.ID, &i.Name, &i.Key, &i.Definition, &i.State, &step, &i.Attempt, &i.Reason, &i.ParkedReason,
			&i.CreatedAt, &i.UpdatedAt)
		if def := o.defs[version{i.Name, i.Definition}]; step < 0 {
			i.Step = onFailure
		} else if def != nil && step < len(def.Steps) {
			i.Step = def.Steps[step].Name
		}
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sagas: %w", err)
	}
	return list, nil
}

// Retry sends the command again that a parked saga stopped at, with as many attempts as at first.
func (o *Orchestrator) Retry(ctx context.Context, id string) error {
	return o.operate(ctx, id, o.retry)
}

func (o *Orchestrator) retry(ctx context.Context, s *instance) error {
	if err := s.unpark("retry"); err != nil {
		return err
	}
	o.send(ctx, s)
	return nil
}

// Skip makes a parked saga go on as if the command it stopped at were done. Its reply stays unknown to later steps.
func (o *Orchestrator) Skip(ctx context.Context, id string) error {
	return o.operate(ctx, id, o.skip)
}

func (o *Orchestrator) skip(ctx context.Context, s *instance) error {
	if err := s.unpark("skip"); err != nil {
		return err
	}
	o.advance(ctx, s)
	return nil
}

// ForceCompensate turns a running or parked saga back. Beyond the pivot that is refused, and at the pivot it is for the operator to
// know that it was not done.
func (o *Orchestrator) ForceCompensate(ctx context.Context, id, reason string) error {
	return o.operate(ctx, id, func(ctx context.Context, s *instance) error { return o.forceCompensate(ctx, s, reason) })
}

func (o *Orchestrator) forceCompensate(ctx context.Context, s *instance, reason string) error {
	if s.state == Parked && s.resume == Running {
		if err := s.unpark("force-compensate"); err != nil {
			return err
		}
	} else {
		s.noteOperator("force-compensate")
	}
	if s.state != Running {
		return status.Errorf(codes.FailedPrecondition, "saga %s is %s", s.id, s.state)
	}
	if s.def.Steps[s.step].Kind == Retriable {
		return status.Errorf(codes.FailedPrecondition, "saga %s is beyond the point of no return", s.id)
	}
	o.compensate(ctx, s, s.undoFrom(), reason)
	return nil
}

func (s *instance) unpark(what string) error {
	if s.state != Parked {
		return status.Errorf(codes.FailedPrecondition, "saga %s is %s, not %s", s.id, s.state, Parked)
	}
	s.noteOperator(what)
	s.state, s.resume, s.parkedReason, s.tries = s.resume, "", "", 0
	return nil
}

// noteOperator writes into the log what was done by hand, and by whom.
func (s *instance) noteOperator(what string) {
	if s.by != "" {
		what += " by " + s.by
	}
	s.note(logOperator, what, nil)
}

// operate lets f change a saga.
func (o *Orchestrator) operate(ctx context.Context, id string, f func(context.Context, *instance) error) error {
	u, err := uuid.Parse(id)
	if err != nil {
		return status.Errorf(codes.InvalidArgument, "saga id: %v", err)
	}
	err = postgres.InTx(ctx, o.pool, func(tx pgx.Tx) error {
		s, err := o.load(ctx, tx, u, "FOR UPDATE")
		switch {
		case errors.Is(err, errNotFound):
			return status.Errorf(codes.NotFound, "saga %s not found", id)
		case err != nil:
			return err
		case s.def == nil:
			return status.Errorf(codes.FailedPrecondition, "saga %s runs by version %d of %s, which is not known here", id, s.definition, s.name)
		}
		if err := f(s.traced(ctx), s); err != nil {
			return err
		}
		return o.save(ctx, tx, s)
	})
	if err == nil {
		o.opts.Nudge()
	}
	return err
}
