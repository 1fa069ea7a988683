package saga

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestChoreographyCompletes(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.start("k")
	d.run(false, nil)
	d.state(Completed)
	d.effects("a.do", "b.do", "c.do")
}

// Each step may be refused, and each saga is undone from there, backwards.
func TestChoreographyIsUndone(t *testing.T) {
	for refused, want := range map[string][]string{
		"a": {"starter.reject"}, "b": {"a.do", "a.undo", "starter.reject"}, "c": {"a.do", "b.do", "b.undo", "a.undo", "starter.reject"},
	} {
		t.Run(refused, func(t *testing.T) {
			d := newDance(t, Compensatable, Compensatable, Pivot, Retriable)
			d.fail[refused+".do"] = refuse
			d.start("k")
			d.run(false, nil)
			d.state(Compensated)
			d.effects(want...)
			for _, p := range query(t, d.pool, `SELECT payload FROM effect WHERE what LIKE '%.undo' OR what LIKE '%.reject'`) {
				if p != "data out of stock" {
					t.Errorf("undone with %q", p)
				}
			}
		})
	}
}

// The trigger of a step comes after the saga's time was up and its service was asked to turn back: it must do nothing.
func TestChoreographyTombstoneBeforeTrigger(t *testing.T) {
	for late, want := range map[string][]string{"a": {"starter.reject"}, "b": {"a.do", "a.undo", "starter.reject"}, "c": {"a.do", "b.do", "b.undo", "a.undo", "starter.reject"}} {
		t.Run(late, func(t *testing.T) {
			d := newDance(t, Compensatable, Compensatable, Pivot, Retriable)
			d.start("k")
			trigger := map[string]string{"a": ".Started", "b": ".A.Done", "c": ".B.Done"}[late]
			held := d.run(false, to(late, trigger))
			d.state(Running)
			d.expire()
			d.elapse()
			d.run(false, nil)
			d.state(Compensated)
			d.effects(want...)
			if len(held) != 1 {
				t.Fatalf("%d triggers were held", len(held))
			}
			d.hand(held...)
			asked := held[0].msg
			asked.ID, asked.Type = "asked", "test.order.StepRequested"
			asked.Extensions = maps.Clone(asked.Extensions)
			asked.Extensions[extStep], asked.Extensions[extOp], asked.Extensions[extAttempt] = late, opInvoke, "7"
			d.hand(delivery{late, asked})
			equal(t, "said on the late trigger, and on being asked", query(t, d.pool, `SELECT type FROM outbox`))
			d.effects(want...)
			d.state(Compensated)
		})
	}
}

// The pivot is done, but the starter does not hear of it in time: the request to turn back comes too late, and the saga goes on.
func TestChoreographyTimeoutLosesAgainstThePivot(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.start("k")
	held := d.run(false, func(x delivery) bool { return strings.HasSuffix(x.msg.Type, ".B.Done") })
	d.expire()
	d.elapse()
	d.state(Compensating)
	d.run(false, nil)
	d.state(Completed)
	d.hand(held...)
	d.run(false, nil)
	d.state(Completed)
	d.effects("a.do", "b.do", "c.do")
}

// Where the last step can be undone, and nothing goes on on it, the starter's decision counts.
func TestChoreographyTimeoutWinsAgainstTheLastStep(t *testing.T) {
	d := newDance(t, Compensatable, Compensatable)
	d.start("k")
	held := d.run(false, to("starter", ".B.Done"))
	d.expire()
	d.elapse()
	d.hand(held...)
	d.state(Compensating)
	d.run(false, nil)
	d.state(Compensated)
	d.effects("a.do", "b.do", "b.undo", "a.undo", "starter.reject")
}

// The starter hears of nothing until the time is up, and all is done: it must not undo what is behind the point of no return.
func TestChoreographyOfADeafStarter(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.start("k")
	held := d.run(false, to("starter", ".Done"))
	d.expire()
	d.elapse()
	d.run(false, nil)
	d.effects("a.do", "b.do", "c.do")
	d.hand(held...)
	d.state(Completed)
}

// The starter hears of the way back in the wrong order: it does not go up again.
func TestChoreographyHeardInTheWrongOrder(t *testing.T) {
	d := newDance(t, Compensatable, Compensatable, Pivot)
	d.fail["c.do"] = refuse
	d.start("k")
	end := to("starter", ".Cancelled")
	held := d.run(false, func(x delivery) bool { return end(x) || to("starter", ".C.Failed")(x) || to("starter", ".B.Undone")(x) })
	equal(t, "step", query(t, d.pool, `SELECT step::text FROM saga`), "-1")
	var last delivery
	for _, x := range held {
		if end(x) {
			last = x
			continue
		}
		d.hand(x)
		equal(t, "step after "+x.msg.Type, query(t, d.pool, `SELECT step::text FROM saga`), "-1")
	}
	d.hand(last)
	d.state(Compensated)
}

// A saga is parked, as its step was refused, and the step is done by itself after all, on a dead letter that someone retries.
func TestChoreographyGoesOnFromParked(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.fail["c.do"] = refuse
	d.start("k")
	var trigger delivery
	d.run(false, func(x delivery) bool {
		if to("c", ".B.Done")(x) {
			trigger = x
		}
		return false
	})
	d.state(Parked)
	delete(d.fail, "c.do")
	trigger.msg.ID += "/retried"
	d.hand(trigger)
	d.run(false, nil)
	d.state(Completed)
	d.effects("a.do", "b.do", "c.do")
}

// A trigger ends as a dead letter: the starter asks again, and the step is done.
func TestChoreographyAsksAgain(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.fail["c.do"] = times(2, errTechnical)
	d.start("k")
	d.run(false, nil)
	d.state(Running)
	d.effects("a.do", "b.do")
	d.elapse()
	d.run(false, nil)
	d.state(Completed)
	d.effects("a.do", "b.do", "c.do")
}

// What must succeed and is refused waits for a person, and goes on when told to.
func TestChoreographyParks(t *testing.T) {
	for step, want := range map[string]State{"c.do": Completed, "a.undo": Compensated} {
		t.Run(step, func(t *testing.T) {
			d := newDance(t, Compensatable, Pivot, Retriable)
			d.fail[step] = refuse
			if want == Compensated {
				d.fail["b.do"] = refuse
			}
			d.start("k")
			d.run(false, nil)
			for range 5 {
				d.elapse()
				d.run(false, nil)
			}
			d.state(Parked)
			delete(d.fail, step)
			if ok, err := Ask(t.Context(), d.pool, d.only(), Request{Action: ActionRetry, Reason: "mended", By: "ann"}); err != nil || !ok {
				t.Fatal(ok, err)
			}
			if err := d.o.answerRequests(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.run(false, nil)
			d.state(want)
		})
	}
}

// An event of another version of the steps is not reacted to, and not lost.
func TestChoreographyOfAnotherVersion(t *testing.T) {
	d := newDance(t, Compensatable, Pivot)
	d.start("k")
	held := d.run(false, to("a", ".Started"))
	held[0].msg.Extensions[extVersion] = "2"
	d.hand(held...)
	d.effects()
	equal(t, "dead letters", query(t, d.pool, `SELECT type FROM dead_letters`), "test.order.Started")
}

// Someone asks for what no step is, or for the undoing of what cannot be undone.
func TestChoreographyOfNonsense(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.start("k")
	held := d.run(false, to("c", ".B.Done"))
	for i, step := range []string{"nobody", "c", onFailure} {
		msg := held[0].msg
		msg.ID, msg.Type = "nonsense"+step, "test.order.UndoRequested"
		msg.Extensions = map[string]string{extID: d.only(), extStep: step, extOp: opCompensate, extAttempt: "1", extVersion: "1"}
		d.hand(delivery{"a", msg}, delivery{"c", msg})
		if n := len(query(t, d.pool, `SELECT DISTINCT message_id FROM dead_letters`)); n != i+1 {
			t.Errorf("%s: %d dead letters", step, n)
		}
	}
	d.hand(held...)
	d.run(false, nil)
	d.state(Completed)
}

// A trigger that comes when the saga's time is up is refused, before the starter says a word.
func TestChoreographyLateTriggerIsRefused(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.start("k")
	held := d.run(false, to("b", ".A.Done"))
	held[0].msg.Extensions[extDeadline] = time.Now().Add(-time.Minute).Format(time.RFC3339Nano)
	d.hand(held...)
	d.run(false, nil)
	d.state(Compensated)
	d.effects("a.do", "a.undo", "starter.reject")
	equal(t, "reason", query(t, d.pool, `SELECT reason FROM saga`), reasonTimeout)
}

// The starter does not hear of a step that is done: it asks, and the service says it again under an id that is not known yet.
func TestChoreographySaysAgain(t *testing.T) {
	d := newDance(t, Compensatable, Pivot, Retriable)
	d.start("k")
	held := d.run(false, func(x delivery) bool { return strings.HasSuffix(x.msg.Type, ".B.Done") })
	d.effects("a.do", "b.do")
	for _, x := range held { // as if the inbox had seen it, and its work were lost
		exec(t, d.pool, `INSERT INTO inbox (consumer_group, message_id) VALUES ($1, $2)`, x.to, x.msg.ID)
	}
	d.elapse()
	d.run(false, nil)
	d.state(Completed)
	d.effects("a.do", "b.do", "c.do")
}

// The generator has the same events in its documents, and in what it tells services to believe.
func TestChoreographyVocabulary(t *testing.T) {
	d := &dance{kinds: []Kind{Compensatable, Compensatable, Pivot, Retriable}}
	c := d.steps("")
	var got []string
	for typ := range c.vocabulary() {
		got = append(got, strings.TrimPrefix(typ, "test.order."))
	}
	slices.Sort(got)
	equal(t, "events", got, "A.Done", "A.Failed", "A.Stuck", "A.Undone", "B.Done", "B.Failed", "B.Stuck", "B.Undone", "C.Done", "C.Failed", "C.Undone",
		"CancelStuck", "Cancelled", "D.Done", "D.Stuck", "Started", "StepRequested", "UndoRequested")
}
