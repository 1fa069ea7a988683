package rule

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// steps calls f for every step of the sagas.
func steps(s *schema.Spec, f func(saga *schema.Saga, i int, step *schema.Step, path string)) {
	for _, saga := range s.Sagas {
		for i, step := range saga.Steps {
			f(saga, i, step, fmt.Sprintf("sagas.%s.steps[%d]", saga.Name.V, i))
		}
	}
}

// pivot is the index of the first pivot; the number of steps when there is none.
func pivot(saga *schema.Saga) int {
	for i, step := range saga.Steps {
		if step.Pivot.V {
			return i
		}
	}
	return len(saga.Steps)
}

func missingCompensation(s *schema.Spec, report Report) {
	steps(s, func(saga *schema.Saga, i int, step *schema.Step, path string) {
		if i < pivot(saga) && step.Compensate == nil && !step.Retriable.V {
			report.add(finding{
				path: path, span: step.Invoke.Name.Span, message: fmt.Sprintf("the step %s cannot be undone", step.Invoke.Name.V),
				help: "add `compensate:`, or mark it `pivot: true` when nothing after it may be refused", related: []diag.Label{label(saga.Name.Span, "in this saga")},
			})
		}
	})
}

func severalPivots(s *schema.Spec, report Report) {
	steps(s, func(saga *schema.Saga, i int, step *schema.Step, path string) {
		if first := pivot(saga); step.Pivot.V && i > first {
			report.add(finding{
				path: path + ".pivot", span: step.Pivot.Span, message: fmt.Sprintf("the saga %s has a second pivot", saga.Name.V),
				help: "keep one point of no return; mark the steps after it `retriable: true`", related: []diag.Label{label(saga.Steps[first].Pivot.Span, "the first pivot")},
			})
		}
	})
}

// stepOrder holds the order compensatable, pivot, retriable, and refuses steps that are two of these.
func stepOrder(s *schema.Spec, report Report) {
	steps(s, func(saga *schema.Saga, i int, step *schema.Step, path string) {
		at, name := pivot(saga), step.Invoke.Name.V
		add := func(message, help string, related ...diag.Label) {
			report.add(finding{path: path, span: step.Invoke.Name.Span, message: message, help: help, related: related})
		}
		switch {
		case step.Pivot.V && step.Compensate != nil:
			add(fmt.Sprintf("the pivot %s has a compensation", name), "remove `compensate`, or `pivot`: what can be undone is no point of no return", label(step.Compensate.Name.Span, "never called"))
		case step.Pivot.V && step.Retriable.V:
			add(fmt.Sprintf("the step %s is both pivot and retriable", name), "a pivot may be refused, a retriable step may not: choose one")
		case step.Retriable.V && step.Compensate != nil:
			add(fmt.Sprintf("the retriable step %s has a compensation", name), "remove `compensate`: a retriable step is never undone", label(step.Compensate.Name.Span, "never called"))
		case step.Compensate != nil && i > at:
			add(fmt.Sprintf("the step %s can be undone but stands after the pivot", name), "move it before the pivot", label(saga.Steps[at].Invoke.Name.Span, "the pivot"))
		case step.Retriable.V && i < at && at < len(saga.Steps):
			add(fmt.Sprintf("the retriable step %s stands before the pivot", name), "move it after the pivot: what comes before may have to be undone", label(saga.Steps[at].Invoke.Name.Span, "the pivot"))
		case !step.Retriable.V && at == len(saga.Steps) && i > 0 && saga.Steps[i-1].Retriable.V:
			add(fmt.Sprintf("the step %s stands after a retriable one", name), "put steps that can be refused first", label(saga.Steps[i-1].Invoke.Name.Span, "retriable"))
		}
	})
}

func notRetriable(s *schema.Spec, report Report) {
	steps(s, func(saga *schema.Saga, i int, step *schema.Step, path string) {
		if at := pivot(saga); i > at && !step.Retriable.V && step.Compensate == nil && !step.Pivot.V {
			report.add(finding{
				path: path, span: step.Invoke.Name.Span, message: fmt.Sprintf("the step %s after the pivot is not retriable", step.Invoke.Name.V),
				help: "add `retriable: true`: after the point of no return the saga can only go forward", related: []diag.Label{label(saga.Steps[at].Invoke.Name.Span, "the pivot")},
			})
		}
	})
}

func stepTimeout(s *schema.Spec, report Report) {
	steps(s, func(saga *schema.Saga, _ int, step *schema.Step, path string) {
		if step.Timeout.V > saga.Timeout.V {
			report.add(finding{
				path: path + ".timeout", span: step.Timeout.Span,
				message: fmt.Sprintf("the step's timeout of %s is longer than the saga's of %s", schema.FormatDuration(step.Timeout.V), schema.FormatDuration(saga.Timeout.V)),
				help:    "shorten the step's, or lengthen the saga's", related: []diag.Label{label(saga.Timeout.Span, "the saga's timeout")},
			})
		}
	})
}

func stepTarget(s *schema.Spec, report Report) {
	check := func(path string, ref *schema.MethodRef) {
		switch {
		case ref.Service == nil:
		case ref.Method != nil && ref.Method.ReadOnly():
			report.add(finding{
				path: path, span: ref.Name.Span, message: fmt.Sprintf("%s only reads, so that it cannot be part of a saga", ref.Name.V),
				help: "invoke a method that changes something", related: []diag.Label{label(ref.Method.Name.Span, "declared here")},
			})
		case ref.Service.Database.Set && ref.Service.Database.V == "":
			report.add(finding{
				path: path, span: ref.Name.Span, message: fmt.Sprintf("%s has no database, so that it cannot take part in a saga", ref.Service.Name.V),
				help: "remove its `database: none`: commands are remembered to be answered once", related: []diag.Label{label(ref.Service.Database.Span, "no database")},
			})
		}
	}
	steps(s, func(_ *schema.Saga, _ int, step *schema.Step, path string) {
		check(path+".invoke", &step.Invoke)
		if step.Compensate != nil {
			check(path+".compensate", step.Compensate)
		}
	})
}

// compensationTarget wants a compensation that changes the same aggregate of the same service.
func compensationTarget(s *schema.Spec, report Report) {
	steps(s, func(_ *schema.Saga, _ int, step *schema.Step, path string) {
		if step.Compensate == nil || step.Invoke.Service == nil || step.Compensate.Service == nil {
			return
		}
		action, undo := step.Invoke.Method, step.Compensate.Method
		f := finding{path: path + ".compensate", span: step.Compensate.Name.Span, related: []diag.Label{label(step.Invoke.Name.Span, "the step")}}
		switch {
		case step.Compensate.Service != step.Invoke.Service:
			f.message = fmt.Sprintf("%s cannot undo %s: it belongs to another service", step.Compensate.Name.V, step.Invoke.Name.V)
			f.help = "compensate with a method of " + step.Invoke.Service.Name.V
		case action == nil || undo == nil || undo.ReadOnly():
			return
		case undo.Creates.Set:
			f.message = fmt.Sprintf("%s cannot undo %s: it creates something", step.Compensate.Name.V, step.Invoke.Name.V)
			f.help = "compensate with a method that has `updates` or `deletes`"
		case action.Creates.Set && undo.Aggregate == nil && !undo.Updates.Set && !undo.Deletes.Set,
			action.Aggregate != nil && undo.Aggregate != nil && action.Aggregate != undo.Aggregate:
			name := action.Aggregate
			if name == nil {
				return
			}
			f.message = fmt.Sprintf("%s does not change %s, which %s changes", step.Compensate.Name.V, name.Name.V, step.Invoke.Name.V)
			f.help = "compensate with a method that has `updates: " + name.Name.V + "` or `deletes: " + name.Name.V + "`"
		default:
			return
		}
		report.add(f)
	})
}

// sagaStart wants exactly one aggregate of the orchestrator whose creation starts the saga.
func sagaStart(s *schema.Spec, report Report) {
	for _, saga := range s.Sagas {
		path := "sagas." + saga.Name.V
		if len(saga.StartedBy) == 0 {
			report.add(finding{path: path, span: saga.Name.Span, message: fmt.Sprintf("no method starts the saga %s", saga.Name.V), help: "add `starts: " + saga.Name.V + "` to the method that creates its aggregate"})
			continue
		}
		first := saga.StartedBy[0]
		for _, m := range saga.StartedBy {
			at := "services." + m.Service.Name.V + ".api." + m.Name.V + ".starts"
			switch {
			case saga.Choreographed() && m.Service != first.Service:
				report.add(finding{
					path: at, span: m.Starts.Span, message: fmt.Sprintf("the saga %s starts in both %s and %s", saga.Name.V, first.Service.Name.V, m.Service.Name.V),
					help: "give each service a saga of its own: the one that starts it answers for its end", related: []diag.Label{label(first.Starts.Span, "also started here")},
				})
			case saga.Service != nil && m.Service != saga.Service:
				report.add(finding{
					path: at, span: m.Starts.Span, message: fmt.Sprintf("%s starts a saga that %s orchestrates", m.Service.Name.V, saga.Service.Name.V),
					help: "start it in the transaction of a method of " + saga.Service.Name.V, related: []diag.Label{label(saga.Orchestrator.Span, "the orchestrator")},
				})
			case m.Aggregate != nil && first.Aggregate != nil && m.Aggregate != first.Aggregate:
				report.add(finding{
					path: at, span: m.Starts.Span, message: fmt.Sprintf("the saga %s starts from both %s and %s", saga.Name.V, first.Aggregate.Name.V, m.Aggregate.Name.V),
					help: "give each aggregate a saga of its own", related: []diag.Label{label(first.Starts.Span, "also started here")},
				})
			}
		}
	}
}

func failureTarget(s *schema.Spec, report Report) {
	for _, saga := range s.Sagas {
		ref := saga.OnFailure
		if ref == nil || ref.Service == nil {
			continue
		}
		f := finding{path: "sagas." + saga.Name.V + ".onFailure", span: ref.Name.Span}
		switch {
		case saga.Choreographed() && saga.Service != nil && ref.Service != saga.Service:
			f.message = fmt.Sprintf("onFailure names a method of %s, but %s starts the saga", ref.Service.Name.V, saga.Service.Name.V)
			f.help = "name a method of " + saga.Service.Name.V
			f.related = []diag.Label{label(saga.StartedBy[0].Starts.Span, "started here")}
		case saga.Service != nil && ref.Service != saga.Service:
			f.message = fmt.Sprintf("onFailure names a method of %s, but %s orchestrates the saga", ref.Service.Name.V, saga.Service.Name.V)
			f.help = "name a method of " + saga.Service.Name.V
			f.related = []diag.Label{label(saga.Orchestrator.Span, "the orchestrator")}
		case ref.Method != nil && (ref.Method.ReadOnly() || ref.Method.Creates.Set):
			f.message = fmt.Sprintf("%s cannot mark the failure: it changes nothing that is there", ref.Name.V)
			f.help = "name a method that has `updates` or `deletes`"
			f.related = []diag.Label{label(ref.Method.Name.Span, "declared here")}
		default:
			continue
		}
		report.add(f)
	}
}

func singleStepSaga(s *schema.Spec, report Report) {
	for _, saga := range s.Sagas {
		if len(saga.Steps) == 1 {
			report.add(finding{
				path: "sagas." + saga.Name.V + ".steps", span: saga.Name.Span, message: fmt.Sprintf("the saga %s has one step", saga.Name.V),
				help: "send an event instead: a saga keeps several services in step",
			})
		}
	}
}

func repeatedStep(s *schema.Spec, report Report) {
	for _, saga := range s.Sagas {
		first := map[string]*schema.Step{}
		for i, step := range saga.Steps {
			name := step.Invoke.Name.V
			if other, ok := first[name]; ok {
				report.add(finding{
					path: fmt.Sprintf("sagas.%s.steps[%d].invoke", saga.Name.V, i), span: step.Invoke.Name.Span, message: fmt.Sprintf("%s is invoked twice in a saga", name),
					help: "give the second step a method of its own: a step is known by its method", related: []diag.Label{label(other.Invoke.Name.Span, "first here")},
				})
				continue
			}
			first[name] = step
		}
	}
}
