package view

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// declareSaga makes a saga known before its steps are settled, so that methods can start it.
func (b *builder) declareSaga(spec *schema.Saga) {
	sg := &Saga{
		Spec: spec, Service: b.services[spec.Service], Name: spec.Name.V, Go: Pascal(spec.Name.V), Snake: schema.Snake(spec.Name.V),
		Timeout: GoDuration(spec.Timeout.V),
	}
	for _, m := range spec.StartedBy {
		sg.Aggregate = b.methods[m].Aggregate
	}
	b.sagas[spec] = sg
	b.sys.Sagas = append(b.sys.Sagas, sg)
	for _, ref := range spec.Refs() {
		if m := b.method(ref, "sagas."+spec.Name.V); m != nil {
			m.IsCommand = true
		}
	}
}

// saga settles the steps: their kinds, and from where each command's fields are taken.
func (b *builder) saga(sg *Saga) {
	names := map[string]int{}
	for _, step := range sg.Spec.Steps {
		names[b.method(&step.Invoke, "").Name]++
	}
	pivoted := false
	for _, spec := range sg.Spec.Steps {
		m := b.method(&spec.Invoke, "")
		step := &SagaStep{Saga: sg, Name: spec.Invoke.Name.V, Go: m.Name, Timeout: GoDuration(spec.Timeout.V)}
		if names[m.Name] > 1 {
			step.Go = m.Service.Go + m.Name
		}
		switch {
		case spec.Pivot.V:
			step.Kind = "Pivot"
		case pivoted || spec.Retriable.V:
			step.Kind = "Retriable"
		default:
			step.Kind = "Compensatable"
		}
		pivoted = pivoted || spec.Pivot.V
		step.Invoke = b.command(sg, step, m, false)
		if spec.Compensate != nil {
			step.Compensate = b.command(sg, step, b.method(spec.Compensate, ""), true)
		}
		sg.Steps = append(sg.Steps, step)
	}
	if sg.Spec.OnFailure != nil {
		sg.OnFailure = b.command(sg, nil, b.method(sg.Spec.OnFailure, ""), true)
	}
}

// command settles one command. step is the step it belongs to; nil for the saga's onFailure.
func (b *builder) command(sg *Saga, step *SagaStep, m *Method, backwards bool) *SagaCommand {
	c := &SagaCommand{Method: m}
	skip := map[string]bool{"etag": true, "request_id": true}
	switch m.Kind {
	case Create:
		if m.KeyField != nil {
			c.KeyOf, c.KeyStep = "step", step.Name
			skip[m.KeyField.Name] = true
		}
	case Transition, Delete:
		skip[m.KeyField.Name] = true
		maker := sg.maker(m)
		switch {
		case m.Resource.Key.GoType != "string":
			delete(skip, m.KeyField.Name)
		case m.Aggregate == sg.Aggregate:
			c.KeyOf = "saga"
		case !m.Aggregate.KeyIsID:
			delete(skip, m.KeyField.Name)
		case maker != "":
			c.KeyOf, c.KeyStep = "step", maker
		case step != nil && step.Invoke != nil && step.Invoke.Method.Aggregate == m.Aggregate:
			c.KeyOf, c.KeyStep = "step", step.Name
		default:
			delete(skip, m.KeyField.Name)
		}
	}
	if backwards && m.Request != nil {
		if f := m.Request.field("reason"); f != nil && f.GoType == "string" {
			c.Reason = true
			skip["reason"] = true
		}
	}
	var fields []*Field
	// What the request of a contract-first method holds is for the user to say.
	open := m.Request == nil && m.RequestGo != "emptypb.Empty"
	if m.Request != nil {
		fields = m.Request.Fields
	}
	for _, f := range fields {
		open = open || !skip[f.Name]
	}
	if open && sg.Aggregate != nil {
		c.Hook = sg.hook(c, step, backwards)
		r := &sg.Aggregate.Resource
		c.Suggest = match(fields, r.Fields, r.Key, keyAlias(r), skip)
		for _, a := range c.Suggest {
			if a.Why != "by name" && a.Why != "the key" {
				b.infer(strings.Join([]string{"sagas", sg.Name, m.Service.Name + "." + m.Name, a.To.Name}, "."), r.Name+"."+a.From.Name, a.Why)
			}
		}
	}
	return c
}

// hook names the user's function for a command. Methods of several services may have one name; one method that undoes several steps has one
// function.
func (s *Saga) hook(c *SagaCommand, step *SagaStep, backwards bool) string {
	name := s.Go + c.Method.Name
	if step != nil && !backwards {
		name = s.Go + step.Go
	}
	for _, other := range s.commands {
		if other.Hook == name && other.Method != c.Method {
			name = s.Go + c.Method.Service.Go + c.Method.Name
		}
	}
	s.commands = append(s.commands, c)
	return name
}

// maker is the step that creates the aggregate that m changes; "" when none does so far.
func (s *Saga) maker(m *Method) string {
	for _, step := range s.Steps {
		if step.Invoke.Method.Kind == Create && step.Invoke.Method.Aggregate == m.Aggregate {
			return step.Name
		}
	}
	return ""
}

// method is the one that a saga or a call names; path is where. Methods that only a contract-first file declares are found by their names. A
// method that is not there, or that streams and so has no one answer, is a finding and nil.
func (b *builder) method(ref *schema.MethodRef, path string) *Method {
	fail := func(format string, args ...any) {
		b.findings = append(b.findings, diag.Diagnostic{
			Severity: diag.Error, Message: fmt.Sprintf(format, args...), Path: path, Primary: diag.Label{Span: ref.Name.Span},
		})
	}
	s := b.services[ref.Service]
	_, name, _ := strings.Cut(ref.Name.V, ".")
	for _, m := range s.Methods {
		switch {
		case m.Name != name:
		case m.Streaming():
			fail("%s streams: only methods with one request and one response can be called with a policy or by a saga", ref.Name.V)
			return nil
		default:
			return m
		}
	}
	if len(s.Methods) > 0 { // without any, its file has been found at fault already
		fail("%s declares no method %s", s.Spec.Proto.V, name)
	}
	return nil
}
