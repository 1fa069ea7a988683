package schema

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema/source"
)

// index finds the parts of a spec by name.
type index struct {
	services map[string]*Service
	events   map[string]*Event
	sagas    map[string]*Saga
	policies map[string]*Policy
	// types by name, over all services in their order
	types map[string][]*TypeDef
}

// resolve binds references. What it cannot bind goes to Spec.Unresolved.
func (d *decoder) resolve() {
	d.buildIndex()
	for _, s := range d.spec.Services {
		d.resolveService(s)
	}
	for _, s := range d.spec.Services {
		for _, m := range s.API {
			for _, ref := range m.Sends {
				if ref.Event != nil && (len(ref.Event.Senders) == 0 || ref.Event.Senders[len(ref.Event.Senders)-1] != s) {
					ref.Event.Senders = append(ref.Event.Senders, s)
				}
			}
		}
	}
	for _, e := range d.spec.Events {
		at := "events." + e.Name.V + ".fields."
		for _, f := range e.Fields {
			d.resolveType(&f.Type, f.Span, at+f.Name.V, e.Senders, true)
		}
	}
	for _, s := range d.spec.Sagas {
		d.resolveSaga(s)
	}
	d.checkRecursion()
	d.checkRenames()
	d.findTypos()
}

func (d *decoder) buildIndex() {
	x := index{map[string]*Service{}, map[string]*Event{}, map[string]*Saga{}, map[string]*Policy{}, map[string][]*TypeDef{}}
	for _, s := range d.spec.Services {
		x.services[s.Name.V] = s
		for _, t := range s.Types {
			x.types[t.Name.V] = append(x.types[t.Name.V], t)
		}
	}
	for _, e := range d.spec.Events {
		x.events[e.Name.V] = e
	}
	for _, s := range d.spec.Sagas {
		x.sagas[s.Name.V] = s
	}
	for _, p := range d.spec.Resilience {
		x.policies[p.Name.V] = p
	}
	d.index = x
}

func (d *decoder) unresolved(path, kind string, name Value[string], known []string, help string) *Unresolved {
	u := Unresolved{Path: path, Kind: kind, Name: name.V, Span: name.Span, Nearest: Nearest(name.V, known), Typo: Typo(name.V, known) != "", Help: help}
	u.calledNow(d.spec.renamedTo(kind, name.V))
	d.spec.Unresolved = append(d.spec.Unresolved, u)
	return &d.spec.Unresolved[len(d.spec.Unresolved)-1]
}

// calledNow says that the reference has the name of before of something; "" is nothing.
func (u *Unresolved) calledNow(name string) {
	if name != "" {
		u.Nearest, u.Typo, u.renamed = name, true, true
	}
}

func (d *decoder) resolveService(s *Service) {
	at := "services." + s.Name.V
	own := []*Service{s}
	fields := func(path string, list []*Field) {
		for _, f := range list {
			d.resolveType(&f.Type, f.Span, path+f.Name.V, own, false)
		}
	}
	for _, a := range s.Aggregates {
		fields(at+".aggregates."+a.Name.V+".fields.", a.Fields)
	}
	for _, t := range s.Types {
		fields(at+".types."+t.Name.V+".", t.Fields)
	}
	for _, v := range s.Views {
		fields(at+".views."+v.Name.V+".fields.", v.Fields)
		for i, ref := range v.From {
			d.resolveEvent(ref, indexed(at+".views."+v.Name.V+".from", i))
		}
	}
	for _, m := range s.API {
		p := at + ".api." + m.Name.V
		fields(p+".request.", m.Request)
		fields(p+".response.", m.Response)
		d.resolveBehaviour(s, m, p)
		for i, ref := range m.Sends {
			d.resolveEvent(ref, indexed(p+".sends", i))
		}
		if m.Starts.Set {
			if m.Saga = d.index.sagas[m.Starts.V]; m.Saga != nil {
				m.Saga.StartedBy = append(m.Saga.StartedBy, m)
			} else {
				d.unresolved(p+".starts", "saga", m.Starts, names(d.spec.Sagas, func(s *Saga) string { return s.Name.V }), "declare it under `sagas`")
			}
		}
	}
	for _, r := range s.Receives {
		p := at + ".receives." + r.Event.Name.V
		d.resolveEvent(&r.Event, p)
		if r.Creates.Set {
			if r.Aggregate = s.aggregate(r.Creates.V); r.Aggregate == nil {
				u := d.unresolved(p+".creates", "aggregate", r.Creates, s.aggregateNames(), "declare it under aggregates of "+s.Name.V)
				u.calledNow(s.aggregateNow(r.Creates.V))
			}
		}
	}
	for _, c := range s.Calls {
		p := at + ".calls." + c.Target.Name.V
		d.resolveMethod(&c.Target, p)
		if c.Policy = d.index.policies[c.PolicyID.V]; c.Policy == nil {
			d.unresolved(p+".resilience", "policy", c.PolicyID, names(d.spec.Resilience, func(p *Policy) string { return p.Name.V }), "declare it under `resilience`")
		}
	}
}

// resolveBehaviour binds the aggregate or view that a method works on.
func (d *decoder) resolveBehaviour(s *Service, m *Method, path string) {
	kind, target := m.Behaviour()
	if kind == "" {
		return
	}
	m.Aggregate = s.aggregate(target.V)
	if m.Aggregate != nil {
		return
	}
	known := s.aggregateNames()
	view := s.view(target.V)
	if kind == "reads" || kind == "lists" {
		m.View = view
		known = append(known, names(s.Views, func(v *View) string { return v.Name.V })...)
	}
	if m.View != nil {
		return
	}
	u := d.unresolved(path+"."+kind, "aggregate", target, known, "declare it under aggregates of "+s.Name.V)
	u.calledNow(s.aggregateNow(target.V))
	if view != nil {
		u.Nearest, u.Help = "", "only the events of a view's `from` change it"
		u.Related, u.RelatedText = view.Name.Span, "this is a view"
		return
	}
	for _, other := range d.spec.Services {
		if a := other.aggregate(target.V); a != nil {
			u.Nearest, u.Help = "", fmt.Sprintf("move the method to %s, or call a method of it", other.Name.V)
			u.Related, u.RelatedText = a.Name.Span, "owned by "+other.Name.V
			return
		}
	}
}

func (d *decoder) resolveEvent(ref *EventRef, path string) {
	if ref.Event = d.index.events[ref.Name.V]; ref.Event == nil {
		d.unresolved(path, "event", ref.Name, names(d.spec.Events, func(e *Event) string { return e.Name.V }), "declare it under `events`")
	}
}

// resolveMethod binds service.Method. A method that only a .proto file declares stays nil without a finding: the file is read later.
func (d *decoder) resolveMethod(ref *MethodRef, path string) {
	if !ref.Name.Set {
		return
	}
	service, method, _ := strings.Cut(ref.Name.V, ".")
	ref.Service = d.index.services[service]
	if ref.Service == nil {
		u := d.unresolved(path, "service", Value[string]{V: service, Span: ref.Name.Span}, names(d.spec.Services, func(s *Service) string { return s.Name.V }), "declare it under `services`")
		if u.Nearest != "" {
			u.Nearest += "." + method
		}
		return
	}
	for _, m := range ref.Service.API {
		if m.Name.V == method {
			ref.Method = m
			return
		}
	}
	if ref.Service.Proto.Set {
		return
	}
	known := names(ref.Service.API, func(m *Method) string { return m.Name.V })
	u := d.unresolved(path, "method", Value[string]{V: method, Span: ref.Name.Span}, known, "declare it under api of "+service)
	u.Name = ref.Name.V
	for _, m := range ref.Service.API {
		if m.RenamedFrom.Set && m.RenamedFrom.V == method {
			u.calledNow(m.Name.V)
		}
	}
	if u.Nearest != "" {
		u.Nearest = service + "." + u.Nearest
	}
	u.Related, u.RelatedText = ref.Service.Name.Span, "the service"
}

func (d *decoder) resolveSaga(s *Saga) {
	at := "sagas." + s.Name.V
	if s.Orchestrator.Set {
		if s.Service = d.index.services[s.Orchestrator.V]; s.Service == nil {
			d.unresolved(at+".orchestrator", "service", s.Orchestrator, names(d.spec.Services, func(s *Service) string { return s.Name.V }), "declare it under `services`")
		}
	}
	if s.Choreographed() && len(s.StartedBy) > 0 {
		s.Service = s.StartedBy[0].Service
	}
	for i, step := range s.Steps {
		p := indexed(at+".steps", i)
		d.resolveMethod(&step.Invoke, p+".invoke")
		if step.Compensate != nil {
			d.resolveMethod(step.Compensate, p+".compensate")
		}
	}
	if s.OnFailure != nil {
		d.resolveMethod(s.OnFailure, at+".onFailure")
	}
}

// resolveType binds named types: to a type of the scope's services, and for events, whose senders are the scope, also to the only type of
// that name in the system.
func (d *decoder) resolveType(t *Type, span source.Span, path string, scope []*Service, anywhere bool) {
	if t.Elem != nil {
		d.resolveType(t.Elem, span, path, scope, anywhere)
	}
	if t.Kind != KindNamed {
		return
	}
	var known []string
	for _, s := range scope {
		for _, def := range s.Types {
			if def.Name.V == t.Name {
				t.Named = def
				return
			}
			known = append(known, def.Name.V)
		}
	}
	everywhere := d.index.types[t.Name]
	if anywhere && len(everywhere) == 1 {
		t.Named = everywhere[0]
		return
	}
	where := "the service"
	if len(scope) > 0 {
		where = scope[0].Name.V
	}
	help := "declare it under types of " + where
	if near := builtIn(t.Name); near != "" {
		help = fmt.Sprintf("did you mean %q? else %s", near, help)
	}
	u := d.unresolved(path, "type", Value[string]{V: t.Name, Span: span}, known, help)
	if len(everywhere) > 0 {
		u.Related, u.RelatedText = everywhere[0].Name.Span, "a type of "+everywhere[0].Service.Name.V
	} else if len(scope) > 0 && scope[0].aggregate(t.Name) != nil {
		u.Related, u.RelatedText = scope[0].aggregate(t.Name).Name.Span, "an aggregate is no type of a field"
		u.Help = "refer to it by its id, or declare a type with the fields that are needed"
	}
}

// checkRecursion refuses types that hold themselves: they have no end.
func (d *decoder) checkRecursion() {
	const open, closed = 1, 2
	state := map[*TypeDef]int{}
	var visit func(t *TypeDef)
	visit = func(t *TypeDef) {
		state[t] = open
		for _, f := range t.Fields {
			next := &f.Type
			for next.Elem != nil {
				next = next.Elem
			}
			switch {
			case next.Named == nil:
			case state[next.Named] == open:
				path := "services." + t.Service.Name.V + ".types." + t.Name.V + "." + f.Name.V
				found := d.fail(path, f.Span, problemf("refer to the inner one by an id", "the type %s holds itself", next.Named.Name.V))
				found.Secondary = append(found.Secondary, labelled(next.Named.Name.Span, "declared here"))
			case state[next.Named] == 0:
				visit(next.Named)
			}
		}
		state[t] = closed
	}
	for _, s := range d.spec.Services {
		for _, t := range s.Types {
			if state[t] == 0 {
				visit(t)
			}
		}
	}
}

func (s *Service) aggregate(name string) *Aggregate {
	for _, a := range s.Aggregates {
		if a.Name.V == name {
			return a
		}
	}
	return nil
}

func (s *Service) view(name string) *View {
	for _, v := range s.Views {
		if v.Name.V == name {
			return v
		}
	}
	return nil
}

func (s *Service) aggregateNames() []string {
	return names(s.Aggregates, func(a *Aggregate) string { return a.Name.V })
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = name(item)
	}
	return out
}
