package view

import (
	"fmt"
	"slices"
	"strings"
)

// choreographyGraph is a choreographed saga as lines of a Mermaid sequence diagram: the events on the way through, and those back.
func (s *Saga) choreographyGraph() []string {
	var lines []string
	seen := map[*Service]bool{}
	meet := func(svc *Service) {
		if !seen[svc] {
			seen[svc] = true
			lines = append(lines, fmt.Sprintf("participant %s as %s", svc.Snake, svc.Name))
		}
	}
	meet(s.Service)
	for _, c := range s.Commands() {
		meet(c.Method.Service)
	}
	say := func(indent string, from, to *Service, event string) {
		lines = append(lines, fmt.Sprintf("%s%s-)%s: %s", indent, from.Snake, to.Snake, event))
	}
	do := func(indent string, c *SagaCommand) {
		lines = append(lines, fmt.Sprintf("%sNote over %s: %s", indent, c.Method.Service.Snake, c.Method.Name))
	}
	from, event := s.Service, "Started"
	for i, step := range s.Steps {
		m := step.Invoke.Method
		say("", from, m.Service, event)
		do("", step.Invoke)
		if step.Kind != "Retriable" {
			lines = append(lines, fmt.Sprintf("opt %s is refused", m.Name))
			s.wayBack(i, step.Go+".Failed", say, do)
			lines = append(lines, "end")
		}
		from, event = m.Service, step.Go+".Done"
	}
	say("", from, s.Service, event)
	lines = append(lines, fmt.Sprintf("Note over %s: completed", s.Service.Snake))
	if d := s.decider(); d >= 0 {
		step := s.Steps[d]
		lines = append(lines, fmt.Sprintf("opt not completed within %s", s.Spec.Timeout.V))
		say("    ", s.Service, step.Invoke.Method.Service, "UndoRequested")
		where := step.Invoke.Method.Service.Snake
		if s.decides() {
			lines = append(lines, fmt.Sprintf("    Note over %s: if %s is done, it is too late", where, step.Invoke.Method.Name))
		} else if step.Compensate != nil {
			do("    ", step.Compensate)
		}
		s.wayBack(d, step.Go+".Undone", say, do)
		lines = append(lines, "end")
	}
	return lines
}

// wayBack is what follows when the service of step i says that it is not done, or not any more.
func (s *Saga) wayBack(i int, event string, say func(indent string, from, to *Service, event string), do func(indent string, c *SagaCommand)) {
	const indent = "    "
	from := s.Steps[i].Invoke.Method.Service
	for j := i - 1; j >= 0; j-- {
		step := s.Steps[j]
		say(indent, from, step.Invoke.Method.Service, event)
		if step.Compensate != nil {
			do(indent, step.Compensate)
		}
		from, event = step.Invoke.Method.Service, step.Go+".Undone"
	}
	if s.OnFailure != nil {
		say(indent, from, s.OnFailure.Method.Service, event)
		do(indent, s.OnFailure)
		from, event = s.OnFailure.Method.Service, "Cancelled"
	}
	say(indent, from, s.Service, event)
}

// choreographyEdges are the lines of a Mermaid flowchart that join the services whose events another reacts to.
func (s *Saga) choreographyEdges(node func(*Service) string) []string {
	var lines []string
	for _, e := range s.FlowEvents() {
		for _, to := range e.To {
			line := fmt.Sprintf("%s ==>|%s| %s", node(e.From), s.Name, node(to))
			if to != e.From && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// ToText are the services that do something on the event; "" when none does.
func (e FlowEvent) ToText() string {
	names := make([]string, len(e.To))
	for i, s := range e.To {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

// SagaArrows says what goes between services for a saga.
func (s *System) SagaArrows() string {
	switch s.coordination() {
	case "orchestrated":
		return "commands"
	case "choreographed":
		return "events"
	}
	return "commands or events"
}

// coordination says how the system's sagas are held together.
func (s *System) coordination() string {
	var led, danced bool
	for _, sg := range s.Sagas {
		led, danced = led || !sg.Choreographed(), danced || sg.Choreographed()
	}
	switch {
	case led && danced:
		return "orchestrated and choreographed"
	case danced:
		return "choreographed"
	}
	return "orchestrated"
}
