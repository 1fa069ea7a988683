package saga

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Detail is a saga as it is seen without its definition.
type Detail struct {
	Info
	// Request is what an operator asked for and is not yet done, nil if nothing.
	Request *Request
	// Log is what happened to it, by Find only.
	Log []Entry
}

// Entry is a row of a saga's step log.
type Entry struct {
	Step, Op    string
	Attempt     int
	Event, Note string
	At          time.Time
}

// ListParked returns up to limit parked sagas, the oldest first.
func ListParked(ctx context.Context, db Querier, limit int) ([]Detail, error) {
	return details(ctx, db, `WHERE s.state = $1 ORDER BY s.created_at, s.id LIMIT $2`, Parked, limit)
}

// Find returns a saga in any state with its log, nil if there is none of that id. An id that is none is InvalidArgument.
func Find(ctx context.Context, db Querier, id string) (*Detail, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "saga id: %v", err)
	}
	list, err := details(ctx, db, `WHERE s.id = $1`, u)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	d := &list[0]
	rows, err := db.Query(ctx, `SELECT step, op, attempt, event, note, created_at FROM saga_step_log WHERE saga_id = $1 ORDER BY id`, u)
	if err != nil {
		return nil, fmt.Errorf("read log of saga %s: %w", id, err)
	}
	if d.Log, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Entry]); err != nil {
		return nil, fmt.Errorf("read log of saga %s: %w", id, err)
	}
	return d, nil
}

// details reads sagas. The last entry of a log tells the step by name.
func details(ctx context.Context, db Querier, where string, args ...any) ([]Detail, error) {
	rows, err := db.Query(ctx, `
		SELECT s.id::text, s.name, s.key, s.definition, s.state, s.attempt, s.reason, s.parked_reason, s.created_at, s.updated_at,
			coalesce((SELECT step FROM saga_step_log l WHERE l.saga_id = s.id ORDER BY l.id DESC LIMIT 1), ''),
			coalesce(r.action, ''), coalesce(r.reason, ''), coalesce(r.asked_by, ''), coalesce(r.asked_at, s.created_at)
		FROM saga s LEFT JOIN saga_request r ON r.saga_id = s.id `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read sagas: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Detail, error) {
		var d Detail
		var r Request
		err := row.Scan(&d.ID, &d.Name, &d.Key, &d.Definition, &d.State, &d.Attempt, &d.Reason, &d.ParkedReason, &d.CreatedAt, &d.UpdatedAt,
			&d.Step, &r.Action, &r.Reason, &r.By, &r.AskedAt)
		if r.Action != "" {
			d.Request = &r
		}
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read sagas: %w", err)
	}
	return list, nil
}
