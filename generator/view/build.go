package view

import (
	"cmp"
	"sort"
	"strings"

	"github.com/msgen-dev/msgen/generator/number"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// Options are what the models are built from beside the spec.
type Options struct {
	// Protos are the contract-first .proto files by the path that the spec gives.
	Protos map[string][]byte
	// Numbers are the numbers given so far; nil for a new system. Build leaves them as they are: those of now are in System.Numbers.
	Numbers number.Table
	// MigrationSets are the names under which databases remember the migrations of services, where those are not the services' own.
	MigrationSets map[string]string
}

// builder holds what is known while the models are made.
type builder struct {
	spec     *schema.Spec
	opts     Options
	sys      *System
	services map[*schema.Service]*Service
	methods  map[*schema.Method]*Method
	events   map[*schema.Event]*Event
	aggs     map[*schema.Aggregate]*Aggregate
	views    map[*schema.View]*View
	sagas    map[*schema.Saga]*Saga
	commands map[*schema.Method]bool // methods that some saga invokes
	findings diag.List
}

// Build makes the models of a spec that has been decoded and validated. Findings are faults of contract-first .proto files; a spec that
// refers to what does not exist must not come here.
func Build(spec *schema.Spec, opts Options) (*System, diag.List) {
	b := &builder{
		spec: spec, opts: opts,
		services: map[*schema.Service]*Service{}, methods: map[*schema.Method]*Method{}, events: map[*schema.Event]*Event{},
		aggs: map[*schema.Aggregate]*Aggregate{}, views: map[*schema.View]*View{}, sagas: map[*schema.Saga]*Saga{},
		commands: map[*schema.Method]bool{},
	}
	name := spec.System.V
	snake := schema.Snake(name)
	b.sys = &System{
		Spec: spec, Name: name, Snake: snake, Module: spec.Module.V, Description: strings.TrimSpace(spec.Description.V),
		TypePrefix:    reverseDNS(spec.Module.V),
		EventsPackage: "eventsv1", EventsImport: spec.Module.V + "/api/" + snake + "/events/v1", EventsProto: snake + "/events/v1/events.proto",
		Inferred: append([]schema.Inference{}, spec.Inferred...),
	}
	for _, saga := range spec.Sagas {
		for _, ref := range saga.Refs() {
			if ref.Method != nil {
				b.commands[ref.Method] = true
			}
		}
	}
	for _, s := range spec.Services {
		b.service(s)
	}
	for _, s := range b.sys.Services {
		b.resources(s)
	}
	for _, e := range spec.Events {
		b.event(e)
	}
	for _, s := range b.sys.Services {
		b.methodsOf(s)
	}
	for _, sg := range spec.Sagas {
		b.declareSaga(sg)
	}
	if b.findings.HasErrors() {
		return b.sys, b.findings
	}
	for _, s := range b.sys.Services {
		b.behaviour(s)
	}
	for _, sg := range b.sys.Sagas {
		b.saga(sg)
	}
	b.numbers()
	for _, s := range b.sys.Services {
		b.finish(s)
		for _, m := range s.Messages {
			m.qualify(s)
		}
	}
	b.gateway()
	b.topics()
	return b.sys, b.findings
}

// reverseDNS is the prefix of CloudEvents types: the module's host reversed, then its path. example.com/shop is com.example.shop.
func reverseDNS(module string) string {
	parts := strings.Split(module, "/")
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(append(host, parts[1:]...), ".")
}

func (b *builder) service(s *schema.Service) {
	name := s.Name.V
	snake := schema.Snake(name)
	svc := &Service{
		System: b.sys, Spec: s, Name: name, Snake: snake, Go: Pascal(name), Upper: strings.ToUpper(snake),
		Package:      strings.ReplaceAll(snake, "_", "") + "v1",
		Import:       b.sys.Module + "/api/" + b.sys.Snake + "/" + snake + "/v1",
		ProtoPackage: b.sys.Snake + "." + snake + ".v1",
		ProtoFile:    b.sys.Snake + "/" + snake + "/v1/" + snake + ".proto",
		GRPCName:     Pascal(name) + "Service",
		Dir:          "services/" + name,
		Group:        b.sys.Name + "." + name,
		Source:       "/" + b.sys.Name + "/" + name,
		HasDB:        s.Database.V != "" && s.Database.V != "none",
	}
	if svc.HasDB {
		svc.DatabaseName = b.sys.Snake + "_" + snake
		svc.MigrationSet = cmp.Or(b.opts.MigrationSets[name], migrationSet(snake))
	}
	b.services[s] = svc
	b.sys.Services = append(b.sys.Services, svc)
}

// finish settles what a service uses once all its parts are known.
func (b *builder) finish(s *Service) {
	for _, sg := range b.sys.Sagas {
		if sg.Service == s {
			s.Sagas = append(s.Sagas, sg)
			s.IsOrchestrator = true
		}
	}
	commanded := map[*Method]bool{}
	for _, sg := range b.sys.Sagas {
		for _, c := range sg.Commands() {
			commanded[c.Method] = commanded[c.Method] || !sg.Choreographed()
		}
	}
	for _, m := range s.Methods {
		if commanded[m] {
			s.Commands = append(s.Commands, m)
			s.IsParticipant = true
		}
	}
	sends := false
	for _, m := range s.Methods {
		sends = sends || len(m.Sends) > 0
	}
	sends = sends || len(s.EventSourced()) > 0
	prefix := b.sys.Name + "." + s.Name + "."
	if sends {
		s.EventTopic = prefix + "events"
	}
	if s.IsParticipant {
		s.CommandTopic = prefix + "commands"
	}
	if s.Orchestrates() {
		s.ReplyTopic = prefix + "replies"
	}
	flows := s.Flows()
	s.HasOutbox = s.HasDB && (sends || s.IsParticipant || s.IsOrchestrator || len(flows) > 0)
	s.HasInbox = s.HasDB && (len(s.Receives)+len(s.Projects) > 0 || s.IsParticipant || s.IsOrchestrator || len(flows) > 0)

	topics := map[string]bool{}
	for _, r := range s.Receives {
		for _, t := range r.Event.Topics {
			topics[t] = true
		}
	}
	for _, p := range s.Projects {
		for _, t := range p.Event.Topics {
			topics[t] = true
		}
	}
	for _, t := range []string{s.CommandTopic, s.ReplyTopic} {
		if t != "" {
			topics[t] = true
		}
	}
	for _, sg := range flows {
		topics[sg.FlowTopic()] = true
	}
	s.Subscribes = sortedKeys(topics)

	for _, m := range s.Methods {
		switch m.Kind {
		case Create, Update, Transition, Delete:
			m.Prepare = len(s.Calls) > 0 && !m.IsCommand
		}
	}
}

func (b *builder) topics() {
	topics := map[string]bool{}
	for _, s := range b.sys.Services {
		for _, t := range append([]string{s.EventTopic, s.CommandTopic, s.ReplyTopic}, s.Subscribes...) {
			if t != "" {
				topics[t] = true
			}
		}
	}
	b.sys.Topics = sortedKeys(topics)
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func (b *builder) infer(path, value, why string) {
	b.sys.Inferred = append(b.sys.Inferred, schema.Inference{Path: path, Value: value, Why: why})
}
