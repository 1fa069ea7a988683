package e2e_test

import (
	"strings"
	"testing"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// madeAnew breaks the history, and lets the service's own command tell and mend it.
func madeAnew(t *testing.T, shop *e2e.System) {
	rows := "SELECT count(*) FROM order_histories WHERE status = 'confirmed' AND captured_units > 0 AND customer_id IS NOT NULL"
	before := count(t, shop, "history", rows)
	if before == 0 {
		t.Fatal("there is no history yet")
	}
	execute(t, shop, "history", `UPDATE order_histories SET status = 'lost', captured_units = 0
		WHERE order_id = (SELECT order_id FROM order_histories WHERE status = 'confirmed' AND captured_units > 0 LIMIT 1)`)
	out, err := shop.Process("history").Command(t.Context(), "rebuild", "OrderHistory", "--check")
	if err == nil || !strings.Contains(out, "0 rows are missing, 1 differ, 0 have no events") || !strings.Contains(out, " differs\n") {
		t.Errorf("the broken history: %v\n%s", err, out)
	}
	if n := count(t, shop, "history", rows); n != before-1 {
		t.Fatalf("%d of %d rows are right before they are mended", n, before)
	}
	if out := command(t, shop, "history", "rebuild", "OrderHistory"); !strings.Contains(out, "0 rows added, 1 changed, 0 removed") {
		t.Errorf("the history made anew:\n%s", out)
	}
	if n := count(t, shop, "history", rows); n != before {
		t.Errorf("%d rows are right, want %d", n, before)
	}
	command(t, shop, "history", "rebuild", "OrderHistory", "--check")
	if out, err := shop.Process("history").Command(t.Context(), "rebuild", "Nothing"); err == nil || !strings.Contains(out, "Nothing is no view of this service: OrderHistory") {
		t.Errorf("an unknown view: %v\n%s", err, out)
	}
}
