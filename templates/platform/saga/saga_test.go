package saga

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/msgen-dev/msgen/templates/platform/postgres"
)

func TestCompleted(t *testing.T) {
	def := order()
	def.Steps[3].Invoke.Build = func(_ context.Context, run *Run) (proto.Message, error) {
		var reply wrapperspb.StringValue
		if ok, err := run.Reply("authorize", &reply); !ok || err != nil {
			return nil, errors.Join(errors.New("no reply"), err)
		}
		if ok, _ := run.Reply("capture", &reply); ok {
			return nil, errors.New("a step has a reply that is not done")
		}
		return wrapperspb.String(run.Key + ": " + reply.Value), nil
	}
	w := newWorld(t, def)
	w.start("k")
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
	id := w.only()
	equal(t, "payloads", query(t, w.pool, `SELECT payload FROM effect ORDER BY id`),
		"data "+stepID(id, "reserve"), "data "+stepID(id, "authorize"), "data "+stepID(id, "confirm"), "k: did authorize.do")
	equal(t, "log", query(t, w.pool, `SELECT step || ' ' || event FROM saga_step_log ORDER BY id`),
		"reserve command", "reserve done", "authorize command", "authorize done", "confirm command", "confirm done",
		"capture command", "capture done")
	if w.metric("saga_started_total") != 1 || w.metric("saga_finished_total") != 1 || w.metric("saga_duration_seconds") != 1 {
		t.Error("start or end is not counted")
	}
	if w.metric("saga_replies_total") != 4 {
		t.Error("replies are not counted")
	}
}

func TestStartTwiceIsOnce(t *testing.T) {
	w := newWorld(t)
	w.start("k")
	w.start("k")
	w.pump(nil)
	w.start("k")
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
	err := postgres.InTx(t.Context(), w.pool, func(tx pgx.Tx) error {
		return w.o.Start(t.Context(), tx, "unheard-of", "k", wrapperspb.String(""))
	})
	if err == nil {
		t.Error("a saga without a definition was started")
	}
}

func TestStartIsRolledBackWithItsTransaction(t *testing.T) {
	w := newWorld(t)
	err := postgres.InTx(t.Context(), w.pool, func(tx pgx.Tx) error {
		return errors.Join(w.o.Start(t.Context(), tx, "order", "k", wrapperspb.String("")), errors.New("no"))
	})
	if err == nil {
		t.Fatal("no error")
	}
	w.pump(nil)
	w.effects()
}

func TestRefusalAtEachStep(t *testing.T) {
	pool := database(t)
	for step, tt := range map[string]struct {
		state   State
		effects []string
	}{
		"reserve":   {Compensated, []string{"reject.do"}},
		"authorize": {Compensated, []string{"reserve.do", "reserve.undo", "reject.do"}},
		"confirm":   {Compensated, []string{"reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do"}},
		"capture":   {Parked, []string{"reserve.do", "authorize.do", "confirm.do"}},
	} {
		t.Run(step, func(t *testing.T) {
			w := worldOn(t, pool)
			w.fail[step+".do"] = refuse
			w.start("k")
			w.pump(nil)
			w.state(tt.state)
			w.effects(tt.effects...)
			id := w.only()
			if tt.state == Parked {
				list, err := w.o.List(t.Context(), Parked)
				if err != nil || len(list) != 1 || list[0].ID != id || list[0].Step != step ||
					!strings.Contains(list[0].ParkedReason, "out of stock") {
					t.Errorf("list of the parked: %+v, %v", list, err)
				}
				return
			}
			equal(t, "payload of reject", query(t, w.pool, `SELECT payload FROM effect WHERE what = 'reject.do'`),
				"data "+stepID(id, "reject")+" because out of stock")
			equal(t, "undone under another id than done", query(t, w.pool, `
				SELECT d.what FROM effect d JOIN effect u ON u.what = replace(d.what, '.do', '.undo') AND d.what <> u.what
				WHERE split_part(d.payload, ' ', 2) <> split_part(u.payload, ' ', 2)`))
		})
	}
}

func TestWithoutOnFailure(t *testing.T) {
	def := order()
	def.OnFailure = nil
	w := newWorld(t, def)
	w.fail["authorize.do"] = refuse
	w.start("k")
	w.pump(nil)
	w.state(Compensated)
	w.effects("reserve.do", "reserve.undo")
}

func TestTechnicalFailureIsRetriedByTheInbox(t *testing.T) {
	w := newWorld(t)
	for _, typ := range commandTypes {
		w.fail[typ] = times(2, errTechnical)
	}
	w.start("k")
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
}

// A step whose replies are lost is done, but nobody knows: a compensatable one is undone, the others are asked again.
// The first attempt's reply comes while the second is under way: it counts.
// Commands that are overtaken by their compensation never run.
func TestDuplicatesOfEveryMessage(t *testing.T) {
	pool := database(t)
	for _, refused := range []string{"", "confirm.do"} {
		w := worldOn(t, pool)
		if refused != "" {
			w.fail[refused] = refuse
		}
		w.start("k")
		for {
			msg, ok := w.take()
			if !ok {
				break
			}
			again := msg // also under another id, which the inbox does not recognise
			again.ID += "#"
			w.deliver(msg, msg, again)
		}
		if refused == "" {
			w.state(Completed)
			w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
		} else {
			w.state(Compensated)
			w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
		}
		if w.logged(logDuplicate) == 0 {
			t.Error("no duplicate reply is logged")
		}
	}
}

func TestCompensationIsRetriedThenParked(t *testing.T) {
	pool := database(t)
	w := worldOn(t, pool)
	w.fail["confirm.do"] = refuse
	w.fail["authorize.undo"] = times(2, refuse())
	w.start("k")
	for range 2 {
		w.pump(nil)
		w.state(Compensating)
		w.elapse()
	}
	w.pump(nil)
	w.state(Compensated)
	w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")

	w = worldOn(t, pool)
	w.fail["confirm.do"] = refuse
	w.fail["authorize.undo"] = times(4, refuse()) // MaxResends
	w.start("k")
	for range 4 {
		w.pump(nil)
		w.elapse()
	}
	w.state(Parked)
	equal(t, "reason", query(t, w.pool, `SELECT reason FROM saga`), "out of stock")
	if err := w.o.Retry(t.Context(), w.only()); err != nil {
		t.Fatal(err)
	}
	w.pump(nil)
	w.state(Compensated)
	w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
}
