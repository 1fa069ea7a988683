package outbox

import (
	"context"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

type countingBroker struct {
	mu        sync.Mutex
	published map[string]int
}

func (b *countingBroker) Publish(_ context.Context, msg event.Message, done func(error)) {
	b.mu.Lock()
	b.published[msg.ID]++
	b.mu.Unlock()
	go done(nil)
}

func (b *countingBroker) Close(context.Context) error { return nil }

// A sweep sees the rows as they were when it began. Here each sweep asks for all rows, held or not, and returns when some
// of those it saw have been deleted meanwhile: none of them may be sent again.
func TestStaleSweepSendsNothingAgain(t *testing.T) {
	dir, err := fs.Sub(Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.New(t, pgtest.Set{Name: "outbox", FS: dir})
	b := &countingBroker{published: map[string]int{}}
	r := NewRelay(pool, b, Options{Sweep: 5 * time.Millisecond})
	stale := 0
	var lock pgx.Tx // between sweeps, it keeps the relay's deletes waiting
	r.sweeper = func(ctx context.Context, conn *pgx.Conn, scan *scanner, cursor int64, _ []int64, limit int) (map[laneKey]int64, []*row, error) {
		parked, rows, err := sweep(ctx, conn, scan, cursor, nil, limit)
		if err != nil {
			return nil, nil, err
		}
		if lock != nil {
			if err := lock.Rollback(ctx); err != nil { // now they go on
				return nil, nil, err
			}
			time.Sleep(20 * time.Millisecond)
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.id
		}
		var left int
		if err := pool.QueryRow(ctx, "SELECT count(*) FROM outbox WHERE id = ANY($1)", ids).Scan(&left); err != nil {
			return nil, nil, err
		}
		stale += len(rows) - left
		if lock, err = pool.Begin(ctx); err != nil {
			return nil, nil, err
		}
		_, err = lock.Exec(ctx, "SELECT FROM outbox FOR UPDATE")
		return parked, rows, err
	}
	t.Cleanup(func() {
		if lock != nil {
			_ = lock.Rollback(context.Background())
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()

	const n = 600
	for i := range n {
		m := event.Message{ID: fmt.Sprint(i), Source: "/t", Type: "t", Topic: "t", Key: fmt.Sprint(i), Time: time.Now(), Data: []byte("x")}
		if err := postgres.InTx(ctx, pool, func(tx pgx.Tx) error { return Append(ctx, tx, m) }); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var left int
		if err := pool.QueryRow(ctx, "SELECT count(*) FROM outbox").Scan(&left); err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d rows left", left)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if stale == 0 {
		t.Error("no sweep was stale: the test proves nothing")
	}
	for id, times := range b.published {
		if times != 1 {
			t.Errorf("message %s was published %d times", id, times)
		}
	}
	if len(b.published) != n {
		t.Errorf("%d messages published of %d", len(b.published), n)
	}
}
