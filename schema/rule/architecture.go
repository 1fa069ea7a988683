package rule

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
	"github.com/msgen-dev/msgen/schema/source"
)

// Bounds of the warnings on structure.
const (
	maxMethods = 25
	maxChain   = 3
	maxFanOut  = 5
)

func architecture() []Rule {
	return []Rule{
		{"MSG101", "UnknownReference", diag.Error, Architecture, unknownReference, OfSpec},
		{"MSG102", "SelfCall", diag.Error, Architecture, selfCall, OfSpec},
		{"MSG103", "CallCycle", diag.Error, Architecture, callCycle, OfSpec},
		{"MSG104", "NoResponsibility", diag.Error, Architecture, noResponsibility, OfSpec},
		{"MSG105", "NoOwner", diag.Warning, Architecture, noOwner, OfSpec},
		{"MSG106", "DuplicateRoute", diag.Error, Architecture, duplicateRoute, OfSpec},
		{"MSG107", "SharedAggregate", diag.Warning, Architecture, sharedAggregate, OfSpec},
		{"MSG108", "IdleService", diag.Warning, Architecture, idleService, OfSpec},
		{"MSG109", "TooManyMethods", diag.Warning, Architecture, tooManyMethods, OfSpec},
		{"MSG110", "DeepCallChain", diag.Warning, Architecture, deepCallChain, OfSpec},
		{"MSG111", "WideFanOut", diag.Warning, Architecture, wideFanOut, OfSpec},
		{"MSG112", "TightCoupling", diag.Error, Architecture, tightCoupling, OfSpec},
	}
}

func unknownReference(s *schema.Spec, report Report) {
	for _, u := range s.Unresolved {
		f := finding{path: u.Path, span: u.Span, message: fmt.Sprintf("unknown %s %q", u.Kind, u.Name), help: u.Help}
		if u.Nearest != "" {
			f.help = fmt.Sprintf("did you mean %q?", u.Nearest)
		}
		if u.Typo {
			written := u.Name
			if _, method, ok := strings.Cut(u.Nearest, "."); ok && u.Kind == "service" {
				written += "." + method
			}
			f.fix = edit.Replace(u.Span, written, u.Nearest)
			if f.fix == nil && u.Kind == "type" {
				f.fix = edit.Replace(u.Span, "[]"+written, "[]"+u.Nearest)
			}
		}
		if !u.Related.IsZero() {
			f.related = []diag.Label{label(u.Related, u.RelatedText)}
		}
		report.add(f)
	}
}

func selfCall(s *schema.Spec, report Report) {
	calls(s, func(c *schema.Call, path string) {
		if c.Target.Service == c.Service {
			report.add(finding{
				path: path, span: c.Target.Name.Span, message: fmt.Sprintf("%s calls itself", c.Service.Name.V),
				help: "call the Go function directly: no network is needed inside a service", related: []diag.Label{label(c.Service.Name.Span, "the same service")},
			})
		}
	})
}

// callCycle reports each cycle of synchronous calls once, at the call that closes it.
func callCycle(s *schema.Spec, report Report) {
	const open, closed = 1, 2
	state := map[*schema.Service]int{}
	var stack []*schema.Call
	var visit func(service *schema.Service)
	visit = func(service *schema.Service) {
		state[service] = open
		seen := map[*schema.Service]bool{service: true}
		for _, c := range service.Calls {
			target := c.Target.Service
			if target == nil || seen[target] {
				continue
			}
			seen[target] = true
			switch state[target] {
			case open:
				reportCycle(report, append(stack, c), target)
			case 0:
				stack = append(stack, c)
				visit(target)
				stack = stack[:len(stack)-1]
			}
		}
		state[service] = closed
	}
	for _, service := range s.Services {
		if state[service] == 0 {
			visit(service)
		}
	}
}

// reportCycle reports the cycle that starts and ends at a service; path ends with the call that closes it.
func reportCycle(report Report, path []*schema.Call, start *schema.Service) {
	for path[0].Service != start {
		path = path[1:]
	}
	names := []string{start.Name.V}
	for _, c := range path {
		names = append(names, c.Target.Service.Name.V)
	}
	last := path[len(path)-1]
	f := finding{
		path: "services." + last.Service.Name.V + ".calls." + last.Target.Name.V, span: last.Target.Name.Span, label: "closes the cycle",
		message: "cycle of synchronous calls: " + strings.Join(names, " → "), help: "let one of them send an event that the other receives",
	}
	for _, c := range path[:len(path)-1] {
		f.related = append(f.related, label(c.Target.Name.Span, c.Service.Name.V+" calls "+c.Target.Service.Name.V))
	}
	report.add(f)
}

func noResponsibility(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if !service.Responsibility.Set {
			report.add(finding{
				path: "services." + service.Name.V, span: service.Name.Span, message: fmt.Sprintf("the service %s has no responsibility", service.Name.V),
				help: "add `responsibility:` with one sentence; a service that cannot be described in one does too much",
			})
		}
	}
}

func noOwner(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if !service.Owner.Set {
			report.add(finding{
				path: "services." + service.Name.V, span: service.Name.Span, message: fmt.Sprintf("the service %s has no owner", service.Name.V),
				help: "add `owner:` with the team that is called when it fails",
			})
		}
	}
}

// duplicateRoute reports routes that match the same requests, and parameters of different names in the same place, which a router
// cannot tell apart.
func duplicateRoute(s *schema.Spec, report Report) {
	type holder struct {
		method *schema.Method
		param  string
	}
	routes, params := map[string]holder{}, map[string]holder{}
	methods(s, func(m *schema.Method, path string) {
		if m.HTTP == nil {
			return
		}
		prefix := m.HTTP.Verb + " "
		for _, segment := range strings.Split(m.HTTP.Path[1:], "/") {
			if !strings.HasPrefix(segment, "{") {
				prefix += "/" + segment
				continue
			}
			first, ok := params[prefix]
			if !ok {
				params[prefix] = holder{m, segment}
			} else if first.param != segment {
				report.add(finding{
					path: path + ".http", span: m.HTTP.Span, message: fmt.Sprintf("the parameter %s stands where %s of %s has %s", segment, first.method.HTTP.Path, first.method.Name.V, first.param),
					help: "give both the same name", related: []diag.Label{label(first.method.HTTP.Span, "first named here")},
				})
				return
			}
			prefix += "/{}"
		}
		if first, ok := routes[prefix]; ok {
			report.add(finding{
				path: path + ".http", span: m.HTTP.Span, message: fmt.Sprintf("the route %s %s is taken by %s.%s", m.HTTP.Verb, m.HTTP.Path, first.method.Service.Name.V, first.method.Name.V),
				help: "give one of the two another path", related: []diag.Label{label(first.method.HTTP.Span, "first used here")},
			})
			return
		}
		routes[prefix] = holder{method: m}
	})
}

func sharedAggregate(s *schema.Spec, report Report) {
	first := map[string]*schema.Aggregate{}
	for _, service := range s.Services {
		for _, a := range service.Aggregates {
			other, ok := first[a.Name.V]
			if !ok {
				first[a.Name.V] = a
				continue
			}
			report.add(finding{
				path: "services." + service.Name.V + ".aggregates." + a.Name.V, span: a.Name.Span,
				message: fmt.Sprintf("the aggregate %s is owned by %s and %s", a.Name.V, other.Service.Name.V, service.Name.V),
				help:    "let one service own it and the other keep a view of its events", related: []diag.Label{label(other.Name.Span, "also owned here")},
			})
		}
	}
}

func idleService(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if len(service.API)+len(service.Receives)+len(service.Views) == 0 && !service.Proto.Set {
			report.add(finding{
				path: "services." + service.Name.V, span: service.Name.Span, message: fmt.Sprintf("the service %s has no API and handles no events", service.Name.V),
				help: "add `api`, `receives` or `views`, or remove the service",
			})
		}
	}
}

func tooManyMethods(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if n := len(service.API); n > maxMethods {
			report.add(finding{
				path: "services." + service.Name.V + ".api", span: service.Name.Span, message: fmt.Sprintf("the service %s has %d methods, more than %d", service.Name.V, n, maxMethods),
				help: "split it by aggregate",
			})
		}
	}
}

// deepCallChain reports, once for each service that begins one, the longest chain of synchronous calls.
func deepCallChain(s *schema.Spec, report Report) {
	longestChains(s, func(path []*schema.Call) {
		if len(path) > maxChain && len(path) <= maxCoupling {
			report.add(chainFinding(path, maxChain, "replace calls by views kept from events"))
		}
	})
}

func wideFanOut(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		targets := map[*schema.Service]bool{}
		var sixth source.Span
		for _, c := range service.Calls {
			if c.Target.Service != nil && !targets[c.Target.Service] {
				targets[c.Target.Service] = true
				if len(targets) == maxFanOut+1 {
					sixth = c.Target.Name.Span
				}
			}
		}
		if len(targets) > maxFanOut {
			report.add(finding{
				path: "services." + service.Name.V + ".calls", span: sixth, message: fmt.Sprintf("%s calls %d services, more than %d", service.Name.V, len(targets), maxFanOut),
				help: "keep a view of the events of some of them", related: []diag.Label{label(service.Name.Span, "the caller")},
			})
		}
	}
}
