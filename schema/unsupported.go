package schema

import (
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

// notYet are the values of the language that are not generated yet, with what to use instead.
var notYet = map[string]string{
	"echo": "gin", "rabbitmq": "kafka", "nats": "kafka", "mongodb": "postgres", "consul": "kubernetes", "etcd": "kubernetes",
	"kong": "builtin", "aws": "builtin", "zipkin": "jaeger", "grpc": "rest", "graphql": "rest",
}

// findUnsupported lists what decodes but is not generated yet, in the order of the spec's sections.
func (d *decoder) findUnsupported() {
	s := d.spec
	add := func(path, what string, span source.Span) {
		s.Unsupported = append(s.Unsupported, Unsupported{Path: path, What: what, Span: span})
	}
	value := func(path string, v Value[string]) {
		if _, ok := notYet[v.V]; ok && v.Set {
			add(path, v.V, v.Span)
		}
	}
	value("stack.http", s.Stack.HTTP)
	value("stack.broker", s.Stack.Broker)
	value("stack.database", s.Stack.Database)
	value("stack.discovery", s.Stack.Discovery)
	value("stack.gateway", s.Stack.Gateway)
	value("stack.tracing", s.Stack.Tracing)
	for _, service := range s.Services {
		value("services."+service.Name.V+".database", service.Database)
	}
	if s.Gateway != nil {
		value("gateway.api", s.Gateway.API)
	}
}

// UnsupportedDiagnostics are errors at all that this version of msgen cannot generate yet.
func UnsupportedDiagnostics(s *Spec) diag.List {
	var list diag.List
	for _, u := range s.Unsupported {
		help := "leave it out for now"
		if instead, ok := notYet[u.What]; ok {
			help = "use " + instead + " for now"
		}
		list = append(list, diag.Diagnostic{
			Severity: diag.Error, Message: "not supported yet: " + u.What, Path: u.Path, Primary: diag.Label{Span: u.Span}, Help: help,
		})
	}
	list.Sort()
	return list
}

func labelled(span source.Span, text string) diag.Label { return diag.Label{Span: span, Text: text} }
