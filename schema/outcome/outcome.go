// Package outcome works out, from the spec alone, every way in which a saga can end: each step refused, or without an answer, each
// compensation that does not succeed. It follows the saga's aggregates through their states, so that it knows which commands their
// services will refuse by then.
//
// What it walks is what the generated orchestrator does: a refusal before or at the pivot undoes the steps before; a step without an
// answer is undone too, since it may have been done; the pivot and what follows is sent until it is answered; what can neither go on
// nor back is PARKED for a person. In a choreographed saga the service of the pivot decides whether it is too late to turn back, so that
// a pivot that is not done in time is undone like the steps before it. Sagas, Garcia-Molina and Salem 1987; the kinds of steps as in microservices.io, saga.
package outcome

import "github.com/msgen-dev/msgen/schema"

// End is how a saga ends.
type End string

// The ends.
const (
	Completed   End = "COMPLETED"
	Compensated End = "COMPENSATED"
	Parked      End = "PARKED" // a person has to look at it
)

// Failure is what goes wrong with a command.
type Failure int

// The failures. A service refuses a command when its state does not allow it or when your code says so; a command is unanswered when its time is up, and
// then nobody knows whether it was done.
const (
	None Failure = iota
	Refused
	Unanswered
)

// Path is one way a saga can go.
type Path struct {
	Failure Failure
	Failed  *schema.MethodRef // the command that fails; nil when all succeed
	// Undone are the compensations that follow, in order, and then the method of onFailure. One of an unanswered step changes nothing when the step was not done.
	Undone []*schema.MethodRef
	End    End
	// Leaves are the aggregates that the saga creates, starts from or changes, with the states that each may be in at the end.
	Leaves []Left
}

// Left is an aggregate at the end of a path.
type Left struct {
	Aggregate *schema.Aggregate
	States    []string // in the order of the spec; Gone stands last
}

// Gone stands for an aggregate that is not there: not created, or deleted.
const Gone = "gone"

// Fault is a command that is refused on a path that nothing leads on from.
type Fault struct {
	Kind    FaultKind
	Command *schema.MethodRef // that is refused, or that does not undo
	Step    *schema.Step      // that it belongs to; nil for onFailure
	State   string            // of the command's aggregate at that time
	By      *schema.Method    // that brought it there; nil for the beginning
	After   *schema.MethodRef // whose failure leads there; nil where none has to
	Other   *schema.Method    // a method that is not of the saga and can come between; nil when none has to
}

// FaultKind says what a fault leads to.
type FaultKind int

// The kinds of faults.
const (
	NeverDone  FaultKind = iota // the step is always refused, so that the saga never completes
	NotUndone                   // a compensation or onFailure is refused: the saga is parked half undone
	NotEnded                    // a step after the point of no return is refused: the saga is parked half done
	NotChanged                  // a compensation leaves the state as the step made it
)

// Of enumerates the ways of a saga, and what is wrong with them: each command once, where it shows first. The first path is the one on which all
// succeeds. Aggregates are followed where it is clear which one is meant: the one that the saga starts from, and those that a single step creates.
func Of(saga *schema.Saga) ([]Path, []Fault) {
	w := newWalk(saga)
	paths := []Path{{End: Completed}}
	now := w.begin()
	for i, step := range saga.Steps {
		before := now
		final := step.Retriable.V || i > 0 && saga.Steps[i-1].Pivot.V || i > 0 && saga.Steps[i-1].Retriable.V
		if final {
			w.must(before, check{command: &step.Invoke, step: step, kind: NotEnded, after: w.pivot(i)})
		}
		now = w.does(before, step, final)
		either := before.or(now)
		refused, unanswered := Path{Failure: Refused, Failed: &step.Invoke}, Path{Failure: Unanswered, Failed: &step.Invoke}
		switch {
		case final:
			refused.End, refused.Leaves = Parked, w.leaves(before)
			unanswered.End, unanswered.Leaves = Parked, w.leaves(either)
		case step.Pivot.V && saga.Choreographed(): // its service is asked, and says whether it was done
			refused, unanswered = w.undone(refused, before, i-1), w.undone(unanswered, before, i-1)
		case step.Pivot.V:
			refused = w.undone(refused, before, i-1)
			unanswered.End, unanswered.Leaves = Parked, w.leaves(either)
		default:
			refused = w.undone(refused, before, i-1)
			wasNot := w.undone(unanswered, before, i-1)
			unanswered = w.undone(unanswered, now, i)
			unanswered.Leaves = join(unanswered.Leaves, wasNot.Leaves)
		}
		paths = append(paths, refused, unanswered)
	}
	paths[0].Leaves = w.leaves(now)
	for _, c := range w.undoing(len(saga.Steps) - 1) {
		paths = append(paths, Path{Failure: Refused, Failed: c.command, End: Parked})
	}
	w.interfere()
	return paths, w.faults
}
