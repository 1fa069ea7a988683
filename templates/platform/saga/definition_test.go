package saga

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func TestBuildErrors(t *testing.T) {
	pool := database(t)
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("database is away") },
		"panic": func() error { panic("boom") },
	} {
		for step := range 4 {
			t.Run(name+" at "+order().Steps[step].Name, func(t *testing.T) {
				def := order()
				inner, left := def.Steps[step].Invoke.Build, 2
				def.Steps[step].Invoke.Build = func(ctx context.Context, run *Run) (proto.Message, error) {
					if left--; left >= 0 {
						if err := fail(); err != nil {
							return nil, err
						}
					}
					return inner(ctx, run)
				}
				w := worldOn(t, pool, def)
				w.start("k")
				for range 2 {
					w.pump(nil)
					w.state(Running)
					w.elapse()
				}
				w.pump(nil)
				w.state(Completed)
				if w.logged(logBuildFailed) != 2 {
					t.Errorf("%d failed builds are logged", w.logged(logBuildFailed))
				}
			})
		}
	}
	for step, state := range []State{Compensated, Compensated, Compensated, Parked} {
		for name, err := range map[string]error{"business": refuse(), "for ever": errors.New("away")} {
			t.Run(name+" at "+order().Steps[step].Name, func(t *testing.T) {
				def := order()
				def.Steps[step].Invoke.Build = func(context.Context, *Run) (proto.Message, error) { return nil, err }
				w := worldOn(t, pool, def)
				w.start("k")
				for range 5 {
					w.pump(nil)
					w.elapse()
				}
				w.pump(nil)
				w.state(state)
				all := []string{"reserve.do", "authorize.do", "confirm.do"}
				undo := [][]string{{"reject.do"}, {"reserve.undo", "reject.do"}, {"authorize.undo", "reserve.undo", "reject.do"}, nil}
				w.effects(slices.Concat(all[:step], undo[step])...)
			})
		}
	}
}

// A pivot that was sent may be done, whatever becomes of its resend.
func TestBuildErrorOfASentPivot(t *testing.T) {
	def := order()
	inner, builds := def.Steps[2].Invoke.Build, 0
	def.Steps[2].Invoke.Build = func(ctx context.Context, run *Run) (proto.Message, error) {
		if builds++; builds > 1 {
			return nil, refuse()
		}
		return inner(ctx, run)
	}
	w := newWorld(t, def)
	w.start("k")
	w.pump(isReplyTo("confirm", opInvoke))
	w.elapse()
	w.pump(nil)
	w.state(Parked)
	w.effects("reserve.do", "authorize.do", "confirm.do")
}

func TestUnknownDefinitionIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.start("k")
	w.collect()
	v2 := order()
	v2.Version = 2
	w.defs = []Definition{v2}
	w.boot()
	w.elapse()
	if err := w.o.stats(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.metric("saga_unknown_definition") != 1 {
		t.Error("it is not counted")
	}
	w.pump(nil) // the reply arrives at one that does not understand it
	w.state(Running)
	if w.logged(logUnknown) != 1 || w.logged(logTimeout) != 0 {
		t.Error("the reply is not logged, or the timer touched the saga")
	}
	if err := w.o.Retry(t.Context(), w.only()); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("retry: %v", err)
	}
	w.defs = []Definition{v2, order()}
	w.boot()
	w.elapse()
	w.pump(nil)
	w.state(Completed)
	w.effects("reserve.do", "authorize.do", "confirm.do", "capture.do")
	w.start("new")
	equal(t, "version of a new saga", query(t, w.pool, `SELECT definition::text FROM saga WHERE key = 'new'`), "2")
}

func TestForeignReplies(t *testing.T) {
	w := newWorld(t)
	w.start("k")
	lost := w.pump(isReplyTo("reserve", opInvoke))
	for name, change := range map[string]func(map[string]string){
		"saga":    func(ext map[string]string) { ext[extID] = "no uuid" },
		"attempt": func(ext map[string]string) { ext[extAttempt] = "x" },
		"step":    func(ext map[string]string) { delete(ext, extStep) },
		"op":      func(ext map[string]string) { ext[extOp] = "x" },
		"outcome": func(ext map[string]string) { ext[extOutcome] = "x" },
	} {
		msg := lost[0]
		msg.ID = name
		msg.Extensions = map[string]string{}
		for k, v := range lost[0].Extensions {
			msg.Extensions[k] = v
		}
		change(msg.Extensions)
		w.deliver(msg)
	}
	equal(t, "parked", query(t, w.pool, `SELECT message_id FROM dead_letters ORDER BY 1`), "attempt", "op", "outcome", "saga", "step")
	other := lost[0]
	other.ID, other.Extensions = "other", map[string]string{
		extID: "00000000-0000-0000-0000-000000000001", extStep: "reserve", extOp: opInvoke, extAttempt: "1", extOutcome: outcomeDone,
	}
	w.deliver(other) // ignored: the saga is not known
	w.deliver(lost...)
	w.pump(nil)
	w.state(Completed)
}

func TestDefinitionsAreValidated(t *testing.T) {
	for want, change := range map[string]func(*Definition){
		"no name":           func(d *Definition) { d.Name = "" },
		"no timeout":        func(d *Definition) { d.Timeout = 0 },
		"no reply topic":    func(d *Definition) { d.ReplyTopic = "" },
		"no steps":          func(d *Definition) { d.Steps = nil },
		"bad name":          func(d *Definition) { d.Steps[0].Name = "a/b" },
		"name is taken":     func(d *Definition) { d.Steps[0].Name = "capture" },
		"taken":             func(d *Definition) { d.Steps[0].Name = onFailure },
		"unknown kind":      func(d *Definition) { d.Steps[3].Kind = 7 },
		"the order is":      func(d *Definition) { d.Steps[3].Kind = Compensatable },
		"second pivot":      func(d *Definition) { d.Steps[3].Kind = Pivot },
		"only a compensa":   func(d *Definition) { d.Steps[3].Compensate = d.OnFailure },
		"negative":          func(d *Definition) { d.Steps[0].Timeout = -1 },
		"invoke: a command": func(d *Definition) { d.Steps[0].Invoke.Topic = "" },
		"compensate: a":     func(d *Definition) { d.Steps[0].Compensate = &Command{Topic: "t", Type: "t"} },
		"on failure: a":     func(d *Definition) { d.OnFailure = &Command{} },
	} {
		def := order()
		change(&def)
		if _, err := New(nil, "/home", Options{}, def); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := New(nil, "/home", Options{}, order(), order()); err == nil {
		t.Error("a definition given twice is accepted")
	}
}
