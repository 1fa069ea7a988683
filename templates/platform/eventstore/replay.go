package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"
)

// Projection is the table that holds the present state of a log's aggregates. Names are as SQL takes them.
type Projection[T proto.Message] struct {
	Table, Key, KeyType string
	// Read returns the row of a stream with its etag and times; pgx.ErrNoRows when there is none.
	Read func(ctx context.Context, tx pgx.Tx, stream string) (T, error)
	// Write makes the row of a live state.
	Write func(ctx context.Context, tx pgx.Tx, s State[T]) error
}

// Replayer makes a projection from its log.
type Replayer interface {
	Aggregate() string
	// Replay brings every row to what its events say, calling differs for each that was not. When check is set it leaves the rows as
	// they are. A row without any event is older than the log, and stays: adopt makes its first event of it. It returns how many
	// streams it has seen.
	//
	// The service may run meanwhile. Streams are taken one after the other, each in a transaction that keeps its writers waiting, and
	// a writer writes row and event together. So no write is lost, and none that is not committed yet is missed: it brings its row
	// along itself.
	Replay(ctx context.Context, pool *pgxpool.Pool, check, adopt bool, differs func(Difference)) (streams int, err error)
}

// Difference is a row that is not what its events say.
type Difference struct {
	Stream string
	What   string // "row is missing"
	Orphan bool   // a row without any event
}

// Replayer returns what replays the log to a projection.
func (l *Log[T]) Replayer(p Projection[T]) Replayer { return &replayer[T]{l, p} }

type replayer[T proto.Message] struct {
	log *Log[T]
	p   Projection[T]
}

func (r *replayer[T]) Aggregate() string { return r.log.options.Aggregate }

const (
	pageSize   = 1000
	streamsSQL = `SELECT DISTINCT stream FROM eventstore WHERE aggregate = $1 AND stream > $2 ORDER BY stream LIMIT $3`
)

func (r *replayer[T]) Replay(ctx context.Context, pool *pgxpool.Pool, check, adopt bool, differs func(Difference)) (int, error) {
	n := 0
	page := func(query func(after string) (pgx.Rows, error), one func(stream string) error) error {
		for after := ""; ; {
			rows, err := query(after)
			if err != nil {
				return fmt.Errorf("list %s: %w", r.Aggregate(), err)
			}
			streams, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return fmt.Errorf("list %s: %w", r.Aggregate(), err)
			}
			for _, stream := range streams {
				if err := one(stream); err != nil {
					return fmt.Errorf("%s %s: %w", r.Aggregate(), stream, err)
				}
				n, after = n+1, stream
			}
			if len(streams) < pageSize {
				return nil
			}
		}
	}
	err := page(
		func(after string) (pgx.Rows, error) {
			return pool.Query(ctx, streamsSQL, r.Aggregate(), after, pageSize)
		},
		func(stream string) error { return r.one(ctx, pool, stream, check, differs) },
	)
	if err != nil {
		return n, err
	}
	orphans := fmt.Sprintf(`SELECT k FROM (SELECT %s::text COLLATE "C" AS k FROM %s) rows
WHERE k > $2 AND NOT EXISTS (SELECT FROM eventstore WHERE aggregate = $1 AND stream = k) ORDER BY k LIMIT $3`, r.p.Key, r.p.Table)
	err = page(
		func(after string) (pgx.Rows, error) { return pool.Query(ctx, orphans, r.Aggregate(), after, pageSize) },
		func(stream string) error { return r.orphan(ctx, pool, stream, adopt && !check, differs) },
	)
	return n, err
}

// one compares a row with what it is after it has been written anew, so that how a column rounds makes no difference.
func (r *replayer[T]) one(ctx context.Context, pool *pgxpool.Pool, stream string, check bool, differs func(Difference)) error {
	var what string
	keep := errors.New("left as it is")
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if err := r.log.Lock(ctx, tx, stream); err != nil {
			return err
		}
		state, err := r.log.Rebuild(ctx, tx, stream)
		if err != nil {
			return err
		}
		row, err := r.p.Read(ctx, tx, stream)
		missing := errors.Is(err, pgx.ErrNoRows)
		if err != nil && !missing {
			return err
		}
		if state.Live {
			if what, err = r.live(ctx, tx, state, row, missing); err != nil {
				return err
			}
		} else if !missing {
			what = "row of what is deleted"
			if _, err := tx.Exec(ctx, fmt.Sprintf(`DELETE FROM %s WHERE %s = $1::text::%s`, r.p.Table, r.p.Key, r.p.KeyType), stream); err != nil {
				return err
			}
		}
		if check || what == "" {
			return keep
		}
		return nil
	})
	if err != nil && !errors.Is(err, keep) {
		return err
	}
	if what != "" {
		differs(Difference{Stream: stream, What: what})
	}
	return nil
}

func (r *replayer[T]) live(ctx context.Context, tx pgx.Tx, state State[T], row T, missing bool) (what string, err error) {
	if err := r.p.Write(ctx, tx, state); err != nil {
		return "", err
	}
	if missing {
		return "row is missing", nil
	}
	now, err := r.p.Read(ctx, tx, state.Stream)
	if err != nil {
		return "", err
	}
	if proto.Equal(row, now) {
		return "", nil
	}
	// Which fields, and not their values: those may be personal data.
	fields := now.ProtoReflect().Descriptor().Fields()
	what = "row differs in"
	for i := range fields.Len() {
		if f := fields.Get(i); !row.ProtoReflect().Get(f).Equal(now.ProtoReflect().Get(f)) {
			what += " " + string(f.Name())
		}
	}
	return what, nil
}

// orphan takes a row that has no events, unless it got some meanwhile.
func (r *replayer[T]) orphan(ctx context.Context, pool *pgxpool.Pool, stream string, adopt bool, differs func(Difference)) error {
	found := false
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		state, err := r.log.LoadForUpdate(ctx, tx, stream)
		if err != nil {
			return err
		}
		row, err := r.p.Read(ctx, tx, stream)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && state.Version > 0 {
			return nil
		}
		if err != nil {
			return err
		}
		found = true
		if !adopt {
			return nil
		}
		if state, err = r.log.Append(ctx, tx, state, Created, row); err != nil {
			return err
		}
		return r.p.Write(ctx, tx, state)
	})
	if err == nil && found {
		differs(Difference{Stream: stream, What: "row without events", Orphan: true})
	}
	return err
}
