package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

func jsonBody(t *testing.T, v any) io.Reader {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(data)
}

// TestKillOrders places 200 orders while the orders service is killed again and again, and then checks the ledger: nothing lost, nothing
// done twice.
func TestKillOrders(t *testing.T) {
	const orders, kills = 200, 5
	// The broker takes a killed consumer out of its group after this time.
	shop := startShop(t, "KAFKA_SESSION_TIMEOUT=2s")
	write := token(t, shop, "orders.write")

	var done atomic.Int64
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; i < orders; i += 4 {
				sku := "tea"
				if i%10 == 0 {
					sku = "sold-out"
				}
				id, err := place(t.Context(), shop, write, fmt.Sprintf("kill-%d", i), order(sku, 1))
				if err != nil {
					t.Errorf("order %d: %v", i, err)
					return
				}
				mu.Lock()
				ids[id] = true
				mu.Unlock()
				done.Add(1)
			}
		})
	}
	for kill := range kills {
		target := int64((kill + 1) * orders / (kills + 1))
		eventually(t, "orders are placed", func() string {
			if n := done.Load(); n < target {
				return fmt.Sprintf("%d of %d", n, orders)
			}
			return ""
		})
		if err := shop.Process("orders").Kill(); err != nil {
			t.Fatal(err)
		}
		if err := shop.Process("orders").Start(); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if err := shop.Process("orders").WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(ids) != orders {
		t.Fatalf("%d orders were answered, want %d", len(ids), orders)
	}

	eventually(t, "every saga ends", func() string {
		if n := count(t, shop, "orders", "SELECT count(*) FROM saga WHERE state NOT IN ('COMPLETED', 'COMPENSATED')"); n > 0 {
			return fmt.Sprintf("%d have not", n)
		}
		return ""
	})
	settle(t, shop)

	for _, wrong := range ledger(t, shop, orders) {
		t.Error(wrong)
	}
	if n := count(t, shop, "orders", "SELECT count(*) FROM orders WHERE state = 'confirmed'"); n == 0 {
		t.Error("no order was confirmed: the ledger shows nothing")
	}
	for _, service := range []string{"orders", "payments"} {
		if n := count(t, shop, service, "SELECT count(*) FROM dead_letters"); n != 0 {
			t.Errorf("%d dead letters of %s", n, service)
		}
	}
}

// settle waits until every outbox is empty and the last notification has come.
func settle(t *testing.T, shop *e2e.System) {
	t.Helper()
	for _, service := range []string{"orders", "inventory", "payments"} {
		eventually(t, "the outbox of "+service, func() string {
			if n := count(t, shop, service, "SELECT count(*) FROM outbox"); n > 0 {
				return fmt.Sprintf("%d rows", n)
			}
			return ""
		})
	}
	eventually(t, "notifications and history", func() string {
		n := count(t, shop, "notifications", "SELECT count(*) FROM deliveries")
		h := count(t, shop, "history", "SELECT count(*) FROM order_histories WHERE status IN ('confirmed', 'rejected')")
		c := count(t, shop, "history", "SELECT count(*) FROM order_histories WHERE captured_units > 0")
		p := count(t, shop, "payments", "SELECT count(*) FROM payments WHERE state = 'captured'")
		if total := count(t, shop, "orders", "SELECT count(*) FROM orders"); n < total || h < total || c < p {
			return fmt.Sprintf("%d notifications and %d histories (%d paid of %d) of %d orders", n, h, c, p, total)
		}
		return ""
	})
}

// place repeats a request with its key until it is answered, as a client does whose connection breaks.
func place(ctx context.Context, shop *e2e.System, token, key string, body any) (string, error) {
	var last error
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got, err := trySend(ctx, shop, http.MethodPost, "/v1/orders", token, key, body)
		switch {
		case err != nil:
			last = err
		case got.Status == http.StatusCreated:
			return got.text("id"), nil
		case got.Status < 500 && got.Status != http.StatusTooManyRequests:
			return "", fmt.Errorf("%v", got)
		default:
			last = fmt.Errorf("%v", got)
		}
	}
	return "", last
}
