package rule

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/outcome"
)

// deadEnd reports the ways of a saga that end half done or half undone, whatever happens elsewhere.
func deadEnd(s *schema.Spec, report Report) {
	faults(s, func(saga *schema.Saga, f outcome.Fault) {
		if f.Other == nil {
			report.add(told(saga, f))
		}
	})
}

// interference reports those that do when a method that is not of the saga comes between.
func interference(s *schema.Spec, report Report) {
	faults(s, func(saga *schema.Saga, f outcome.Fault) {
		if f.Other != nil {
			report.add(told(saga, f))
		}
	})
}

func faults(s *schema.Spec, f func(*schema.Saga, outcome.Fault)) {
	for _, saga := range s.Sagas {
		if !inOrder(saga) {
			continue // other rules say what is wrong; what follows from it is of no use
		}
		_, list := outcome.Of(saga)
		for _, fault := range list {
			f(saga, fault)
		}
	}
}

// told is a fault in words.
func told(saga *schema.Saga, f outcome.Fault) finding {
	m := f.Command.Method
	name, what := f.Command.Name.V, m.Aggregate.Name.V
	x := finding{path: at(saga, f), span: f.Command.Name.Span}
	x.help = fmt.Sprintf("add %s to `from` of %s", f.State, m.Name.V)
	state := what + " is " + f.State
	if f.State == outcome.Gone {
		state, x.help = "there is no "+what, "put it where there is one"
	}
	if f.Other != nil {
		x.message = fmt.Sprintf("%s can come in between; then %s, %s is refused and the saga is parked", method(f.Other), state, name)
		x.help += fmt.Sprintf(", or keep %s out while the saga runs by a state of its own", f.Other.Name.V)
		x.related = append(x.related, label(f.Other.Name.Span, "not of the saga"))
		return x
	}
	after := ""
	if f.After != nil {
		after = fmt.Sprintf(" when %s fails", f.After.Name.V)
	}
	switch f.Kind {
	case outcome.NeverDone:
		x.message = fmt.Sprintf("%s is always refused: %s by then", name, state)
		x.help += ", or move the step"
	case outcome.NotEnded:
		x.message = fmt.Sprintf("%s is refused after the point of no return: %s by then, and the saga can go neither on nor back", name, state)
	case outcome.NotChanged:
		x.message = fmt.Sprintf("%s does not undo %s: %s stays %s", name, f.Step.Invoke.Name.V, what, f.State)
		x.help = "compensate with a method that brings it to another state"
	case outcome.NotUndone:
		x.message = fmt.Sprintf("%s is refused%s: %s by then, and the saga is parked half undone", name, after, state)
	}
	if f.By != nil {
		x.related = append(x.related, label(f.By.Name.Span, "brings it there"))
	}
	return x
}

func method(m *schema.Method) string { return m.Service.Name.V + "." + m.Name.V }

// at is the path of a fault's command.
func at(saga *schema.Saga, f outcome.Fault) string {
	path := "sagas." + saga.Name.V
	for i, step := range saga.Steps {
		switch {
		case step != f.Step:
		case step.Compensate == f.Command:
			return fmt.Sprintf("%s.steps[%d].compensate", path, i)
		default:
			return fmt.Sprintf("%s.steps[%d].invoke", path, i)
		}
	}
	return path + ".onFailure"
}

// inOrder reports that a saga's commands are where they belong, and that their states are there.
func inOrder(saga *schema.Saga) bool {
	kind := func(step *schema.Step) int {
		switch {
		case step.Retriable.V:
			return 2
		case step.Pivot.V:
			return 1
		}
		return 0
	}
	var commands []*schema.MethodRef
	for i, step := range saga.Steps {
		undo := step.Compensate
		if i > 0 {
			if before := kind(saga.Steps[i-1]); kind(step) < before || kind(step) == 1 && before == 1 {
				return false
			}
		}
		if undo != nil && (kind(step) > 0 || undo.Method != nil && step.Invoke.Method != nil && undo.Method.Aggregate != step.Invoke.Method.Aggregate) {
			return false
		}
		if commands = append(commands, &step.Invoke); undo != nil {
			commands = append(commands, undo)
		}
	}
	if last := saga.OnFailure; last != nil {
		if last.Service != saga.Service || last.Method != nil && (last.Method.ReadOnly() || last.Method.Creates.Set) {
			return false
		}
		commands = append(commands, last)
	}
	for _, c := range commands {
		if c.Method == nil || c.Method.Aggregate == nil {
			continue
		}
		for _, m := range c.Method.Aggregate.Service.API {
			if m.Aggregate == c.Method.Aggregate && !statesKnown(m) {
				return false
			}
		}
	}
	return true
}

// statesKnown reports that a method's states are those of its aggregate.
func statesKnown(m *schema.Method) bool {
	for _, v := range m.From {
		if !hasState(m.Aggregate.States, v.V) {
			return false
		}
	}
	return !m.To.Set || hasState(m.Aggregate.States, m.To.V)
}
