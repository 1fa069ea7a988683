package outbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	deleteSQL      = `DELETE FROM outbox WHERE id = ANY($1::bigint[])`
	deleteRangeSQL = `DELETE FROM outbox o USING unnest($1::bigint[], $2::bigint[]) run (first, last) WHERE o.id BETWEEN run.first AND run.last`

	failSQL = `UPDATE outbox SET attempts = $2, last_error = $3, next_at = $4, parked = $5 WHERE id = $1`

	// Exact up to 100,000 and bounded in cost: beyond, what matters is the age.
	statsSQL = `SELECT
	(SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) t),
	(SELECT count(*) FROM outbox WHERE parked),
	coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at) FROM outbox WHERE NOT parked ORDER BY id LIMIT 1), 0)::float8`

	statsEvery = 5 * time.Second
	maxError   = 500 // bytes of an error's text that are kept
)

// changes are what the loop wants written.
type changes struct {
	deleted []int64
	failed  []failure
}

func (c *changes) len() int { return len(c.deleted) + len(c.failed) }

type failure struct {
	row      *row // the loop's: the writer leaves it alone
	id       int64
	attempts int
	err      string
	nextAt   time.Time
	parked   bool
}

// writer writes changes on a connection of its own, so that publishing never waits for it. A commit there does not
// wait for the disk: a delete lost in a crash makes a duplicate, which at-least-once allows.
type writer struct {
	r    *Relay
	conn *pgx.Conn
	jobs chan changes // holds one: the loop gathers more while that is written
	done chan changes // what has been committed
}

func newWriter(r *Relay) *writer {
	return &writer{r: r, jobs: make(chan changes, 1), done: make(chan changes, 1)}
}

// run writes jobs until ctx ends or jobs is closed. It retries for ever: the loop holds the rows meanwhile.
func (w *writer) run(ctx context.Context) {
	defer close(w.done)
	defer w.disconnect()
	stats := time.NewTicker(statsEvery)
	defer stats.Stop()
	w.gatherStats(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-stats.C:
			start := time.Now()
			w.gatherStats(ctx)
			stats.Reset(max(statsEvery, 20*time.Since(start))) // never more than 5 % of the time
		case c, ok := <-w.jobs:
			if !ok {
				return
			}
			for n := 0; ; n++ {
				err := w.write(ctx, c)
				if err == nil {
					break
				}
				w.disconnect()
				w.r.opts.Logger.WarnContext(ctx, "outbox relay cannot record what it published", "error", err)
				if !sleep(ctx, backoff(n, 50*time.Millisecond, time.Second)) {
					return
				}
			}
			w.done <- c
		}
	}
}

func (w *writer) write(ctx context.Context, c changes) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, w.r.opts.Lease)
	defer cancel()
	del, args := deletion(c.deleted)
	if len(c.failed) == 0 {
		_, err := w.conn.Exec(ctx, del, args...)
		return err
	}
	var b pgx.Batch // one implicit transaction
	b.Queue(del, args...)
	for _, f := range c.failed {
		b.Queue(failSQL, f.id, f.attempts, clean(f.err), f.nextAt, f.parked)
	}
	return w.conn.SendBatch(ctx, &b).Close()
}

// deletion returns the statement for ids, which it sorts. Where they follow one another it deletes by range, for which
// the database climbs down its index once for many rows; a range holds no id but those given.
func deletion(ids []int64) (sql string, args []any) {
	slices.Sort(ids)
	var first, last []int64
	for i, id := range ids {
		if i == 0 || id != ids[i-1]+1 {
			first, last = append(first, id), append(last, id)
		}
		last[len(last)-1] = id
	}
	if 2*len(first) > len(ids) {
		return deleteSQL, []any{ids}
	}
	return deleteRangeSQL, []any{first, last}
}

// clean cuts an error's text to what the column should and can hold.
func clean(s string) string {
	s = s[:min(len(s), maxError)]
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

func (w *writer) gatherStats(ctx context.Context) {
	if w.connect(ctx) != nil {
		return // the next write tells
	}
	var backlog, parked int64
	var oldest float64
	if err := w.conn.QueryRow(ctx, statsSQL).Scan(&backlog, &parked, &oldest); err != nil {
		w.disconnect()
		return
	}
	w.r.metrics.backlog.Set(float64(backlog))
	w.r.metrics.parked.Set(float64(parked))
	w.r.metrics.oldest.Set(oldest)
}

func (w *writer) connect(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	conn, err := w.r.connect(ctx, map[string]string{"synchronous_commit": "off", "enable_seqscan": "off", "enable_bitmapscan": "off"})
	if err != nil {
		return err
	}
	w.conn = conn
	return nil
}

func (w *writer) disconnect() {
	if w.conn != nil {
		closeConn(w.conn)
		w.conn = nil
	}
}
