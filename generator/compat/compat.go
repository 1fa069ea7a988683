// Package compat compares a system with an older state of itself and reports what the change breaks for those who still have the old
// contracts: callers of its methods, users of its REST routes and receivers of its events.
package compat

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/msgen-dev/msgen/generator/compile"
	"github.com/msgen-dev/msgen/generator/number"
	"github.com/msgen-dev/msgen/generator/proto"
	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// Side is one of the two states that are compared: a spec and the contracts that follow from it.
type Side struct {
	Spec   *schema.Spec
	System *view.System
	// files are the compiled contracts by their path below api/, the user's own among them.
	files map[string]protoreflect.FileDescriptor
	// sources are the texts of contract-first files by the same path, named as the spec names them.
	sources map[string]*source.File
	places  places
}

// NewSide makes the contracts of a spec that has been decoded and validated. protos are the contract-first files by the path that the spec
// gives, and numbers those that the lock beside the spec remembers. Findings are faults of the contracts; with errors among them there is no
// side. suffix is put behind the names of contract-first files in findings ("@main"; "" for the working tree).
func NewSide(ctx context.Context, spec *schema.Spec, protos map[string][]byte, numbers number.Table, suffix string) (*Side, diag.List, error) {
	sys, findings := view.Build(spec, view.Options{Protos: protos, Numbers: numbers})
	if findings.HasErrors() {
		return nil, findings, nil
	}
	s := &Side{Spec: spec, System: sys, files: map[string]protoreflect.FileDescriptor{}, sources: map[string]*source.File{}}
	sources := proto.Render(sys)
	for _, svc := range sys.Services {
		if name := svc.Spec.Proto.V; name != "" {
			sources[svc.ProtoFile] = protos[name]
			s.sources[svc.ProtoFile] = source.NewFile(name+suffix, protos[name])
		}
	}
	names := make([]string, 0, len(sources))
	for name := range sources {
		names = append(names, name)
	}
	slices.Sort(names)
	files, faults, err := compile.Files(ctx, sources, names)
	if err != nil || faults.HasErrors() {
		return nil, append(findings, faults...), err
	}
	for _, f := range files {
		s.files[f.Path()] = f
	}
	s.places = placesOf(sys)
	return s, findings, nil
}

// service finds a service by the name that the spec gives it.
func (s *Side) service(name string) *view.Service {
	for _, svc := range s.System.Services {
		if svc.Name == name {
			return svc
		}
	}
	return nil
}

// grpc is the proto service of a service; nil when it has none.
func (s *Side) grpc(svc *view.Service) protoreflect.ServiceDescriptor {
	fd := s.files[svc.ProtoFile]
	if fd == nil {
		return nil
	}
	return fd.Services().ByName(protoreflect.Name(svc.GRPCName))
}

// message is an event's message.
func (s *Side) message(e *view.Event) protoreflect.MessageDescriptor {
	fd := s.files[s.System.EventsProto]
	if fd == nil {
		return nil
	}
	return fd.Messages().ByName(protoreflect.Name(e.Name))
}

// Compare reports what breaks for those who know the old side, in the order of the new one's text. A finding points into the new spec: at what
// has changed, or at what held that which is gone; where it stood before is beside it.
func Compare(old, now *Side) diag.List {
	c := &comparison{old: old, now: now, fields: map[string]*finding{}, seen: map[protoreflect.FullName]bool{}, names: names{}}
	c.names.find(old, now)
	for _, svc := range old.System.Services {
		c.service(svc)
	}
	for _, e := range old.System.Events {
		c.event(e)
	}
	list := c.list
	retyped := map[string]bool{}
	for _, f := range c.fields {
		if f.id == rule.FieldTypeChanged {
			retyped[f.path] = true
		}
	}
	for _, key := range c.order {
		// A field that lists are no longer narrowed by, because of its new type, is said once.
		if f := c.fields[key]; f.id != rule.FieldRemoved || !retyped[f.path] {
			list = append(list, f.diagnostic())
		}
	}
	list.Sort()
	return list
}

// comparison collects the findings of one run.
type comparison struct {
	old, now *Side
	list     diag.List
	// fields are the findings on fields and values. One field of the spec can stand in several messages (an aggregate and the request that
	// creates it): that is one finding.
	fields map[string]*finding
	order  []string
	seen   map[protoreflect.FullName]bool // messages and enums compared
	names  names
}

func (c *comparison) add(id, path string, at, was source.Span, message, label, help string) {
	d := rule.Finding(id)
	d.Path, d.Message, d.Help = path, message, help
	d.Primary = diag.Label{Span: at, Text: label}
	if !was.IsZero() {
		d.Secondary = []diag.Label{{Span: was, Text: "before"}}
	}
	c.list = append(c.list, d)
}

// service compares what a service answers to.
func (c *comparison) service(was *view.Service) {
	old := c.old.grpc(was)
	if old == nil || old.Methods().Len() == 0 {
		return
	}
	path := "services." + was.Name
	is := c.now.service(was.Name)
	if is == nil {
		is = c.now.renamedService(was.Name)
	}
	if is == nil {
		c.add(rule.MethodRemoved, path, c.now.Spec.System.Span, was.Spec.Name.Span,
			fmt.Sprintf("the service %s is removed, and with it %s", was.Name, methodCount(old)), "",
			"keep the service until nobody calls it any more")
		return
	}
	now := c.now.grpc(is)
	switch {
	case now != nil && now.FullName() != old.FullName() && is.Name != was.Name:
		c.serviceRenamed(was, is, old, now)
	case now == nil || now.FullName() != old.FullName():
		what := "none"
		if now != nil {
			what = string(now.FullName())
		}
		c.add(rule.MethodRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
			fmt.Sprintf("%s no longer answers as %s: its proto service is %s", was.Name, old.FullName(), what), "callers know it by the old name",
			"keep the system's name and the contract's package and service as they were")
		return
	}
	for _, m := range was.Methods {
		c.method(is, m, old.Methods().ByName(protoreflect.Name(m.Name)), now)
	}
}

func methodCount(s protoreflect.ServiceDescriptor) string {
	if n := s.Methods().Len(); n > 1 {
		return fmt.Sprintf("%d methods", n)
	}
	return "its method " + string(s.Methods().Get(0).Name())
}

// method compares one method with what the service has now.
func (c *comparison) method(svc *view.Service, m *view.Method, old protoreflect.MethodDescriptor, in protoreflect.ServiceDescriptor) {
	was, name := c.old.method(m, old), m.Name
	now := in.Methods().ByName(protoreflect.Name(name))
	if renamed := renamedMethod(svc, name); now == nil && renamed != nil {
		name = renamed.Name
		now = in.Methods().ByName(protoreflect.Name(name))
		c.methodRenamed(svc, m.Name, renamed, was)
	}
	path := "services." + svc.Name + ".api." + name
	if now == nil {
		at := svc.Spec.Name.Span
		if in := c.now.written(c.now.grpc(svc)); !in.span.IsZero() {
			at = in.span
		}
		c.add(rule.MethodRemoved, path, at, was, fmt.Sprintf("the method %s of %s is removed", m.Name, svc.Name), "",
			"keep the method until nobody calls it any more")
		return
	}
	var is *view.Method
	for _, other := range svc.Methods {
		if other.Name == name {
			is = other
		}
	}
	at := c.now.method(is, now)
	for _, side := range []struct {
		what             string
		old, now         protoreflect.MessageDescriptor
		streamed, stream bool
	}{
		{"takes", old.Input(), now.Input(), old.IsStreamingClient(), now.IsStreamingClient()},
		{"answers", old.Output(), now.Output(), old.IsStreamingServer(), now.IsStreamingServer()},
	} {
		if before, after := c.names.now(signature(side.old, side.streamed)), signature(side.now, side.stream); before != after {
			c.add(rule.MethodChanged, path, at, was, fmt.Sprintf("%s %s %s instead of %s", name, side.what, after, before), "",
				"add a new method beside it, and remove this one when nobody calls it any more")
			continue
		}
		c.message(side.old, side.now)
	}
	c.route(path, m, is, at, was)
}

func signature(m protoreflect.MessageDescriptor, stream bool) string {
	if stream {
		return "a stream of " + string(m.FullName())
	}
	return string(m.FullName())
}

// route compares a method's REST binding. The name of a path parameter is nothing that a client sees.
func (c *comparison) route(path string, old, now *view.Method, at, was source.Span) {
	if old.Route == nil {
		return
	}
	if old.Spec != nil && old.Spec.HTTP != nil {
		was = old.Spec.HTTP.Span
	}
	if now.Spec != nil && now.Spec.HTTP != nil {
		at = now.Spec.HTTP.Span
	}
	before := old.Route.Verb + " " + old.Route.Path
	const help = "keep the old route until nobody uses it: add a new method for the new one"
	switch {
	case now.Route == nil:
		c.add(rule.RouteChanged, path, at, was, fmt.Sprintf("%s is no longer reached by %s", now.Name, before), "", help)
	case now.Route.Verb != old.Route.Verb || pattern(now.Route.Path) != pattern(old.Route.Path):
		c.add(rule.RouteChanged, path, at, was, fmt.Sprintf("%s is reached by %s %s instead of %s", now.Name, now.Route.Verb, now.Route.Path, before), "", help)
	case now.Route.Body != old.Route.Body:
		c.add(rule.RouteChanged, path, at, was, fmt.Sprintf("the body of %s is %s instead of %s", before, body(now.Route), body(old.Route)), "", help)
	}
}

func body(r *view.Route) string {
	switch r.Body {
	case "":
		return "empty"
	case "*":
		return "the request"
	}
	return "the field " + r.Body
}
