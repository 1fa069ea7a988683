package sequence_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// addition is something that a command adds. do changes the spec as the command is to, and returns its command line; nil when there is nothing that
// it could add.
type addition struct {
	name string
	do   func(r *rand.Rand, s *system) []string
}

var additions = []addition{
	{"add-service", serviceByCommand}, {"add-method", methodByCommand}, {"add-event", eventByCommand}, {"add-call", callByCommand}, {"add-saga", sagaByCommand},
}

// command is a run of msgen that changes the tree.
type command struct {
	args []string
	next *system // what the spec becomes, where the command changes it as well; or nil
}

// adds is a command that adds something to the spec, beside a comment that the user has put into it; nil when there is nothing to add.
func (w *world) adds() *command {
	a := pick(w.r, additions)
	for range 20 {
		next := w.spec.clone()
		args := a.do(w.r, next)
		if args == nil || faults(next.text()) != "" {
			continue
		}
		w.insert("msgen.yaml", "# "+w.mark())
		w.done[a.name]++
		w.logf("  to add: msgen %s", strings.Join(args, " "))
		return &command{append(args, "--yes"), next}
	}
	return nil
}

// added takes over what a command has added to the spec: all that it was to.
func (w *world) added(c *command) {
	text := w.read("msgen.yaml")
	if now, want := outline(text), outline(c.next.text()); faults(text) != "" || !slices.Equal(now, want) {
		w.fatalf("%s: msgen.yaml has %v, it should have %v", strings.Join(c.args, " "), now, want)
	}
	w.spec = c.next
}

// outline are the names that a spec declares, and who uses what.
func outline(text string) []string {
	spec, _ := schema.Load("msgen.yaml", []byte(text))
	if spec == nil {
		return nil
	}
	var list []string
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	for _, v := range spec.Services {
		say("service %s", v.Name.V)
		for _, a := range v.Aggregates {
			say("%s.%s", v.Name.V, a.Name.V)
			for _, f := range a.Fields {
				say("%s.%s.%s", v.Name.V, a.Name.V, f.Name.V)
			}
		}
		for _, m := range v.API {
			say("%s.%s starts %s", v.Name.V, m.Name.V, m.Starts.V)
			for _, e := range m.Sends {
				say("%s.%s sends %s", v.Name.V, m.Name.V, e.Name.V)
			}
			for _, f := range slices.Concat(m.Request, m.Response) {
				say("%s.%s has %s", v.Name.V, m.Name.V, f.Name.V)
			}
		}
		for _, rec := range v.Receives {
			say("%s receives %s", v.Name.V, rec.Event.Name.V)
		}
		for _, call := range v.Calls {
			say("%s calls %s", v.Name.V, call.Target.Name.V)
		}
	}
	for _, e := range spec.Events {
		say("event %s by %s", e.Name.V, e.Key.V)
		for _, f := range e.Fields {
			say("%s.%s", e.Name.V, f.Name.V)
		}
	}
	for _, g := range spec.Sagas {
		say("saga %s of %s", g.Name.V, g.Orchestrator.V)
		for _, step := range g.Steps {
			say("%s invokes %s", g.Name.V, step.Invoke.Name.V)
		}
	}
	slices.Sort(list)
	return list
}

func fieldFlags(flag string, list []*field) []string {
	var args []string
	for _, f := range list {
		args = append(args, flag, f.Name+": "+strings.Trim(f.Type, `"`))
	}
	return args
}

func serviceByCommand(r *rand.Rand, s *system) []string {
	if addService(r, s) == "" {
		return nil
	}
	v := s.Services[len(s.Services)-1]
	a := v.Aggregates[0]
	a.States = ""
	args := slices.Concat([]string{"add-service", v.Name, "--responsibility", v.Responsibility, "--owner", v.Settings["owner"], "--aggregate", a.Name},
		fieldFlags("--field", a.Fields))
	for _, m := range v.API {
		m.Internal = true
		args = append(args, "--method", m.Name)
	}
	if len(s.Events) > 0 && r.IntN(2) == 0 {
		e := pick(r, s.Events)
		v.Receives = append(v.Receives, &receive{Event: e.Name, Retries: 3})
		args = append(args, "--receives", e.Name)
	}
	if to := pick(r, s.Services); to != v && len(to.API) > 0 {
		v.Calls = append(v.Calls, to.Name+"."+pick(r, to.API).Name)
		args = append(args, "--calls", v.Calls[0])
	}
	return args
}

func methodByCommand(r *rand.Rand, s *system) []string {
	before := map[*method]bool{}
	for _, v := range s.Services {
		for _, m := range v.API {
			before[m] = true
		}
	}
	exposed := s.exposed()
	if addMethod(r, s) == "" {
		return nil
	}
	for _, v := range s.Services {
		for _, m := range v.API {
			if before[m] {
				continue
			}
			args := []string{"add-method", v.Name, m.Name, "--access", "internal"}
			m.Internal = m.Internal || !exposed // a gateway would have to be set up for it
			if !m.Internal {
				args[len(args)-1] = "token"
			}
			if m.Does == "" {
				return slices.Concat(args, fieldFlags("--request", m.Request), fieldFlags("--response", m.Response), sendFlags(m))
			}
			return slices.Concat(args, []string{"--does", m.Does, "--aggregate", m.Of}, sendFlags(m))
		}
	}
	return nil
}

func sendFlags(m *method) []string {
	var args []string
	for _, name := range m.Sends {
		args = append(args, "--sends", name)
	}
	return args
}

func eventByCommand(r *rand.Rand, s *system) []string {
	if addEvent(r, s) == "" {
		return nil
	}
	e := s.Events[len(s.Events)-1]
	args := append([]string{"add-event", e.Name, "--key", e.Fields[0].Name}, fieldFlags("--field", e.Fields)...)
	for _, v := range s.Services {
		for _, m := range v.API {
			if slices.Contains(m.Sends, e.Name) {
				args = append(args, "--sent-by", v.Name+"."+m.Name)
			}
		}
		if slices.ContainsFunc(v.Receives, func(rec *receive) bool { return rec.Event == e.Name }) {
			args = append(args, "--received-by", v.Name)
		}
	}
	return args
}

func callByCommand(r *rand.Rand, s *system) []string {
	before := s.clone()
	if callMethod(r, s) == "" {
		return nil
	}
	for i, v := range s.Services {
		if n := len(v.Calls); n > len(before.Services[i].Calls) {
			return []string{"add-call", v.Name, v.Calls[n-1], "--timeout", fmt.Sprintf("%dms", 300+100*r.IntN(5))}
		}
	}
	return nil
}

func sagaByCommand(r *rand.Rand, s *system) []string {
	g, starter := newSaga(r, s)
	if g == nil {
		return nil
	}
	s.Sagas = append(s.Sagas, g)
	return []string{
		"add-saga", g.Name, "--orchestrator", g.Orchestrator, "--started-by", g.Orchestrator + "." + starter.Name,
		"--step", g.Undone + " compensate " + g.Undone, "--step", g.Pivot + " pivot",
	}
}
