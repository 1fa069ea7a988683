package outbox

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	columns = `o.event_id, o.source, o.type, o.subject, o.key, o.headers, o.payload, o.id, o.topic, o.occurred_at, o.created_at, o.next_at, o.attempts`

	readSQL = `SELECT ` + columns + ` FROM outbox o WHERE o.id > $1 AND NOT o.parked ORDER BY o.id LIMIT $2`

	gapsSQL = `SELECT ` + columns + ` FROM outbox o WHERE o.id = ANY($1::bigint[]) AND NOT o.parked ORDER BY o.id`

	// The number of the oldest transaction that goes on (PostgreSQL, §9.27.9).
	oldestSQL = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint`

	// A number above those of all that go on, which a snapshot does not tell: its xmax is above those that have ended. So this one is used up.
	stampSQL = `SELECT pg_current_xact_id()::text::bigint`

	parkedSQL = `SELECT topic, key, min(id) FROM outbox WHERE parked AND key <> '' GROUP BY topic, key`

	// The anti joins keep a sweep cheap when many rows are held or wait behind a parked key.
	sweepSQL = `SELECT ` + columns + ` FROM outbox o
WHERE o.id <= $1 AND NOT o.parked
  AND NOT EXISTS (SELECT FROM unnest($2::bigint[]) held (id) WHERE held.id = o.id)
  AND NOT EXISTS (SELECT FROM outbox p WHERE p.parked AND p.key <> '' AND p.topic = o.topic AND p.key = o.key)
ORDER BY o.id LIMIT $3`
)

// read answers with the rows above the cursor, in order, and those of gaps that have appeared.
func read(ctx context.Context, conn *pgx.Conn, scan *scanner, a *answer) (err error) {
	if !a.doubt && len(a.ids) == 0 {
		rows, err := conn.Query(ctx, readSQL, a.cursor, a.limit)
		if err != nil {
			return err
		}
		a.rows, err = scan.collect(rows, a.limit)
		return err
	}
	// One round trip for all. The gaps come last: what the rows above the cursor follow was committed before these were read. And which
	// transactions go on is asked before the gaps: what had ended then is seen in these, or was rolled back.
	var b pgx.Batch
	b.Queue(readSQL, a.cursor, a.limit).Query(func(rows pgx.Rows) error {
		a.rows, err = scan.collect(rows, a.limit)
		return err
	})
	b.Queue(oldestSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&a.oldest) })
	late, args := gapsSQL, []any{a.ids}
	if a.doubt {
		late, args = sweepSQL, []any{a.cursor, a.ids, a.limit}
	}
	b.Queue(late, args...).Query(func(rows pgx.Rows) error {
		a.filled, err = scan.collect(rows, 0)
		return err
	})
	if a.number {
		b.Queue(stampSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&a.stamp) })
	}
	return conn.SendBatch(ctx, &b).Close()
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
