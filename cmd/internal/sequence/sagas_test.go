package sequence_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

var sagaNames = []string{"filing", "clearance"}

// swap has every service.Method that something names pass through a function.
func (s *system) swap(with func(ref string) string) {
	for _, v := range s.Services {
		for i, call := range v.Calls {
			v.Calls[i] = with(call)
		}
	}
	for _, g := range s.Sagas {
		g.Undone, g.Pivot = with(g.Undone), with(g.Pivot)
	}
}

// started reports that a method of its orchestrator starts a saga.
func (s *system) started(g *saga) bool {
	return slices.ContainsFunc(s.Services, func(v *service) bool {
		return v.Name == g.Orchestrator && slices.ContainsFunc(v.API, func(m *method) bool { return m.Starts == g.Name })
	})
}

// addSaga adds a saga of two services, started by a method that creates something.
func addSaga(r *rand.Rand, s *system) string {
	g, starter := newSaga(r, s)
	if g == nil {
		return ""
	}
	s.Sagas = append(s.Sagas, g)
	return fmt.Sprintf("add the saga %s to %s, started by %s", g.Name, g.Orchestrator, starter.Name)
}

func newSaga(r *rand.Rand, s *system) (*saga, *method) {
	name, ok := unused(r, sagaNames, names(s.Sagas, func(g *saga) string { return g.Name }))
	v := pick(r, s.Services)
	starters := slices.DeleteFunc(slices.Clone(v.API), func(m *method) bool { return m.Does != "creates" || m.Starts != "" })
	var steps []string
	for _, o := range s.Services {
		for _, m := range o.API {
			if o != v && (m.Does == "" || m.Does == "updates") {
				steps = append(steps, o.Name+"."+m.Name)
			}
		}
	}
	if !ok || len(starters) == 0 || len(steps) < 2 {
		return nil, nil
	}
	starter := pick(r, starters)
	starter.Starts = name
	at := r.Perm(len(steps))
	return &saga{Name: name, Orchestrator: v.Name, Undone: steps[at[0]], Pivot: steps[at[1]]}, starter
}

func removeSaga(r *rand.Rand, s *system) string {
	if len(s.Sagas) == 0 {
		return ""
	}
	g := pick(r, s.Sagas)
	s.Sagas = slices.DeleteFunc(s.Sagas, func(o *saga) bool { return o == g })
	s.forget()
	return "remove the saga " + g.Name
}
