package e2e_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// cachedReads reads orders through Redis: from there while they stay as they are, at once as they have become, and without it when it is
// cut off or hangs.
func cachedReads(t *testing.T, shop *e2e.System, write, read string) {
	get := func(id string) answer {
		t.Helper()
		got := send(t, shop, http.MethodGet, "/v1/orders/"+id, read, "", nil)
		if got.Status != http.StatusOK {
			t.Fatalf("order %s: %v", id, got)
		}
		return got
	}
	reads := func(result string) int {
		t.Helper()
		return counted(t, shop, "orders", `cache_reads_total{method="GetOrder",result="`+result+`"}`)
	}
	confirmed := func(id string) {
		t.Helper()
		eventually(t, "the order", func() string {
			get(id) // so that what it was is kept
			if count(t, shop, "orders", "SELECT count(*) FROM orders WHERE id = $1 AND state = 'confirmed'", id) != 1 {
				return "the order is pending"
			}
			return ""
		})
	}
	place := func() string {
		t.Helper()
		placed := send(t, shop, http.MethodPost, "/v1/orders", write, "", order("tea", 1))
		if placed.Status != http.StatusCreated {
			t.Fatalf("POST /v1/orders: %v", placed)
		}
		return placed.text("id")
	}

	id := place()
	confirmed(id)
	// Those who see the commit in the database may be ahead of Redis by a moment, and of nothing by the time for which orders are kept, 30 s.
	for deadline := time.Now().Add(3 * time.Second); get(id).text("state") != "STATE_CONFIRMED"; {
		if time.Now().After(deadline) {
			t.Fatalf("confirmed in the database, and not to readers: %v", get(id))
		}
	}
	eventually(t, "a read from Redis", func() string { // once the change is no longer fresh
		before := reads("hit")
		if get(id).text("state") != "STATE_CONFIRMED" {
			t.Error("the order is pending again")
		}
		if reads("hit") == before {
			return "none"
		}
		return ""
	})
	if n := counted(t, shop, "orders", `cache_forgets_total{method="GetOrder",result="failed"}`); n != 0 {
		t.Errorf("%d changes were not told", n)
	}

	for how, gone := range map[string]func(){"cut off": shop.Redis().Cut, "hanging": shop.Redis().Hang} {
		gone()
		before := reads("error")
		id := place()
		confirmed(id)
		if got := get(id).text("state"); got != "STATE_CONFIRMED" {
			t.Errorf("with Redis %s the order is %s", how, got)
		}
		if reads("error") == before {
			t.Errorf("with Redis %s no read went without it", how)
		}
		if err := shop.Redis().Mend(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a read from Redis", func() string {
			before := reads("hit")
			get(id)
			if reads("hit") == before {
				return "none"
			}
			return ""
		})
	}
	if counted(t, shop, "gateway", `redis_requests_total{result="ok"}`) == 0 || counted(t, shop, "gateway", `redis_requests_total{result="failed"}`) == 0 {
		t.Error("the gateway counts requests for itself alone, or has not noticed that Redis was away")
	}
}
