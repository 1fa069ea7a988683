package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func TestPublishesTheWholeEnvelopeOnce(t *testing.T) {
	pool, b := newDB(t), &broker{}
	want := message("k", 1)
	want.Extensions = map[string]string{"sagaid": "s-1"}
	want.Time = want.Time.Truncate(time.Microsecond)
	appendAll(t, pool, want)
	start(t, pool, b, outbox.Options{})
	waitEmpty(t, pool)

	if published, _, _ := b.counts(); published != 1 {
		t.Fatalf("published %d times", published)
	}
	got := b.accepted[0]
	got.Time = got.Time.UTC()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAppendRefusesAnInvalidMessage(t *testing.T) {
	pool := newDB(t)
	bad := message("k", 1)
	bad.Topic = ""
	err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return outbox.Append(t.Context(), tx, bad) })
	if err == nil || !strings.Contains(err.Error(), "topic is empty") {
		t.Errorf("got %v", err)
	}
}

func TestRollbackIsNeverPublished(t *testing.T) {
	pool, b := newDB(t), &broker{}
	start(t, pool, b, outbox.Options{})
	var want []string
	for i := range 200 {
		m := message("k", i)
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			if err := outbox.Append(t.Context(), tx, m); err != nil {
				return err
			}
			if i%3 == 0 {
				return errors.New("business says no")
			}
			return nil
		})
		if err == nil {
			want = append(want, m.ID)
		}
	}
	waitEmpty(t, pool)
	eventually(t, "all are published", func() bool { return len(b.ids()) >= len(want) })
	if got := b.ids(); !slices.Equal(got, want) {
		t.Errorf("published %d messages, want exactly the %d committed ones in order", len(got), len(want))
	}
}

// Each publish fails with even odds. Every key must arrive in order all the same, and without a message overtaking one
// that is to be tried again.
func TestOrderPerKeyUnderPublishErrors(t *testing.T) {
	pool, b := newDB(t), &broker{}
	rng := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	failures := 0
	b.judge(func(event.Message) error {
		mu.Lock()
		defer mu.Unlock()
		switch rng.IntN(4) {
		case 0:
			failures++
			return errors.New("try again")
		case 1:
			if rng.IntN(8) == 0 {
				failures++
				return outbox.Unavailable(errors.New("gone"))
			}
		}
		return nil
	})
	const keys, each = 20, 25
	want := map[string][]string{}
	for i := range each {
		for k := range keys {
			m := message(fmt.Sprintf("key-%02d", k), i)
			want[m.Key] = append(want[m.Key], m.ID)
			appendAll(t, pool, m)
		}
	}
	start(t, pool, b, outbox.Options{BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond, MaxAttempts: 1000})
	waitEmpty(t, pool)

	got := map[string][]string{}
	for _, id := range firsts(b.ids()) {
		key, _, _ := strings.Cut(id, "/")
		got[key] = append(got[key], id)
	}
	for key, ids := range want {
		if !slices.Equal(got[key], ids) {
			t.Errorf("%s: got %v\nwant %v", key, got[key], ids)
		}
	}
	if failures < keys {
		t.Errorf("only %d publishes failed: the test proves nothing", failures)
	}
}

// A relay is stopped again and again amid its work, without any grace. Nothing may be lost and each key stays in order.
func TestRelayStoppedAmidWorkLosesNothing(t *testing.T) {
	pool, b := newDB(t), &broker{delay: 2 * time.Millisecond}
	const keys, each = 50, 40
	want := map[string][]string{}
	var msgs []event.Message
	for i := range each {
		for k := range keys {
			m := message(fmt.Sprintf("key-%02d", k), i)
			want[m.Key] = append(want[m.Key], m.ID)
			msgs = append(msgs, m)
		}
	}
	if err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error { return outbox.Append(t.Context(), tx, msgs...) }); err != nil {
		t.Fatal(err)
	}
	stops := 0
	for ; stops < 15 && rowsLeft(t, pool) > 0; stops++ {
		_, stop := start(t, pool, b, outbox.Options{Drain: time.Nanosecond})
		before, _, _ := b.counts()
		eventually(t, "some are published", func() bool {
			now, _, _ := b.counts()
			return now > before+80 || rowsLeft(t, pool) == 0
		})
		stop()
	}
	start(t, pool, b, outbox.Options{})
	waitEmpty(t, pool)
	published, accepted, _ := b.counts()
	t.Logf("%d stops, %d published, %d accepted of %d", stops, published, accepted, len(msgs))
	got := map[string][]string{}
	for _, id := range firsts(b.ids()) {
		key, _, _ := strings.Cut(id, "/")
		got[key] = append(got[key], id)
	}
	for key, ids := range want {
		if !slices.Equal(got[key], ids) {
			t.Errorf("%s: got %v\nwant %v", key, got[key], ids)
		}
	}
	if stops < 3 {
		t.Errorf("only %d stops: the test proves nothing", stops)
	}
}

func TestStopWaitsForAcknowledgementsAndPublishesNothingTwice(t *testing.T) {
	pool, b := newDB(t), &broker{delay: 50 * time.Millisecond}
	for i := range 20 {
		appendAll(t, pool, message(fmt.Sprint("k", i), i))
	}
	_, stop := start(t, pool, b, outbox.Options{})
	eventually(t, "they are with the broker", func() bool { n, _, _ := b.counts(); return n == 20 })
	stop()
	if n := rowsLeft(t, pool); n != 0 {
		t.Errorf("%d rows left behind, which the next leader would publish again", n)
	}
}

func TestOnlyOneRelayLeadsAndAnotherTakesOver(t *testing.T) {
	pool := newDB(t)
	var brokers [3]*broker
	var stops [3]func()
	for i := range brokers {
		brokers[i] = &broker{}
		_, stops[i] = start(t, pool, brokers[i], outbox.Options{PollMax: 20 * time.Millisecond})
	}
	leader := func() int {
		var found []int
		for i, b := range brokers {
			if _, n, _ := b.counts(); n > 0 {
				found = append(found, i)
				b.mu.Lock()
				b.accepted, b.published = nil, 0
				b.mu.Unlock()
			}
		}
		if len(found) != 1 {
			t.Fatalf("%d relays published", len(found))
		}
		return found[0]
	}
	seen := map[int]bool{}
	for range brokers {
		for i := range 30 {
			appendAll(t, pool, message(fmt.Sprint(i), i))
		}
		waitEmpty(t, pool)
		i := leader()
		if seen[i] {
			t.Fatalf("relay %d publishes although it was stopped", i)
		}
		seen[i] = true
		stops[i]()
	}
}

// The database cuts the leader's session, as it does when the leader is silent for longer than its lease.
func TestLeaderWhoseSessionIsCutIsReplaced(t *testing.T) {
	pool, b := newDB(t), &broker{}
	start(t, pool, b, outbox.Options{})
	for round := range 3 {
		for i := range 20 {
			appendAll(t, pool, message("k", round*20+i))
		}
		waitEmpty(t, pool)
		cut := 0
		if err := pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_locks l
			WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&cut); err != nil || cut != 1 {
			t.Fatalf("cut %d sessions: %v", cut, err)
		}
	}
	appendAll(t, pool, message("k", 60))
	waitEmpty(t, pool)
	got := firsts(b.ids())
	for i, id := range got {
		if !strings.HasPrefix(id, fmt.Sprintf("k/%d/", i)) {
			t.Fatalf("message %d is %s", i, id)
		}
	}
	if len(got) != 61 {
		t.Errorf("%d messages arrived, want 61", len(got))
	}
}

// blockingBroker stops the leader's loop inside of Publish, as SIGSTOP or a long pause of the machine would.
type blockingBroker struct {
	broker
	gate    chan struct{}
	blocked atomic.Bool
}

func (b *blockingBroker) Publish(ctx context.Context, msg event.Message, done func(error)) {
	b.blocked.Store(true)
	<-b.gate
	b.broker.Publish(ctx, msg, done)
}

func TestStoppedLeaderLosesTheLeadAndReturnsAsNoThreat(t *testing.T) {
	pool := newDB(t)
	zombie := &blockingBroker{gate: make(chan struct{})}
	opts := outbox.Options{Lease: time.Second, PollMax: 50 * time.Millisecond}
	start(t, pool, zombie, opts)
	var want []string
	send := func(from, to int) {
		for i := from; i < to; i++ {
			m := message("k", i)
			want = append(want, m.ID)
			appendAll(t, pool, m)
		}
	}
	send(0, 10)
	eventually(t, "the first leader is stuck", zombie.blocked.Load)
	heir := &broker{}
	start(t, pool, heir, opts)
	eventually(t, "the second has taken over", func() bool { return len(heir.ids()) == 10 })
	close(zombie.gate) // it wakes up with messages in hand
	send(10, 20)
	waitEmpty(t, pool)
	if got := heir.ids(); !slices.Equal(got, want) {
		t.Errorf("the heir published %v\nwant %v", got, want)
	}
	if got := zombie.ids(); len(got) > 1 {
		t.Errorf("the zombie published %d messages, want at most the one it was stuck in", len(got))
	}
}

func TestBrokerDownKeepsEverythingAndRecovers(t *testing.T) {
	pool, b := newDB(t), &broker{}
	var down atomic.Bool
	down.Store(true)
	b.judge(func(event.Message) error {
		if down.Load() {
			return outbox.Unavailable(errors.New("connection refused"))
		}
		return nil
	})
	start(t, pool, b, outbox.Options{BackoffMin: 5 * time.Millisecond, BackoffMax: 20 * time.Millisecond, MaxAttempts: 2})
	var want []string
	for i := range 50 {
		m := message("k", i)
		want = append(want, m.ID)
		appendAll(t, pool, m)
	}
	eventually(t, "more attempts than MaxAttempts have failed", func() bool { n, _, _ := b.counts(); return n > 10 })
	if n := rowsLeft(t, pool); n != 50 {
		t.Errorf("%d rows left of 50", n)
	}
	down.Store(false)
	waitEmpty(t, pool)
	if got := b.ids(); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestPoisonParksItsKeyOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		err      error
		attempts int
	}{
		"permanent":         {outbox.Permanent(errors.New("too large \xff\x00")), 1},
		"too many attempts": {errors.New("no such topic"), 3},
	} {
		t.Run(name, func(t *testing.T) {
			pool, b := newDB(t), &broker{}
			poison := message("bad", 2)
			var cured atomic.Bool
			b.judge(func(m event.Message) error {
				if m.ID == poison.ID && !cured.Load() {
					return tc.err
				}
				return nil
			})
			reg := prometheus.NewRegistry()
			opts := outbox.Options{MaxAttempts: 3, BackoffMin: time.Millisecond, Sweep: 50 * time.Millisecond, Registerer: reg}
			_, stop := start(t, pool, b, opts)
			appendAll(t, pool, message("bad", 1), poison, message("bad", 3), message("good", 1), message("bad", 4), message("good", 2))

			var parked []outbox.Parked
			eventually(t, "the message is parked", func() bool {
				var err error
				if parked, err = outbox.ListParked(t.Context(), pool); err != nil {
					t.Fatal(err)
				}
				return len(parked) == 1 && rowsLeft(t, pool) == 3
			})
			p := parked[0]
			if p.EventID != poison.ID || p.Attempts != tc.attempts || p.LastError == "" || p.WaitingBehindItsKey != 2 {
				t.Errorf("parked %+v", p)
			}
			if n := counter(t, reg, "outbox_publish_errors_total", "parked"); n != 1 {
				t.Errorf("parked metric = %v", n)
			}
			// A new leader respects it.
			stop()
			opts.Registerer = nil
			start(t, pool, b, opts)
			appendAll(t, pool, message("good", 3), message("bad", 5))
			eventually(t, "the other key goes on", func() bool { return len(b.ids()) == 4 })

			cured.Store(true)
			if ok, err := outbox.Retry(t.Context(), pool, p.ID); !ok || err != nil {
				t.Fatal(ok, err)
			}
			appendAll(t, pool, message("bad", 6))
			waitEmpty(t, pool)
			var bad []string
			for _, id := range b.ids() {
				if strings.HasPrefix(id, "bad/") {
					bad = append(bad, id[:5])
				}
			}
			if want := []string{"bad/1", "bad/2", "bad/3", "bad/4", "bad/5", "bad/6"}; !slices.Equal(bad, want) {
				t.Errorf("got %v, want %v", bad, want)
			}
		})
	}
}

func TestDroppedPoisonFreesItsKey(t *testing.T) {
	pool, b := newDB(t), &broker{}
	b.judge(func(m event.Message) error {
		if strings.HasPrefix(m.ID, "bad/1/") {
			return outbox.Permanent(errors.New("no"))
		}
		return nil
	})
	start(t, pool, b, outbox.Options{Sweep: 50 * time.Millisecond})
	appendAll(t, pool, message("bad", 1), message("bad", 2))
	var parked []outbox.Parked
	eventually(t, "it is parked", func() bool {
		parked, _ = outbox.ListParked(t.Context(), pool)
		return len(parked) == 1
	})
	if ok, err := outbox.Drop(t.Context(), pool, parked[0].ID+1); ok || err != nil {
		t.Fatal("dropped a message that is not parked:", ok, err)
	}
	if ok, err := outbox.Drop(t.Context(), pool, parked[0].ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	waitEmpty(t, pool)
	if got := b.ids(); len(got) != 1 || !strings.HasPrefix(got[0], "bad/2/") {
		t.Errorf("published %v", got)
	}
}

func TestMessagesWithoutKeyAreParkedAlone(t *testing.T) {
	pool, b := newDB(t), &broker{}
	b.judge(func(m event.Message) error {
		if string(m.Data) == "0" {
			return outbox.Permanent(errors.New("no"))
		}
		return nil
	})
	start(t, pool, b, outbox.Options{})
	for i := range 10 {
		appendAll(t, pool, message("", i))
	}
	eventually(t, "the others are published", func() bool { return len(b.ids()) == 9 && rowsLeft(t, pool) == 1 })
}

// More messages, and larger ones, than the relay may hold in memory.
func TestSmallWindowAndLargePayloads(t *testing.T) {
	pool, b := newDB(t), &broker{}
	big := make([]byte, 1<<20)
	for i := range 80 {
		m := message(fmt.Sprint("k", i%7), i)
		m.Data = big
		appendAll(t, pool, m)
	}
	start(t, pool, b, outbox.Options{Window: 3})
	waitEmpty(t, pool)
	if published, accepted, _ := b.counts(); published != 80 || accepted != 80 {
		t.Errorf("published %d, accepted %d, want 80 each", published, accepted)
	}
}

// The window bounds what the broker is given before it acknowledges.
func TestWindowIsKept(t *testing.T) {
	pool, b := newDB(t), &broker{hold: true}
	for i := range 40 {
		appendAll(t, pool, message(fmt.Sprint("k", i), i))
	}
	start(t, pool, b, outbox.Options{Window: 10})
	eventually(t, "the window is full", func() bool { _, _, held := b.counts(); return held == 10 })
	time.Sleep(100 * time.Millisecond)
	if _, _, held := b.counts(); held != 10 {
		t.Errorf("%d messages in flight, want 10", held)
	}
	b.release()
	waitEmpty(t, pool)
}

func counter(t testing.TB, reg *prometheus.Registry, name, kind string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == kind {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}
