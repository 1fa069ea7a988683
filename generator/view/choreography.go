package view

import "slices"

// FlowEvent is an event of a choreographed saga.
type FlowEvent struct {
	Name string // ReserveStock.Done
	Type string // com.example.shop.place_order.saga.v1.ReserveStock.Done
	Doc  string
	From *Service
	To   []*Service // those that do something on it, in the order of the saga's steps
	// Starter reports that the service that starts the saga follows it by this event.
	Starter bool
}

// Choreographed reports that nobody leads the saga.
func (s *Saga) Choreographed() bool { return s.Spec.Choreographed() }

// FlowTopic is the topic of a choreographed saga's events.
func (s *Saga) FlowTopic() string { return s.Service.System.Name + "." + s.Name + ".saga" }

// FlowType is what the types of a choreographed saga's events begin with.
func (s *Saga) FlowType() string {
	return s.Service.System.TypePrefix + "." + s.Snake + ".saga.v1"
}

// decider is the last step that can be undone or refused, -1 if there is none: it answers the saga's timeout.
func (s *Saga) decider() int {
	d := len(s.Steps) - 1
	for d >= 0 && s.Steps[d].Kind == "Retriable" {
		d--
	}
	return d
}

// decides reports that the saga goes on once its decider is done, whatever the time.
func (s *Saga) decides() bool {
	d := s.decider()
	return d >= 0 && (s.Steps[d].Kind == "Pivot" || d < len(s.Steps)-1)
}

// FlowEvents are the events of a choreographed saga, as its platform package has them: those of the starter, of each step, of onFailure.
func (s *Saga) FlowEvents() []FlowEvent {
	var list []FlowEvent
	add := func(name, doc string, from *Service, follows bool, to ...*Service) {
		var distinct []*Service
		for _, t := range to {
			if t != nil && !slices.Contains(distinct, t) {
				distinct = append(distinct, t)
			}
		}
		list = append(list, FlowEvent{Name: name, Type: s.FlowType() + "." + name, Doc: doc, From: from, To: distinct, Starter: follows})
	}
	service := func(i int) *Service {
		switch {
		case i >= 0 && i < len(s.Steps):
			return s.Steps[i].Invoke.Method.Service
		case i < 0 && s.OnFailure != nil:
			return s.OnFailure.Method.Service
		}
		return nil
	}
	decider := s.decider()
	var all, back []*Service
	for i := range s.Steps {
		all = append(all, service(i))
		if i <= decider {
			back = append(back, service(i))
		}
	}
	add("Started", "The saga begins: its first step is done on it.", s.Service, false, service(0))
	add("StepRequested", "A step was not heard of in time: its service does it, or says again what came of it.", s.Service, false, append(all, service(-1))...)
	if decider >= 0 {
		add("UndoRequested", "The saga turns back, or a step on its way back was not heard of in time: its service undoes it, or bars it if it was not done.", s.Service, false, back...)
	}
	for i, step := range s.Steps {
		from, event := service(i), step.Go
		next := service(i + 1)
		if i == len(s.Steps)-1 {
			next = nil
		}
		add(event+".Done", step.Name+" is done.", from, true, next)
		if i <= decider {
			add(event+".Failed", step.Name+" was refused: "+s.before(i)+".", from, true, service(i-1))
			add(event+".Undone", step.Name+" is undone, or will not be done any more: "+s.before(i)+".", from, true, service(i-1))
		}
		if i > decider || step.Kind == "Compensatable" {
			add(event+".Stuck", step.Name+" was refused where there is no other way: it is asked for again, then a person has to look.", from, true)
		}
	}
	if s.OnFailure != nil {
		add("Cancelled", s.OnFailure.Method.Name+" is done: the saga is undone.", service(-1), true)
		add("CancelStuck", s.OnFailure.Method.Name+" was refused: a person has to look.", service(-1), true)
	}
	return list
}

// before is what follows once step i is undone.
func (s *Saga) before(i int) string {
	switch {
	case i > 0:
		return "the step before it is undone"
	case s.OnFailure != nil:
		return s.OnFailure.Method.Name + " follows"
	}
	return "the saga is undone"
}

// Flows are the choreographed sagas that the service takes part in or starts.
func (s *Service) Flows() []*Saga {
	var list []*Saga
	for _, sg := range s.System.Sagas {
		if sg.Choreographed() && (sg.Service == s || sg.Joined(s)) {
			list = append(list, sg)
		}
	}
	return list
}

// Joined reports that the service does a part of the saga.
func (s *Saga) Joined(svc *Service) bool {
	return slices.ContainsFunc(s.Commands(), func(c *SagaCommand) bool { return c.Method.Service == svc })
}

// StartsFlows reports that the service starts choreographed sagas.
func (s *Service) StartsFlows() bool { return slices.ContainsFunc(s.Sagas, (*Saga).Choreographed) }

// Orchestrates reports that the service starts orchestrated sagas.
func (s *Service) Orchestrates() bool {
	return slices.ContainsFunc(s.Sagas, func(sg *Saga) bool { return !sg.Choreographed() })
}

// Reacts are the choreographed sagas of which the service does a part.
func (s *Service) Reacts() []*Part {
	return slices.DeleteFunc(s.Parts(), func(p *Part) bool { return !p.Acts() })
}

// Part is a service's part in a choreographed saga, also that of one that only starts it.
type Part struct {
	Saga    *Saga
	Service *Service
}

// Parts are the services' parts in the choreographed sagas that they start or take part in.
func (s *Service) Parts() []*Part {
	var list []*Part
	for _, sg := range s.Flows() {
		list = append(list, &Part{Saga: sg, Service: s})
	}
	return list
}

// Acts reports that the service does something in the saga, beside starting it.
func (p *Part) Acts() bool { return p.Saga.Joined(p.Service) }

// Does reports that a command of the saga is carried out here.
func (p *Part) Does(c *SagaCommand) bool { return c != nil && c.Method.Service == p.Service }

// Home is the service that has the user's function for a command: who knows what is to be done.
func (s *Saga) Home(c *SagaCommand) *Service {
	if s.Choreographed() {
		return c.Method.Service
	}
	return s.Service
}

// HooksAt are the saga's commands that the user completes in a service.
func (s *Saga) HooksAt(svc *Service) []*SagaCommand {
	return slices.DeleteFunc(s.Hooks(), func(c *SagaCommand) bool { return s.Home(c) != svc })
}

// HookedSagas are the sagas with commands that the user completes in the service.
func (s *Service) HookedSagas() []*Saga {
	var list []*Saga
	for _, sg := range s.System.Sagas {
		if len(sg.HooksAt(s)) > 0 {
			list = append(list, sg)
		}
	}
	return list
}
