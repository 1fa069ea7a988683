package inbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

func TestPoisonIsParkedAndTheRestGoesOn(t *testing.T) {
	f := newFixture(t, 2, func(msg event.Message) error {
		if msg.ID == "a1" {
			return errors.New("no \x00 good \xff")
		}
		return nil
	})
	f.process(t, messages("a1", "b1", "a2", "c1"))
	got := f.applied(t)
	slices.Sort(got)
	equal(t, "applied", got, "a2", "b1", "c1")
	equal(t, "dead letters", column(t, f.pool, `
		SELECT concat_ws('|', consumer_group, message_id, source, type, subject, extract(epoch FROM event_time)::int, topic, partition,
			"offset", key, extensions, encode(data, 'hex'), error, attempts) FROM dead_letters`),
		`test|a1|/test|test.Happened|a|1|t|3|0|a|{"x": "y"}|0102|`+"no \uFFFD good \uFFFD|3")
	if h := column(t, f.pool, `SELECT handler FROM dead_letters`); !strings.Contains(h[0], "inbox.newFixture (inbox_test.go:") {
		t.Errorf("handler is %q", h)
	}
	f.process(t, messages("a1")) // a redelivery does not bring it back
	f.expect(t, map[string]float64{"inbox_retries_total": 2, "inbox_dead_letters_total": 1, "inbox_processed_total": 3,
		"inbox_duplicates_total": 1})
}

// a1 fails until c1, which comes after it, has been handled: were c1 to wait for it, both would wait for ever.
func TestOrderPerKeyWhileOneRetries(t *testing.T) {
	c1, b2 := false, 0
	f := newFixture(t, 1_000_000, func(msg event.Message) error {
		if msg.Attempt == 0 {
			t.Error("attempt is not set")
		}
		switch msg.ID {
		case "a1":
			if !c1 {
				return errors.New("not yet")
			}
		case "b2":
			if b2++; b2 == 1 {
				return errors.New("not yet")
			}
		case "c1":
			c1 = true
		}
		return nil
	})
	f.process(t, messages("a1", "b1", "a2", "b2", "c1", "b3"))
	got := f.applied(t)
	for _, key := range []string{"a", "b", "c"} {
		var mine []string
		for _, id := range got {
			if id[:1] == key {
				mine = append(mine, id)
			}
		}
		if !slices.IsSorted(mine) {
			t.Errorf("key %s is out of order: %v", key, mine)
		}
	}
	if len(got) != 6 {
		t.Errorf("applied %v", got)
	}
}

func TestPermanent(t *testing.T) {
	cause := errors.New("cause")
	f := newFixture(t, 10, func(event.Message) error { return fmt.Errorf("wrapped: %w", Permanent(cause)) })
	f.process(t, messages("a1"))
	equal(t, "attempts", column(t, f.pool, `SELECT attempts::text FROM dead_letters`), "1")
	if !errors.Is(Permanent(cause), cause) || Permanent(nil) != nil {
		t.Error("Permanent hides its cause or makes an error of nil")
	}
}

func TestPanicIsAnError(t *testing.T) {
	f := newFixture(t, 0, func(msg event.Message) error {
		if msg.ID == "a1" {
			panic("boom")
		}
		return nil
	})
	f.process(t, messages("a1", "b1"))
	equal(t, "applied", f.applied(t), "b1")
	if e := column(t, f.pool, `SELECT error FROM dead_letters`); !strings.Contains(e[0], "boom") || !strings.Contains(e[0], "inbox_test.go") {
		t.Errorf("error is %q: no panic and place in it", e)
	}
}

func TestBrokenTransactionIsNotTheNeighboursFault(t *testing.T) {
	f := &fixture{pool: database(t), reg: prometheus.NewRegistry()}
	f.Inbox = f.instance()
	f.Handle(typ, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		if msg.ID == "a1" {
			_, _ = tx.Exec(ctx, `SELECT 1/0`)
			return nil
		}
		_, err := tx.Exec(ctx, `INSERT INTO applied (message) VALUES ($1)`, msg.ID)
		return err
	})
	f.process(t, messages("a1", "b1", "c1"))
	equal(t, "applied", f.applied(t), "b1", "c1")
	equal(t, "parked", column(t, f.pool, `SELECT message_id FROM dead_letters`), "a1")
}

func TestMalformedIsParkedAtOnce(t *testing.T) {
	f := newFixture(t, 5, never)
	bad := event.Message{Type: event.TypeMalformed, Topic: "t", Partition: 1, Offset: 7, Key: "k\x00\xff", Data: []byte("raw"),
		Extensions: map[string]string{"a\xff": "b\x00"}}
	long := messages("a1")[0]
	long.ID, long.Offset = strings.Repeat("x", maxID+1), 8
	nul := messages("a1")[0]
	nul.ID, nul.Offset = "a\x00", 9
	batch := append([]event.Message{bad, long}, messages("b1")...)
	batch = append(batch, nul)
	f.process(t, batch)
	f.process(t, batch) // a redelivery
	equal(t, "applied", f.applied(t), "b1")
	equal(t, "parked", column(t, f.pool, `SELECT message_id || ' ' || attempts FROM dead_letters ORDER BY id`),
		"t/1/7 0", "t/3/8 0", "t/3/9 0")
	f.expect(t, map[string]float64{"inbox_dead_letters_total": 3, "inbox_retries_total": 0})
}

func TestOutageIsWaitedOutAndCountsNoAttempt(t *testing.T) {
	for name, batch := range map[string][]event.Message{"batch": messages("a1", "b1"), "single": messages("a1")} {
		t.Run(name, func(t *testing.T) {
			cuts := 0
			f := &fixture{pool: database(t), reg: prometheus.NewRegistry()}
			f.Inbox = f.instance()
			f.Handle(typ, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
				_, err := tx.Exec(ctx, `INSERT INTO applied (message) VALUES ($1)`, msg.ID)
				if err == nil && cuts < 4 {
					cuts++ // every second time just before the commit
					_, kill := f.pool.Exec(ctx, `SELECT pg_terminate_backend($1)`, tx.Conn().PgConn().PID())
					if kill != nil {
						t.Error(kill)
					}
					if cuts%2 == 0 {
						_, err = tx.Exec(ctx, `SELECT 1`)
					}
				}
				return err
			})
			f.process(t, batch)
			if got := f.applied(t); len(got) != len(batch) {
				t.Errorf("applied %v", got)
			}
			f.expect(t, map[string]float64{"inbox_dead_letters_total": 0, "inbox_retries_total": 0, "inbox_outages_total": 4})
		})
	}
}

func TestNothingIsAcknowledgedWhenTheContextEnds(t *testing.T) {
	for name, batch := range map[string][]event.Message{"batch": messages("a1", "b1"), "single": messages("c1")} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := newFixture(t, 1000, func(event.Message) error { cancel(); return errors.New("fails") })
			if err := f.Process(ctx, batch); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context canceled", err)
			}
			equal(t, "applied", f.applied(t))
			f.expect(t, map[string]float64{"inbox_dead_letters_total": 0, "inbox_processed_total": 0})
		})
	}
}
