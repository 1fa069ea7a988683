package saga

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

const (
	ledgerSagas    = 200
	ledgerAccounts = 8
	ledgerOpening  = 1000 // of each account
)

// TestLedger moves money between accounts by sagas: reserve a limit, debit one account → approve (pivot) → credit the other. Its
// broker duplicates, redelivers, loses and reorders between keys; its participants fail, refuse and dawdle; its consumers and
// orchestrators die and are replaced all the time. In the end every saga has ended, and no money was made or lost.
func TestLedger(t *testing.T) {
	pool := database(t)
	exec(t, pool, `CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0))`)
	exec(t, pool, `INSERT INTO account SELECT i, $2 FROM generate_series(0, $1 - 1) AS i`, ledgerAccounts, ledgerOpening)
	l := &ledger{t: t, pool: pool, broker: newBroker(), chaos: true}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { l.relay(ctx) })
	for p := range partitions {
		wg.Go(func() { l.restarted(ctx, func(ctx context.Context) { l.consume(ctx, "replies", p) }) })
		wg.Go(func() { l.restarted(ctx, func(ctx context.Context) { l.consume(ctx, "commands", p) }) })
	}
	for range 2 {
		wg.Go(func() { l.restarted(ctx, func(ctx context.Context) { _ = l.orchestrator().RunTimers(ctx) }) })
	}
	o := l.orchestrator()
	for i := range ledgerSagas {
		err := postgres.InTx(t.Context(), pool, func(tx pgx.Tx) error {
			return o.Start(t.Context(), tx, "transfer", fmt.Sprint(i), wrapperspb.Int64(rand.Int64()))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for len(query(t, pool, `SELECT key FROM saga WHERE state IN ('RUNNING', 'COMPENSATING') LIMIT 1`)) > 0 {
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	wg.Wait()
	l.settle() // what the broker still holds comes late, and must change nothing that counts
	l.check()
}

type ledger struct {
	t        testing.TB
	pool     *pgxpool.Pool
	broker   *broker
	chaos    bool
	failures atomic.Int64
	deaths   atomic.Int64
}

func (l *ledger) orchestrator() *Orchestrator {
	build := func(step string) func(context.Context, *Run) (proto.Message, error) {
		return func(_ context.Context, run *Run) (proto.Message, error) {
			if l.unlucky(20) {
				return nil, errors.New("build fails")
			}
			var seed wrapperspb.Int64Value
			return &seed, run.Data(&seed)
		}
	}
	command := func(typ string) Command { return Command{Topic: "commands", Type: typ, Build: build(typ)} }
	release, credit := command("release"), command("debit.undo")
	o, err := New(l.pool, "/ledger", Options{
		Logger: quiet, Poll: 5 * time.Millisecond, StepTimeout: 60 * time.Millisecond, MaxResends: 200,
		BackoffMin: time.Millisecond, BackoffMax: 50 * time.Millisecond,
	}, Definition{
		Name: "transfer", Version: 1, Timeout: 3 * time.Second, ReplyTopic: "replies",
		Steps: []Step{
			{Name: "limit", Invoke: command("limit"), Compensate: &release},
			{Name: "debit", Invoke: command("debit"), Compensate: &credit},
			{Name: "approve", Kind: Pivot, Invoke: command("approve")},
			{Name: "credit", Kind: Retriable, Invoke: command("credit")},
		},
	})
	if err != nil {
		l.t.Error(err)
	}
	return o
}

// unlucky is true once in n times.
func (l *ledger) unlucky(n int) bool {
	if l.chaos && rand.IntN(n) == 0 {
		l.failures.Add(1)
		return true
	}
	return false
}

// participate does what a command says. Whom it takes from and gives to is drawn from the saga's data.
func (l *ledger) participate(ctx context.Context, tx pgx.Tx, msg event.Message) (proto.Message, error) {
	var seed wrapperspb.Int64Value
	if err := proto.Unmarshal(msg.Data, &seed); err != nil {
		return nil, err
	}
	draw := rand.New(rand.NewPCG(uint64(seed.Value), 0))
	from, to, amount := draw.IntN(ledgerAccounts), draw.IntN(ledgerAccounts), 1+draw.IntN(200)
	if _, err := tx.Exec(ctx, `INSERT INTO effect (key, what) VALUES ($1, $2)`, msg.Key, msg.Type); err != nil {
		return nil, err
	}
	switch msg.Type {
	case "debit":
		tag, err := tx.Exec(ctx, `UPDATE account SET balance = balance - $2 WHERE id = $1 AND balance >= $2`, from, amount)
		if err != nil {
			return nil, err
		}
		if tag.RowsAffected() == 0 {
			return nil, status.Error(codes.FailedPrecondition, "no cover")
		}
	case "debit.undo":
		if _, err := tx.Exec(ctx, `UPDATE account SET balance = balance + $2 WHERE id = $1`, from, amount); err != nil {
			return nil, err
		}
	case "credit":
		if _, err := tx.Exec(ctx, `UPDATE account SET balance = balance + $2 WHERE id = $1`, to, amount); err != nil {
			return nil, err
		}
	}
	switch {
	case l.unlucky(12):
		return nil, errTechnical
	case l.unlucky(60):
		panic("participant panics")
	case (msg.Type == "limit" || msg.Type == "approve") && l.unlucky(10):
		return nil, status.Error(codes.PermissionDenied, "no")
	}
	return nil, nil
}

// restarted runs f again and again, for a random short while each time, as a process that is killed and replaced.
func (l *ledger) restarted(ctx context.Context, f func(context.Context)) {
	for ctx.Err() == nil {
		life, kill := context.WithTimeout(ctx, 20*time.Millisecond+rand.N(300*time.Millisecond))
		f(life)
		kill()
		l.deaths.Add(1)
	}
}

func (l *ledger) relay(ctx context.Context) {
	for ctx.Err() == nil {
		msgs, err := drain(ctx, l.pool)
		if err != nil && ctx.Err() == nil {
			l.t.Error(err)
		}
		l.broker.publish(msgs)
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (l *ledger) inbox(topic string) *inbox.Inbox {
	in := inbox.New(l.pool, topic, inbox.Options{Logger: quiet, BackoffMin: time.Millisecond, BackoffMax: 20 * time.Millisecond})
	if topic == "replies" {
		in.Handle(ReplyType, 100, l.orchestrator().HandleReply)
		return in
	}
	for _, typ := range []string{"limit", "release", "debit", "debit.undo", "approve", "credit"} {
		in.Handle(typ, 3, Participate("/ledger", l.participate))
	}
	return in
}

func (l *ledger) consume(ctx context.Context, topic string, partition int) {
	in := l.inbox(topic)
	for ctx.Err() == nil {
		batch := l.broker.fetch(topic, partition)
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
			continue
		}
		if l.unlucky(30) {
			time.Sleep(rand.N(150 * time.Millisecond)) // long enough for steps to time out
		}
		if l.unlucky(15) {
			l.broker.ack(topic, partition, len(batch)) // lost
			continue
		}
		if in.Process(ctx, batch) == nil && !l.unlucky(6) { // else the same batch is delivered again
			l.broker.ack(topic, partition, len(batch))
		}
	}
}

// settle delivers what is left, in peace.
func (l *ledger) settle() {
	l.t.Helper()
	l.chaos = false
	for quietRounds := 0; quietRounds < 2; quietRounds++ {
		msgs, err := drain(l.t.Context(), l.pool)
		if err != nil {
			l.t.Fatal(err)
		}
		l.broker.publish(msgs)
		for _, topic := range []string{"commands", "replies"} {
			in := l.inbox(topic)
			for p := range partitions {
				for batch := l.broker.fetch(topic, p); len(batch) > 0; batch = l.broker.fetch(topic, p) {
					quietRounds = 0
					if err := in.Process(l.t.Context(), batch); err != nil {
						l.t.Fatal(err)
					}
					l.broker.ack(topic, p, len(batch))
				}
			}
		}
	}
}

func (l *ledger) check() {
	l.t.Helper()
	equal(l.t, "sum of the accounts", query(l.t, l.pool, `SELECT sum(balance)::text FROM account`), fmt.Sprint(ledgerAccounts*ledgerOpening))
	equal(l.t, "sagas parked", query(l.t, l.pool, `SELECT key || ': ' || parked_reason FROM saga WHERE state = 'PARKED'`))
	equal(l.t, "applied twice", query(l.t, l.pool, `SELECT key || ' ' || what FROM effect GROUP BY key, what HAVING count(*) > 1`))
	equal(l.t, "completed, but not by every step and none undone", query(l.t, l.pool, `
		SELECT key FROM saga WHERE state = 'COMPLETED' AND coalesce((SELECT string_agg(what, ' ' ORDER BY id) FROM effect
			WHERE effect.key = saga.key), '') <> 'limit debit approve credit'`))
	equal(l.t, "compensated, but not wholly undone", query(l.t, l.pool, `
		SELECT key FROM saga WHERE state = 'COMPENSATED' AND coalesce((SELECT string_agg(what, ' ' ORDER BY id) FROM effect
			WHERE effect.key = saga.key), '') NOT IN ('', 'limit release', 'debit debit.undo', 'limit debit debit.undo release')`))
	var parts []any
	for _, sql := range []string{
		`SELECT count(*)::text FROM saga WHERE state = 'COMPLETED'`, `SELECT count(*)::text FROM saga WHERE state = 'COMPENSATED'`,
		`SELECT count(*)::text FROM saga_step_log WHERE event = 'timeout'`,
		`SELECT count(*)::text FROM saga_step_log WHERE event IN ('late', 'duplicate')`,
		`SELECT count(*)::text FROM dead_letters`,
	} {
		n := query(l.t, l.pool, sql)[0]
		if n == "0" && len(parts) < 4 {
			l.t.Errorf("nothing to see: 0 from %s", sql) // the faults must have happened, or the test proves nothing
		}
		parts = append(parts, n)
	}
	l.t.Logf("completed %s, compensated %s, timeouts %s, late or duplicate replies %s, dead letters %s", parts...)
	l.t.Logf("faults %d, restarts %d, redeliveries %d", l.failures.Load(), l.deaths.Load(), l.broker.redelivered)
	if l.broker.redelivered == 0 {
		l.t.Error("nothing was redelivered")
	}
}

const partitions = 3

// broker keeps messages in order per partition and delivers a batch again until it is acknowledged.
type broker struct {
	mu          sync.Mutex
	log         map[string][]event.Message // by topic and partition
	delivered   map[string]int             // how many of the first messages were delivered before
	redelivered int
}

func newBroker() *broker {
	return &broker{log: map[string][]event.Message{}, delivered: map[string]int{}}
}

func queueName(topic string, partition int) string { return fmt.Sprintf("%s/%d", topic, partition) }

func (b *broker) publish(msgs []event.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, msg := range msgs {
		h := fnv.New32a()
		_, _ = h.Write([]byte(msg.Key))
		q := queueName(msg.Topic, int(h.Sum32()%partitions))
		b.log[q] = append(b.log[q], msg)
		if rand.IntN(8) == 0 { // a publisher that did not see the acknowledgement
			b.log[q] = append(b.log[q], msg)
		}
	}
}

func (b *broker) fetch(topic string, partition int) []event.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := queueName(topic, partition)
	n := min(len(b.log[q]), 1+rand.IntN(20))
	b.redelivered += min(n, b.delivered[q])
	b.delivered[q] = max(n, b.delivered[q])
	return append([]event.Message(nil), b.log[q][:n]...)
}

func (b *broker) ack(topic string, partition, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	q := queueName(topic, partition)
	b.log[q] = b.log[q][n:]
	b.delivered[q] = max(0, b.delivered[q]-n)
}
