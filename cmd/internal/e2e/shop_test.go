package e2e_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

const customer = "0192f0c1-2c3d-7e4f-8a5b-6c7d8e9f0a1b"

// startShop generates the shop, adds what a user would write, and runs it.
func startShop(t *testing.T, extra ...string) *e2e.System {
	t.Helper()
	components(t)
	edits, err := filepath.Abs("testdata/shop")
	if err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "shop", "--example", "shop")
	overlay(t, edits, dir)
	return start(t, dir, "shop", shopServices, extra...)
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

	t.Run("who may not is refused", func(t *testing.T) {
		if got := send(t, shop, http.MethodPost, "/v1/orders", "", "", order("tea", 1)); got.Status != http.StatusUnauthorized {
			t.Errorf("without a token: %v, want 401", got)
		}
		if got := send(t, shop, http.MethodPost, "/v1/orders", read, "", order("tea", 1)); got.Status != http.StatusForbidden {
			t.Errorf("without the scope: %v, want 403", got)
		}
		if got := send(t, shop, http.MethodGet, "/v1/nothing", read, "", nil); got.Status != http.StatusNotFound || got.text("error.status") != "NOT_FOUND" {
			t.Errorf("an unknown route: %v, want a JSON 404", got)
		}
		if got := send(t, shop, http.MethodPost, "/v1/orders", write, "", order("", 0)); got.Status != http.StatusBadRequest {
			t.Errorf("an invalid order: %v, want 400", got)
		}
	})

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
