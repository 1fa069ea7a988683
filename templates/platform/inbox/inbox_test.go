package inbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
)

const typ = "test.Happened"

func database(t testing.TB) *pgxpool.Pool {
	t.Helper()
	sub, err := fs.Sub(Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.New(t, pgtest.Set{Name: "inbox", FS: sub})
	if _, err := pool.Exec(t.Context(), `CREATE TABLE applied (id bigint GENERATED ALWAYS AS IDENTITY, message text, key text)`); err != nil {
		t.Fatal(err)
	}
	return pool
}

// fixture is an inbox whose handler writes each message to table applied, after fail had its say.
type fixture struct {
	*Inbox
	pool   *pgxpool.Pool
	reg    *prometheus.Registry
	nudges int
}

func newFixture(t testing.TB, retries int, fail func(event.Message) error) *fixture {
	t.Helper()
	f := &fixture{pool: database(t), reg: prometheus.NewRegistry()}
	f.Inbox = f.instance()
	f.Handle(typ, retries, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		if _, err := tx.Exec(ctx, `INSERT INTO applied (message, key) VALUES ($1, $2)`, msg.ID, msg.Key); err != nil {
			return err
		}
		return fail(msg)
	})
	return f
}

func (f *fixture) instance() *Inbox {
	return New(f.pool, "test", Options{
		Nudge: func() { f.nudges++ }, BackoffMin: time.Millisecond, BackoffMax: 5 * time.Millisecond,
		Registerer: f.reg, Logger: slog.New(slog.DiscardHandler),
	})
}

func never(event.Message) error { return nil }

func messages(ids ...string) []event.Message {
	batch := make([]event.Message, len(ids))
	for i, id := range ids { // "a1" has the key "a"
		batch[i] = event.Message{
			ID: id, Source: "/test", Type: typ, Subject: id[:1], Key: id[:1], Time: time.Unix(1, 0).UTC(), Topic: "t",
			Data: []byte{1, 2}, Extensions: map[string]string{"x": "y"}, Partition: 3, Offset: int64(i),
		}
	}
	return batch
}

func (f *fixture) process(t testing.TB, batch []event.Message) {
	t.Helper()
	if err := f.Process(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) applied(t testing.TB) []string {
	t.Helper()
	return column(t, f.pool, `SELECT message FROM applied ORDER BY id`)
}

func column(t testing.TB, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func equal(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// metric is the sum over all label values of a counter, or the number of observations of a histogram.
func (f *fixture) metric(t testing.TB, name string) float64 {
	t.Helper()
	families, err := f.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func (f *fixture) expect(t testing.TB, metrics map[string]float64) {
	t.Helper()
	for name, want := range metrics {
		if got := f.metric(t, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	f := newFixture(t, 0, never)
	f.process(t, messages("a1", "b1", "a1", "a2"))
	f.process(t, messages("b1", "a2", "c1"))
	f.process(t, messages("c1"))
	equal(t, "applied", f.applied(t), "a1", "b1", "a2", "c1")
	f.expect(t, map[string]float64{
		"inbox_processed_total": 4, "inbox_duplicates_total": 4, "inbox_batch_size": 3, "inbox_handling_seconds": 4, "inbox_lag_seconds": 4,
	})
	if f.nudges != 2 {
		t.Errorf("%d nudges, want one for each batch that was handled", f.nudges)
	}
}

func TestGroupsAreApart(t *testing.T) {
	f := newFixture(t, 0, never)
	other := New(f.pool, "other", Options{Registerer: f.reg})
	handled := 0
	other.Handle(typ, 0, func(context.Context, pgx.Tx, event.Message) error { handled++; return nil })
	f.process(t, messages("a1"))
	if err := other.Process(t.Context(), messages("a1")); err != nil || handled != 1 {
		t.Errorf("the other group handled %d messages, error %v", handled, err)
	}
}

// A handler that swallows a database error breaks the transaction for its neighbours, who must not be blamed.
func TestUnknownTypesAreSkipped(t *testing.T) {
	f := newFixture(t, 0, never)
	batch := messages("a1", "b1", "c1")
	batch[1].Type, batch[2].Type = "test.Other", "test.Other"
	f.process(t, batch)
	f.process(t, batch[1:])
	equal(t, "applied", f.applied(t), "a1")
	f.expect(t, map[string]float64{"inbox_skipped_total": 4})
}

func TestHandlersOfATypeShareATransaction(t *testing.T) {
	f := newFixture(t, 0, never)
	calls := 0
	f.Handle(typ, 1, func(context.Context, pgx.Tx, event.Message) error {
		if calls++; calls == 1 {
			return errors.New("once")
		}
		return nil
	})
	f.process(t, messages("a1"))
	equal(t, "applied", f.applied(t), "a1") // the first handler's work of the failed attempt is gone
	if calls != 2 {
		t.Errorf("%d calls, want 2: the larger number of retries counts", calls)
	}
}

// Two consumers that hold the same partition for a moment, as in a rebalance, must not both handle a message.
func TestConcurrentConsumers(t *testing.T) {
	f := newFixture(t, 0, never)
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("%c%d", 'a'+i%5, i))
	}
	backwards := slices.Clone(ids)
	slices.Reverse(backwards)
	f.Inbox.opts.Nudge = func() {}
	var wg sync.WaitGroup
	for i := range 8 {
		batch := messages(ids...)
		if i%2 == 0 {
			batch = messages(backwards...)
		}
		wg.Go(func() {
			if err := f.Process(t.Context(), batch); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := f.applied(t)
	slices.Sort(got)
	slices.Sort(ids)
	equal(t, "applied", got, ids...)
}

func TestSpanContinuesTheTraceOfTheMessage(t *testing.T) {
	rec := tracetest.NewSpanRecorder()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(rec)))
	t.Cleanup(func() { otel.SetTracerProvider(before) })

	f := newFixture(t, 0, never)
	sender := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	batch := messages("a1", "b1")
	batch[0].Inject(trace.ContextWithSpanContext(t.Context(), sender))
	f.process(t, batch)

	var consumers []sdktrace.ReadOnlySpan
	for _, s := range rec.Ended() {
		if s.SpanKind() == trace.SpanKindConsumer {
			consumers = append(consumers, s)
		}
	}
	if len(consumers) != 2 {
		t.Fatalf("%d consumer spans, want one for each message", len(consumers))
	}
	if p := consumers[0].Parent(); p.TraceID() != sender.TraceID() || p.SpanID() != sender.SpanID() || !p.IsRemote() {
		t.Errorf("the parent is %v, want the sender's span", p)
	}
	if consumers[1].Parent().IsValid() {
		t.Error("a message without a trace got another one's")
	}
}

func TestPurge(t *testing.T) {
	f := newFixture(t, 0, never)
	f.process(t, messages("a1", "b1"))
	_, err := f.pool.Exec(t.Context(), `
		INSERT INTO inbox SELECT 'test', 'old' || i, now() - interval '8 days' FROM generate_series(1, $1) AS i`, purgeChunk+10)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Purge(t.Context(), 7*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	equal(t, "left", column(t, f.pool, `SELECT message_id FROM inbox ORDER BY 1`), "a1", "b1")
}

func TestRunPurgeEndsWithItsContext(t *testing.T) {
	f := newFixture(t, 0, never)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error)
	go func() { done <- f.RunPurge(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
