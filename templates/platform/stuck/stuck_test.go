package stuck

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/outbox"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/saga"
)

const typ = "test.Happened"

var everything = Parts{Outbox: true, Group: "test", Sagas: true}

// bench is a service with stuck work of every kind, and its command.
type bench struct {
	t    *testing.T
	pool *pgxpool.Pool
	in   *inbox.Inbox
	mend bool // the handler succeeds
}

func newBench(t *testing.T) *bench {
	t.Helper()
	var sets []pgtest.Set
	for _, m := range []struct {
		name string
		fsys fs.FS
	}{{"inbox", inbox.Migrations}, {"outbox", outbox.Migrations}, {"saga", saga.Migrations}, {"stuck", Migrations}} {
		sub, err := fs.Sub(m.fsys, "migrations")
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, pgtest.Set{Name: m.name, FS: sub})
	}
	pool, url := pgtest.NewURL(t, sets...)
	t.Setenv("DATABASE_URL", url)
	t.Setenv("USER", "alice")
	b := &bench{t: t, pool: pool}
	b.exec(`CREATE TABLE applied (id bigint GENERATED ALWAYS AS IDENTITY, message text)`)
	b.in = inbox.New(pool, "test", inbox.Options{Logger: slog.New(slog.DiscardHandler)})
	b.in.Handle(typ, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		if !b.mend && strings.HasPrefix(msg.ID, "bad") {
			return errors.New("cannot take it\n\x1b[31mstack")
		}
		_, err := tx.Exec(ctx, `INSERT INTO applied (message) VALUES ($1)`, msg.ID)
		return err
	})
	return b
}

func (b *bench) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) count(want int, sql string) {
	b.t.Helper()
	var got int
	if err := b.pool.QueryRow(b.t.Context(), sql).Scan(&got); err != nil {
		b.t.Fatal(err)
	}
	if got != want {
		b.t.Errorf("%s: got %d, want %d", sql, got, want)
	}
}

// park leaves an outbox row 1 with one behind it, and dead letters 1 and 2.
func (b *bench) park() {
	b.t.Helper()
	for range 2 {
		b.exec(`INSERT INTO outbox (event_id, source, type, topic, key, occurred_at, payload) VALUES ('e', '/s', 'test.Sent', 't', 'k', now(), '\x01')`)
	}
	b.exec(`UPDATE outbox SET parked = true, attempts = 9, last_error = 'too large' WHERE id = 1`)
	b.receive("bad1", "bad2")
}

func (b *bench) receive(ids ...string) {
	b.t.Helper()
	var batch []event.Message
	for _, id := range ids {
		batch = append(batch, event.Message{ID: id, Source: "/s", Type: typ, Key: "k", Topic: "t", Data: []byte("secret")})
	}
	if err := b.in.Process(b.t.Context(), batch); err != nil {
		b.t.Fatal(err)
	}
}

// retries lets the service handle the dead letters that were asked for, until there is none.
func (b *bench) retries() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error)
	go func() { done <- b.in.RunRetries(ctx) }()
	for {
		var asked int
		if err := b.pool.QueryRow(ctx, `SELECT count(*) FROM dead_letters WHERE retry_at IS NOT NULL`).Scan(&asked); err != nil {
			b.t.Fatal(err)
		}
		if asked == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
}

// says runs the command and checks its exit code and that each text is in what it prints.
func (b *bench) says(code int, args string, texts ...string) string {
	b.t.Helper()
	return b.answered("", code, args, texts...)
}

func (b *bench) answered(stdin string, code int, args string, texts ...string) string {
	b.t.Helper()
	var out, errs bytes.Buffer
	got, asked := Command(append([]string{"/app", "stuck"}, strings.Fields(args)...), Streams{strings.NewReader(stdin), &out, &errs}, everything)
	all := out.String() + errs.String()
	if !asked || got != code {
		b.t.Errorf("stuck %s: exit code %d, want %d:\n%s", args, got, code, all)
	}
	for _, text := range texts {
		if !strings.Contains(all, text) {
			b.t.Errorf("stuck %s: %q is not in\n%s", args, text, all)
		}
	}
	if (code == 0) != (errs.Len() == 0) && stdin == "" {
		b.t.Errorf("stuck %s: exit code %d, and for people:\n%s", args, code, errs.String())
	}
	return out.String()
}

func TestListAndShow(t *testing.T) {
	b := newBench(t)
	b.says(0, "list", "nothing is stuck")
	if got := b.says(0, "list --json"); strings.TrimSpace(got) != "[]" {
		t.Errorf("no work is %s", got)
	}
	b.park()
	table := b.says(0, "list", "outbox/1", "dead-letter/1", "dead-letter/2", "too large", "cannot take it")
	if strings.Contains(table, "stack") || strings.Contains(table, "secret") || strings.Contains(table, "outbox/2") {
		t.Errorf("the table tells too much:\n%s", table)
	}
	var items []Item
	if err := json.Unmarshal([]byte(b.says(0, "list --json --kind outbox")), &items); err != nil || len(items) != 1 {
		t.Fatalf("%v, %v", items, err)
	}
	if it := items[0]; it.ID != "outbox/1" || it.What != "test.Sent" || it.Waiting != 1 || it.Attempts != 9 || it.Topic != "t" || it.Since.IsZero() {
		t.Errorf("got %+v", it)
	}
	b.says(0, "show outbox/1", "waiting behind", "drop, retry")
	shown := b.says(0, "show dead-letter/2", "bad2", "stuck_test.go", "stack", "drop, retry")
	if strings.Contains(shown, "\x1b") || strings.Contains(shown, "secret") {
		t.Errorf("shown: %q", shown)
	}
	b.says(1, "show dead-letter/99", "there is no dead-letter/99")
	b.says(1, "show outbox/2", "there is no outbox/2") // it waits, but is not parked
	b.says(1, "show saga/00000000-0000-0000-0000-000000000001", "there is no saga/")
}

func TestOutboxRows(t *testing.T) {
	b := newBench(t)
	b.park()
	b.says(0, "retry outbox/1 --by bob --reason broker", "outbox/1: will be sent again")
	b.count(0, `SELECT count(*) FROM outbox WHERE parked OR attempts > 0`)
	b.says(1, "retry outbox/1", "there is no outbox/1")
	b.exec(`UPDATE outbox SET parked = true`)
	b.says(1, "drop outbox/1", "gone for good", "left as it is") // nobody answers
	b.answered("no\n", 1, "drop outbox/1", "left as it is")
	b.count(2, `SELECT count(*) FROM outbox`)
	b.answered("yes\nno\n", 1, "drop outbox/1 outbox/2", "outbox/1: dropped", "outbox/2 was left as it is")
	b.count(1, `SELECT count(*) FROM outbox`)
	b.says(1, "drop --yes outbox/1 outbox/2", "there is no outbox/1", "outbox/2: dropped") // it goes on after one that is not there
	b.count(0, `SELECT count(*) FROM outbox`)
	b.says(0, "log", "bob", "broker", "alice", "outbox/2")
	b.count(3, `SELECT count(*) FROM stuck_log`)
}

func TestDeadLetters(t *testing.T) {
	b := newBench(t)
	b.park()
	b.says(0, "retry dead-letter/1", "asked the running service")
	b.says(1, "retry dead-letter/1", "retry by alice was asked for already")
	b.says(0, "list", "retry by alice")
	b.receive("good1") // another of the key does not wait
	b.retries()        // and fails again
	b.count(1, `SELECT count(*) FROM dead_letters WHERE id = 1 AND attempts = 2 AND retry_at IS NULL`)
	b.mend = true
	b.says(0, "retry --all --kind dead-letter", "dead-letter/1: asked", "dead-letter/2: asked")
	b.says(0, "retry --all --kind dead-letter", "nothing to retry")
	b.retries()
	b.count(0, `SELECT count(*) FROM dead_letters`)
	var order string
	if err := b.pool.QueryRow(t.Context(), `SELECT string_agg(message, ' ' ORDER BY id) FROM applied`).Scan(&order); err != nil || order != "good1 bad1 bad2" {
		t.Errorf("applied %q, %v", order, err)
	}
	b.mend = false
	b.receive("bad3")
	b.says(0, "drop --yes dead-letter/3", "dead-letter/3: dropped")
	b.mend = true
	b.receive("bad3") // a redelivery does not bring it back
	b.count(0, `SELECT count(*) FROM applied WHERE message = 'bad3'`)
	if err := b.in.Process(t.Context(), []event.Message{{Type: event.TypeMalformed, Topic: "t", Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	b.says(1, "retry dead-letter/4", "can only be dropped")
}

// Two operators retry the same at the same time: one of them does.
func TestTwoOperators(t *testing.T) {
	b := newBench(t)
	b.park()
	b.mend = true
	codes := make([]int, 4)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			var out bytes.Buffer
			codes[i], _ = Command([]string{"/app", "stuck", "retry", "dead-letter/1"}, Streams{strings.NewReader(""), &out, &out}, everything)
		})
	}
	wg.Wait()
	if slices.Sort(codes); !slices.Equal(codes, []int{0, 1, 1, 1}) {
		t.Errorf("exit codes %v", codes)
	}
	b.count(1, `SELECT count(*) FROM stuck_log`)
	b.retries()
	b.count(1, `SELECT count(*) FROM applied WHERE message = 'bad1'`)
}

func TestSagas(t *testing.T) {
	b := newBench(t)
	command := saga.Command{Topic: "c", Type: "do", Build: func(context.Context, *saga.Run) (proto.Message, error) { return &emptypb.Empty{}, nil }}
	o, err := saga.New(b.pool, "/s", saga.Options{Logger: slog.New(slog.DiscardHandler)}, saga.Definition{
		Name: "order", Version: 1, Timeout: time.Hour, ReplyTopic: "r", Steps: []saga.Step{{Name: "pay", Kind: saga.Pivot, Invoke: command}},
	})
	if err != nil {
		t.Fatal(err)
	}
	start := func(key string) (id string) {
		err := postgres.InTx(t.Context(), b.pool, func(tx pgx.Tx) error { return o.Start(t.Context(), tx, "order", key, &emptypb.Empty{}) })
		if err != nil {
			t.Fatal(err)
		}
		if err := b.pool.QueryRow(t.Context(), `SELECT id FROM saga WHERE key = $1`, key).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return "saga/" + id
	}
	id := start("k1")
	b.says(1, "retry "+id, "is RUNNING: it cannot retry")
	b.exec(`UPDATE saga SET state = 'PARKED', resume_state = 'RUNNING', parked_reason = 'no answer', next_at = NULL`)
	b.says(0, "list --kind saga", id, "no answer")
	b.says(0, "show "+id, "PARKED", "pay", "command", "compensate, retry, skip")
	b.says(1, "skip "+id, "as if the step were done")
	b.says(0, "skip --yes "+id, "asked the running service")
	b.says(1, "compensate --yes "+id, "skip by alice was asked for already")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	timers := make(chan error)
	go func() { timers <- o.RunTimers(ctx) }()
	b.becomes(id, saga.Completed)
	b.says(0, "show "+id, "skip by alice")
	b.says(1, "retry "+id, "is COMPLETED")
	other := start("k2")
	b.says(0, "compensate --yes --by bob "+other)
	b.becomes(other, saga.Compensated)
	b.says(0, "show "+other, "force-compensate by bob", "turned back by hand")
	cancel()
	if err := <-timers; err != nil {
		t.Error(err)
	}
	b.count(2, `SELECT count(*) FROM stuck_log`)
}

// becomes waits for a saga to get into a state.
func (b *bench) becomes(id string, want saga.State) {
	b.t.Helper()
	for {
		d, err := saga.Find(b.t.Context(), b.pool, strings.TrimPrefix(id, "saga/"))
		if err != nil {
			b.t.Fatal(err)
		}
		if d.State == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
