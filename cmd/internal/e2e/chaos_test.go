package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

var (
	chaosKills = flag.Int("kills", 0, "how many processes TestChaos kills; 0 skips it")
	chaosSeed  = flag.Uint64("chaos-seed", 1, "where its random faults begin")
	mutants    = flag.Bool("mutants", false, "also run it on systems that are wrong on purpose")
)

// chaos does harm to a running shop and remembers it.
type chaos struct {
	t       *testing.T
	shop    *e2e.System
	rand    *rand.Rand
	kafka   *kgo.Client
	stack   string
	kills   int            // how many processes are to be killed
	done    map[string]int // by fault
	poison  int
	history []string

	rebuilding sync.WaitGroup
	rebuilt    atomic.Int64
}

// TestChaos lets orders flow while processes are killed and frozen, databases hang up, crash and are cut off, the broker, Redis and the issuer of
// tokens go away, and messages come twice, out of order and broken. Then the ledger must balance: nothing lost, nothing done twice, every saga
// ended, every outbox empty, each order's events in order.
func TestChaos(t *testing.T) {
	if *chaosKills == 0 {
		t.Skip("it pauses the broker and crashes the database server that other tests use: make chaos runs it")
	}
	stack := stackPath(t)
	shop := chaosShop(t, func(string) {})
	c, orders := harm(t, shop, stack, *chaosKills, 2*time.Minute)
	for _, wrong := range append(ledger(t, shop, orders), c.inTheBroker()...) {
		t.Error(wrong)
	}
	// The view is what all of its events say, however they came.
	out, err := shop.Process("history").Command(t.Context(), "rebuild", "OrderHistory", "--check")
	if err != nil {
		t.Error(err)
	}
	t.Logf("the history was made anew %d times; at the end: %s", c.rebuilt.Load(), out)
	if t.Failed() {
		t.Logf("seed %d; what was done:\n%s", *chaosSeed, strings.Join(c.history, "\n"))
	}
	if orders < *chaosKills {
		t.Errorf("only %d orders were placed: the ledger shows little", orders)
	}
}

// TestChaosMutants runs the same on systems with a fault in them, each of which the ledger must find.
func TestChaosMutants(t *testing.T) {
	if !*mutants {
		t.Skip("it takes minutes, pauses the broker and crashes the database server: make chaos runs it")
	}
	stack := stackPath(t)
	for _, m := range []struct{ name, file, from, to string }{
		{
			"acknowledge before the commit", "platform/kafka/worker.go",
			"		if !w.process(batch) {", "		_ = w.c.cl.CommitRecords(w.ctx, batch...)\n		if !w.process(batch) {",
		},
		{
			"delete before the acknowledgement", "platform/outbox/term.go",
			"		ctx, msg, end := startSpan", "		t.change(func(c *changes) { c.deleted = append(c.deleted, r.id) })\n		ctx, msg, end := startSpan",
		},
		{"skip the inbox", "platform/inbox/process.go", "!fresh[msg.ID]", "false && !fresh[msg.ID]"},
	} {
		t.Run(m.name, func(t *testing.T) {
			shop := chaosShop(t, func(dir string) {
				file := filepath.Join(dir, filepath.FromSlash(m.file))
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(text), m.from) {
					t.Fatalf("%s has no %q: this test needs to be brought up to date", m.file, m.from)
				}
				if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), m.from, m.to)), 0o600); err != nil {
					t.Fatal(err)
				}
			})
			c, orders := harm(t, shop, stack, 40, 20*time.Second)
			wrong := append(ledger(t, shop, orders), c.inTheBroker()...)
			if len(wrong) == 0 {
				t.Errorf("%d orders, and the ledger balances", orders)
			}
			t.Logf("found: %s", strings.Join(wrong, "; "))
		})
	}
}

// chaosShop runs the shop as startShop does, edited, with two processes of each service that has messages, links to its databases and, for one
// of the two, to the broker, which soon gives up on those who are silent.
func chaosShop(t *testing.T, edit func(dir string)) *e2e.System {
	t.Helper()
	components(t)
	edits, err := filepath.Abs("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "shop", "--example", "shop")
	overlay(t, edits, dir)
	edit(dir)
	shop := build(t, dir, "shop", shopServices)
	shop.KeepUp()
	shop.LinkDatabases()
	if err := shop.LinkBroker(); err != nil {
		t.Fatal(err)
	}
	if err := shop.Start(t.Context(), "KAFKA_SESSION_TIMEOUT=3s", "TRACE_SAMPLING=0.1"); err != nil {
		t.Fatal(err)
	}
	if err := shop.Replicate(t.Context(), "orders", "inventory", "payments", "notifications", "history"); err != nil {
		t.Fatal(err)
	}
	uniteShards(t, shop)
	return shop
}

// harm places orders until as many processes were killed, waits until all is at rest, for at most patience without progress, and returns how many
// orders were answered.
func harm(t *testing.T, shop *e2e.System, stack string, kills int, patience time.Duration) (*chaos, int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(shop.Broker()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c := &chaos{t: t, shop: shop, rand: rand.New(rand.NewPCG(*chaosSeed, 0)), kafka: client, stack: stack, kills: kills, done: map[string]int{}}
	write := token(t, shop, "orders.write")

	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var placing sync.WaitGroup
	ids := map[string]bool{}
	var busy atomic.Bool
	placing.Go(func() { c.watchLoad(ctx, &busy) })
	for worker := range 3 {
		placing.Go(func() {
			for i := 0; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
				if busy.Load() {
					continue
				}
				i++
				sku := "tea"
				if i%10 == worker {
					sku = "sold-out"
				}
				// An order that was begun is answered before the end, so that none has an unknown outcome.
				body := order(sku, 1)
				body["customerId"] = uuid.NewString() // its shard
				id, err := place(t.Context(), shop, write, fmt.Sprintf("chaos-%d-%d", worker, i), body)
				if err != nil {
					t.Errorf("order %d of %d: %v", i, worker, err)
					return
				}
				mu.Lock()
				ids[id] = true
				mu.Unlock()
			}
		})
	}
	for _, f := range c.faults() { // each at least once
		c.do(f)
	}
	for c.done["kill"] < kills && !t.Failed() {
		c.once()
	}
	stop()
	placing.Wait()
	c.rebuilding.Wait()
	for _, name := range shop.Names() {
		if err := shop.Process(name).WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	c.endings()
	t.Logf("done: %v", c.done)
	c.rest(patience)
	return c, len(ids)
}

// watchLoad says whether so many orders are undecided that more would show nothing but how slow the machine is.
func (c *chaos) watchLoad(ctx context.Context, busy *atomic.Bool) {
	const undecided = 200
	for ; ctx.Err() == nil; time.Sleep(250 * time.Millisecond) {
		conn, err := c.shop.DB(ctx, "orders")
		if err != nil {
			continue // it is among what is harmed
		}
		var n int
		if err := conn.QueryRow(ctx, "SELECT count(*) FROM saga WHERE state NOT IN ('COMPLETED', 'COMPENSATED')").Scan(&n); err == nil {
			busy.Store(n > undecided)
		}
		_ = conn.Close(context.WithoutCancel(ctx))
	}
}

// endings fails the test for processes that ended by themselves, unless they could not begin: without its database or its broker a service gives
// up after a while, and leaves it to the orchestrator to try again.
func (c *chaos) endings() {
	c.t.Helper()
	for _, name := range c.shop.Names() {
		for _, last := range c.shop.Process(name).Ended() {
			c.done["gave up at its start"]++
			if !strings.Contains(last, `"error":"set up: `) {
				c.t.Errorf("%s ended by itself: %s", name, last)
			}
		}
	}
}

// stackPath is the script of the test stack; it is asked for before a test changes its working directory.
func stackPath(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../../testdata/stack/stack")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// rest waits until the ledger's numbers stay as they are: the work of a system that lost something never ends, so this is no failure.
func (c *chaos) rest(patience time.Duration) {
	c.t.Helper()
	state := func() string {
		var s []string
		for service, query := range map[string]string{
			"orders":        "SELECT count(*) FILTER (WHERE state = 'pending') + (SELECT count(*) FROM outbox) * 100000 + (SELECT count(*) FROM saga WHERE state NOT IN ('COMPLETED', 'COMPENSATED')) * 1000 FROM orders",
			"inventory":     "SELECT count(*) FROM outbox",
			"payments":      "SELECT count(*) FILTER (WHERE state = 'authorized') + (SELECT count(*) FROM outbox) * 100000 FROM payments",
			"notifications": "SELECT count(*) FROM deliveries",
			"history":       "SELECT count(*) FILTER (WHERE status IN ('confirmed', 'rejected')) + 100000 * count(captured_units) FROM order_histories",
		} {
			s = append(s, fmt.Sprint(service, "=", count(c.t, c.shop, service, query)))
		}
		slices.Sort(s)
		return strings.Join(s, " ")
	}
	orders := func() int { return count(c.t, c.shop, "orders", "SELECT count(*) FROM orders") }
	last, since := "", time.Now()
	for time.Since(since) < patience {
		now := state()
		if now != last {
			last, since = now, time.Now()
		}
		if strings.Contains(now, "inventory=0") && strings.Contains(now, "orders=0 payments=0") && time.Since(since) > 3*time.Second &&
			strings.Contains(now, fmt.Sprintf("notifications=%d ", orders())) {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	c.t.Logf("not at rest: %s", last)
}

// read returns up to the last n records of each partition of the system's topics; below 0, all.
func (c *chaos) read(n int64) ([]*kgo.Record, error) {
	topics, err := c.topics()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	admin := kadm.NewClient(c.kafka)
	ends, err := admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, err
	}
	from, left := map[string]map[int32]kgo.Offset{}, map[string]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		first := max(0, o.Offset-n)
		if n < 0 {
			first = 0
		}
		if o.Offset > first {
			if from[o.Topic] == nil {
				from[o.Topic] = map[int32]kgo.Offset{}
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().At(first)
			left[fmt.Sprint(o.Topic, o.Partition)] = o.Offset
		}
	})
	if len(from) == 0 {
		return nil, nil
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(c.shop.Broker()), kgo.ConsumePartitions(from))
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	var records []*kgo.Record
	for len(left) > 0 {
		fetches := reader.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records = append(records, r)
			if key := fmt.Sprint(r.Topic, r.Partition); r.Offset+1 >= left[key] {
				delete(left, key)
			}
		})
	}
	return records, nil
}

// inTheBroker compares the messages in the broker with the databases: events of orders that do not exist, an order's events out of order, and
// dead letters that nobody made.
func (c *chaos) inTheBroker() (wrong []string) {
	c.t.Helper()
	records, err := c.read(-1)
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := c.shop.DB(c.t.Context(), "orders")
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	known := map[string]bool{}
	rows, err := conn.Query(c.t.Context(), "SELECT id::text FROM orders")
	if err != nil {
		c.t.Fatal(err)
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			c.t.Fatal(err)
		}
		known[id] = true
	}
	placed, seen, raw := map[string]bool{}, map[string]bool{}, 0
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return int(a.Offset - b.Offset) })
	for _, r := range records {
		kind, id := header(r, "ce_type"), header(r, "ce_id")
		if !strings.Contains(kind, ".Order") {
			continue
		}
		key := string(r.Key)
		if !known[key] {
			wrong = append(wrong, "an event of an order that does not exist: "+kind+" "+key)
		}
		if seen[id] {
			raw++
			continue
		}
		seen[id] = true
		switch {
		case strings.Contains(kind, "OrderPlaced"):
			placed[key] = true
		case !placed[key]:
			wrong = append(wrong, kind+" before OrderPlaced of "+key)
		}
	}
	if len(placed) < len(known) {
		wrong = append(wrong, fmt.Sprintf("OrderPlaced of %d orders, want %d", len(placed), len(known)))
	}
	c.t.Logf("the broker holds %d events of orders, and %d of them again", len(seen), raw)
	for _, service := range []string{"orders", "inventory", "payments", "notifications", "history"} {
		// What is sent again more than five minutes after it was signed is late, whoever sends it.
		if n := count(c.t, c.shop, service, "SELECT count(*) FROM dead_letters WHERE substring(data for 2) <> '\\xff00' AND quarantined <> 'late'"); n > 0 {
			wrong = append(wrong, fmt.Sprintf("dead letters of %s: %d", service, n))
		}
		if n := count(c.t, c.shop, service, "SELECT count(*) FROM dead_letters"); n < c.poison {
			wrong = append(wrong, fmt.Sprintf("broken messages that %s kept: %d, want %d at least", service, n, c.poison))
		}
	}
	return wrong
}

func header(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}
