package outbox

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// orderedBroker notes what overtakes an earlier message of its key.
type orderedBroker struct {
	mu        sync.Mutex
	next      map[string]int // by key
	count     int
	overtaken []string
}

func (b *orderedBroker) Publish(_ context.Context, msg event.Message, done func(error)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if msg.Key != "" {
		var n int
		_, _ = fmt.Sscan(string(msg.Data), &n)
		if n > b.next[msg.Key] {
			b.overtaken = append(b.overtaken, fmt.Sprintf("%s: %d before %d", msg.Key, n, b.next[msg.Key]))
		}
		b.next[msg.Key] = max(b.next[msg.Key], n+1)
	}
	b.count++
	go done(nil)
}

func (b *orderedBroker) Close(context.Context) error { return nil }

func (b *orderedBroker) published() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

// withoutSweeps is a relay whose sweeps find nothing: what reads pass by for good is lost.
func withoutSweeps(t *testing.T, opts Options) (*pgxpool.Pool, *orderedBroker, *Relay) {
	t.Helper()
	dir, err := fs.Sub(Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.New(t, pgtest.Set{Name: "outbox", FS: dir})
	b := &orderedBroker{next: map[string]int{}}
	r := NewRelay(pool, b, opts)
	r.sweeper = func(context.Context, *pgx.Conn, *scanner, int64, []int64, int) (map[laneKey]int64, []*row, error) {
		return nil, nil, nil
	}
	return pool, b, r
}

// lead runs r until the returned function is called.
func lead(t *testing.T, r *Relay) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func note(key string, n int) event.Message {
	return event.Message{ID: fmt.Sprintf("%s/%d", key, n), Source: "/t", Type: "t", Topic: "t", Key: key, Time: time.Now(), Data: fmt.Append(nil, n)}
}

func commit(t *testing.T, pool *pgxpool.Pool, msgs ...event.Message) {
	t.Helper()
	if err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return Append(t.Context(), tx, msgs...) }); err != nil {
		t.Error(err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// A transaction takes its ids, others overtake it, and when it has committed at last the next of its key follows at once.
func TestLateCommitKeepsItsPlace(t *testing.T) {
	many := make([]event.Message, maxGaps+10)
	for i := range many {
		many[i] = note(fmt.Sprint("many", i), 0)
	}
	for name, c := range map[string]struct {
		before []event.Message // published before
		late   []event.Message
		wait   time.Duration
	}{
		"the first of all":         {nil, []event.Message{note("k", 0)}, 0},
		"the first, after a while": {nil, []event.Message{note("k", 0)}, 400 * time.Millisecond},
		"later":                    {[]event.Message{note("x", 0)}, []event.Message{note("k", 0)}, 0},
		"later, after a while":     {[]event.Message{note("x", 0)}, []event.Message{note("k", 0)}, 400 * time.Millisecond},
		"many":                     {[]event.Message{note("x", 0)}, append(many, note("k", 0)), 0},
		"many, after a while":      {[]event.Message{note("x", 0)}, append(many, note("k", 0)), 400 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			pool, b, r := withoutSweeps(t, Options{Sweep: 50 * time.Millisecond})
			lead(t, r)
			commit(t, pool, c.before...)
			until(t, "what was before is not published", func() bool { return b.published() == len(c.before) })

			slow, err := pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = slow.Rollback(context.Background()) }()
			if err := Append(t.Context(), slow, c.late...); err != nil {
				t.Fatal(err)
			}
			for i := range 10 {
				commit(t, pool, note("fast", i))
			}
			until(t, "a transaction that goes on holds up others", func() bool { return b.published() == len(c.before)+10 })
			time.Sleep(c.wait)
			if err := slow.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			commit(t, pool, note("k", 1))
			until(t, "what was committed late is not published", func() bool { return b.published() == len(c.before)+10+len(c.late)+1 })
			if len(b.overtaken) > 0 {
				t.Error(b.overtaken)
			}
		})
	}
}

// Gaps of transactions that were rolled back are given up.
func TestGapsEnd(t *testing.T) {
	pool, _, _ := withoutSweeps(t, Options{})
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	g := gaps{ids: map[int64]gap{}}
	began := time.Now()
	g.note(10, began) // the first of a term
	g.note(13, began)
	if g.doubt == nil || len(g.ids) != 2 {
		t.Fatalf("%+v", g)
	}
	var scan scanner
	look := func(at time.Time) {
		t.Helper()
		a := answer{question: question{ids: []int64{11, 12}, limit: 1, number: g.unstamped(at)}, asked: at}
		if err := read(t.Context(), conn.Conn(), &scan, &a); err != nil {
			t.Fatal(err)
		}
		g.close(a)
	}
	slow, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Rollback(context.Background()) }()
	if err := Append(t.Context(), slow, note("k", 0)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		look(began) // too early to tell which transactions it may be
		look(began.Add(time.Minute))
	}
	if g.doubt == nil || len(g.ids) != 2 {
		t.Fatalf("given up while a transaction goes on: %+v", g)
	}
	if err := slow.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the gaps are still open", func() bool { // transactions of other tests count too
		look(began.Add(time.Minute))
		return !g.open()
	})
}

// Many transactions at once commit in any order, some late, some not at all, some large, while the lead changes hands.
func TestOrderPerKeyWheneverTransactionsCommit(t *testing.T) {
	const keys, each = 12, 40
	pool, b, r := withoutSweeps(t, Options{Sweep: 20 * time.Millisecond})
	stop := lead(t, r)
	var workers sync.WaitGroup
	for k := range keys {
		workers.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(k)))
			for n := 0; n < each; {
				tx, err := pool.Begin(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				msgs := []event.Message{note(fmt.Sprint(k), n)}
				large := k == 0 && n%10 == 5
				for i := 0; large && i < 600; i++ {
					msgs = append(msgs, note("", i))
				}
				if err := Append(t.Context(), tx, msgs...); err != nil {
					t.Error(err)
				}
				if rnd.IntN(3) == 0 {
					time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
				}
				if rnd.IntN(6) == 0 {
					_ = tx.Rollback(t.Context())
					continue
				}
				if err := tx.Commit(t.Context()); err != nil {
					t.Error(err)
				}
				n++
			}
		})
	}
	done := make(chan struct{})
	go func() { workers.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(150 * time.Millisecond):
			stop()
			stop = lead(t, r)
		}
	}
	until(t, "not all are published", func() bool { return b.published() >= keys*each+4*600 })
	stop()
	if len(b.overtaken) > 0 {
		t.Errorf("%d messages came before an earlier one of their key: %v", len(b.overtaken), b.overtaken[:min(10, len(b.overtaken))])
	}
}
