package view

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/msgen-dev/msgen/schema"
)

// The methods here word what the architecture document says.

// DataSummary is what the service stores.
func (s *Service) DataSummary() string {
	if !s.HasDB {
		return "stateless"
	}
	var parts []string
	for _, a := range s.Aggregates {
		parts = append(parts, a.Name)
	}
	for _, v := range s.Views {
		parts = append(parts, v.Name+" (view)")
	}
	if len(parts) == 0 {
		return s.DatabaseName
	}
	return s.DatabaseName + ": " + strings.Join(parts, ", ")
}

// Summary is what the method does, in a few words.
func (m *Method) Summary() string {
	var text string
	switch m.Kind {
	case Create:
		text = "creates " + m.Resource.Name
	case Read:
		text = "reads " + m.Resource.Name
	case List:
		text = "lists " + m.Resource.Plural
	case Update:
		text = "updates " + m.Resource.Name
	case Delete:
		text = "deletes " + m.Resource.Name
	case Transition:
		from := make([]string, len(m.From))
		for i, f := range m.From {
			from[i] = f.Text
		}
		text = fmt.Sprintf("takes %s from %s to %s", m.Resource.Name, strings.Join(from, " or "), m.To.Text)
	default:
		text = "own code"
	}
	for _, s := range m.Sends {
		text += ", sends " + s.Event.Name
	}
	if m.Starts != nil {
		text += ", starts " + m.Starts.Name
	}
	return text
}

// Access is who may call the method, and how often by its route.
func (m *Method) Access() string {
	if l := m.Limit(); l != nil && m.Route != nil {
		return m.who() + "; " + limitText(l)
	}
	return m.who()
}

// Limit is the limit of the method's own route; nil when it has none.
func (m *Method) Limit() *schema.RateLimit {
	if m.Spec == nil {
		return nil
	}
	return m.Spec.RateLimit
}

func (m *Method) who() string {
	switch {
	case m.Route == nil:
		return "other services"
	case m.Public:
		return "everybody"
	case len(m.Scopes) > 0:
		return "scope " + strings.Join(m.Scopes, ", ")
	}
	return "a valid token"
}

// LimitSummary is the gateway's rate limit.
func (g *Gateway) LimitSummary() string {
	l := g.Spec.RateLimit
	if l == nil {
		return "no rate limit"
	}
	return limitText(l)
}

func limitText(l *schema.RateLimit) string {
	whose := "each " + l.By.V
	if l.By.V == "global" {
		whose = "all together"
	}
	return fmt.Sprintf("%d requests per %s for %s, %d at once", l.Requests.V, schema.FormatDuration(l.Per.V), whose, l.Burst.V)
}

// SyncCalls are all synchronous calls, by caller.
func (s *System) SyncCalls() []*Call {
	var calls []*Call
	for _, svc := range s.Services {
		calls = append(calls, svc.Calls...)
	}
	return calls
}

// DatabaseSummary names each service's database.
func (s *System) DatabaseSummary() string {
	var with, without []string
	for _, svc := range s.Services {
		if svc.HasDB {
			with = append(with, svc.DatabaseName)
		} else {
			without = append(without, svc.Name)
		}
	}
	text := s.Spec.Stack.Database.V + ": " + strings.Join(with, ", ")
	if len(with) == 0 {
		text = "no service stores anything"
	}
	if len(without) > 0 {
		text += "; without a database: " + strings.Join(without, ", ")
	}
	return text
}

// ConsistencySummary is the strategy of the system.
func (s *System) ConsistencySummary() string {
	var parts []string
	if len(s.Sagas) > 0 {
		parts = append(parts, "SAGA, "+s.coordination())
	}
	for _, svc := range s.Services {
		if len(svc.Views) > 0 {
			parts = append(parts, "CQRS views kept by events")
			break
		}
	}
	if len(s.Events) > 0 {
		parts = append(parts, "eventual consistency by events")
	}
	if len(parts) == 0 {
		return "one transaction per request: nothing spans services"
	}
	return strings.Join(parts, "; ")
}

// ServiceGraph is the services and their edges as lines of a Mermaid flowchart.
func (s *System) ServiceGraph() []string {
	var lines []string
	node := func(svc *Service) string { return "svc_" + svc.Snake }
	for _, svc := range s.Services {
		if svc.HasDB {
			lines = append(lines, fmt.Sprintf("%s[%q] --- db_%s[(%q)]", node(svc), svc.Name, svc.Snake, svc.DatabaseName))
		} else {
			lines = append(lines, fmt.Sprintf("%s[%q]", node(svc), svc.Name))
		}
	}
	if s.Gateway != nil {
		lines = append(lines, `client(["client"]) --> gateway{{"gateway"}}`)
		for _, svc := range s.Gateway.Services {
			lines = append(lines, "gateway --> "+node(svc))
		}
	}
	for _, c := range s.SyncCalls() {
		lines = append(lines, fmt.Sprintf("%s -->|%s| %s", node(c.Service), c.Method.Name, node(c.Target)))
	}
	for _, sg := range s.Sagas {
		if sg.Choreographed() {
			lines = append(lines, sg.choreographyEdges(node)...)
			continue
		}
		seen := map[*Service]bool{sg.Service: true}
		for _, c := range sg.Commands() {
			if target := c.Method.Service; !seen[target] {
				seen[target] = true
				lines = append(lines, fmt.Sprintf("%s ==>|%s| %s", node(sg.Service), sg.Name, node(target)))
			}
		}
	}
	// One arrow for all events between two services: labels of parallel arrows would cover each other.
	type edge struct{ from, to *Service }
	events := map[edge][]string{}
	var edges []edge
	for _, e := range s.Events {
		for _, from := range e.Senders {
			for _, to := range e.Receivers {
				at := edge{from, to}
				if events[at] == nil {
					edges = append(edges, at)
				}
				events[at] = append(events[at], e.Name)
			}
		}
	}
	for _, at := range edges {
		lines = append(lines, fmt.Sprintf("%s -.->|%s| %s", node(at.from), strings.Join(events[at], "<br/>"), node(at.to)))
	}
	return lines
}

// EventGraph is the flow of events as lines of a Mermaid flowchart.
func (s *System) EventGraph() []string {
	var lines []string
	for _, e := range s.Events {
		event := fmt.Sprintf("ev_%s([%q])", e.Snake, e.Name)
		for _, from := range e.Senders {
			lines = append(lines, fmt.Sprintf("s_%s[%q] --> %s", from.Snake, from.Name, event))
		}
		for _, to := range e.Receivers {
			lines = append(lines, fmt.Sprintf("%s --> r_%s[%q]", event, to.Snake, to.Name))
		}
		if e.Spec.External.V {
			lines = append(lines, event+" --> outside((\"outside\"))")
		}
	}
	return lines
}

// EventFlow is a line for each event in the protocol's form: [Event] → [Service] → [Result].
func (s *System) EventFlow() []string {
	var lines []string
	for _, e := range s.Events {
		for _, from := range e.Senders {
			head := fmt.Sprintf("[%s] → [%s]", e.Name, from.Name)
			if len(e.Receivers) == 0 {
				lines = append(lines, head+" → [outside the system]")
			}
			for _, to := range e.Receivers {
				lines = append(lines, fmt.Sprintf("%s → [%s] → [%s]", head, to.Name, result(e, to)))
			}
		}
	}
	return lines
}

// result is what an event becomes at a receiver.
func result(e *Event, to *Service) string {
	var parts []string
	for _, r := range to.Receives {
		if r.Event == e && r.Creates != nil {
			parts = append(parts, r.Creates.Name+" created")
		} else if r.Event == e {
			parts = append(parts, r.Handler)
		}
	}
	for _, p := range to.Projects {
		if p.Event == e {
			parts = append(parts, p.View.Name+" updated")
		}
	}
	return strings.Join(parts, ", ")
}

// FieldSummary lists the event's fields.
func (e *Event) FieldSummary() string {
	names := make([]string, len(e.Message.Fields))
	for i, f := range e.Message.Fields {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// SenderSummary lists who sends the event.
func (e *Event) SenderSummary() string { return serviceNames(e.Senders, "outside") }

// ReceiverSummary lists who receives the event.
func (e *Event) ReceiverSummary() string {
	text := serviceNames(e.Receivers, "")
	if e.Spec.External.V && len(e.Senders) > 0 {
		if text != "" {
			text += ", "
		}
		text += "outside"
	}
	if text == "" {
		return "nobody yet"
	}
	return text
}

func serviceNames(services []*Service, none string) string {
	if len(services) == 0 {
		return none
	}
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

// KindText is the step's kind in the field's words.
func (s *SagaStep) KindText() string { return strings.ToLower(s.Kind) }

// SpecTimeout is the step's timeout as the spec writes it.
func (s *SagaStep) SpecTimeout() string {
	for _, step := range s.Saga.Spec.Steps {
		if step.Invoke.Name.V == s.Name {
			return step.Timeout.V.String()
		}
	}
	return ""
}

// Sequence is the saga as lines of a Mermaid sequence diagram: the way through, then the way back from each refusal.
func (s *Saga) Sequence() []string {
	if s.Choreographed() {
		return s.choreographyGraph()
	}
	orchestrator := s.Service.Snake
	lines := []string{fmt.Sprintf("participant %s as %s", orchestrator, s.Service.Name)}
	seen := map[*Service]bool{s.Service: true}
	for _, c := range s.Commands() {
		if svc := c.Method.Service; !seen[svc] {
			seen[svc] = true
			lines = append(lines, fmt.Sprintf("participant %s as %s", svc.Snake, svc.Name))
		}
	}
	call := func(indent string, c *SagaCommand) {
		lines = append(lines, fmt.Sprintf("%s%s->>%s: %s", indent, orchestrator, c.Method.Service.Snake, c.Method.Name))
	}
	for i, step := range s.Steps {
		call("", step.Invoke)
		if step.Kind == "Retriable" {
			continue
		}
		lines = append(lines, fmt.Sprintf("opt %s is refused", step.Invoke.Method.Name))
		for j := i - 1; j >= 0; j-- {
			if s.Steps[j].Compensate != nil {
				call("    ", s.Steps[j].Compensate)
			}
		}
		if s.OnFailure != nil {
			call("    ", s.OnFailure)
		}
		lines = append(lines, fmt.Sprintf("    Note over %s: compensated", orchestrator), "end")
	}
	return append(lines, fmt.Sprintf("Note over %s: completed", orchestrator))
}

// SLOText is one service's objective in words.
type SLOText struct {
	Name, Availability, Latency, Window string
}

// SLOs are the objectives of the services that have one.
func (s *System) SLOs() []SLOText {
	var list []SLOText
	for _, svc := range s.Services {
		slo := svc.Spec.SLO
		if slo == nil {
			continue
		}
		latency := "–"
		if slo.LatencyP99.V > 0 {
			latency = slo.LatencyP99.V.String()
		}
		list = append(list, SLOText{
			Name: svc.Name, Availability: strconv.FormatFloat(slo.Availability.V*100, 'f', -1, 32) + " %",
			Latency: latency, Window: strconv.Itoa(int(slo.Window.V/(24*time.Hour))) + "d",
		})
	}
	return list
}
