package saga

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func (w *world) startMany(n int) {
	w.t.Helper()
	err := postgres.InTx(w.t.Context(), w.pool, func(tx pgx.Tx) error {
		for i := range n {
			if err := w.o.Start(w.t.Context(), tx, "order", fmt.Sprint(i), wrapperspb.String("data")); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTwoOrchestratorsMoveASagaOnce(t *testing.T) {
	w := newWorld(t)
	const n = 3 * timerBatch
	w.startMany(n)
	exec(t, w.pool, `UPDATE saga SET next_at = now() - interval '1 second'`)
	var wg sync.WaitGroup
	for range 2 {
		o, err := New(w.pool, "/home", Options{Logger: quiet}, w.defs...)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for range 20 {
				if _, err := o.fire(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := query(t, w.pool, `SELECT key FROM saga WHERE attempt <> 2`); len(got) > 0 {
		t.Errorf("%d of %d sagas were not moved exactly once", len(got), n)
	}
	if w.logged(logTimeout) != n {
		t.Errorf("%d timeouts, want %d", w.logged(logTimeout), n)
	}
}

func TestAPoisonedSagaDoesNotBlockOthers(t *testing.T) {
	w := newWorld(t)
	w.startMany(timerBatch + 3)
	// A whole batch that cannot even be read stands before the others.
	exec(t, w.pool, `UPDATE saga SET next_at = now() - interval '1 second'`)
	exec(t, w.pool, `UPDATE saga SET trace = '[]', next_at = now() - interval '1 hour' WHERE key::int < $1`, timerBatch)
	w.fire()
	w.fire()
	if got := query(t, w.pool, `SELECT key FROM saga WHERE attempt = 2`); len(got) != 3 {
		t.Errorf("%d of the 3 healthy sagas were moved", len(got))
	}
	if w.metric("saga_timer_errors_total") != timerBatch {
		t.Error("the errors are not counted")
	}
}

func TestRunTimers(t *testing.T) {
	w := newWorld(t)
	w.startMany(2)
	w.collect()
	w.queue = nil // both commands are lost, and the process with them
	exec(t, w.pool, `UPDATE saga SET next_at = now()`)
	nudged := make(chan bool, 100)
	w.reg = prometheus.NewRegistry()
	o, err := New(w.pool, "/home", Options{
		Registerer: w.reg, Logger: quiet, Poll: time.Millisecond, StatsEvery: time.Millisecond, Nudge: func() { nudged <- true },
	}, w.defs...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error)
	go func() { done <- o.RunTimers(ctx) }()
	<-nudged
	for len(query(t, w.pool, `SELECT key FROM saga WHERE attempt = 2`)) < 2 {
		time.Sleep(time.Millisecond)
	}
	for w.metric("saga_open") != 2 {
		time.Sleep(time.Millisecond)
	}
	if w.metric("saga_oldest_seconds") <= 0 {
		t.Error("the oldest saga has no age")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The timers survive an outage of the database.
func TestRunTimersOutage(t *testing.T) {
	w := newWorld(t)
	o, err := New(w.pool, "/home", Options{Logger: quiet, Poll: time.Millisecond}, w.defs...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error)
	go func() { done <- o.RunTimers(ctx) }()
	killer, err := w.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_, err := killer.Exec(t.Context(), `
			SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Millisecond)
	}
	killer.Release()
	w.pool.Reset() // this test's own statements shall not meet a dead connection
	w.start("k")
	exec(t, w.pool, `UPDATE saga SET next_at = now()`)
	for len(query(t, w.pool, `SELECT key FROM saga WHERE attempt = 2`)) < 1 {
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
