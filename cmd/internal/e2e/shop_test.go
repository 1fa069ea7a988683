package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

const customer = "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b"

// startShop generates the shop, adds what a user would write, and runs it.
func startShop(t *testing.T, extra ...string) *e2e.System {
	t.Helper()
	return startShopOf(t, []string{"--example", "shop"}, extra...)
}

// startShopOf is startShop with other arguments of msgen new.
func startShopOf(t *testing.T, args []string, extra ...string) *e2e.System {
	t.Helper()
	components(t)
	edits, err := filepath.Abs("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "shop", args...)
	overlay(t, edits, dir)
	shop := start(t, dir, "shop", shopServices, extra...)
	uniteShards(t, shop)
	return shop
}

func order(sku string, quantity int) map[string]any {
	return map[string]any{"customerId": customer, "lines": []any{map[string]any{"sku": sku, "quantity": quantity}}}
}

// TestShop is the main job: an order goes through every service, over REST, gRPC, the outbox, Kafka and the saga.
func TestShop(t *testing.T) {
	shop := startShop(t)
	write, read := token(t, shop, "orders.write"), token(t, shop, "orders.read")

	t.Run("an order is confirmed", func(t *testing.T) {
		placed := send(t, shop, http.MethodPost, "/v1/orders", write, "order-1", order("tea", 3))
		if placed.Status != http.StatusCreated {
			t.Fatalf("POST /v1/orders: %v", placed)
		}
		id := placed.text("id")
		if placed.text("state") != "STATE_PENDING" || placed.text("total.units") != "21" {
			t.Errorf("the new order is %v: want it pending, at the quoted price", placed)
		}
		if again := send(t, shop, http.MethodPost, "/v1/orders", write, "order-1", order("tea", 3)); again.text("id") != id {
			t.Errorf("a repeat with the same Idempotency-Key made another order: %v", again)
		}
		eventually(t, "the order", func() string {
			if got := send(t, shop, http.MethodGet, "/v1/orders/"+id, read, "", nil); got.text("state") != "STATE_CONFIRMED" {
				return got.String()
			}
			return ""
		})
		eventually(t, "the saga", func() string {
			if count(t, shop, "orders", "SELECT count(*) FROM saga WHERE key = $1 AND state = 'COMPLETED'", id) != 1 {
				return "not completed"
			}
			return ""
		})
		if n := count(t, shop, "payments", "SELECT count(*) FROM payments WHERE order_id = $1 AND state = 'captured'", id); n != 1 {
			t.Errorf("%d payments are captured, want 1", n)
		}
		if n := count(t, shop, "inventory", "SELECT count(*) FROM reservations WHERE order_id = $1 AND state = 'held'", id); n != 1 {
			t.Errorf("%d reservations are held, want 1", n)
		}
		eventually(t, "the notification", func() string {
			if n := count(t, shop, "notifications", "SELECT count(*) FROM deliveries WHERE order_id = $1", id); n != 1 {
				return fmt.Sprintf("%d deliveries, want 1", n)
			}
			return ""
		})
		eventually(t, "the history", func() string {
			got := send(t, shop, http.MethodGet, "/v1/history/"+id, read, "", nil)
			if got.text("status") != "confirmed" || got.text("customerId") != customer || got.text("total.units") != "21" || got.text("captured.units") != "21" {
				return got.String()
			}
			return ""
		})
	})

	t.Run("a refused reservation rejects the order", func(t *testing.T) {
		placed := send(t, shop, http.MethodPost, "/v1/orders", write, "order-2", order("sold-out", 1))
		id := placed.text("id")
		eventually(t, "the order", func() string {
			if got := send(t, shop, http.MethodGet, "/v1/orders/"+id, read, "", nil); got.text("state") != "STATE_REJECTED" {
				return got.String()
			}
			return ""
		})
		eventually(t, "the history", func() string {
			if got := send(t, shop, http.MethodGet, "/v1/history/"+id, read, "", nil); got.text("status") != "rejected" {
				return got.String()
			}
			return ""
		})
		eventually(t, "the saga", func() string {
			if count(t, shop, "orders", "SELECT count(*) FROM saga WHERE key = $1 AND state = 'COMPENSATED'", id) != 1 {
				return "not compensated"
			}
			return ""
		})
		if n := count(t, shop, "payments", "SELECT count(*) FROM payments WHERE order_id = $1 AND state = 'captured'", id); n != 0 {
			t.Errorf("%d payments are captured, want none", n)
		}
	})

	t.Run("one trace goes through every service", func(t *testing.T) {
		const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.URL("/v1/orders"),
			jsonBody(t, order("coffee", 1)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+write)
		req.Header.Set("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		eventually(t, "the trace", func() string {
			seen := shop.Collector().Services(trace)
			for _, service := range append([]string{"gateway"}, shopServices...) {
				if seen[service] == 0 {
					return fmt.Sprintf("no span of %s: %v", service, seen)
				}
			}
			return ""
		})
	})

	t.Run("the consumer of an event knows who caused it", func(t *testing.T) { whoCaused(t, shop) })

	t.Run("who may not is refused", func(t *testing.T) {
		if got := send(t, shop, http.MethodPost, "/v1/orders", "", "", order("tea", 1)); got.Status != http.StatusUnauthorized {
			t.Errorf("without a token: %v, want 401", got)
		}
		if got := send(t, shop, http.MethodPost, "/v1/orders", read, "", order("tea", 1)); got.Status != http.StatusForbidden {
			t.Errorf("without the scope: %v, want 403", got)
		}
		if got := send(t, shop, http.MethodGet, "/v1/nothing", read, "", nil); got.Status != http.StatusNotFound || got.text("code") != "NOT_FOUND" {
			t.Errorf("an unknown route: %v, want a JSON 404", got)
		}
		if got := send(t, shop, http.MethodPost, "/v1/orders", write, "", order("", 0)); got.Status != http.StatusBadRequest {
			t.Errorf("an invalid order: %v, want 400", got)
		}
	})

	t.Run("secrets and personal data stay inside", func(t *testing.T) { nothingLeaks(t, shop, write, read) })
	t.Run("a view is made anew", func(t *testing.T) { madeAnew(t, shop) })
	t.Run("stuck work goes on by a command", func(t *testing.T) { stuckWork(t, shop) })
	t.Run("orders are read through Redis", func(t *testing.T) { cachedReads(t, shop, write, read) })

	// Last, as it spends the client's tokens.
	t.Run("beyond the limit is 429", func(t *testing.T) {
		var mu sync.Mutex
		var limited *answer
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 150 {
					got, err := trySend(t.Context(), shop, http.MethodGet, "/v1/orders/"+customer, read, "", nil)
					if err == nil && got.Status == http.StatusTooManyRequests {
						mu.Lock()
						limited = &got
						mu.Unlock()
						return
					}
				}
			})
		}
		wg.Wait()
		if limited == nil {
			t.Fatal("1200 requests at once were all let through: the limit is 100/s with a burst of 200")
		}
		for _, header := range []string{"Retry-After", "RateLimit", "RateLimit-Policy"} {
			if limited.Header.Get(header) == "" {
				t.Errorf("the 429 has no %s", header)
			}
		}
	})
}

// nothingLeaks looks for tokens, passwords, keys and personal data in what a run writes and sends: payments is marked pii in the spec, and 4277 is
// what one order costs.
func nothingLeaks(t *testing.T, shop *e2e.System, write, read string) {
	placed := send(t, shop, http.MethodPost, "/v1/orders", write, "order-pii", order("tea", 611))
	if placed.text("total.units") != "4277" {
		t.Fatalf("the order costs %s", placed.text("total.units"))
	}
	eventually(t, "the payment", func() string {
		if count(t, shop, "payments", "SELECT count(*) FROM payments WHERE order_id = $1 AND state = 'captured'", placed.text("id")) != 1 {
			return "not captured"
		}
		return ""
	})
	send(t, shop, http.MethodPost, "/v1/orders", "not-a-token-4277", "", order("tea", 1))
	send(t, shop, http.MethodPost, "/v1/orders", write, "", map[string]any{"customerId": "4277", "lines": "4277"})

	// What is looked for is found where it belongs: the search itself works.
	if log, err := os.ReadFile(shop.Process("orders").LogFile); err != nil || !strings.Contains(string(log), "/PlaceOrder") {
		t.Fatalf("no log of the calls: %v", err)
	}
	if len(shop.Collector().Holding("PlaceOrder")) == 0 {
		t.Fatal("no spans of the calls")
	}
	for what, secret := range map[string]string{
		"a token": write, "another token": read, "a bad token": "not-a-token-4277", "the database's password": e2e.DatabaseWord,
		"a private key": "PRIVATE KEY", "an amount": "4277",
	} {
		for _, span := range shop.Collector().Holding(secret) {
			if !partOfNumber(span.Text, secret) {
				t.Errorf("%s is in a span of %s: %s", what, span.Service, span.Text)
			}
		}
		for _, name := range append([]string{"gateway"}, shopServices...) {
			log, err := os.ReadFile(shop.Process(name).LogFile)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(log)) {
				if strings.Contains(line, secret) && !partOfNumber(line, secret) {
					t.Errorf("%s is in the log of %s: %s", what, name, line)
				}
			}
		}
	}
}

// partOfNumber reports that the digits only stand in longer numbers, such as times, ports and ids.
func partOfNumber(line, digits string) bool {
	return !regexp.MustCompile(`(^|[^0-9a-f.-])` + regexp.QuoteMeta(digits) + `([^0-9a-f.-]|$)`).MatchString(line)
}

// whoCaused places an order as customer-1 and pretends, by every header that a service could believe, to be someone else. The saga, its
// commands and the event at its end stay customer-1's.
func whoCaused(t *testing.T, shop *e2e.System) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.URL("/v1/orders"), jsonBody(t, order("tea", 2)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token(t, shop, "orders.write"))
	for _, prefix := range []string{"", "Grpc-Metadata-", "Ce-", "Ce_"} {
		for name, value := range map[string]string{
			"X-Subject": "root", "X-Scopes": "orders.admin", "Authtype": "user", "Authid": "root", "Authclaims": `{"scope":"orders.admin"}`,
		} {
			req.Header.Set(prefix+name, value)
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var placed struct{ ID string }
	if err := json.NewDecoder(res.Body).Decode(&placed); err != nil || res.StatusCode != http.StatusCreated {
		t.Fatalf("POST /v1/orders: %s, %v", res.Status, err)
	}
	eventually(t, "the notification", func() string {
		if count(t, shop, "notifications", "SELECT count(*) FROM deliveries WHERE order_id = $1", placed.ID) != 1 {
			return "no delivery"
		}
		return ""
	})
	db, err := shop.DB(t.Context(), "notifications")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	var kind string
	if err := db.QueryRow(t.Context(), "SELECT kind FROM deliveries WHERE order_id = $1", placed.ID).Scan(&kind); err != nil {
		t.Fatal(err)
	}
	if want := "app_user to customer-1, customer-1 then [orders.write] now []"; kind != want {
		t.Errorf("the consumer saw %q, want %q", kind, want)
	}
}
