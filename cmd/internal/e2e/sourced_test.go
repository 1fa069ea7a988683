package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// TestEventSourced takes the payments of the shop, whose events are the truth: what they are, who may change them, what becomes of a row that
// is not what they say, and that kills in between lose nothing.
func TestEventSourced(t *testing.T) {
	shop := startShop(t, "KAFKA_SESSION_TIMEOUT=2s")
	write := token(t, shop, "orders.write")

	placed := send(t, shop, http.MethodPost, "/v1/orders", write, "sourced", order("tea", 3))
	id := placed.text("id")
	captured := func(id string) func() string {
		return func() string {
			if n := count(t, shop, "payments", "SELECT count(*) FROM payments WHERE order_id = $1 AND state = 'captured'", id); n != 1 {
				return fmt.Sprintf("%d payments are captured, want 1", n)
			}
			return ""
		}
	}
	eventually(t, "the payment", captured(id))

	t.Run("the events of a payment are in order", func(t *testing.T) {
		got := texts(t, shop, "payments", `SELECT version || ' ' || type || ' ' || (metadata ? 'traceparent')
			FROM eventstore WHERE stream = (SELECT id::text FROM payments WHERE order_id = $1) ORDER BY version`, id)
		if got != "1 Created true, 2 Captured true" {
			t.Errorf("the events are %s", got)
		}
		eventually(t, "the events are published", func() string {
			if n := count(t, shop, "payments", "SELECT count(*) FROM outbox"); n > 0 {
				return fmt.Sprintf("%d are not", n)
			}
			return ""
		})
	})

	t.Run("the database refuses to change the past", func(t *testing.T) {
		db, err := shop.DB(t.Context(), "payments")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close(t.Context()) }()
		for _, sql := range []string{"UPDATE eventstore SET type = 'Voided'", "DELETE FROM eventstore", "TRUNCATE eventstore"} {
			if _, err := db.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "never changed nor deleted") {
				t.Errorf("%s: %v", sql, err)
			}
		}
	})

	t.Run("replay mends a row", func(t *testing.T) {
		if out := command(t, shop, "payments", "replay", "Payment", "--check"); !strings.Contains(out, "0 of 1 differ") {
			t.Errorf("before: %s", out)
		}
		before := row(t, shop)
		execute(t, shop, "payments", "UPDATE payments SET amount_units = 1000000, state = 'voided'")
		out, err := shop.Process("payments").Command(t.Context(), "replay", "Payment", "--check")
		if err == nil || !strings.Contains(err.Error(), "exit status 1") || !strings.Contains(out, "row differs in state amount\n") {
			t.Errorf("a corrupt row: %v\n%s", err, out)
		}
		if strings.Contains(out, "1000000") {
			t.Errorf("values are shown, which may be personal:\n%s", out)
		}
		if out := command(t, shop, "payments", "replay", "Payment"); !strings.Contains(out, "1 of 1 mended") {
			t.Error(out)
		}
		if after := row(t, shop); after != before {
			t.Errorf("mended to\n%s\nwant\n%s", after, before)
		}
		execute(t, shop, "payments", "DELETE FROM payments")
		command(t, shop, "payments", "replay", "Payment")
		if after := row(t, shop); after != before {
			t.Errorf("made again as\n%s\nwant\n%s", after, before)
		}
		if out, err := shop.Process("payments").Command(t.Context(), "replay", "Order"); err == nil || !strings.Contains(out, "Order is not event sourced here: Payment") {
			t.Errorf("%v\n%s", err, out)
		}
	})

	t.Run("kills lose nothing", func(t *testing.T) {
		const orders, kills = 60, 3
		ids := make([]string, orders)
		var wg sync.WaitGroup
		for worker := range 3 {
			wg.Go(func() {
				for i := worker; i < orders; i += 3 {
					var err error
					if ids[i], err = place(t.Context(), shop, write, "sourced-"+uuid.NewString(), order("tea", 1)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for kill := range kills {
			eventually(t, "events are appended", func() string {
				if n := count(t, shop, "payments", "SELECT count(*) FROM eventstore"); n < 5+20*kill {
					return fmt.Sprint(n)
				}
				return ""
			})
			if err := shop.Process("payments").Kill(); err != nil {
				t.Fatal(err)
			}
			// Whenever it dies, row and events were written together.
			if out := command(t, shop, "payments", "replay", "Payment", "--check"); !strings.Contains(out, "0 of ") {
				t.Error(out)
			}
			if err := shop.Process("payments").Start(); err != nil {
				t.Fatal(err)
			}
		}
		wg.Wait()
		if err := shop.Process("payments").WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "all payments", func() string {
			if n := count(t, shop, "payments", "SELECT count(*) FROM payments WHERE state = 'captured'"); n != orders+1 {
				return fmt.Sprintf("%d payments are captured, want %d", n, orders+1)
			}
			return ""
		})
		if out := command(t, shop, "payments", "replay", "Payment", "--check"); !strings.Contains(out, fmt.Sprintf("0 of %d differ", orders+1)) {
			t.Error(out)
		}
		if n := count(t, shop, "payments", "SELECT count(*) FROM eventstore"); n != 2*(orders+1) {
			t.Errorf("%d events of %d payments, want two each", n, orders+1)
		}
		eventually(t, "the history", func() string { // by the spec's own event of the same change
			if n := count(t, shop, "history", "SELECT count(*) FROM order_histories WHERE captured_units > 0"); n != orders+1 {
				return fmt.Sprintf("%d orders have their payment, want %d", n, orders+1)
			}
			return ""
		})
	})
}

// row is the only payment, with every column.
func row(t *testing.T, shop *e2e.System) string {
	t.Helper()
	return texts(t, shop, "payments", "SELECT p::text FROM payments p")
}

// texts are the rows of a query for one text, with commas between.
func texts(t *testing.T, shop *e2e.System, service, query string, args ...any) string {
	t.Helper()
	db, err := shop.DB(t.Context(), service)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	rows, err := db.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, ", ")
}

// TestEverythingEventSourced gives every aggregate of the system with everything in it its events as the truth. What the gateway answers is the
// same as with rows, and in the end every row is what its events say.
func TestEverythingEventSourced(t *testing.T) {
	components(t)
	text, err := os.ReadFile("../../../testdata/specs/kitchen-sink.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	aggregates := sourceAll(child(doc.Content[0], "services"))
	if text, err = yaml.Marshal(&doc); err != nil {
		t.Fatal(err)
	}
	spec := filepath.Join(t.TempDir(), "sourced.yaml")
	if err := os.WriteFile(spec, text, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "kitchen-sink", "--spec", spec)
	run(t, dir, "go", "vet", "./services/...")
	run(t, dir, "go", "mod", "tidy", "-diff")
	run(t, dir, "go", "test", "./services/...")
	if lint := os.Getenv("MSGEN_GOLANGCI_LINT"); lint != "" {
		run(t, dir, lint, "run", "--allow-parallel-runners", "./services/...")
	}
	s := start(t, dir, "kitchen-sink", []string{"catalog", "price-calculator", "store", "stock", "money-box", "watcher", "view-keeper", "order-history"})
	t.Run("fields", func(t *testing.T) { everyField(t, s) })
	t.Run("numbers as keys", func(t *testing.T) { numbersAsKeys(t, s) })
	t.Run("unset fields", func(t *testing.T) { unsetFields(t, s) })
	t.Run("sagas", func(t *testing.T) { ownKeys(t, s) })
	rows := 0
	for service, names := range aggregates {
		for _, name := range names {
			out := command(t, s, service, "replay", name, "--check")
			var n int
			if _, err := fmt.Sscanf(out, "0 of %d differ", &n); err != nil {
				t.Errorf("%s of %s: %s", name, service, out)
			}
			rows += n
		}
	}
	if rows < 10 {
		t.Errorf("only %d streams in all", rows)
	}
}

// sourceAll makes every aggregate event sourced and returns their names by service.
func sourceAll(services *yaml.Node) map[string][]string {
	names := map[string][]string{}
	for i := 0; i < len(services.Content); i += 2 {
		list := child(services.Content[i+1], "aggregates")
		if list == nil {
			continue
		}
		for j := 0; j < len(list.Content); j += 2 {
			names[services.Content[i].Value] = append(names[services.Content[i].Value], list.Content[j].Value)
			body := list.Content[j+1]
			body.Content = append(body.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: "eventSourced"}, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
		}
	}
	return names
}

// child is the value of a key in a mapping; nil when it is not there.
func child(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
