package outbox

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// question is what the loop wants to know of the table.
type question struct {
	kind   string
	cursor int64
	limit  int
	ids    []int64 // askRead: gaps; askSweep, or in doubt: held rows
	doubt  bool    // askRead: look through everything up to the cursor
	number bool    // askRead: ask for stamp, too
}

const (
	askRead  = "read"
	askSweep = "sweep"
	askLead  = "ping" // only whether the connection, and with it the lead, is still there
)

// answer is what the table said.
type answer struct {
	question
	asked, at    time.Time // the table is as it was at some time in between
	filled, rows []*row
	oldest       int64 // askRead with gaps: all transactions of lower numbers have ended
	stamp        int64 // all transactions that have a number have a lower one
	parked       map[laneKey]int64
	err          error
}

// reader asks the table on the connection that holds the lead, one question at a time.
type reader struct {
	conn      *pgx.Conn
	scan      scanner
	sweep     sweepFunc
	timeout   time.Duration // a network that swallows packets must not hang it
	questions chan question // both hold one, so that neither side waits for the other
	answers   chan answer
	ended     chan struct{}
}

func newReader(conn *pgx.Conn, sweep sweepFunc, timeout time.Duration) *reader {
	return &reader{
		conn: conn, sweep: sweep, timeout: timeout,
		questions: make(chan question, 1), answers: make(chan answer, 1), ended: make(chan struct{}),
	}
}

// run answers until ctx ends.
func (rd *reader) run(ctx context.Context) {
	defer close(rd.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-rd.questions:
			select {
			case rd.answers <- rd.answer(ctx, q):
			case <-ctx.Done():
				return
			}
		}
	}
}

func (rd *reader) answer(ctx context.Context, q question) answer {
	ctx, cancel := context.WithTimeout(ctx, rd.timeout)
	defer cancel()
	a := answer{question: q, asked: time.Now()}
	switch q.kind {
	case askRead:
		a.err = read(ctx, rd.conn, &rd.scan, &a)
	case askSweep:
		a.parked, a.rows, a.err = rd.sweep(ctx, rd.conn, &rd.scan, q.cursor, q.ids, q.limit)
	default:
		a.err = rd.conn.Ping(ctx)
	}
	a.at = time.Now()
	return a
}

// wait returns when run has.
func (rd *reader) wait() { <-rd.ended }
