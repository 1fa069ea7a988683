package inbox

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
)

// BenchmarkInbox compares batches of 100 with a transaction per message, taking turns in one run on one database. The handler
// writes one row. What counts is the ratio; the rates are the machine's.
func BenchmarkInbox(b *testing.B) {
	const perTurn, size = 1000, 100
	pool := database(b)
	in := New(pool, "bench", Options{Logger: slog.New(slog.DiscardHandler)})
	in.Handle(typ, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		_, err := tx.Exec(ctx, `INSERT INTO applied (message, key) VALUES ($1, $2)`, msg.ID, msg.Key)
		return err
	})
	made := 0
	turn := func(size int) time.Duration {
		batch := make([]event.Message, perTurn)
		for i := range batch {
			made++
			batch[i] = messages("a")[0]
			batch[i].ID = fmt.Sprintf("%08d", made)
		}
		started := time.Now()
		for ; len(batch) > 0; batch = batch[size:] {
			if err := in.Process(b.Context(), batch[:size]); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(started)
	}
	turn(size) // warm up: connections and prepared statements
	turn(1)
	var batched, single time.Duration
	for b.Loop() {
		batched += turn(size)
		single += turn(1)
	}
	messages := float64(b.N * perTurn)
	b.ReportMetric(messages/batched.Seconds(), "batched-msg/s")
	b.ReportMetric(messages/single.Seconds(), "single-msg/s")
	b.ReportMetric(single.Seconds()/batched.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op") // both sides together mean nothing
}
