package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// DeadLetter is a message that could not be handled, as an operator sees it.
type DeadLetter struct {
	// ID is the row's, Message what was received.
	ID       int64
	Message  event.Message
	Handler  string // that failed, and where it was registered
	Error    string
	Attempts int
	ParkedAt time.Time
	// RetryAt is since when it is to be handled again, nil if it is not, and RetryBy who asked for it.
	RetryAt *time.Time
	RetryBy string
	// Quarantined is the reason for which the message was not believed, "" for one that failed in a handler.
	Quarantined string
}

// Querier is a *pgxpool.Pool, *pgx.Conn or pgx.Tx.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

const deadLetterColumns = `
	id, message_id, source, type, subject, event_time, topic, partition, "offset", key, extensions, data,
	handler, error, attempts, parked_at, retry_at, retry_by, quarantined, appended_at`

// ListDeadLetters returns up to limit dead letters of a group whose ids are above after, in the order of their ids.
func ListDeadLetters(ctx context.Context, db Querier, group string, after int64, limit int) ([]DeadLetter, error) {
	return deadLetters(ctx, db, `WHERE consumer_group = $1 AND id > $2 ORDER BY id LIMIT $3`, group, after, limit)
}

// FindDeadLetter returns a dead letter of a group, nil if there is none of that id.
func FindDeadLetter(ctx context.Context, db Querier, group string, id int64) (*DeadLetter, error) {
	list, err := deadLetters(ctx, db, `WHERE consumer_group = $1 AND id = $2`, group, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// AskRetry asks the service to handle a dead letter again, on behalf of by; RunRetries does it. It is false if there is no such row or
// it was asked for already.
func AskRetry(ctx context.Context, db Querier, group string, id int64, by string) (bool, error) {
	tag, err := db.Exec(ctx, `
		UPDATE dead_letters SET retry_at = now(), retry_by = $3 WHERE consumer_group = $1 AND id = $2 AND retry_at IS NULL`,
		group, id, text(by))
	if err != nil {
		return false, fmt.Errorf("ask to retry dead letter %d: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// DropDeadLetter deletes a dead letter for good: it is never handled. It is false if there is no such row.
func DropDeadLetter(ctx context.Context, db Querier, group string, id int64) (bool, error) {
	tag, err := db.Exec(ctx, `DELETE FROM dead_letters WHERE consumer_group = $1 AND id = $2`, group, id)
	if err != nil {
		return false, fmt.Errorf("drop dead letter %d: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

func deadLetters(ctx context.Context, db Querier, where string, args ...any) ([]DeadLetter, error) {
	rows, err := db.Query(ctx, `SELECT `+deadLetterColumns+` FROM dead_letters d `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (DeadLetter, error) {
		var d DeadLetter
		var at, appended *time.Time
		var extensions []byte
		m := &d.Message
		err := row.Scan(&d.ID, &m.ID, &m.Source, &m.Type, &m.Subject, &at, &m.Topic, &m.Partition, &m.Offset, &m.Key, &extensions, &m.Data,
			&d.Handler, &d.Error, &d.Attempts, &d.ParkedAt, &d.RetryAt, &d.RetryBy, &d.Quarantined, &appended)
		if err != nil {
			return d, err
		}
		if at != nil {
			m.Time = at.UTC()
		}
		if appended != nil {
			m.Appended = appended.UTC()
		}
		return d, json.Unmarshal(extensions, &m.Extensions)
	})
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return list, nil
}
