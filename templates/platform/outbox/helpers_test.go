package outbox_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

// patience is how long a test waits for what must happen. It is no measure of speed.
const patience = 30 * time.Second

func newDB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pgtest.New(t, migrations(t))
}

func migrations(t testing.TB) pgtest.Set {
	t.Helper()
	dir, err := fs.Sub(outbox.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.Set{Name: "outbox", FS: dir}
}

// message returns one whose id begins with its key and number, for readable failures.
func message(key string, n int) event.Message {
	return event.Message{
		ID: fmt.Sprintf("%s/%d/%s", key, n, uuid.NewString()), Source: "/test", Type: "test.Happened",
		Topic: "test.events", Key: key, Subject: key, Time: time.Now().UTC(), Data: []byte(strconv.Itoa(n)),
	}
}

// appendAll commits each message in a transaction of its own.
func appendAll(t testing.TB, pool *pgxpool.Pool, msgs ...event.Message) {
	t.Helper()
	for _, m := range msgs {
		if err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			return outbox.Append(t.Context(), tx, m)
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// broker is a Publisher that records what it is given.
type broker struct {
	mu        sync.Mutex
	accepted  []event.Message // in order, repeats included
	published int             // raw count of publishes
	verdict   func(event.Message) error
	held      []func() // acknowledgements withheld while hold
	hold      bool
	delay     time.Duration
}

func (b *broker) Publish(_ context.Context, msg event.Message, done func(error)) {
	b.mu.Lock()
	b.published++
	verdict, delay := b.verdict, b.delay
	answer := func() {
		var err error
		if verdict != nil {
			err = verdict(msg)
		}
		if err == nil {
			b.mu.Lock()
			b.accepted = append(b.accepted, msg)
			b.mu.Unlock()
		}
		done(err)
	}
	if b.hold {
		b.held = append(b.held, answer)
		b.mu.Unlock()
		return
	}
	b.mu.Unlock()
	if delay > 0 {
		time.AfterFunc(delay, answer)
		return
	}
	go answer()
}

func (b *broker) Close(context.Context) error { return nil }

// judge sets what becomes of the messages published from now on.
func (b *broker) judge(verdict func(event.Message) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verdict = verdict
}

// release lets the withheld acknowledgements go and withholds no more.
func (b *broker) release() {
	b.mu.Lock()
	held := b.held
	b.held, b.hold = nil, false
	b.mu.Unlock()
	for _, answer := range held {
		answer()
	}
}

func (b *broker) ids() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]string, len(b.accepted))
	for i, m := range b.accepted {
		ids[i] = m.ID
	}
	return ids
}

func (b *broker) counts() (published, accepted, held int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.published, len(b.accepted), len(b.held)
}

// firsts returns ids without repeats, as an inbox would see them.
func firsts(ids []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// start runs a relay until stop is called or the test ends. stop waits for it.
func start(t testing.TB, pool *pgxpool.Pool, pub outbox.Publisher, opts outbox.Options) (r *outbox.Relay, stop func()) {
	t.Helper()
	if opts.Logger == nil && testing.Verbose() {
		opts.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	r = outbox.NewRelay(pool, pub, opts)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("relay: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return r, stop
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(string(p))
	return len(p), nil
}

// eventually waits until ok, which it asks often.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

func rowsLeft(t testing.TB, pool *pgxpool.Pool) int {
	t.Helper()
	var n int
	if err := pool.QueryRow(context.Background(), "SELECT count(*) FROM outbox").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func waitEmpty(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	eventually(t, "the outbox is empty", func() bool { return rowsLeft(t, pool) == 0 })
}
