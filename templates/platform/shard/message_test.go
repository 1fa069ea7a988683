package shard_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
	"github.com/msgen-dev/msgen/templates/platform/shard"
)

// TestMessagesFollowTheirSlots: messages that no handler takes are parked where their slots are, go along when those are moved, and are handled
// once when they are retried. What belongs nowhere is kept too.
func TestMessagesFollowTheirSlots(t *testing.T) {
	w := newWorld(t, 2)
	place := func(msg event.Message) shard.Place { return shard.OfText(msg.Key) }
	var broken atomic.Bool
	broken.Store(true)
	err := w.Attach(func(sh *shard.Shard) error {
		in := inbox.New(sh.Pool, "g", inbox.Options{InTx: w.TxOf(place), Enter: w.Enter(place), BackoffMin: time.Millisecond})
		in.Handle("Put", 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
			if broken.Load() {
				return errors.New("broken")
			}
			_, err := tx.Exec(ctx, `INSERT INTO things (id, customer, n) VALUES ($1, $2, 1)`, shard.NewID(place(msg)), msg.Key)
			return err
		})
		sh.Process = in.Process
		sh.Go("retries", in.RunRetries)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})

	const messages = 40
	var batch []event.Message
	for n := range messages {
		batch = append(batch, event.Message{ID: fmt.Sprint("m", n), Source: "/s", Type: "Put", Topic: "t", Key: fmt.Sprint("customer-", n), Offset: int64(n)})
	}
	batch = append(batch, event.Message{ID: "nowhere", Source: "/s", Type: "Put", Topic: "t", Offset: messages})
	if err := w.Process(place)(ctx, batch); err != nil {
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM %s.dead_letters`); n != messages+1 {
		t.Fatalf("%d dead letters, want %d", n, messages+1)
	}
	if err := w.open(2).Add(ctx, 4, shard.AddOptions{}); err != nil {
		t.Fatal(err)
	}
	for n := range 4 {
		var wrong int
		sql := fmt.Sprintf(`SELECT count(*) FROM shard_%d.dead_letters d JOIN shards.slot s ON s.slot = d.shard_slot WHERE s.shard <> $1`, n)
		if err := w.all.QueryRow(ctx, sql, n).Scan(&wrong); err != nil || wrong > 0 {
			t.Errorf("%d dead letters of shard %d belong elsewhere, %v", wrong, n, err)
		}
	}
	broken.Store(false)
	for n := range 4 {
		if _, err := w.all.Exec(ctx, fmt.Sprintf(`UPDATE shard_%d.dead_letters SET retry_at = now(), retry_by = 'test'`, n)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if w.count(`SELECT count(*) FROM %s.dead_letters WHERE retry_at IS NOT NULL`) == 0 {
			break
		}
	}
	if err := w.Process(place)(ctx, batch); err != nil { // the broker delivers all of them again
		t.Fatal(err)
	}
	if n := w.count(`SELECT count(*) FROM %s.things`); n != messages {
		t.Errorf("%d messages were handled, want %d", n, messages)
	}
	if n := w.count(`SELECT count(*) FROM %s.dead_letters WHERE message_id = 'nowhere' AND error LIKE '%%names nothing%%'`); n != 1 {
		t.Errorf("what belongs nowhere is kept %d times, want once", n)
	}
	if n := w.count(`SELECT count(*) FROM %s.dead_letters`); n != 1 {
		t.Errorf("%d dead letters are left, want 1", n)
	}
}
