package inbox

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// all takes dead letters until none is asked for.
func (f *fixture) all(t testing.TB) {
	t.Helper()
	for {
		took, err := f.again(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !took {
			return
		}
	}
}

func (f *fixture) ask(t testing.TB, want bool, message string) {
	t.Helper()
	ok, err := AskRetry(t.Context(), f.pool, "test", f.deadLetter(t, message).ID, "alice")
	if err != nil || ok != want {
		t.Fatalf("asked for %s: %v, %v", message, ok, err)
	}
}

// deadLetter is the dead letter of a message, empty if there is none.
func (f *fixture) deadLetter(t testing.TB, message string) DeadLetter {
	t.Helper()
	list, err := ListDeadLetters(t.Context(), f.pool, "test", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Message.ID == message {
			return d
		}
	}
	return DeadLetter{}
}

func TestRetryOfADeadLetter(t *testing.T) {
	broken := true
	var last event.Message
	f := newFixture(t, 0, func(msg event.Message) error {
		last = msg
		if broken && msg.ID == "a1" {
			return errors.New("first")
		}
		return nil
	})
	f.process(t, messages("a1", "a2"))
	equal(t, "applied", f.applied(t), "a2")

	f.all(t) // nothing is asked for
	equal(t, "applied", f.applied(t), "a2")
	f.ask(t, true, "a1")
	f.ask(t, false, "a1")
	broken = false
	f.all(t)
	equal(t, "applied", f.applied(t), "a2", "a1")
	equal(t, "dead letters", column(t, f.pool, `SELECT message_id FROM dead_letters`))
	want := messages("a1")[0]
	want.Attempt = 2
	if last.ID != want.ID || last.Attempt != 2 || last.Key != want.Key || !last.Time.Equal(want.Time) || last.Extensions["x"] != "y" ||
		!slices.Equal(last.Data, want.Data) || last.Partition != want.Partition || last.Topic != want.Topic {
		t.Errorf("the handler got %+v, want %+v", last, want)
	}
	f.process(t, messages("a1")) // a redelivery still is one
	equal(t, "applied", f.applied(t), "a2", "a1")
	f.expect(t, map[string]float64{"inbox_processed_total": 2, "inbox_dead_letters_kept": 0})
	if f.nudges == 0 {
		t.Error("the outbox was not nudged")
	}
}

func TestRetryThatFailsAgain(t *testing.T) {
	why := "first"
	f := newFixture(t, 0, func(event.Message) error { return errors.New(why) })
	f.process(t, messages("a1"))
	why = "second"
	f.ask(t, true, "a1")
	f.all(t)
	equal(t, "applied", f.applied(t))
	d := f.deadLetter(t, "a1")
	if d.Error != "second" || d.Attempts != 2 || d.RetryAt != nil || !strings.Contains(d.Handler, "inbox_test.go") {
		t.Errorf("parked as %+v", d)
	}
	f.all(t) // it waits to be asked for again
	if d := f.deadLetter(t, "a1"); d.Attempts != 2 {
		t.Errorf("%d attempts", d.Attempts)
	}
	f.expect(t, map[string]float64{"inbox_processed_total": 0, "inbox_dead_letters_total": 1})
}

func TestRetryWithoutAHandler(t *testing.T) {
	f := newFixture(t, 0, func(event.Message) error { return errors.New("fails") })
	f.process(t, messages("a1"))
	f.ask(t, true, "a1")
	f.Inbox.routes = map[string]*route{}
	f.all(t)
	if d := f.deadLetter(t, "a1"); d.Error != "no handler of type "+typ || d.RetryAt != nil {
		t.Errorf("parked as %+v", d)
	}
}

// Several replicas take the same rows while others of the keys arrive: each is handled once, and those of a key in their order.
func TestRetryInSeveralReplicas(t *testing.T) {
	var broken sync.Map
	f := newFixture(t, 0, func(msg event.Message) error {
		if _, is := broken.Load(msg.ID); is {
			return errors.New("fails")
		}
		return nil
	})
	f.opts.Nudge = func() {} // the fixture's counts for one goroutine
	var parked []string
	for _, key := range []string{"a", "b", "c"} {
		for _, n := range []string{"1", "2", "3", "4", "5"} {
			parked = append(parked, key+n)
			broken.Store(key+n, true)
		}
	}
	f.process(t, messages(parked...))
	for _, id := range parked {
		f.ask(t, true, id)
	}
	broken.Clear()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				took, err := f.again(t.Context())
				if err != nil {
					t.Error(err)
				}
				if !took || err != nil {
					return // what another holds is done by that one
				}
			}
		})
	}
	wg.Go(func() {
		if err := f.Process(t.Context(), messages("a6", "a7", "b6")); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	f.all(t)
	got := f.applied(t)
	for _, key := range []string{"a", "b", "c"} {
		order := column(t, f.pool, `SELECT message FROM applied WHERE key = '`+key+`' AND message < key || '6' ORDER BY id`)
		equal(t, "order of "+key, order, key+"1", key+"2", key+"3", key+"4", key+"5")
	}
	if len(got) != len(parked)+3 {
		t.Errorf("applied %v", got)
	}
	equal(t, "dead letters", column(t, f.pool, `SELECT message_id FROM dead_letters`))
}

// The effect and the row go together: a process that dies before the commit has done nothing.
func TestRetryIsRolledBackWithItsEffect(t *testing.T) {
	f := &fixture{pool: database(t)}
	f.Inbox = New(f.pool, "test", Options{Logger: slog.New(slog.DiscardHandler)})
	cut := false
	f.Handle(typ, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		if _, err := tx.Exec(ctx, `INSERT INTO applied (message, key) VALUES ($1, $2)`, msg.ID, msg.Key); err != nil {
			return err
		}
		if !cut {
			return errors.New("fails")
		}
		if msg.Attempt == 2 {
			_, _ = f.pool.Exec(ctx, `SELECT pg_terminate_backend($1)`, tx.Conn().PgConn().PID())
			_, err := tx.Exec(ctx, `SELECT 1`)
			return err
		}
		return nil
	})
	f.process(t, messages("a1"))
	f.ask(t, true, "a1")
	cut = true
	if _, err := f.again(t.Context()); err == nil {
		t.Error("an outage is no error")
	}
	equal(t, "applied", f.applied(t))
	if d := f.deadLetter(t, "a1"); d.Attempts != 1 || d.RetryAt == nil {
		t.Errorf("an outage counted as an attempt: %+v", d)
	}
}

func TestDropDeadLetter(t *testing.T) {
	f := newFixture(t, 0, func(event.Message) error { return errors.New("fails") })
	f.process(t, messages("a1"))
	id := f.deadLetter(t, "a1").ID
	if d, err := FindDeadLetter(t.Context(), f.pool, "other", id); d != nil || err != nil {
		t.Errorf("another group sees %+v, %v", d, err)
	}
	for _, c := range []struct {
		group string
		want  bool
	}{{"other", false}, {"test", true}, {"test", false}} {
		if ok, err := DropDeadLetter(t.Context(), f.pool, c.group, id); ok != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.group, ok, err)
		}
	}
	if ok, err := AskRetry(t.Context(), f.pool, "test", id+1000, "alice"); ok || err != nil {
		t.Errorf("a retry of nothing: %v, %v", ok, err)
	}
}

func TestRunRetries(t *testing.T) {
	f := newFixture(t, 0, func(event.Message) error { return errors.New("fails") })
	f.process(t, messages("a1"))
	f.ask(t, true, "a1")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mended := New(f.pool, "test", Options{Nudge: cancel, Logger: slog.New(slog.DiscardHandler)}) // it is called after the commit
	mended.Handle(typ, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		_, err := tx.Exec(ctx, `INSERT INTO applied (message) VALUES ($1)`, msg.ID)
		return err
	})
	if err := mended.RunRetries(ctx); err != nil {
		t.Error(err)
	}
	equal(t, "applied", f.applied(t), "a1")
}
