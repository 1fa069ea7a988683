package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Parked is a message that the relay gave up on. Later messages of its topic and key wait behind it.
type Parked struct {
	ID                  int64
	EventID, Type       string
	Topic, Key          string
	CreatedAt           time.Time
	Attempts            int
	LastError           string
	PayloadBytes        int
	WaitingBehindItsKey int
}

// Querier is a *pgxpool.Pool, *pgx.Conn or pgx.Tx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// ListParked returns the parked messages, oldest first.
func ListParked(ctx context.Context, db Querier) ([]Parked, error) {
	return parked(ctx, db, `ORDER BY id`)
}

// FindParked returns a parked message, nil if there is none of that id.
func FindParked(ctx context.Context, db Querier, id int64) (*Parked, error) {
	list, err := parked(ctx, db, `AND id = $1`, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

func parked(ctx context.Context, db Querier, rest string, args ...any) ([]Parked, error) {
	rows, err := db.Query(ctx, `
		SELECT id, event_id, type, topic, key, created_at, attempts, last_error, length(payload),
		       (SELECT count(*) FROM outbox w WHERE NOT w.parked AND p.key <> '' AND w.topic = p.topic AND w.key = p.key)
		FROM outbox p WHERE parked `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Parked])
	if err != nil {
		return nil, fmt.Errorf("list parked messages: %w", err)
	}
	return list, nil
}

// Retry makes the relay try a parked message again, and then those of its key in order. It reports whether there was
// such a message.
func Retry(ctx context.Context, db Querier, id int64) (bool, error) {
	return change(ctx, db, `UPDATE outbox SET parked = false, attempts = 0, next_at = NULL WHERE id = $1 AND parked`, id)
}

// Drop deletes a parked message for good, so that those of its key go on without it. It reports whether there was such
// a message.
func Drop(ctx context.Context, db Querier, id int64) (bool, error) {
	return change(ctx, db, `DELETE FROM outbox WHERE id = $1 AND parked`, id)
}

func change(ctx context.Context, db Querier, sql string, id int64) (bool, error) {
	tag, err := db.Exec(ctx, sql, id)
	if err != nil {
		return false, fmt.Errorf("change parked message %d: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}
