package saga

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

var quiet = slog.New(slog.DiscardHandler)

func database(t testing.TB) *pgxpool.Pool {
	t.Helper()
	var sets []pgtest.Set
	for _, m := range []struct {
		name string
		fs   fs.FS
	}{{"inbox", inbox.Migrations}, {"outbox", outbox.Migrations}, {"saga", Migrations}} {
		sub, err := fs.Sub(m.fs, "migrations")
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, pgtest.Set{Name: m.name, FS: sub})
	}
	pool := pgtest.New(t, sets...)
	exec(t, pool, `CREATE TABLE effect (id bigint GENERATED ALWAYS AS IDENTITY, key text, what text, payload text)`)
	// No test here crashes the server, and waiting for its disk is most of the time they take.
	exec(t, pool, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`)
	pool.Reset()
	return pool
}

func exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func query(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql, args...)
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
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// build makes a payload of what Build is given: the saga's data, the step's id and its reason.
func build(step string) func(context.Context, *Run) (proto.Message, error) {
	return func(_ context.Context, run *Run) (proto.Message, error) {
		var data wrapperspb.StringValue
		if err := run.Data(&data); err != nil {
			return nil, err
		}
		text := data.Value + " " + run.StepID(step)
		if run.Reason() != "" {
			text += " because " + run.Reason()
		}
		return wrapperspb.String(text), nil
	}
}

func cmd(step, op string) Command {
	return Command{Topic: "commands", Type: step + "." + op, Build: build(step)}
}

// order is the saga of the tests: reserve, authorize → confirm → capture; reject on failure.
func order() Definition {
	release, void, reject := cmd("reserve", "undo"), cmd("authorize", "undo"), cmd("reject", "do")
	return Definition{
		Name: "order", Version: 1, Timeout: time.Hour, ReplyTopic: "replies", OnFailure: &reject,
		Steps: []Step{
			{Name: "reserve", Invoke: cmd("reserve", "do"), Compensate: &release, Timeout: time.Hour},
			{Name: "authorize", Invoke: cmd("authorize", "do"), Compensate: &void},
			{Name: "confirm", Kind: Pivot, Invoke: cmd("confirm", "do")},
			{Name: "capture", Kind: Retriable, Invoke: cmd("capture", "do")},
		},
	}
}

var commandTypes = []string{
	"reserve.do", "reserve.undo", "authorize.do", "authorize.undo", "confirm.do", "capture.do", "reject.do",
}

// world is an orchestrator, its participants and a broker in one database. Nothing moves but by a call.
type world struct {
	t     testing.TB
	pool  *pgxpool.Pool
	defs  []Definition
	o     *Orchestrator
	reg   *prometheus.Registry
	home  *inbox.Inbox // gets the replies
	away  *inbox.Inbox // gets the commands
	queue []event.Message

	mu   sync.Mutex
	fail map[string]func() error // by command type, asked after the work is done and before it is committed
}

func newWorld(t testing.TB, defs ...Definition) *world {
	t.Helper()
	return worldOn(t, database(t), defs...)
}

// worldOn is newWorld on a database that was used before, which it empties: to make one takes longer than most tests.
func worldOn(t testing.TB, pool *pgxpool.Pool, defs ...Definition) *world {
	t.Helper()
	for _, table := range []string{"saga", "saga_participant", "inbox", "dead_letters", "outbox", "effect"} {
		exec(t, pool, `DELETE FROM `+table)
	}
	if len(defs) == 0 {
		defs = []Definition{order()}
	}
	w := &world{t: t, pool: pool, defs: defs, fail: map[string]func() error{}}
	w.boot()
	w.away = inbox.New(w.pool, "away", inbox.Options{Logger: quiet, BackoffMin: time.Millisecond, BackoffMax: 2 * time.Millisecond})
	for _, typ := range commandTypes {
		w.away.Handle(typ, 5, Participate("/away", w.participate))
	}
	return w
}

// boot starts a new orchestrator, as a restart of the service does.
func (w *world) boot() {
	w.t.Helper()
	w.reg = prometheus.NewRegistry()
	var err error
	w.o, err = New(w.pool, "/home", Options{Registerer: w.reg, Logger: quiet, MaxResends: 4}, w.defs...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.home = inbox.New(w.pool, "home", inbox.Options{Logger: quiet, BackoffMin: time.Millisecond, BackoffMax: 2 * time.Millisecond})
	w.home.Handle(ReplyType, 5, w.o.HandleReply)
}

func (w *world) participate(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error) {
	var payload wrapperspb.StringValue
	if err := proto.Unmarshal(msg.Data, &payload); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO effect (key, what, payload) VALUES ($1, $2, $3)`, msg.Key, msg.Type, payload.Value); err != nil {
		return nil, err
	}
	w.mu.Lock()
	fail := w.fail[msg.Type]
	w.mu.Unlock()
	if fail != nil {
		if err := fail(); err != nil {
			return nil, err
		}
	}
	return wrapperspb.String("did " + msg.Type), nil
}

func refuse() error { return status.Error(codes.FailedPrecondition, "out of stock") }

func (w *world) start(key string) {
	w.t.Helper()
	err := postgres.InTx(w.t.Context(), w.pool, func(tx pgx.Tx) error {
		return w.o.Start(w.t.Context(), tx, "order", key, wrapperspb.String("data"))
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// drain does the relay's work.
func drain(ctx context.Context, pool *pgxpool.Pool) ([]event.Message, error) {
	rows, err := pool.Query(ctx, `
		WITH gone AS (DELETE FROM outbox RETURNING *)
		SELECT event_id, source, type, subject, topic, key, occurred_at, headers, payload FROM gone ORDER BY id`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Message, error) {
		var m event.Message
		var headers string
		err := row.Scan(&m.ID, &m.Source, &m.Type, &m.Subject, &m.Topic, &m.Key, &m.Time, &headers, &m.Data)
		m.Extensions = map[string]string{}
		for line := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			m.Extensions[name] = value
		}
		return m, err
	})
}

func (w *world) collect() {
	w.t.Helper()
	msgs, err := drain(w.t.Context(), w.pool)
	if err != nil {
		w.t.Fatal(err)
	}
	w.queue = append(w.queue, msgs...)
}

// take removes the first message from the broker.
func (w *world) take() (event.Message, bool) {
	w.t.Helper()
	w.collect()
	if len(w.queue) == 0 {
		return event.Message{}, false
	}
	msg := w.queue[0]
	w.queue = w.queue[1:]
	return msg, true
}

func (w *world) deliver(msgs ...event.Message) {
	w.t.Helper()
	for _, msg := range msgs {
		in := w.away
		if msg.Topic == "replies" {
			in = w.home
		}
		if err := in.Process(w.t.Context(), []event.Message{msg}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pump delivers until nothing is left, but for the messages that lose is true for: these it returns.
func (w *world) pump(lose func(event.Message) bool) (lost []event.Message) {
	w.t.Helper()
	for {
		msg, ok := w.take()
		switch {
		case !ok:
			return lost
		case lose != nil && lose(msg):
			lost = append(lost, msg)
		default:
			w.deliver(msg)
		}
	}
}

// elapse lets the time of every step run out, and the timer look.
func (w *world) elapse() {
	w.t.Helper()
	exec(w.t, w.pool, `UPDATE saga SET next_at = now() - interval '1 second' WHERE next_at IS NOT NULL`)
	w.fire()
}

func (w *world) fire() {
	w.t.Helper()
	if _, err := w.o.fire(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// expire lets the time of every saga run out.
func (w *world) expire() {
	w.t.Helper()
	exec(w.t, w.pool, `UPDATE saga SET deadline = now() - interval '1 second'`)
}

func (w *world) state(want State) {
	w.t.Helper()
	equal(w.t, "state", query(w.t, w.pool, `SELECT state FROM saga`), string(want))
}

func (w *world) effects(want ...string) {
	w.t.Helper()
	equal(w.t, "effects", query(w.t, w.pool, `SELECT what FROM effect ORDER BY id`), want...)
}

// logged counts the step log's entries of an event.
func (w *world) logged(event string) int {
	w.t.Helper()
	return len(query(w.t, w.pool, `SELECT step FROM saga_step_log WHERE event = $1`, event))
}

func (w *world) only() string {
	w.t.Helper()
	ids := query(w.t, w.pool, `SELECT id::text FROM saga`)
	if len(ids) != 1 {
		w.t.Fatalf("%d sagas", len(ids))
	}
	return ids[0]
}

func isReplyTo(step, op string) func(event.Message) bool {
	return func(m event.Message) bool {
		return m.Type == ReplyType && m.Extensions[extStep] == step && m.Extensions[extOp] == op
	}
}

func isCommand(typ string) func(event.Message) bool {
	return func(m event.Message) bool { return m.Type == typ }
}

func (w *world) metric(name string) float64 {
	w.t.Helper()
	families, err := w.reg.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func stepID(saga, step string) string {
	return uuid.NewSHA1(uuid.MustParse(saga), []byte(step)).String()
}

func times(n int, err error) func() error {
	return func() error {
		if n--; n >= 0 {
			return err
		}
		return nil
	}
}

var errTechnical = fmt.Errorf("wrapped: %w", status.Error(codes.Unavailable, "try again"))
