package projection

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/kafka"
	"github.com/msgen-dev/msgen/templates/platform/pgtest"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
	"github.com/msgen-dev/msgen/templates/platform/service"
)

// bench is a service with a view, totals by key, on real components.
type bench struct {
	t      testing.TB
	kafka  kafka.Config
	pool   *pgxpool.Pool
	url    string
	group  string
	topics []string
	client *kgo.Client

	mu   sync.Mutex
	want map[string]int // what each key's events add up to
	sent int
}

var table = fstest.MapFS{"1_totals.sql": {Data: []byte(
	"-- +goose Up\nCREATE TABLE totals (key text PRIMARY KEY, total int NOT NULL, events int NOT NULL, tags jsonb NOT NULL, update_time timestamptz NOT NULL DEFAULT now());\n")}}

const typ = "test.Added"

func newBench(t testing.TB) *bench {
	t.Helper()
	brokers := os.Getenv("MSGEN_TEST_KAFKA")
	if brokers == "" {
		if os.Getenv("MSGEN_TEST_REQUIRE") == "1" {
			t.Fatal("MSGEN_TEST_KAFKA is not set, and MSGEN_TEST_REQUIRE=1 forbids to skip")
		}
		t.Skip("MSGEN_TEST_KAFKA is not set: needs a Kafka broker")
	}
	migrations, err := fs.Sub(inbox.Migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, kafka: kafka.Config{Brokers: strings.Split(brokers, ","), Partitions: 3, Replication: 1, Prefix: "t" + uuid.NewString() + "."}, group: "svc", topics: []string{"a", "b"}, want: map[string]int{}}
	b.kafka.Keep = []string{"a"}
	b.pool, b.url = pgtest.NewURL(t, pgtest.Set{Name: "inbox", FS: migrations}, pgtest.Set{Name: "totals", FS: table})
	if err := kafka.EnsureTopics(t.Context(), b.kafka, b.topics...); err != nil {
		t.Fatal(err)
	}
	if b.client, err = kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin := kadm.NewClient(b.client)
		_, _ = admin.DeleteGroups(context.Background(), b.kafka.Prefix+b.group)
		_, _ = admin.DeleteTopics(context.Background(), b.kafka.Prefix+"a", b.kafka.Prefix+"b")
		b.client.Close()
	})
	return b
}

// view folds times as much as an event says.
func (b *bench) view(times int, wrong func(key string) bool) View {
	fold := func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		if wrong != nil && wrong(msg.Key) {
			return inbox.Permanent(errors.New("a bug"))
		}
		if err := Lock(ctx, tx, "totals", msg.Key); err != nil {
			return err
		}
		var n, total, events int
		_, _ = fmt.Sscan(string(msg.Data), &n)
		err := tx.QueryRow(ctx, "SELECT total, events FROM totals WHERE key = $1", msg.Key).Scan(&total, &events)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO totals VALUES ($1, $2, $3, jsonb_build_array($4::int)) ON CONFLICT (key) DO UPDATE SET
			total = excluded.total, events = excluded.events, tags = excluded.tags, update_time = now()`, msg.Key, total+times*n, events+1, times)
		return err
	}
	return View{Name: "Totals", Table: "totals", Key: "key", Topics: b.topics, Types: []string{typ}, Handle: func(in *inbox.Inbox) { in.Handle(typ, 1, fold) }}
}

// serve consumes as the service does until the returned function is called.
func (b *bench) serve(v View) (stop func()) {
	b.t.Helper()
	in := inbox.New(b.pool, b.group, inbox.Options{Logger: slog.New(slog.DiscardHandler)})
	v.Handle(in)
	c, err := kafka.NewConsumer(b.kafka, b.group, b.topics, in.Process, kafka.ConsumerOptions{})
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				b.t.Error(err)
			}
		})
	}
	b.t.Cleanup(stop)
	return stop
}

// send publishes n for a key, now and then twice.
func (b *bench) send(topic, key string, n int) {
	r := record(b.kafka.Prefix+topic, uuid.NewString(), typ, key, fmt.Append(nil, n))
	again := *r
	b.mu.Lock()
	b.want[key] += n
	b.sent++
	twice := b.sent%7 == 0
	b.mu.Unlock()
	if err := b.client.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		b.t.Error(err)
	}
	if twice {
		if err := b.client.ProduceSync(context.Background(), &again).FirstErr(); err != nil {
			b.t.Error(err)
		}
	}
}

func record(topic, id, typ, key string, data []byte) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: []byte(key), Value: data, Headers: []kgo.RecordHeader{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(id)}, {Key: "ce_source", Value: []byte("/t")},
		{Key: "ce_type", Value: []byte(typ)}, {Key: "ce_time", Value: []byte(time.Now().UTC().Format(time.RFC3339Nano))},
	}}
}

// settled waits until every row has times what was sent for its key.
func (b *bench) settled(times int) {
	b.t.Helper()
	b.until(func() string { return b.wrong(times) })
}

// until waits until nothing is wrong any more.
func (b *bench) until(wrong func() string) {
	b.t.Helper()
	last := ""
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if last = wrong(); last == "" {
			return
		}
	}
	b.t.Fatal(last)
}

// committed waits until the service has told the broker of all that it has folded, which is a moment later: it is up to there that a rebuild folds first.
func (b *bench) committed() {
	b.t.Helper()
	b.until(func() string {
		groups, err := kadm.NewClient(b.client).Lag(context.Background(), b.kafka.Prefix+b.group)
		if err != nil {
			b.t.Fatal(err)
		}
		if lag := groups[b.kafka.Prefix+b.group].Lag.Total(); lag != 0 {
			return fmt.Sprintf("%d messages are not committed", lag)
		}
		return ""
	})
}

func (b *bench) wrong(times int) string {
	b.t.Helper()
	rows, err := b.pool.Query(context.Background(), "SELECT key, total FROM totals")
	if err != nil {
		b.t.Fatal(err)
	}
	got := map[string]int{}
	var key string
	var total int
	if _, err := pgx.ForEachRow(rows, []any{&key, &total}, func() error { got[key] = total; return nil }); err != nil {
		b.t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, n := range b.want {
		if got[key] != times*n {
			return fmt.Sprintf("%s has %d, want %d", key, got[key], times*n)
		}
	}
	if len(got) != len(b.want) {
		return fmt.Sprintf("%d rows, want %d", len(got), len(b.want))
	}
	return ""
}

func (b *bench) rebuild(v View, change func(*Options)) (Outcome, error) {
	opts := Options{Postgres: postgres.Config{URL: b.url}, Kafka: b.kafka, Group: b.group, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&opts)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	return Rebuild(ctx, func(*pgxpool.Pool) (View, error) { return v, nil }, opts)
}

// A service is deployed with another fold, and its view is made anew while events go on to come and readers to read. Afterwards each event is in the
// view once, folded the new way, and readers never missed a row.
func TestRebuildUnderLoad(t *testing.T) {
	b := newBench(t)
	stop := b.serve(b.view(1, nil))
	for i := range 300 {
		b.send(b.topics[i%2], fmt.Sprint("k", i%20), i)
	}
	b.settled(1)
	stop()
	b.serve(b.view(2, nil))

	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var left atomic.Int64 // that may still come during this rebuild: a slow machine never catches up with what does not end
	for w := range 3 {
		load.Go(func() {
			for i := 0; ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
				if left.Add(-1) >= 0 {
					b.send(b.topics[i%2], fmt.Sprint("k", (i*7+w)%25), i%5)
					i++
				}
			}
		})
	}
	load.Go(func() {
		for ctx.Err() == nil {
			var n int
			if err := b.pool.QueryRow(context.Background(), "SELECT count(*) FROM totals").Scan(&n); err != nil || n < 20 {
				t.Errorf("a reader sees %d rows, %v", n, err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	for range 4 {
		left.Store(2000)
		o, err := b.rebuild(b.view(2, nil), nil)
		if err != nil {
			t.Error(err)
		}
		t.Logf("%+v", o)
	}
	cancel()
	load.Wait()
	b.settled(2)
	if o, err := b.rebuild(b.view(2, nil), func(o *Options) { o.Check = true }); err != nil || o.Differs() || o.Same != len(b.want) {
		t.Errorf("after all of it: %+v, %v", o, err)
	}
}

// Check tells what differs and changes nothing; rebuilding mends it.
func TestRebuildMends(t *testing.T) {
	b := newBench(t)
	b.serve(b.view(1, nil))
	for i := range 30 {
		b.send("a", fmt.Sprint("k", i%10), 1)
	}
	b.settled(1)
	for _, sql := range []string{
		"UPDATE totals SET total = 99 WHERE key = 'k1'", "DELETE FROM totals WHERE key = 'k2'", "INSERT INTO totals VALUES ('k11', 1, 1, '[]')",
		"UPDATE totals SET update_time = now() - interval '1 day'",
	} {
		if _, err := b.pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, check := range []bool{true, true, false} {
		o, err := b.rebuild(b.view(1, nil), func(o *Options) { o.Check = check })
		if err != nil {
			t.Fatal(err)
		}
		if o.Added != 1 || o.Changed != 1 || o.Removed != 1 || o.Same != 8 || o.Folded < 30 ||
			strings.Join(o.Keys, ",") != "k1 differs,k11 has no events,k2 is missing" {
			t.Errorf("%+v", o)
		}
		if check && b.wrong(1) == "" {
			t.Fatal("a check has mended the view")
		}
	}
	b.settled(1)
	var untouched int
	if err := b.pool.QueryRow(t.Context(), "SELECT count(*) FROM totals WHERE update_time < now() - interval '1 hour'").Scan(&untouched); err != nil || untouched != 8 {
		t.Errorf("%d rows are as they were, %v, want 8", untouched, err)
	}
}

// What the service has not consumed is left to it.
func TestRebuildStaysBehindTheService(t *testing.T) {
	b := newBench(t)
	stop := b.serve(b.view(1, nil))
	for i := range 20 {
		b.send("a", fmt.Sprint("k", i%5), 1)
	}
	b.settled(1)
	stop()
	for i := range 20 {
		b.send("a", fmt.Sprint("k", i%5), 1)
	}
	if o, err := b.rebuild(b.view(1, nil), nil); err != nil || o.Differs() {
		t.Errorf("%+v, %v", o, err)
	}
	b.serve(b.view(1, nil))
	b.settled(1)
}

// Whatever goes wrong, the view stays as it was.
func TestRebuildFails(t *testing.T) {
	b := newBench(t)
	b.serve(b.view(1, nil))
	for i := range 30 {
		b.send("a", fmt.Sprint("k", i%10), 1)
	}
	b.settled(1)
	b.committed()
	refused := func(what string, v View, change func(*Options), want string) {
		t.Helper()
		if _, err := b.rebuild(v, change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
		if wrong := b.wrong(1); wrong != "" {
			t.Errorf("%s: %s", what, wrong)
		}
	}
	refused("a fold that fails", b.view(5, func(key string) bool { return key == "k3" }), nil, "3 events could not be folded")
	refused("nothing verifies", b.view(5, nil), func(o *Options) { o.Verifier = stranger{} }, "--unverified skip")
	refused("no such table", View{Table: "nothing"}, nil, "find table nothing")

	var killed atomic.Bool
	v := b.view(5, func(string) bool {
		if !killed.Swap(true) { // the session that has the temporary tables ends in the middle
			_, err := b.pool.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND objid = (hashtextextended('rebuild/totals', 0) & 4294967295)::bigint::oid`)
			if err != nil {
				t.Error(err)
			}
		}
		return false
	})
	refused("the connection is lost", v, nil, "the connection to the database was lost")

	if o, err := b.rebuild(b.view(1, nil), func(o *Options) { o.Verifier, o.Unverified = stranger{}, "take" }); err != nil || o.Differs() {
		t.Errorf("messages that are taken unverified: %+v, %v", o, err)
	}
	if o, err := b.rebuild(b.view(1, nil), func(o *Options) { o.Verifier, o.Unverified, o.Check = stranger{}, "skip", true }); err != nil || o.Removed != 10 {
		t.Errorf("messages that are skipped unverified: %+v, %v", o, err)
	}

	// The beginning of the log is gone.
	ends, err := kadm.NewClient(b.client).ListEndOffsets(t.Context(), b.kafka.Prefix+"a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(b.client).DeleteRecords(t.Context(), ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	refused("a log without its beginning", b.view(1, nil), nil, "are gone from the broker")
}

type stranger struct{}

func (stranger) Verify(event.Message) error { return errors.New("signed by nobody") }
func (stranger) Reason(error) string        { return "unknown_key" }
func (stranger) Reasons() []string          { return []string{"unknown_key"} }

// Topics that views are made from keep what they have.
func TestTopicsAreKept(t *testing.T) {
	b := newBench(t)
	b.kafka.Keep = b.topics // b was made without
	if err := kafka.EnsureTopics(t.Context(), b.kafka, b.topics...); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}
	for _, topic := range b.topics {
		// The broker hears of an altered topic a moment after the controller has said yes.
		b.until(func() string {
			if got := b.settings(topic, want); !maps.Equal(got, want) {
				return fmt.Sprintf("topic %s has %v, want %v", topic, got, want)
			}
			return ""
		})
	}
}

// settings are what topic has of keys' keys, as the broker knows it.
func (b *bench) settings(topic string, keys map[string]string) map[string]string {
	b.t.Helper()
	described, err := kadm.NewClient(b.client).DescribeTopicConfigs(b.t.Context(), b.kafka.Prefix+topic)
	if err != nil {
		b.t.Fatal(err)
	}
	found := map[string]string{}
	for _, t := range described {
		if t.Err != nil {
			b.t.Fatal(t.Err)
		}
		for _, c := range t.Configs {
			if _, asked := keys[c.Key]; asked {
				found[c.Key] = c.MaybeValue()
			}
		}
	}
	return found
}

func TestCommandLine(t *testing.T) {
	for line, want := range map[string]string{
		"svc rebuild":                      "which view?",
		"svc rebuild A B":                  "one view at a time",
		"svc rebuild A --unverified maybe": `not "maybe"`,
		"svc rebuild A --chekc":            "not defined",
	} {
		var out, errs bytes.Buffer
		if code, asked := Command(strings.Fields(line), &out, &errs, Service{}); code != service.ExitUsage || !asked || !strings.Contains(errs.String(), want) || !strings.Contains(errs.String(), "usage:") {
			t.Errorf("%s: %d %v %s", line, code, asked, errs.String())
		}
	}
	if _, asked := Command([]string{"svc", "serve"}, nil, nil, Service{}); asked {
		t.Error("it answers for what it is not asked")
	}
	var out bytes.Buffer
	if code, _ := Command([]string{"svc", "rebuild", "-h"}, &out, nil, Service{}); code != service.ExitDone || !strings.HasPrefix(out.String(), "usage: rebuild") {
		t.Errorf("%d %s", code, out.String())
	}
}
