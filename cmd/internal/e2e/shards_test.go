package e2e_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// TestShards adds shards to the orders of the shop while orders flow, and kills the command and the service meanwhile. Then the ledger must
// balance: nothing lost, nothing done twice, every saga ended, every outbox empty, each order's events in order.
func TestShards(t *testing.T) {
	spec := shardedShop(t, 2)
	shop := startShopOf(t, []string{"--spec", spec}, "KAFKA_SESSION_TIMEOUT=2s", "DATABASE_MAX_CONNS=12")
	write, read := token(t, shop, "orders.write"), token(t, shop, "orders.read")

	var mu sync.Mutex
	var ids []string
	var stop atomic.Bool
	var wg sync.WaitGroup
	for worker := range 3 {
		wg.Go(func() {
			for i := 0; !stop.Load(); i++ {
				body := order("tea", 1)
				if i%10 == 0 {
					body = order("sold-out", 1)
				}
				body["customerId"] = uuid.NewString()
				id, err := place(t.Context(), shop, write, fmt.Sprintf("shards-%d-%d", worker, i), body)
				if err != nil {
					t.Errorf("order %d: %v", i, err)
					return
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
				time.Sleep(50 * time.Millisecond) // leaves the machine to the sagas
			}
		})
	}
	var lists atomic.Int64
	wg.Go(func() {
		for !stop.Load() {
			mu.Lock()
			want := append([]string{}, ids...)
			mu.Unlock()
			seen, ok := listed(t, shop, read)
			if !ok {
				continue // the service was killed meanwhile
			}
			lists.Add(1)
			for _, id := range want {
				if seen[id] != 1 {
					t.Errorf("while shards are added, order %s is listed %d times", id, seen[id])
				}
			}
			time.Sleep(100 * time.Millisecond)
		}
	})

	defer func() { // also when the test gives up
		stop.Store(true)
		wg.Wait()
	}()

	const kills = 3
	for kill := range kills {
		before := slotsOf(t, shop, 0)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			_, err := shop.Process("orders").Command(ctx, "shards", "add", "--count", "4")
			ended <- err
		}()
		eventually(t, "slots move", func() string {
			if n := slotsOf(t, shop, 0); n > before-20 {
				return fmt.Sprintf("shard 0 has %d", n)
			}
			return ""
		})
		cancel() // kill -9
		if err := <-ended; err == nil {
			t.Errorf("kill %d came too late", kill)
		}
		if kill == 1 {
			if err := shop.Process("orders").Kill(); err != nil {
				t.Fatal(err)
			}
			if err := shop.Process("orders").Start(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out := command(t, shop, "orders", "shards", "add", "--count", "4"); !strings.Contains(out, "4 shards, ") {
		t.Errorf("the last add: %s", out)
	}
	stop.Store(true)
	wg.Wait()
	for n := range 4 {
		if got := slotsOf(t, shop, n); got != 256 {
			t.Errorf("shard %d has %d slots, want 256", n, got)
		}
	}
	t.Logf("%d orders and %d lists while %d shards became 4", len(ids), lists.Load(), 2)
	if lists.Load() == 0 || len(ids) < 50 {
		t.Error("there was little load: the ledger shows nothing")
	}

	uniteShards(t, shop)
	eventually(t, "every saga ends", func() string {
		if n := count(t, shop, "orders", "SELECT count(*) FROM saga WHERE state NOT IN ('COMPLETED', 'COMPENSATED')"); n > 0 {
			return fmt.Sprintf("%d have not", n)
		}
		return ""
	})
	settle(t, shop)
	kafka, err := kgo.NewClient(kgo.SeedBrokers(shop.Broker()))
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	for _, wrong := range append(ledger(t, shop, len(ids)), (&chaos{t: t, shop: shop, kafka: kafka}).inTheBroker()...) {
		t.Error(wrong)
	}
	if n := count(t, shop, "orders", "SELECT count(*) FROM orders o JOIN shards.slot s ON s.slot = o.shard_slot WHERE s.shard <> o.shard"); n != 0 {
		t.Errorf("%d orders are in another shard than their slots", n)
	}
	for n := range 4 {
		if rows := count(t, shop, "orders", "SELECT count(*) FROM orders WHERE shard = $1", n); rows < len(ids)/8 {
			t.Errorf("shard %d has %d of %d orders", n, rows, len(ids))
		}
	}
	seen, _ := listed(t, shop, read)
	for i, id := range ids {
		if seen[id] != 1 {
			t.Errorf("in the end order %s is listed %d times", id, seen[id])
		}
		if i%20 > 0 { // the gateway lets only so many requests through
			continue
		}
		if got := send(t, shop, http.MethodGet, "/v1/orders/"+id, read, "", nil); got.Status != http.StatusOK {
			t.Errorf("order %s: %v", id, got)
		}
	}

	t.Run("the commands", func(t *testing.T) { shardCommands(t, shop) })
}

// shardCommands tries what the service's commands do with shards.
func shardCommands(t *testing.T, shop *e2e.System) {
	if out := command(t, shop, "orders", "shards", "status"); strings.Count(out, "  256  ") != 4 {
		t.Errorf("status:\n%s", out)
	}
	if out, err := shop.Process("orders").Command(t.Context(), "shards", "add", "--count", "3"); err == nil || !strings.Contains(out, "there are 4 shards already") {
		t.Errorf("fewer shards: %v\n%s", err, out)
	}
	if out := command(t, shop, "orders", "stuck", "list"); !strings.Contains(out, "nothing is stuck") {
		t.Errorf("stuck:\n%s", out)
	}
	eventually(t, "the metrics", func() string { // they are counted now and then
		_, metrics, err := shop.Process("orders").GetOps(t.Context(), "/metrics")
		if err != nil {
			return err.Error()
		}
		for _, want := range []string{`outbox_leader{shard="3"} 1`, `shard_slots{shard="3"} 256`, `shard_rows{shard="3",table="orders"}`} {
			if !strings.Contains(string(metrics), want) {
				return "there is no " + want
			}
		}
		return ""
	})
}

// shardedShop is the spec of the shop with orders in another number of shards.
func shardedShop(t *testing.T, shards int) string {
	t.Helper()
	text, err := os.ReadFile("../../../templates/examples/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const shard = "shard: {key: customer_id, count: 4}"
	if !strings.Contains(string(text), shard) {
		t.Fatal("the shop has no shards")
	}
	sharded := strings.Replace(string(text), shard, fmt.Sprintf("shard: {key: customer_id, count: %d}", shards), 1)
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(sharded), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// listed is how often each order is in the pages of the list. It is false if a page was not answered.
func listed(t *testing.T, shop *e2e.System, token string) (map[string]int, bool) {
	t.Helper()
	seen := map[string]int{}
	for next := ""; ; {
		page, err := trySend(t.Context(), shop, http.MethodGet, "/v1/orders?pageSize=100&pageToken="+next, token, "", nil)
		if err != nil || page.Status != http.StatusOK {
			return seen, false
		}
		orders := list(page, "orders")
		for _, o := range orders {
			seen[answer{Body: o.(map[string]any)}.text("id")]++
		}
		if next = page.text("nextPageToken"); next == "" {
			return seen, true
		}
	}
}

// slotsOf is how many slots a shard of the orders has.
func slotsOf(t *testing.T, shop *e2e.System, shard int) int {
	t.Helper()
	return count(t, shop, "orders", "SELECT count(*) FROM shards.slot WHERE shard = $1", shard)
}

// uniteShards gives tests one view for each table of all shards of the orders, with the number of the shard.
func uniteShards(t *testing.T, shop *e2e.System) {
	t.Helper()
	execute(t, shop, "orders", `
		DO $$
		DECLARE t text; parts text;
		BEGIN
			FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'shard_0' AND tablename NOT LIKE 'goose%' LOOP
				SELECT string_agg(format('SELECT %s AS shard, * FROM %I.%I', substr(schemaname, 7), schemaname, tablename), ' UNION ALL ' ORDER BY schemaname)
				INTO parts FROM pg_tables WHERE schemaname LIKE 'shard\_%' AND tablename = t;
				EXECUTE format('CREATE OR REPLACE VIEW public.%I AS %s', t, parts);
			END LOOP;
		END $$`)
}
