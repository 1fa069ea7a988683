package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/msgen-dev/msgen/cmd/internal/e2e"
)

// bazaar is a system whose saga nobody leads: ordering → inventory → payment (pivot) → ordering.
type bazaar struct {
	*e2e.System
	t      *testing.T
	write  string
	read   string
	placed int
}

// TestChoreography sends orders through a choreographed saga while its services refuse, die, are away for too long, and get all messages again.
// In the end every order is confirmed or cancelled, and every service agrees.
func TestChoreography(t *testing.T) {
	components(t)
	paths := map[string]string{"spec": "../../../testdata/specs/choreography.yaml", "edits": "testdata/choreography"}
	for what, p := range paths {
		abs, err := filepath.Abs(p)
		if err != nil {
			t.Fatal(err)
		}
		paths[what] = abs
	}
	spec, err := os.ReadFile(paths["spec"])
	if err != nil {
		t.Fatal(err)
	}
	paths["spec"] = filepath.Join(t.TempDir(), "msgen.yaml")
	security := "\nsecurity:\n  mtls: {mode: strict, rotation: 24h}\n  serviceAuth: jwt\n  requestSigning: hmac-sha256\n"
	if err := os.WriteFile(paths["spec"], append(spec, security...), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := generate(t, "bazaar", "--spec", paths["spec"])
	run(t, dir, "go", "vet", "./...")
	run(t, dir, "go", "test", "./services/...")
	overlay(t, paths["edits"], dir)
	s := start(t, dir, "bazaar", []string{"ordering", "inventory", "payment"}, "KAFKA_SESSION_TIMEOUT=2s")
	b := &bazaar{System: s, t: t, write: token(t, s, "orders.write"), read: token(t, s, "orders.read")}

	t.Run("an order is confirmed", func(t *testing.T) { b.on(t).ends(b.place("tea", 10), "STATE_CONFIRMED", "COMPLETED") })
	t.Run("a refusal of the first step cancels it", func(t *testing.T) {
		b.on(t).ends(b.place("sold-out", 10), "STATE_CANCELLED", "COMPENSATED")
	})
	t.Run("a refusal of the second step undoes the first", func(t *testing.T) {
		id := b.on(t).place("tea", 5000)
		b.ends(id, "STATE_CANCELLED", "COMPENSATED")
		if n := count(t, s, "inventory", "SELECT count(*) FROM reservations WHERE order_id = $1 AND state = 'released'", id); n != 1 {
			t.Errorf("%d reservations are released, want 1", n)
		}
		if n := count(t, s, "ordering", "SELECT count(*) FROM saga WHERE key = $1 AND reason = '5000 is too much'", id); n != 1 {
			t.Error("the saga does not say why")
		}
	})
	t.Run("services that are killed", func(t *testing.T) { b.on(t).killed() })
	t.Run("a service that is away for too long", func(t *testing.T) { b.on(t).away() })
	t.Run("a saga that a person looks after", func(t *testing.T) { b.on(t).parked() })
	t.Run("events of who does not do the step", func(t *testing.T) { b.on(t).forged() })
	t.Run("everything comes again", func(t *testing.T) { b.on(t).again() })
	b.on(t).agree()
}

// on is the bazaar for a subtest.
func (b *bazaar) on(t *testing.T) *bazaar {
	b.t = t
	return b
}

func (b *bazaar) place(sku string, total int) string {
	b.t.Helper()
	b.placed++
	body := map[string]any{"customerId": customer, "sku": sku, "quantity": 1, "total": total}
	var placed answer
	eventually(b.t, "an order is placed", func() string { // ordering may be down just now
		var err error
		placed, err = trySend(b.t.Context(), b.System, http.MethodPost, "/v1/orders", b.write, fmt.Sprintf("order-%d", b.placed), body)
		if err != nil {
			return err.Error()
		}
		if placed.Status != http.StatusCreated {
			return placed.String()
		}
		return ""
	})
	return placed.text("id")
}

// ends waits until the order's saga has ended, as it must.
func (b *bazaar) ends(id, order, saga string) {
	b.t.Helper()
	eventually(b.t, "the saga", func() string {
		if count(b.t, b.System, "ordering", "SELECT count(*) FROM saga WHERE key = $1 AND state = $2", id, saga) != 1 {
			return "not " + saga
		}
		return ""
	})
	if got := send(b.t, b.System, http.MethodGet, "/v1/orders/"+id, b.read, "", nil); got.text("state") != order {
		b.t.Errorf("the order is %v, want it %s", got, order)
	}
}

// killed places orders while the services die, at any time, and come back.
func (b *bazaar) killed() {
	for i := range 6 {
		for range 10 {
			b.place([]string{"tea", "tea", "sold-out"}[rand.IntN(3)], []int{10, 5000}[rand.IntN(2)])
		}
		name := b.Services[i%len(b.Services)]
		if err := b.Process(name).Kill(); err != nil {
			b.t.Fatal(err)
		}
		if err := b.Process(name).Start(); err != nil {
			b.t.Fatal(err)
		}
	}
	b.allEnd()
}

// away keeps payment down until the saga's time is up. Its trigger waits for it, and does nothing any more.
func (b *bazaar) away() {
	if err := b.Process("payment").Stop(); err != nil {
		b.t.Fatal(err)
	}
	id := b.place("tea", 10)
	eventually(b.t, "the saga turns back", func() string {
		if count(b.t, b.System, "ordering", "SELECT count(*) FROM saga WHERE key = $1 AND state = 'COMPENSATING'", id) != 1 {
			return "not yet"
		}
		return ""
	})
	if n := count(b.t, b.System, "inventory", "SELECT count(*) FROM reservations WHERE order_id = $1 AND state = 'held'", id); n != 1 {
		b.t.Errorf("%d reservations are held while nobody knows of the payment, want 1", n)
	}
	if err := b.Process("payment").Start(); err != nil {
		b.t.Fatal(err)
	}
	b.ends(id, "STATE_CANCELLED", "COMPENSATED")
	if n := count(b.t, b.System, "payment", "SELECT count(*) FROM payments WHERE order_id = $1", id); n != 0 {
		b.t.Errorf("%d payments were taken for a cancelled order", n)
	}
	if n := count(b.t, b.System, "inventory", "SELECT count(*) FROM reservations WHERE order_id = $1 AND state = 'released'", id); n != 1 {
		b.t.Errorf("%d reservations are released, want 1", n)
	}
}

// parked makes the last step refuse, which is behind the point of no return, and lets an operator deal with it.
func (b *bazaar) parked() {
	if err := b.Process("payment").Stop(); err != nil {
		b.t.Fatal(err)
	}
	id := b.place("tea", 10)
	execute(b.t, b.System, "ordering", "UPDATE orders SET state = 'cancelled' WHERE id = '"+id+"'")
	if err := b.Process("payment").Start(); err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "the saga is parked", func() string {
		if count(b.t, b.System, "ordering", "SELECT count(*) FROM saga WHERE key = $1 AND state = 'PARKED'", id) != 1 {
			return "not yet"
		}
		return ""
	})
	var stuck string
	for _, word := range strings.Fields(command(b.t, b.System, "ordering", "stuck", "list", "--kind", "saga")) {
		if strings.HasPrefix(word, "saga/") {
			stuck = word
		}
	}
	if shown := command(b.t, b.System, "ordering", "stuck", "show", stuck); !strings.Contains(shown, "ordering.ConfirmOrder") || !strings.Contains(shown, id) {
		b.t.Errorf("stuck show %s:\n%s", stuck, shown)
	}
	execute(b.t, b.System, "ordering", "UPDATE orders SET state = 'pending' WHERE id = '"+id+"'")
	command(b.t, b.System, "ordering", "stuck", "retry", stuck, "--by", "e2e")
	b.ends(id, "STATE_CONFIRMED", "COMPLETED")
}

// forged says in the name of payment that the stock is held, and in that of inventory that the money is there.
func (b *bazaar) forged() {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Broker()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	before := b.ledger()
	secret := signingKey(b.t, b.System, "k1")
	for _, lie := range []struct{ event, by, told string }{
		{"ReserveStock.Done", "payment", "payment"}, {"TakePayment.Done", "inventory", "ordering"}, {"TakePayment.Failed", "ordering", "inventory"},
		{"UndoRequested", "inventory", "payment"},
	} {
		series := `messages_quarantined_total{[^}]*reason="source"}`
		told := counted(b.t, b.System, lie.told, series)
		genuine := caught(b.t, b.System, "com.example.bazaar.place_order.saga.v1."+lie.event)
		r := variant(genuine, map[string]string{"ce_id": "forged-" + lie.event, "ce_source": "/bazaar/" + lie.by})
		if err := client.ProduceSync(b.t.Context(), signMessage(r, "k1", secret, time.Now())).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
		eventually(b.t, lie.told+" does not believe "+lie.event+" of "+lie.by, func() string {
			if n := counted(b.t, b.System, lie.told, series); n <= told {
				return "it is not quarantined"
			}
			return ""
		})
	}
	if after := b.ledger(); after != before {
		b.t.Errorf("lies changed something:\n%s\nbefore\n%s", after, before)
	}
}

// again appends every message of the saga's topic once more, under ids that no inbox knows.
func (b *bazaar) again() {
	b.allEnd()
	before := b.ledger()
	topic := b.TopicPrefix() + "bazaar.place-order.saga"
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Broker()), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	end := b.total(admin.ListEndOffsets(b.t.Context(), topic))
	var records []*kgo.Record
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for int64(len(records)) < end {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			b.t.Fatalf("%d of %d messages", len(records), end)
		}
		records = append(records, fetches.Records()...)
	}
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	secret := signingKey(b.t, b.System, "k1")
	for _, r := range records {
		again := variant(r, map[string]string{"ce_id": "again-" + header(r, "ce_id")})
		if err := client.ProduceSync(b.t.Context(), signMessage(again, "k1", secret, time.Now())).FirstErr(); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, service := range b.Services {
		eventually(b.t, service+" reads all", func() string {
			lag, err := admin.Lag(b.t.Context(), b.TopicPrefix()+"bazaar."+service)
			if err != nil {
				return err.Error()
			}
			for _, l := range lag {
				if n := l.Lag.Total(); n != 0 || l.Error() != nil {
					return fmt.Sprintf("%d messages to go, %v", n, l.Error())
				}
			}
			if len(lag) == 0 {
				return "no such group"
			}
			return ""
		})
		if n := count(b.t, b.System, service, "SELECT count(*) FROM inbox WHERE message_id LIKE 'again-%'"); n == 0 {
			b.t.Errorf("%s has taken none of the messages again", service)
		}
	}
	if after := b.ledger(); after != before {
		b.t.Errorf("the messages that came again changed something:\n%s\nbefore\n%s", after, before)
	}
}

func (b *bazaar) total(offsets kadm.ListedOffsets, err error) (n int64) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
	offsets.Each(func(o kadm.ListedOffset) { n += o.Offset })
	return n
}

func (b *bazaar) allEnd() {
	b.t.Helper()
	eventually(b.t, "the sagas", func() string {
		ended := count(b.t, b.System, "ordering", "SELECT count(*) FROM saga WHERE state IN ('COMPLETED', 'COMPENSATED')")
		if ended < b.placed {
			return fmt.Sprintf("%d of %d have ended", ended, b.placed)
		}
		return ""
	})
}

// ledger is what the services hold.
func (b *bazaar) ledger() string {
	b.t.Helper()
	text := ""
	for _, q := range []struct{ service, query string }{
		{"ordering", "orders WHERE state = 'confirmed'"}, {"ordering", "orders WHERE state = 'cancelled'"}, {"ordering", "orders"},
		{"ordering", "saga WHERE state = 'COMPLETED'"}, {"ordering", "saga WHERE state = 'COMPENSATED'"},
		{"inventory", "reservations WHERE state = 'held'"}, {"inventory", "reservations WHERE state = 'released'"}, {"payment", "payments"},
	} {
		text += fmt.Sprintf("%d %s\n", count(b.t, b.System, q.service, "SELECT count(*) FROM "+q.query), q.query)
	}
	return text
}

// agree compares what the services hold.
func (b *bazaar) agree() {
	b.t.Helper()
	b.allEnd()
	b.t.Log(b.ledger())
	confirmed := count(b.t, b.System, "ordering", "SELECT count(*) FROM orders WHERE state = 'confirmed'")
	for _, want := range []struct {
		service, query string
		n              int
	}{
		{"ordering", "SELECT count(*) FROM orders", b.placed},
		{"ordering", "SELECT count(*) FROM orders WHERE state = 'pending'", 0},
		{"ordering", "SELECT count(*) FROM saga s JOIN orders o ON o.id::text = s.key WHERE (s.state = 'COMPLETED') <> (o.state = 'confirmed')", 0},
		{"inventory", "SELECT count(*) FROM reservations WHERE state = 'held'", confirmed},
		{"inventory", "SELECT count(*) FROM (SELECT order_id FROM reservations GROUP BY order_id HAVING count(*) > 1) t", 0},
		{"payment", "SELECT count(*) FROM payments", confirmed},
		{"payment", "SELECT count(DISTINCT order_id) FROM payments", confirmed},
	} {
		if n := count(b.t, b.System, want.service, want.query); n != want.n {
			b.t.Errorf("%s: %s gives %d, want %d", want.service, want.query, n, want.n)
		}
	}
	if confirmed == 0 || confirmed == b.placed {
		b.t.Errorf("%d of %d orders are confirmed: nothing to see", confirmed, b.placed)
	}
}
