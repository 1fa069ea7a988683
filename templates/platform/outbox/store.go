package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// row is a message of the table in the relay's memory.
type row struct {
	id       int64
	msg      event.Message
	created  time.Time
	attempts int
	nextAt   time.Time
	lane     *lane
}

const (
	columns = `o.id, o.event_id, o.source, o.type, o.subject, o.topic, o.key, o.occurred_at, o.headers, o.payload, o.created_at, o.attempts, o.next_at`

	readSQL = `SELECT ` + columns + ` FROM outbox o WHERE o.id > $1 AND NOT o.parked ORDER BY o.id LIMIT $2`

	gapsSQL = `SELECT ` + columns + ` FROM outbox o WHERE o.id = ANY($1::bigint[]) AND NOT o.parked ORDER BY o.id`

	parkedSQL = `SELECT topic, key, min(id) FROM outbox WHERE parked AND key <> '' GROUP BY topic, key`

	// The anti joins keep a sweep cheap when many rows are held or wait behind a parked key.
	sweepSQL = `SELECT ` + columns + ` FROM outbox o
WHERE o.id <= $1 AND NOT o.parked
  AND NOT EXISTS (SELECT FROM unnest($2::bigint[]) held (id) WHERE held.id = o.id)
  AND NOT EXISTS (SELECT FROM outbox p WHERE p.parked AND p.key <> '' AND p.topic = o.topic AND p.key = o.key)
ORDER BY o.id LIMIT $3`
)

// read returns the rows above cursor, at most limit, in order, and before them those of gaps that have appeared.
func read(ctx context.Context, conn *pgx.Conn, cursor int64, limit int, gaps []int64) (filled, next []*row, err error) {
	if len(gaps) > 0 {
		var b pgx.Batch // one round trip for both
		b.Queue(gapsSQL, gaps).Query(func(rows pgx.Rows) error {
			filled, err = pgx.CollectRows(rows, scanRow)
			return err
		})
		b.Queue(readSQL, cursor, limit).Query(func(rows pgx.Rows) error {
			next, err = pgx.CollectRows(rows, scanRow)
			return err
		})
		err = conn.SendBatch(ctx, &b).Close()
		return filled, next, err
	}
	rows, err := conn.Query(ctx, readSQL, cursor, limit)
	if err != nil {
		return nil, nil, err
	}
	next, err = pgx.CollectRows(rows, scanRow)
	return nil, next, err
}

// sweepFunc returns the parked keys with the first parked id of each, and the rows up to cursor, at most limit, that
// are neither held nor behind a parked key.
type sweepFunc func(ctx context.Context, conn *pgx.Conn, cursor int64, held []int64, limit int) (map[laneKey]int64, []*row, error)

func sweep(ctx context.Context, conn *pgx.Conn, cursor int64, held []int64, limit int) (map[laneKey]int64, []*row, error) {
	rows, err := conn.Query(ctx, parkedSQL)
	if err != nil {
		return nil, nil, err
	}
	parked := map[laneKey]int64{}
	var k laneKey
	var id int64
	if _, err := pgx.ForEachRow(rows, []any{&k.topic, &k.key, &id}, func() error {
		parked[k] = id
		return nil
	}); err != nil {
		return nil, nil, err
	}
	rows, err = conn.Query(ctx, sweepSQL, cursor, held, limit)
	if err != nil {
		return nil, nil, err
	}
	found, err := pgx.CollectRows(rows, scanRow)
	return parked, found, err
}

func scanRow(rows pgx.CollectableRow) (*row, error) {
	var r row
	var nextAt *time.Time
	m := &r.msg
	if err := rows.Scan(&r.id, &m.ID, &m.Source, &m.Type, &m.Subject, &m.Topic, &m.Key, &m.Time,
		&m.Extensions, &m.Data, &r.created, &r.attempts, &nextAt); err != nil {
		return nil, err
	}
	if nextAt != nil {
		r.nextAt = *nextAt
	}
	return &r, nil
}
