package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
)

const (
	// A stream is locked by its name, as it may have no row yet.
	lockSQL     = `SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))`
	snapshotSQL = `SELECT version, data, created_at, updated_at FROM eventstore_snapshots WHERE aggregate = $1 AND stream = $2 AND schema = $3`
	eventsSQL   = `SELECT version, type, schema, tombstone, changed, data, event_id, metadata, recorded_at
FROM eventstore WHERE aggregate = $1 AND stream = $2 AND version > $3 ORDER BY version`
)

// Lock keeps other writers of the stream waiting until the transaction ends.
func (l *Log[T]) Lock(ctx context.Context, tx pgx.Tx, stream string) error {
	if _, err := tx.Exec(ctx, lockSQL, l.options.Aggregate, stream); err != nil {
		return fmt.Errorf("lock %s %s: %w", l.options.Aggregate, stream, err)
	}
	return nil
}

// LoadForUpdate is Lock and Load.
func (l *Log[T]) LoadForUpdate(ctx context.Context, tx pgx.Tx, stream string) (State[T], error) {
	if err := l.Lock(ctx, tx, stream); err != nil {
		return State[T]{}, err
	}
	return l.Load(ctx, tx, stream)
}

// Load makes a stream's state from its events after the last snapshot. A stream without events is not live; that is no error.
func (l *Log[T]) Load(ctx context.Context, db DB, stream string) (State[T], error) {
	s := State[T]{Stream: stream, Value: l.empty()}
	var data []byte
	err := db.QueryRow(ctx, snapshotSQL, l.options.Aggregate, stream, l.schema()).Scan(&s.Version, &data, &s.Created, &s.Updated)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return s, fmt.Errorf("load snapshot of %s %s: %w", l.options.Aggregate, stream, err)
	default:
		s.Live = true
		if err := proto.Unmarshal(data, s.Value); err != nil {
			return s, fmt.Errorf("snapshot of %s %s: %w", l.options.Aggregate, stream, err)
		}
	}
	err = l.fold(ctx, db, &s)
	return s, err
}

// Rebuild is Load from the first event, whatever snapshots say.
func (l *Log[T]) Rebuild(ctx context.Context, db DB, stream string) (State[T], error) {
	s := State[T]{Stream: stream, Value: l.empty()}
	err := l.fold(ctx, db, &s)
	return s, err
}

// fold applies the events after s.Version.
func (l *Log[T]) fold(ctx context.Context, db DB, s *State[T]) error {
	rows, err := db.Query(ctx, eventsSQL, l.options.Aggregate, s.Stream, s.Version)
	if err != nil {
		return fmt.Errorf("load events of %s %s: %w", l.options.Aggregate, s.Stream, err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scan(rows)
		if err != nil {
			return err
		}
		if err := l.apply(s, e); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("load events of %s %s: %w", l.options.Aggregate, s.Stream, err)
	}
	return nil
}

// Events are the stored events of a stream in their order, as they were written.
func (l *Log[T]) Events(ctx context.Context, db DB, stream string) ([]Event, error) {
	rows, err := db.Query(ctx, eventsSQL, l.options.Aggregate, stream, 0)
	if err != nil {
		return nil, fmt.Errorf("load events of %s %s: %w", l.options.Aggregate, stream, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Event, error) { return scan(row) })
}

func scan(row pgx.Row) (e Event, err error) {
	err = row.Scan(&e.Version, &e.Type, &e.Schema, &e.Tombstone, &e.Changed, &e.Data, &e.ID, &e.Metadata, &e.RecordedAt)
	return e, err
}
