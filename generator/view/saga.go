package view

import (
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// declareSaga makes a saga known before its steps are settled, so that methods can start it.
func (b *builder) declareSaga(spec *schema.Saga) {
	sg := &Saga{
		Spec: spec, Service: b.services[spec.Service], Name: spec.Name.V, Go: Pascal(spec.Name.V), Snake: Snake(spec.Name.V),
		Timeout: GoDuration(spec.Timeout.V),
	}
	for _, m := range spec.StartedBy {
		sg.Aggregate = b.methods[m].Aggregate
	}
	b.sagas[spec] = sg
	b.sys.Sagas = append(b.sys.Sagas, sg)
	mark := func(ref *schema.MethodRef) {
		if ref != nil && ref.Method != nil {
			b.methods[ref.Method].IsCommand = true
		}
	}
	for _, step := range spec.Steps {
		mark(&step.Invoke)
		mark(step.Compensate)
	}
	mark(spec.OnFailure)
}

// saga settles the steps: their kinds, and from where each command's fields are taken.
func (b *builder) saga(sg *Saga) {
	names := map[string]int{}
	for _, step := range sg.Spec.Steps {
		names[step.Invoke.Method.Name.V]++
	}
	pivoted := false
	for _, spec := range sg.Spec.Steps {
		m := b.methods[spec.Invoke.Method]
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
			step.Compensate = b.command(sg, step, b.methods[spec.Compensate.Method], true)
		}
		sg.Steps = append(sg.Steps, step)
	}
	if sg.Spec.OnFailure != nil {
		sg.OnFailure = b.command(sg, nil, b.methods[sg.Spec.OnFailure.Method], true)
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
		case m.Aggregate == sg.Aggregate:
			c.KeyOf = "saga"
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
	if m.Request == nil {
		return c
	}
	open := false
	for _, f := range m.Request.Fields {
		open = open || !skip[f.Name]
	}
	if open && sg.Aggregate != nil {
		c.Hook = sg.Go + m.Name
		if step != nil && !backwards {
			c.Hook = sg.Go + step.Go
		}
		r := &sg.Aggregate.Resource
		c.Suggest = match(m.Request.Fields, r.Fields, r.Key, keyAlias(r), skip)
		for _, a := range c.Suggest {
			if a.Why != "by name" && a.Why != "the key" {
				b.infer(strings.Join([]string{"sagas", sg.Name, m.Service.Name + "." + m.Name, a.To.Name}, "."), r.Name+"."+a.From.Name, a.Why)
			}
		}
	}
	return c
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
