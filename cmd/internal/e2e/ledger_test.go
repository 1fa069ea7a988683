package e2e_test

import (
	"fmt"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// ledger compares what all services hold with the orders that were answered, and returns what does not add up: lost, done twice, left half done.
func ledger(t *testing.T, shop *e2e.System, orders int) (wrong []string) {
	t.Helper()
	confirmed := count(t, shop, "orders", "SELECT count(*) FROM orders WHERE state = 'confirmed'")
	rejected := count(t, shop, "orders", "SELECT count(*) FROM orders WHERE state = 'rejected'")
	t.Logf("the ledger: %d orders, %d confirmed, %d rejected", orders, confirmed, rejected)
	for _, want := range []struct {
		what, service, query string
		n                    int
	}{
		{"orders stored", "orders", "SELECT count(*) FROM orders", orders},
		{"orders that are neither confirmed nor rejected", "orders", "SELECT count(*) FROM orders WHERE state = 'pending'", 0},
		{"sagas", "orders", "SELECT count(*) FROM saga", orders},
		{"sagas that have not ended", "orders", "SELECT count(*) FROM saga WHERE state NOT IN ('COMPLETED', 'COMPENSATED')", 0},
		{"payments captured", "payments", "SELECT count(*) FROM payments WHERE state = 'captured'", confirmed},
		{"orders paid twice", "payments", "SELECT count(*) FROM (SELECT order_id FROM payments WHERE state <> 'voided' GROUP BY order_id HAVING count(*) > 1) t", 0},
		{"payments left authorized", "payments", "SELECT count(*) FROM payments WHERE state = 'authorized'", 0},
		{"reservations held", "inventory", "SELECT count(*) FROM reservations WHERE state = 'held'", confirmed},
		{"notifications", "notifications", "SELECT count(*) FROM deliveries", orders},
		{"orders notified twice", "notifications", "SELECT count(*) FROM (SELECT order_id FROM deliveries GROUP BY order_id HAVING count(*) > 1) t", 0},
		{"orders in the history as confirmed, with their payment", "history", "SELECT count(*) FROM order_histories WHERE status = 'confirmed' AND captured_units = 7", confirmed},
		{"orders in the history as rejected", "history", "SELECT count(*) FROM order_histories WHERE status = 'rejected'", rejected},
	} {
		if n := count(t, shop, want.service, want.query); n != want.n {
			wrong = append(wrong, fmt.Sprintf("%s: %d, want %d", want.what, n, want.n))
		}
	}
	for _, service := range []string{"orders", "inventory", "payments"} {
		if n := count(t, shop, service, "SELECT count(*) FROM outbox"); n != 0 {
			wrong = append(wrong, fmt.Sprintf("rows in the outbox of %s: %d", service, n))
		}
	}
	return wrong
}
