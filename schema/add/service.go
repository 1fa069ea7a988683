package add

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// Service is a service that is added to a system, with one aggregate at most.
type Service struct {
	Name, Responsibility, Owner string
	PII                         bool
	Database                    string   // "" or "none" for one when it is needed
	Aggregate                   string   // "" for none
	Fields                      []string // as of ParseField; of an aggregate that an event creates they are the event's when none are given
	States                      []string // the first is the initial one
	Methods                     []string // what they do is told by their names, as of Verb
	Access                      string   // Internal, Token or Public
	Receives                    []string // events
	CreatedBy                   []string // those of Receives that create the aggregate
	Sends                       []string // events that its methods send; one that the system does not have is added
	Calls                       []string // methods of other services
	Criteria                    Criteria // of the calls
	Min, Max                    int      // replicas; 0 is the default
	CPU                         string   // processor use at which it scales out; "" is the default
	Availability, P99           string   // the objective; "" for none
}

// AddTo adds the service, the events that it is the first to send, and the policy of its calls.
func (s Service) AddTo(spec *schema.Spec, doc *edit.Document) error {
	body := with(nil, edit.Entry{Key: "responsibility", Value: s.Responsibility}, edit.Entry{Key: "owner", Value: s.Owner}, edit.Entry{Key: "pii", Value: s.PII})
	if s.Database != "none" {
		body = with(body, edit.Entry{Key: "database", Value: s.Database})
	}
	fields, err := s.fields(spec)
	if err != nil {
		return err
	}
	if s.Aggregate != "" {
		aggregate := with(edit.Map{{Key: "fields", Value: fieldMap(fields)}}, edit.Entry{Key: "states", Value: list(s.States)})
		body = append(body, edit.Entry{Key: "aggregates", Value: edit.Map{{Key: s.Aggregate, Value: aggregate}}, Block: true})
	}
	methods, err := s.methods()
	if err != nil {
		return err
	}
	body = with(body, edit.Entry{Key: "api", Value: methods, Block: true})
	var receives edit.Map
	for _, name := range s.Receives {
		if EventNamed(spec, name) == nil {
			return unknown("event", name, eventNames(spec))
		}
		r := edit.Entry{Key: name}
		if slices.Contains(s.CreatedBy, name) {
			r.Value = edit.Map{{Key: Creates, Value: s.Aggregate}}
		}
		receives = append(receives, r)
	}
	body = with(body, edit.Entry{Key: "receives", Value: receives, Block: true})
	calls, err := s.calls(spec, doc)
	if err != nil {
		return err
	}
	body = with(body, edit.Entry{Key: "calls", Value: calls, Block: true}, edit.Entry{Key: "slo", Value: s.slo()}, edit.Entry{Key: "scaling", Value: s.scaling()})
	if err := doc.Add([]string{"services"}, edit.Entry{Key: s.Name, Value: body, Block: true}, order); err != nil {
		return err
	}
	for _, name := range s.Sends {
		if EventNamed(spec, name) != nil {
			continue
		}
		if err := (Event{Name: name, Key: s.key(), Fields: s.eventFields(fields)}).AddTo(spec, doc); err != nil {
			return err
		}
	}
	return nil
}

// fields are the aggregate's: those given, or else those of the events that create it.
func (s *Service) fields(spec *schema.Spec) ([]Field, error) {
	if len(s.Fields) > 0 || s.Aggregate == "" {
		return parseFields(s.Fields)
	}
	for _, name := range s.CreatedBy {
		if EventNamed(spec, name) == nil {
			return nil, unknown("event", name, eventNames(spec))
		}
	}
	return parseFields(EventFields(spec, s.CreatedBy))
}

// methods are the service's API. The events that it sends go with the first method that changes something.
func (s *Service) methods() (edit.Map, error) {
	var api edit.Map
	sends := s.Sends
	var resources []Resource
	if s.Aggregate != "" {
		resources = []Resource{{s.Aggregate, "id"}}
	}
	for _, name := range s.Methods {
		m := Method{Service: s.Name, Name: name, Access: s.Access}
		if m.Infer(resources); m.Access == Public && m.Does != Reads && m.Does != Lists {
			m.Access, m.Scopes = Token, nil // what changes something is for those who may
			m.Infer(resources)
		}
		if m.Writes() {
			m.Sends, sends = sends, nil
		}
		e, err := m.entry()
		if err != nil {
			return nil, err
		}
		api = append(api, e)
	}
	if len(sends) > 0 {
		return nil, fmt.Errorf("no method of %s changes anything, so none can send %s: add a method such as CreateX with the aggregate X", s.Name, sends[0])
	}
	return api, nil
}

func (s *Service) calls(spec *schema.Spec, doc *edit.Document) (edit.Map, error) {
	if len(s.Calls) == 0 {
		return nil, nil
	}
	policy, err := s.Criteria.policy(spec, doc, s.Name)
	if err != nil {
		return nil, err
	}
	var calls edit.Map
	for _, ref := range s.Calls {
		if _, _, err := targetOf(spec, ref); err != nil {
			return nil, err
		}
		c := Call{Service: s.Name, Target: ref, Criteria: s.Criteria}
		calls = append(calls, edit.Entry{Key: ref, Value: c.options(policy, c.fallback(spec))})
	}
	return calls, nil
}

func (s *Service) slo() edit.Map {
	slo := with(nil, edit.Entry{Key: "availability", Value: s.Availability})
	if s.P99 != "" {
		slo = append(slo, edit.Entry{Key: "latency", Value: edit.Map{{Key: "p99", Value: s.P99}}})
	}
	return slo
}

func (s *Service) scaling() edit.Map {
	var m edit.Map
	if s.Min > 0 {
		m = append(m, edit.Entry{Key: "min", Value: s.Min})
	}
	if s.Max > 0 {
		m = append(m, edit.Entry{Key: "max", Value: s.Max})
	}
	return with(m, edit.Entry{Key: "cpu", Value: s.CPU})
}

// key is the name under which events carry the aggregate's id.
func (s *Service) key() string {
	if s.Aggregate == "" {
		return ""
	}
	return schema.Snake(s.Aggregate) + "_id"
}

// eventFields are those of an event about the aggregate: its id, and what it has of simple types.
func (s *Service) eventFields(fields []Field) []string {
	if s.Aggregate == "" {
		return nil
	}
	lines := []string{s.key() + ": uuid"}
	for _, f := range fields {
		if t, err := schema.ParseType(f.typeOf()); err == nil && f.Name != s.key() && t.Kind != schema.KindList && t.Kind != schema.KindMap && t.Kind != schema.KindNamed {
			lines = append(lines, f.Name+": "+f.typeOf())
		}
	}
	return lines
}

// unknown says that nothing has a name, and which one is close to it.
func unknown(kind, name string, known []string) error {
	text := fmt.Sprintf("there is no %s %q", kind, name)
	if near := schema.Nearest(name, known); near != "" {
		text += "; did you mean " + strconv.Quote(near) + "?"
	}
	return errors.New(text)
}

func eventNames(spec *schema.Spec) []string {
	var names []string
	for _, e := range spec.Events {
		names = append(names, e.Name.V)
	}
	return names
}

func serviceNames(spec *schema.Spec) []string {
	var names []string
	for _, s := range spec.Services {
		names = append(names, s.Name.V)
	}
	return names
}

// methodNames are a service's methods as service.Method.
func methodNames(s *schema.Service) []string {
	var names []string
	for _, m := range s.API {
		names = append(names, s.Name.V+"."+m.Name.V)
	}
	return names
}
