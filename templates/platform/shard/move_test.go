package shard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/shard"
)

// balanced checks that every row is in the shard of its slot, once, with all that hangs on it, and that the slots are shared out.
func (w *world) balanced(ids []string, shards int) {
	w.t.Helper()
	if n := w.count(`SELECT count(*) FROM %s.things`); n != len(ids) {
		w.t.Errorf("%d things, want %d", n, len(ids))
	}
	for _, table := range []string{"outbox", "inbox"} {
		if n := w.count(`SELECT count(*) FROM %s.` + table); n != len(ids) {
			w.t.Errorf("%d rows in %s, want %d", n, table, len(ids))
		}
	}
	if n := w.count(`SELECT count(*) FROM %s.parts`); n != 2*len(ids) {
		w.t.Errorf("%d parts, want %d", n, 2*len(ids))
	}
	status, err := w.Status(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(status) != shards {
		w.t.Fatalf("%d shards, want %d", len(status), shards)
	}
	for _, st := range status {
		if st.Slots < shard.Slots/shards || st.Slots > shard.Slots/shards+1 {
			w.t.Errorf("shard %d has %d slots", st.Shard, st.Slots)
		}
		for _, table := range []string{"things", "parts", "outbox", "inbox"} {
			var wrong int
			sql := fmt.Sprintf(`SELECT count(*) FROM shard_%d.%s t JOIN shards.slot s ON s.slot = t.shard_slot WHERE s.shard <> $1`, st.Shard, table)
			if err := w.all.QueryRow(w.t.Context(), sql, st.Shard).Scan(&wrong); err != nil || wrong > 0 {
				w.t.Errorf("%d rows of %s are in shard %d and belong elsewhere, %v", wrong, table, st.Shard, err)
			}
		}
	}
	for _, id := range ids {
		if _, err := get(w.t.Context(), w.Set, id); err != nil {
			w.t.Errorf("%s: %v", id, err)
		}
	}
}

// TestShardsAreAddedUnderLoad: two processes write and read while a third adds shards. Nothing is refused, lost or there twice; what was
// written is seen at once and ever after, and the pages of a list have each thing once.
func TestShardsAreAddedUnderLoad(t *testing.T) {
	w := newWorld(t, 2)
	other := w.open(2)
	var mu sync.Mutex
	var ids []string
	var stop atomic.Bool
	var wg sync.WaitGroup
	some := func() string {
		mu.Lock()
		defer mu.Unlock()
		if len(ids) == 0 {
			return ""
		}
		return ids[rand.IntN(len(ids))]
	}
	for worker := range 2 {
		s := w.Set
		if worker%2 == 1 {
			s = other
		}
		wg.Go(func() {
			for n := 0; !stop.Load(); n++ {
				id, err := put(t.Context(), s, fmt.Sprintf("customer-%d", rand.IntN(300)), n)
				if err != nil {
					t.Errorf("write: %v", err)
					return
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
				time.Sleep(time.Millisecond) // leaves the machine to the others
			}
		})
		wg.Go(func() {
			for !stop.Load() {
				if id := some(); id != "" {
					if _, err := get(t.Context(), s, id); err != nil {
						t.Errorf("read of %s: %v", id, err)
						return
					}
				}
			}
		})
	}
	wg.Go(func() {
		for !stop.Load() {
			mu.Lock()
			want := append([]string{}, ids...)
			mu.Unlock()
			seen := map[string]int{}
			for after := ""; ; {
				page, err := list(t.Context(), other, after, 50)
				if err != nil {
					t.Errorf("list: %v", err)
					return
				}
				for _, id := range page {
					seen[id]++
				}
				if len(page) < 50 {
					break
				}
				after = page[len(page)-1]
			}
			for _, id := range want {
				if seen[id] != 1 {
					t.Errorf("%s is listed %d times", id, seen[id])
					return
				}
			}
		}
	})
	adder := w.open(2)
	for _, count := range []int{3, 4} {
		if err := adder.Add(t.Context(), count, shard.AddOptions{}); err != nil {
			t.Errorf("add: %v", err)
		}
	}
	stop.Store(true)
	wg.Wait()
	t.Logf("%d things were written meanwhile", len(ids))
	w.balanced(ids, 4)
	w.ordered()
}

// ordered checks that the messages of a key are in the outbox in the order in which they were written, wherever they were moved: ids of
// things are in the order of time.
func (w *world) ordered() {
	w.t.Helper()
	if n := w.count(`
		SELECT count(*) FROM (
			SELECT created_at < lag(created_at) OVER (PARTITION BY key ORDER BY id) AS wrong FROM %s.outbox) t WHERE wrong`); n > 0 {
		w.t.Errorf("%d messages overtook another of their key", n)
	}
}

// TestAddIsKilledAnywhere stops the adding process at random moments, by cutting its connections. Each time every slot is whole, and in the
// end the next process finishes.
func TestAddIsKilledAnywhere(t *testing.T) {
	w := newWorld(t, 1)
	var ids []string
	for n := range 300 {
		ids = append(ids, w.mustPut(fmt.Sprintf("customer-%d", n), n))
	}
	kills := 0
	for attempt := 0; ; attempt++ {
		ctx, cancel := context.WithCancel(t.Context())
		adder := w.open(1)
		done := make(chan error, 1)
		go func() { done <- adder.Add(ctx, 3, shard.AddOptions{}) }()
		var err error
		if attempt < 12 {
			time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
			// What it is in the middle of is cut off in the database, as by kill -9; then it is told, so that it does not try again.
			cancel()
			_, _ = w.all.Exec(t.Context(), `
				SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%gone%' AND pid <> pg_backend_pid()`)
		}
		err = <-done
		cancel()
		if err == nil {
			break
		}
		kills++
		if n := w.count(`SELECT count(*) FROM %s.things`); n != len(ids) {
			t.Fatalf("after kill %d there are %d things, want %d", kills, n, len(ids))
		}
	}
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("nothing was killed")
	}
	w.balanced(ids, 3)
	w.ordered()
}

// TestAddMovesNoMoreThanItMust and takes nothing away.
func TestAddMovesNoMoreThanItMust(t *testing.T) {
	w := newWorld(t, 4)
	moved := map[int]int{}
	err := w.Add(t.Context(), 5, shard.AddOptions{Moved: func(m shard.Moved, _, _ int) {
		moved[m.Slot]++
		if m.To != 4 {
			t.Errorf("slot %d went from %d to %d, which is not new", m.Slot, m.From, m.To)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(moved) != shard.Slots/5 {
		t.Errorf("%d slots were moved, want %d", len(moved), shard.Slots/5)
	}
	if err := w.Add(t.Context(), 5, shard.AddOptions{Moved: func(m shard.Moved, _, _ int) { t.Errorf("%v was moved for nothing", m) }}); err != nil {
		t.Error(err)
	}
	if err := w.Add(t.Context(), 4, shard.AddOptions{}); err == nil {
		t.Error("a shard was taken away")
	}
	if err := w.Add(t.Context(), shard.MaxShards+1, shard.AddOptions{}); err == nil {
		t.Error("there are more shards than there can be")
	}
}

// TestMoveWaitsForWriters: a slot with a transaction under way stays, and the writers behind the move are let through.
func TestMoveWaitsForWriters(t *testing.T) {
	w := newWorld(t, 1)
	ctx := t.Context()
	w.mustPut("c", 1)
	slot, _ := shard.OfText("c").Slot()
	entered, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	done := make(chan error, 1)
	go func() {
		done <- w.InTx(ctx, shard.OfText("c"), func(tx pgx.Tx) error {
			once.Do(func() { close(entered) })
			<-leave
			_, err := tx.Exec(ctx, `UPDATE things SET n = 2 WHERE n = 1`)
			return err
		})
	}()
	<-entered
	added := make(chan error, 1)
	var moved atomic.Bool
	go func() {
		added <- w.open(1).Add(ctx, 2, shard.AddOptions{Wait: 50 * time.Millisecond, Attempts: 1000, Moved: func(m shard.Moved, _, _ int) {
			if m.Slot == slot {
				moved.Store(true)
			}
		}})
	}()
	for range 5 { // writers of the slot get through between two attempts to move it, if it is one that moves
		if _, err := put(ctx, w.Set, "c", 3); err != nil {
			t.Error(err)
		}
	}
	if moved.Load() {
		t.Error("the slot was moved away under a transaction")
	}
	close(leave)
	if err := errors.Join(<-done, <-added); err != nil {
		t.Error(err)
	}
	if n := w.count(`SELECT count(*) FROM %s.things WHERE n = 2`); n != 1 {
		t.Errorf("%d things have what the transaction wrote, want 1", n)
	}
}

// TestAddWaitsItsTurn has one Add wait for the lock of another, which may be of one that was just killed, and give up in time.
func TestAddWaitsItsTurn(t *testing.T) {
	w := newWorld(t, 2)
	held, err := w.all.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	lock := func(function string) {
		if _, err := held.Exec(t.Context(), `SELECT `+function+`(hashtextextended('platform/shard/add', 0))`); err != nil {
			t.Fatal(err)
		}
	}
	lock("pg_advisory_lock")
	if err := w.Add(t.Context(), 3, shard.AddOptions{Turn: 100 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "another process adds shards") {
		t.Errorf("beside another: %v", err)
	}
	added := make(chan error, 1)
	go func() { added <- w.Add(t.Context(), 3, shard.AddOptions{Turn: time.Minute}) }()
	select {
	case err := <-added:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	lock("pg_advisory_unlock")
	if err := <-added; err != nil {
		t.Error(err)
	}
	w.balanced(nil, 3)
}
