package outcome

import (
	"slices"

	"github.com/msgen-dev/msgen/schema"
)

// states are those that an aggregate may be in, each with the method that brought it there; nil for none of the saga.
type states map[string]*schema.Method

// world is what is known of the aggregates that are followed.
type world map[*schema.Aggregate]states

// or is a world of which nobody knows whether it is this one or another.
func (a world) or(b world) world {
	both := world{}
	for _, one := range []world{a, b} {
		for x, known := range one {
			if both[x] == nil {
				both[x] = states{}
			}
			for s, by := range known {
				both[x][s] = by
			}
		}
	}
	return both
}

// with is the world with one aggregate in other states.
func (a world) with(x *schema.Aggregate, now states) world {
	b := world{}
	for y, known := range a {
		b[y] = known
	}
	b[x] = now
	return b
}

// check is a command that has to be taken: refused, it leaves the saga parked.
type check struct {
	command *schema.MethodRef
	step    *schema.Step // nil for onFailure
	kind    FaultKind
	after   *schema.MethodRef // whose failure leads to it
	states  states            // of its aggregate at that time
}

// walk follows one saga.
type walk struct {
	saga    *schema.Saga
	start   *schema.Aggregate
	created []*schema.Aggregate
	checks  []check
	faults  []Fault
}

func newWalk(saga *schema.Saga) *walk {
	w := &walk{saga: saga}
	for i, m := range saga.StartedBy {
		if i == 0 {
			w.start = m.Aggregate
		} else if m.Aggregate != w.start {
			w.start = nil
			break
		}
	}
	times := map[*schema.Aggregate]int{}
	for _, step := range saga.Steps {
		if m := step.Invoke.Method; m != nil && m.Creates.Set && m.Aggregate != nil {
			times[m.Aggregate]++
			w.created = append(w.created, m.Aggregate)
		}
	}
	w.created = slices.DeleteFunc(w.created, func(a *schema.Aggregate) bool { return times[a] > 1 || a == w.start })
	if times[w.start] > 0 {
		w.start = nil // two of them: commands may be about either
	}
	return w
}

func (w *walk) begin() world {
	now := world{}
	for _, a := range w.created {
		now[a] = states{Gone: nil}
	}
	if w.start != nil {
		now[w.start] = states{initial(w.start): nil}
	}
	return now
}

// initial is the state in which an aggregate is created; "" when it has no states.
func initial(a *schema.Aggregate) string {
	if len(a.States) == 0 {
		return ""
	}
	return a.States[0].V
}

// accepts reports whether a service carries out a method in a state; code of the user's own is taken to.
func accepts(m *schema.Method, state string) bool {
	switch {
	case m == nil || m.Creates.Set || !m.Updates.Set && !m.Deletes.Set:
		return true
	case state == Gone:
		return false
	case len(m.From) > 0:
		return slices.ContainsFunc(m.From, func(v schema.Value[string]) bool { return v.V == state })
	case m.To.Set:
		return state != m.To.V
	}
	return true
}

// result is the state after a method that was carried out.
func result(m *schema.Method, state string) string {
	switch {
	case m.Creates.Set:
		return initial(m.Aggregate)
	case m.Deletes.Set:
		return Gone
	case m.To.Set:
		return m.To.V
	}
	return state
}

// changes reports that a method says which state it brings its aggregate to.
func changes(m *schema.Method) bool {
	return m != nil && m.Aggregate != nil && (m.Creates.Set || m.Deletes.Set || m.To.Set)
}

// does is the world after a step.
func (w *walk) does(before world, step *schema.Step, final bool) world {
	m := step.Invoke.Method
	if m == nil || before[m.Aggregate] == nil {
		return before
	}
	now := states{}
	for s := range before[m.Aggregate] {
		if accepts(m, s) {
			now[result(m, s)] = m
		}
	}
	if len(now) == 0 {
		if !final {
			s, by := first(m.Aggregate, before[m.Aggregate])
			w.fault(Fault{Kind: NeverDone, Command: &step.Invoke, Step: step, State: s, By: by})
		}
		now[result(m, initial(m.Aggregate))] = m
	}
	return before.with(m.Aggregate, now)
}

// pivot is the command whose success leads to step i, after the point of no return.
func (w *walk) pivot(i int) *schema.MethodRef {
	if i == 0 {
		return nil
	}
	return &w.saga.Steps[i-1].Invoke
}

// undoing are the commands that undo step i and those before it.
func (w *walk) undoing(i int) []check {
	var list []check
	for ; i >= 0; i-- {
		if step := w.saga.Steps[i]; step.Compensate != nil {
			list = append(list, check{command: step.Compensate, step: step, kind: NotUndone})
		}
	}
	if w.saga.OnFailure != nil {
		list = append(list, check{command: w.saga.OnFailure, kind: NotUndone})
	}
	return list
}

// undone is a path on which step i and those before it are undone.
func (w *walk) undone(p Path, now world, i int) Path {
	p.End = Compensated
	for _, c := range w.undoing(i) {
		c.after = p.Failed
		p.Undone = append(p.Undone, c.command)
		m := c.command.Method
		if m == nil || m.Aggregate == nil {
			continue
		}
		known := now[m.Aggregate]
		if known == nil && c.step != nil {
			known = alone(c.step)
		}
		if !w.must(world{m.Aggregate: known}, c) {
			p.End = Parked
		}
		if now[m.Aggregate] == nil {
			continue
		}
		after := states{}
		for s := range known {
			if accepts(m, s) {
				after[result(m, s)] = m
			} else {
				after[s] = known[s]
			}
		}
		now = now.with(m.Aggregate, after)
	}
	p.Leaves = w.leaves(now)
	return p
}

// alone are the states after a step whose aggregate is not followed; nil when it says nothing of them.
func alone(step *schema.Step) states {
	m := step.Invoke.Method
	if !changes(m) {
		return nil
	}
	return states{result(m, ""): m}
}

// must notes a fault when a command is refused in one of the states that are known, or does not undo; it reports whether there is none.
func (w *walk) must(now world, c check) bool {
	m := c.command.Method
	if m == nil || m.Aggregate == nil {
		return true
	}
	c.states = now[m.Aggregate]
	w.checks = append(w.checks, c)
	for _, s := range order(m.Aggregate, c.states) {
		by := c.states[s]
		f := Fault{Kind: c.kind, Command: c.command, Step: c.step, State: s, By: by, After: c.after}
		switch {
		case !accepts(m, s):
		case c.kind == NotUndone && c.step != nil && by != nil && by == c.step.Invoke.Method && changes(m) && result(m, s) == s:
			f.Kind = NotChanged
		default:
			continue
		}
		w.fault(f)
		return false
	}
	return true
}

// fault keeps the first fault of a command.
func (w *walk) fault(f Fault) {
	if !slices.ContainsFunc(w.faults, func(g Fault) bool { return g.Command == f.Command }) {
		w.faults = append(w.faults, f)
	}
}

// interfere notes the commands that have to be taken and are refused when a method that is not of the saga comes between.
func (w *walk) interfere() {
	for _, c := range w.checks {
		m := c.command.Method
		for _, other := range w.others(m.Aggregate) {
			for _, s := range order(m.Aggregate, c.states) {
				if !accepts(other, s) || !accepts(m, s) {
					continue
				}
				if then := result(other, s); !accepts(m, then) {
					w.fault(Fault{Kind: c.kind, Command: c.command, Step: c.step, State: then, By: other, After: c.after, Other: other})
				}
			}
		}
	}
}

// others are the methods that change the state of an aggregate and are no command of the saga.
func (w *walk) others(a *schema.Aggregate) []*schema.Method {
	own := map[*schema.Method]bool{}
	for _, step := range w.saga.Steps {
		own[step.Invoke.Method] = true
	}
	for _, c := range w.undoing(len(w.saga.Steps) - 1) {
		own[c.command.Method] = true
	}
	var list []*schema.Method
	for _, m := range a.Service.API {
		if m.Aggregate == a && !m.Creates.Set && changes(m) && !own[m] {
			list = append(list, m)
		}
	}
	return list
}
