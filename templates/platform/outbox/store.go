package outbox

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	columns = `o.event_id, o.source, o.type, o.subject, o.key, o.headers, o.payload, o.id, o.topic, o.occurred_at, o.created_at, o.next_at, o.attempts`

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
func read(ctx context.Context, conn *pgx.Conn, scan *scanner, cursor int64, limit int, gaps []int64) (filled, next []*row, err error) {
	if len(gaps) > 0 {
		var b pgx.Batch // one round trip for both
		b.Queue(gapsSQL, gaps).Query(func(rows pgx.Rows) error {
			filled, err = scan.collect(rows, 0)
			return err
		})
		b.Queue(readSQL, cursor, limit).Query(func(rows pgx.Rows) error {
			next, err = scan.collect(rows, limit)
			return err
		})
		err = conn.SendBatch(ctx, &b).Close()
		return filled, next, err
	}
	rows, err := conn.Query(ctx, readSQL, cursor, limit)
	if err != nil {
		return nil, nil, err
	}
	next, err = scan.collect(rows, limit)
	return nil, next, err
}

// sweepFunc returns the parked keys with the first parked id of each, and the rows up to cursor, at most limit, that
// are neither held nor behind a parked key.
type sweepFunc func(ctx context.Context, conn *pgx.Conn, scan *scanner, cursor int64, held []int64, limit int) (map[laneKey]int64, []*row, error)

func sweep(ctx context.Context, conn *pgx.Conn, scan *scanner, cursor int64, held []int64, limit int) (map[laneKey]int64, []*row, error) {
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
	found, err := scan.collect(rows, 0)
	return parked, found, err
}
