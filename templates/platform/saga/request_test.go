package saga

import (
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ask asks for an action and lets the orchestrator do it.
func (w *world) ask(want bool, action Action) {
	w.t.Helper()
	ok, err := Ask(w.t.Context(), w.pool, w.only(), Request{Action: action, Reason: "ticket 7", By: "alice"})
	if err != nil || ok != want {
		w.t.Fatalf("%s: %v, %v", action, ok, err)
	}
	if err := w.o.answerRequests(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// notes are what the log tells of operators.
func (w *world) notes() []string {
	w.t.Helper()
	d, err := Find(w.t.Context(), w.pool, w.only())
	if err != nil {
		w.t.Fatal(err)
	}
	var notes []string
	for _, e := range d.Log {
		if e.Event == logOperator {
			notes = append(notes, e.Note)
		}
	}
	return notes
}

func TestRequests(t *testing.T) {
	pool := database(t)
	w := worldOn(t, pool)
	w.fail["capture.do"] = times(2, refuse())
	w.start("k")
	w.ask(false, ActionRetry) // it runs
	w.pump(nil)
	w.ask(true, ActionCompensate) // accepted by the state, refused by the definition
	w.state(Parked)
	w.ask(true, ActionRetry)
	w.pump(nil)
	w.state(Parked)
	w.ask(true, ActionRetry)
	w.pump(nil)
	w.state(Completed)
	notes := w.notes()
	if len(notes) != 3 || !strings.Contains(notes[0], "compensate for alice refused: saga "+w.only()+" is beyond the point of no return") {
		t.Errorf("log: %q", notes)
	}
	equal(t, "log", notes[1:], "retry by alice", "retry by alice")
	w.ask(false, ActionRetry)
	w.ask(false, ActionCompensate)

	w = worldOn(t, pool)
	w.fail["capture.do"] = refuse
	w.start("k")
	w.pump(nil)
	w.ask(true, ActionSkip)
	w.state(Completed)
	equal(t, "log", w.notes(), "skip by alice")

	w = worldOn(t, pool)
	w.start("k")
	w.pump(isReplyTo("authorize", opInvoke))
	w.ask(true, ActionCompensate)
	w.pump(nil)
	w.state(Compensated)
	w.effects("reserve.do", "authorize.do", "authorize.undo", "reserve.undo", "reject.do")
	equal(t, "reason", query(t, pool, `SELECT reason FROM saga`), "ticket 7")
}

func TestRequestIsDoneOnce(t *testing.T) {
	w := newWorld(t)
	w.fail["capture.do"] = times(1, refuse())
	w.start("k")
	w.pump(nil)
	id := w.only()
	for i, want := range []bool{true, false} { // two operators
		ok, err := Ask(t.Context(), w.pool, id, Request{Action: ActionRetry, By: "alice"})
		if err != nil || ok != want {
			t.Errorf("%d: %v, %v", i, ok, err)
		}
	}
	if list, err := ListParked(t.Context(), w.pool, 10); err != nil || len(list) != 1 || list[0].Step != "capture" || list[0].Request.By != "alice" {
		t.Errorf("list: %+v, %v", list, err)
	}
	var wg sync.WaitGroup
	for range 4 { // replicas
		wg.Go(func() {
			if err := w.o.answerRequests(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
	equal(t, "log", w.notes(), "retry by alice")
}

// A release that does not know the definition leaves the request for one that does.
func TestRequestWaitsForTheDefinition(t *testing.T) {
	w := newWorld(t)
	w.fail["capture.do"] = times(1, refuse())
	w.start("k")
	w.pump(nil)
	other := order()
	other.Version = 2
	w.defs = []Definition{other}
	w.boot()
	w.ask(true, ActionRetry)
	w.state(Parked)
	w.defs = []Definition{order(), other}
	w.boot()
	if err := w.o.answerRequests(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.pump(nil)
	w.state(Completed)
}

func TestFindOfNothing(t *testing.T) {
	pool := database(t)
	if d, err := Find(t.Context(), pool, "00000000-0000-0000-0000-000000000001"); d != nil || err != nil {
		t.Errorf("found %+v, %v", d, err)
	}
	if _, err := Find(t.Context(), pool, "x"); status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v", err)
	}
	if _, err := Ask(t.Context(), pool, "x", Request{Action: ActionRetry}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v", err)
	}
}
