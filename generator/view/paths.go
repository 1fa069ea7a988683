package view

import (
	"strings"

	"github.com/msgen-dev/msgen/schema/outcome"
)

// SagaPath is one way a saga can go, in words.
type SagaPath struct {
	Happens, Follows string
	End              string // COMPLETED, COMPENSATED or PARKED
	Leaves           string // the aggregates with the states that they may be in
}

// Paths are the ways the saga can go: the one on which all succeeds, then each failure of each command.
func (s *Saga) Paths() []SagaPath {
	paths, _ := outcome.Of(s.Spec)
	list := make([]SagaPath, len(paths))
	for i, p := range paths {
		list[i] = SagaPath{Happens: "every step is done", Follows: "–", End: string(p.End), Leaves: leaves(p.Leaves)}
		if p.Failed != nil {
			list[i].Happens, list[i].Follows = p.Failed.Name.V+" is refused", follows(p)
		}
		switch {
		case p.Failed == nil:
		case p.Failure == outcome.Unanswered && s.Spec.Choreographed():
			list[i].Happens = p.Failed.Name.V + " is not done in time"
		case p.Failure == outcome.Unanswered:
			list[i].Happens = p.Failed.Name.V + " is never answered"
		case p.Leaves == nil: // of a command that undoes
			list[i].Happens = p.Failed.Name.V + " never succeeds"
		}
	}
	return list
}

func follows(p outcome.Path) string {
	switch {
	case p.End == outcome.Parked && p.Failure == outcome.Refused && p.Leaves != nil:
		return "left to a person"
	case p.End == outcome.Parked:
		return "sent again, then left to a person"
	}
	names := make([]string, len(p.Undone))
	for i, ref := range p.Undone {
		names[i] = ref.Name.V
	}
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, ", ")
}

func leaves(list []outcome.Left) string {
	if len(list) == 0 {
		return "–"
	}
	texts := make([]string, len(list))
	for i, l := range list {
		states := make([]string, len(l.States))
		for j, s := range l.States {
			switch s {
			case outcome.Gone:
				states[j] = "not there"
			case "":
				states[j] = "there"
			default:
				states[j] = s
			}
		}
		texts[i] = l.Aggregate.Name.V + " " + strings.Join(states, " or ")
	}
	return strings.Join(texts, ", ")
}
