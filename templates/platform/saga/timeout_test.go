package saga

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/event"
	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func TestLostRepliesAtEachStep(t *testing.T) {
	pool := database(t)
	for step, tt := range map[string]struct {
		op      string
		state   State
		effects []string
	}{
		"reserve":   {opInvoke, Compensated, []string{"reserve.do", "reserve.undo", "reject.do"}},
		"authorize": {opInvoke, Compensated, []string{"reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do"}},
		"confirm":   {opInvoke, Completed, []string{"reserve.do", "authorize.do", "confirm.do", "capture.do"}},
		"capture":   {opComplete, Completed, []string{"reserve.do", "authorize.do", "confirm.do", "capture.do"}},
	} {
		t.Run(step, func(t *testing.T) {
			w := worldOn(t, pool)
			w.start("k")
			var late []event.Message
			for range 3 {
				late = append(late, w.pump(isReplyTo(step, tt.op))...)
				w.elapse()
			}
			if len(late) != 3 {
				t.Fatalf("%d replies were lost, want one to each of 3 attempts", len(late))
			}
			w.pump(nil)
			w.state(tt.state)
			w.effects(tt.effects...)
			w.deliver(late...) // they come after all
			w.pump(nil)
			w.state(tt.state)
			w.effects(tt.effects...)
			if n := w.logged(logLate) + w.logged(logDuplicate); n != 3 {
				t.Errorf("%d late or duplicate replies are logged, want 3", n)
			}
			if w.logged(logTimeout) != 3 {
				t.Errorf("%d timeouts are logged, want 3", w.logged(logTimeout))
			}
		})
	}
}

func TestLateReplyOfAnEarlierAttempt(t *testing.T) {
	w := newWorld(t)
	w.start("k")
	late := w.pump(isReplyTo("authorize", opInvoke))
	w.elapse()
	w.collect() // the second attempt waits in the broker
	w.deliver(late...)
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
	if w.logged(logDuplicate) != 1 {
		t.Error("the second reply is not logged as a duplicate")
	}
}

func TestLostCommandsAtEachStep(t *testing.T) {
	pool := database(t)
	for _, step := range []string{"reserve", "authorize"} {
		t.Run(step, func(t *testing.T) {
			w := worldOn(t, pool)
			w.start("k")
			var late []event.Message
			for range 3 {
				late = append(late, w.pump(isCommand(step+".do"))...)
				w.elapse()
			}
			w.pump(nil)
			w.state(Compensated)
			want := []string{"reject.do"}
			if step == "authorize" {
				want = []string{"reserve.do", "reserve.undo", "reject.do"}
			}
			w.effects(want...)
			w.deliver(late...) // barred
			w.pump(nil)
			w.effects(want...)
			if w.logged(logLate) != 3 {
				t.Errorf("%d late replies are logged, want the 3 refusals", w.logged(logLate))
			}
		})
	}
}

func TestSagaTimeout(t *testing.T) {
	pool := database(t)
	t.Run("before the pivot", func(t *testing.T) {
		w := worldOn(t, pool)
		w.start("k")
		w.pump(isReplyTo("authorize", opInvoke))
		w.expire()
		w.elapse()
		w.pump(nil)
		w.state(Compensated)
		w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
		equal(t, "reason", query(t, w.pool, `SELECT reason FROM saga`), reasonTimeout)
	})
	t.Run("noticed by a reply", func(t *testing.T) {
		w := worldOn(t, pool)
		w.start("k")
		late := w.pump(isReplyTo("authorize", opInvoke))
		w.expire()
		w.deliver(late...) // the pivot is next and must not be sent
		w.pump(nil)
		w.state(Compensated)
		w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
	})
	t.Run("the timer looks when it passes", func(t *testing.T) {
		def := order()
		def.Timeout = time.Minute // the first step waits for an hour
		w := worldOn(t, pool, def)
		w.start("k")
		equal(t, "looks later than the timeout", query(t, w.pool, `SELECT key FROM saga WHERE next_at <> deadline`))
	})
	t.Run("pivot unknown", func(t *testing.T) {
		w := worldOn(t, pool)
		w.start("k")
		lose := isReplyTo("confirm", opInvoke)
		for range 6 { // more than MaxResends: before the timeout it does not give up
			w.pump(lose)
			w.elapse()
			w.state(Running)
		}
		w.expire()
		w.pump(lose)
		w.elapse()
		w.state(Parked)
		w.effects("reserve.do", "authorize.do", "confirm.do")
		if err := w.o.Retry(t.Context(), w.only()); err != nil {
			t.Fatal(err)
		}
		w.pump(nil)
		w.state(Completed)
	})
	t.Run("beyond the pivot it does not matter", func(t *testing.T) {
		w := worldOn(t, pool)
		w.start("k")
		late := w.pump(isReplyTo("confirm", opInvoke))
		w.expire()
		w.deliver(late...)
		w.pump(nil)
		w.state(Completed)
	})
}

func TestLostRepliesOfCompensations(t *testing.T) {
	pool := database(t)
	for _, lose := range []func(event.Message) bool{
		isReplyTo("authorize", opCompensate), isReplyTo("reserve", opCompensate), isReplyTo(onFailure, opComplete),
	} {
		w := worldOn(t, pool)
		w.fail["confirm.do"] = refuse
		w.start("k")
		if lost := w.pump(lose); len(lost) != 1 {
			t.Fatalf("lost %d", len(lost))
		}
		w.elapse()
		w.pump(nil)
		w.state(Compensated)
		w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
	}
}

func TestExhaustedRetriableIsParked(t *testing.T) {
	w := newWorld(t)
	w.start("k")
	for range 4 {
		w.state(Running)
		w.pump(isReplyTo("capture", opComplete))
		w.elapse()
	}
	w.state(Parked)
	if w.metric("saga_finished_total") != 1 {
		t.Error("the end is not counted")
	}
	if err := w.o.Retry(t.Context(), w.only()); err != nil {
		t.Fatal(err)
	}
	w.pump(isReplyTo("capture", opComplete))
	w.elapse()
	w.state(Running) // it has all its attempts again
}

func TestTimersKeepTheTraceOfTheStart(t *testing.T) {
	w := newWorld(t)
	begin := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	ctx := trace.ContextWithSpanContext(t.Context(), begin)
	err := postgres.InTx(ctx, w.pool, func(tx pgx.Tx) error { return w.o.Start(ctx, tx, "order", "k", wrapperspb.String("")) })
	if err != nil {
		t.Fatal(err)
	}
	w.collect()
	w.boot()
	w.elapse()
	w.collect()
	if len(w.queue) != 2 {
		t.Fatalf("%d commands, want 2 attempts", len(w.queue))
	}
	for _, msg := range w.queue {
		if got := trace.SpanContextFromContext(msg.Context(t.Context())).TraceID(); got != begin.TraceID() {
			t.Errorf("command %s is of trace %s, want %s", msg.ID, got, begin.TraceID())
		}
	}
}
