package saga

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/inbox"
)

// A process that dies leaves a message unacknowledged, so that it is delivered again. The points at which it can die:
const (
	beforeWork  = "before the work"
	beforeCommt = "before the commit"
	beforeAck   = "after the commit, before the acknowledgement"
	lost        = "before the work, and the message is gone" // a broker's fault rather than a crash: the timers must help
)

// TestCrashAtEveryPoint runs a saga that completes and one that compensates, and lets the service die at every message of theirs, at
// each of the points. A new orchestrator takes over and must bring them to the same end by the same effects.
func TestCrashAtEveryPoint(t *testing.T) {
	for _, run := range []struct {
		refused string
		state   State
		effects []string
	}{
		{"", Completed, []string{"reserve.do", "authorize.do", "confirm.do", "capture.do"}},
		{"confirm.do", Compensated, []string{"reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do"}},
	} {
		for _, point := range []string{beforeWork, beforeCommt, beforeAck, lost} {
			t.Run(fmt.Sprintf("%s/%s", run.state, point), func(t *testing.T) {
				t.Parallel()
				pool := database(t)
				for at := 0; ; at++ {
					w := worldOn(t, pool)
					if run.refused != "" {
						w.fail[run.refused] = refuse
					}
					w.start("k")
					if !w.runAndCrash(at, point) {
						if at < 8 {
							t.Errorf("only %d messages: the saga did not run", at)
						}
						return
					}
					w.pump(nil)
					w.elapse() // what was lost is asked for again
					w.pump(nil)
					w.state(run.state)
					w.effects(run.effects...)
					if t.Failed() {
						t.Fatalf("crash at message %d", at)
					}
				}
			})
		}
	}
}

// runAndCrash delivers messages up to number at, at which the process dies, and boots a new one. It is false if there are not as many.
func (w *world) runAndCrash(at int, point string) bool {
	w.t.Helper()
	for range at {
		msg, ok := w.take()
		if !ok {
			return false
		}
		w.deliver(msg)
	}
	msg, ok := w.take()
	if !ok {
		return false
	}
	switch point {
	case beforeCommt:
		w.workWithoutCommit(msg)
	case beforeAck:
		w.deliver(msg)
	}
	if point != lost {
		w.queue = append([]event.Message{msg}, w.queue...)
	}
	w.boot()
	return true
}

// workWithoutCommit handles msg in a transaction that is rolled back.
func (w *world) workWithoutCommit(msg event.Message) {
	w.t.Helper()
	ctx, die := context.WithCancel(w.t.Context())
	defer die()
	handler := Participate("/away", w.participate)
	if msg.Type == ReplyType {
		handler = w.o.HandleReply
	}
	dying := inbox.New(w.pool, map[bool]string{true: "home", false: "away"}[msg.Type == ReplyType], inbox.Options{Logger: quiet})
	dying.Handle(msg.Type, 0, func(ctx context.Context, tx pgx.Tx, msg event.Message) error {
		err := handler(ctx, tx, msg)
		die()
		return err
	})
	if err := dying.Process(ctx, []event.Message{msg}); !errors.Is(err, context.Canceled) {
		w.t.Fatalf("the process did not die: %v", err)
	}
}

// The timer is another place to die at: it holds a saga's lock, and its transaction is gone.
func TestTimerDies(t *testing.T) {
	w := newWorld(t)
	w.start("k")
	w.pump(isReplyTo("reserve", opInvoke))
	exec(t, w.pool, `UPDATE saga SET next_at = now()`)
	tx, err := w.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), `SELECT FROM saga FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	w.fire() // another one holds it
	if w.logged(logTimeout) != 0 {
		t.Fatal("a saga that another orchestrator holds was moved")
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.fire()
	w.pump(nil)
	w.state(Completed)
}
