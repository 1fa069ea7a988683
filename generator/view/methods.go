package view

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// event makes an event's message. It may name types of the service that sends it.
func (b *builder) event(e *schema.Event) {
	ev := &Event{Spec: e, Name: e.Name.V, Snake: schema.Snake(e.Name.V)}
	b.events[e] = ev
	b.sys.Events = append(b.sys.Events, ev)
	ev.Message = &Message{Name: e.Name.V}
	var owner *Service
	for _, s := range e.Senders {
		svc := b.services[s]
		ev.Senders = append(ev.Senders, svc)
		ev.Topics = append(ev.Topics, b.sys.Name+"."+svc.Name+".events")
		ev.Types = append(ev.Types, b.sys.TypePrefix+"."+svc.Snake+".v1."+e.Name.V)
		if owner == nil {
			owner = svc
		}
	}
	if owner == nil { // it comes from outside
		ev.Topics = []string{b.sys.Name + ".external.events"}
		ev.Types = []string{b.sys.TypePrefix + ".external.v1." + e.Name.V}
	}
	ev.Message.Doc = fmt.Sprintf("%s is sent by %s.", e.Name.V, serviceNames(ev.Senders, "systems outside"))
	b.addFields(ev.Message, owner, e.Fields)
	ev.Key = ev.Message.field(e.Key.V)
	ev.KeyExpr = keyExpr(ev.Key)
}

// keyExpr is the partition key as text.
func keyExpr(f *Field) string { return f.asText("e.Get" + f.Go + "()") }

// methodsOf makes the methods of a service and their messages.
func (b *builder) methodsOf(s *Service) {
	if s.Spec.Proto.V != "" {
		b.contractFirst(s)
		return
	}
	for _, t := range s.Aggregates {
		s.Messages = append(s.Messages, t.Message)
	}
	for _, v := range s.Views {
		s.Messages = append(s.Messages, v.Message)
	}
	s.Messages = append(s.Messages, s.Types...)
	for _, spec := range s.Spec.API {
		m := &Method{
			Service: s, Spec: spec, Name: spec.Name.V, Snake: schema.Snake(spec.Name.V), Var: Var(spec.Name.V),
			Internal: spec.Internal.V, Public: spec.Public.V,
			CommandType: b.sys.TypePrefix + "." + s.Snake + ".v1." + spec.Name.V,
		}
		for _, scope := range spec.Scopes {
			m.Scopes = append(m.Scopes, scope.V)
		}
		b.methods[spec] = m
		s.Methods = append(s.Methods, m)
		b.messages(m)
		if spec.HTTP != nil {
			m.Route = route(m, spec.HTTP.Verb, spec.HTTP.Path, spec.HTTP.Params)
		}
	}
}

// messages settles what a method does and makes its request and response.
func (b *builder) messages(m *Method) {
	spec, s := m.Spec, m.Service
	if spec.Aggregate != nil {
		m.Aggregate = b.aggs[spec.Aggregate]
		m.Resource = &m.Aggregate.Resource
	} else if spec.View != nil {
		m.View = b.views[spec.View]
		m.Resource = &m.View.Resource
	}
	switch {
	case m.Resource == nil:
		m.Kind = Own
	case spec.Creates.V != "":
		m.Kind = Create
	case spec.Reads.V != "":
		m.Kind = Read
	case spec.Lists.V != "":
		m.Kind = List
	case spec.Deletes.V != "":
		m.Kind = Delete
	case spec.To.V != "":
		m.Kind = Transition
		m.To = m.Aggregate.State.value(spec.To.V)
		m.From = m.Aggregate.origins(spec)
	default:
		m.Kind = Update
	}
	m.Doc = fmt.Sprintf("%s %s.", m.Name, m.Summary())
	req := &Message{Service: s, Name: m.Name + "Request"}
	m.Request, m.RequestGo = req, s.Package+"."+req.Name
	s.Messages = append(s.Messages, req)
	respond := func(message *Message, goType string) { m.Response, m.ResponseGo = message, goType }

	switch m.Kind {
	case Create:
		b.createRequest(m, req)
		respond(m.Resource.Message, m.Resource.GoType())
	case Read:
		m.KeyField = b.keyField(req, m.Resource, 1)
		respond(m.Resource.Message, m.Resource.GoType())
	case List:
		b.listRequest(m, req)
		res := &Message{Service: s, Name: m.Name + "Response"}
		list := &Field{
			Name: schema.Plural(m.Resource.Snake), Number: 1, Repeated: true, Proto: m.Resource.Name, GoType: "[]*" + m.Resource.GoType(),
			Doc: "A page, in the order of the keys.",
		}
		list.Go, list.JSON = GoName(list.Name), JSONName(list.Name)
		res.Fields = append(res.Fields, list)
		b.added(res, "next_page_token", 2, stringType(), "The token of the next page; empty on the last.")
		s.Messages = append(s.Messages, res)
		respond(res, s.Package+"."+res.Name)
	case Update:
		f := &Field{
			Name: m.Resource.Snake, Number: 1, Proto: m.Resource.Name, GoType: "*" + m.Resource.GoType(), Doc: "The changes, and the key of what they are for.",
			// What is left out of the changes need not keep the rules: the service checks the whole after it has applied them.
			Options: []string{required, "(buf.validate.field).ignore = IGNORE_ALWAYS"},
		}
		f.Go, f.JSON = GoName(f.Name), JSONName(f.Name)
		req.Fields = append(req.Fields, f)
		req.Fields = append(req.Fields, &Field{
			Name: "update_mask", Go: "UpdateMask", JSON: "updateMask", Number: 2, Proto: "google.protobuf.FieldMask", GoType: "*fieldmaskpb.FieldMask",
			Doc: "Which fields to change; without it, those that are set (AIP-134).",
		})
		b.requestID(req)
		m.KeyField = m.Resource.Key
		respond(m.Resource.Message, m.Resource.GoType())
	case Transition, Delete:
		m.KeyField = b.keyField(req, m.Resource, 1)
		b.added(req, "etag", 2, stringType(), "The version that the caller has seen; empty for any (AIP-154).")
		b.requestID(req)
		respond(m.Resource.Message, m.Resource.GoType())
		if m.Kind == Delete {
			respond(&Message{Name: "google.protobuf.Empty"}, "emptypb.Empty")
		}
	case Own:
		b.addFields(req, s, spec.Request)
		res := &Message{Service: s, Name: m.Name + "Response"}
		b.addFields(res, s, spec.Response)
		for _, f := range res.Fields {
			f.Options = nil
		}
		s.Messages = append(s.Messages, res)
		respond(res, s.Package+"."+res.Name)
	}
	req.Doc = fmt.Sprintf("%s is what %s takes.", req.Name, m.Name)
	if m.Response != nil && strings.HasSuffix(m.Response.Name, "Response") {
		m.Response.Doc = fmt.Sprintf("%s is what %s answers.", m.Response.Name, m.Name)
	}
}

// createRequest copies the aggregate's fields; an internal method also lets its caller choose the id, so that a saga knows it beforehand. An id
// with a place in it is the service's own.
func (b *builder) createRequest(m *Method, req *Message) {
	if m.Aggregate.KeyIsID {
		if (m.Internal || b.commands[m.Spec]) && !m.Aggregate.Sharded() {
			m.KeyField = b.added(req, m.Resource.Snake+"_id", 1, uuidType(), "The id of the new "+m.Resource.Name+"; empty to have one made (AIP-133).")
			m.KeyField.Options = optionalUUID
		}
	} else {
		key := b.specField(req, m.Service, specField(m.Aggregate.Spec.Fields, m.Resource.Key.Name), 1)
		if !key.Spec.Required.V {
			key.Options = append(key.Options, required, "(buf.validate.field).required = true")
		}
		req.Fields = append(req.Fields, key)
		m.Fill = append(m.Fill, Assign{To: m.Resource.Key, From: key, Why: "by name"})
	}
	b.requestID(req)
	number := firstOwn
	for _, f := range m.Resource.Fields {
		field := b.specField(req, m.Service, f.Spec, number)
		number++
		if m.Service.Spec.PII.V {
			field.Options = append(field.Options, "debug_redact = true")
		}
		if f.Enum != nil { // the enum belongs to the aggregate
			field.Enum, field.GoType = f.Enum, f.GoType
			field.Proto = strings.Replace(f.Proto, f.Enum.Name, m.Resource.Name+"."+f.Enum.Name, 1)
			req.Enums = nil
		}
		req.Fields = append(req.Fields, field)
		m.Fill = append(m.Fill, Assign{To: f, From: field, Why: "by name"})
	}
}

func (b *builder) listRequest(m *Method, req *Message) {
	size := b.added(req, "page_size", 1, schema.Type{Kind: schema.KindScalar, Name: "int32"}, "How many at most: 50 when 0, never more than 1000 (AIP-158).")
	size.Options = []string{"(buf.validate.field).int32.gte = 0"}
	b.added(req, "page_token", 2, stringType(), "The next_page_token of the page before; the other fields must be the same.")
	number := firstOwn
	for _, f := range m.Resource.Message.Fields {
		if !f.Filter {
			continue
		}
		filter := &Field{
			Name: f.Name, Go: f.Go, JSON: f.JSON, Number: number, Proto: f.Proto, GoType: f.GoType, Type: f.Type, Enum: f.Enum, Filter: true,
			Doc: "Only those with this value.",
		}
		switch {
		case f.Enum != nil:
			filter.Proto = m.Resource.Name + "." + f.Enum.Name
		case f.Type.Kind == schema.KindUUID:
			filter.Options = optionalUUID
		case f.Type.Name == "bool":
			filter.Optional, filter.GoType = true, "*bool"
		}
		number++
		req.Fields = append(req.Fields, filter)
	}
}

// keyField is the request's field that names a resource.
func (b *builder) keyField(req *Message, r *Resource, number int) *Field {
	f := b.added(req, r.Key.Name, number, r.Key.Type, "The key of the "+r.Name+".")
	f.Options = []string{required, "(buf.validate.field).required = true"}
	if r.Key.Type.Kind == schema.KindUUID {
		f.Options = append(f.Options, "(buf.validate.field).string.uuid = true")
	}
	return f
}

func (b *builder) requestID(req *Message) {
	f := b.added(req, "request_id", 3, stringType(), "Identifies the request: a repeat with the same id is answered and not done again (AIP-155).")
	f.Options = []string{"(buf.validate.field).string.max_len = 128"}
}

// origins are the states from which a transition starts: those that the spec gives, or all others.
func (a *Aggregate) origins(spec *schema.Method) []EnumValue {
	var list []EnumValue
	for _, f := range spec.From {
		list = append(list, a.State.value(f.V))
	}
	if len(list) > 0 {
		return list
	}
	for _, v := range a.State.Values[1:] {
		if v.Text != spec.To.V {
			list = append(list, v)
		}
	}
	return list
}

func (e *Enum) value(text string) EnumValue {
	for _, v := range e.Values {
		if v.Text == text {
			return v
		}
	}
	return e.Values[0]
}

// behaviour settles what the methods send and start, and what the service receives, projects and calls.
func (b *builder) behaviour(s *Service) {
	for _, m := range s.Methods {
		if m.Spec == nil {
			continue
		}
		if m.Spec.Saga != nil {
			m.Starts = b.sagas[m.Spec.Saga]
		}
		for _, ref := range m.Spec.Sends {
			m.Sends = append(m.Sends, b.sent(m, b.events[ref.Event]))
		}
		if m.Kind != Own {
			m.Doc = fmt.Sprintf("%s %s.", m.Name, m.Summary())
		} else {
			m.Doc = fmt.Sprintf("%s is written by hand.", m.Name)
		}
	}
	for _, r := range s.Spec.Receives {
		ev := b.events[r.Event.Event]
		rec := &Receive{Service: s, Spec: r, Event: ev, Handler: "On" + ev.Name, Snake: "on_" + ev.Snake, Retries: r.Retries.V}
		if r.Aggregate != nil {
			rec.Creates = b.aggs[r.Aggregate]
			rec.Suggest = b.suggestCreate(rec)
		}
		s.Receives = append(s.Receives, rec)
		addService(&ev.Receivers, s)
	}
	byEvent := map[*Event]int{}
	for _, v := range s.Spec.Views {
		for _, ref := range v.From {
			byEvent[b.events[ref.Event]]++
		}
	}
	for _, v := range s.Spec.Views {
		for _, ref := range v.From {
			ev, view := b.events[ref.Event], b.views[v]
			p := &Project{Service: s, View: view, Event: ev, Handler: "Project" + ev.Name, Snake: "project_" + ev.Snake}
			if byEvent[ev] > 1 {
				p.Handler, p.Snake = "Project"+ev.Name+"Into"+view.Name, "project_"+ev.Snake+"_into_"+view.Snake
			}
			p.Suggest = b.suggestProject(p)
			s.Projects = append(s.Projects, p)
			addService(&ev.Receivers, s)
		}
	}
	for _, c := range s.Spec.Calls {
		target := b.services[c.Target.Service]
		m := b.method(&c.Target, "services."+s.Name+".calls."+c.Target.Name.V)
		if m == nil {
			continue
		}
		s.Calls = append(s.Calls, &Call{
			Service: s, Target: target, Method: m, Name: s.Name + "/" + target.Name + "." + m.Name,
			Policy: c.Policy, Cached: c.Fallback.V == "cached", Idempotent: m.Repeatable(),
		})
		addService(&s.Clients, target)
	}
}

func addService(list *[]*Service, s *Service) {
	for _, have := range *list {
		if have == s {
			return
		}
	}
	*list = append(*list, s)
}

// sent settles from where an event's fields are taken: the aggregate, the request, and what neither has becomes a field of the request.
func (b *builder) sent(m *Method, ev *Event) *Sent {
	s := &Sent{
		Event: ev, Var: Var(ev.Name), Topic: b.sys.Name + "." + m.Service.Name + ".events",
		Type: b.sys.TypePrefix + "." + m.Service.Snake + ".v1." + ev.Name,
	}
	if m.Kind == Own {
		return s
	}
	r := m.Resource
	s.FromResource = match(ev.Message.Fields, r.Fields, r.Key, keyAlias(r), nil)
	have := map[string]bool{}
	for _, a := range s.FromResource {
		have[a.To.Name] = true
		if a.Why != "by name" && a.Why != "the key" {
			b.infer("events."+ev.Name+".fields."+a.To.Name, r.Name+"."+a.From.Name, a.Why)
		}
	}
	for _, f := range ev.Message.Fields {
		if have[f.Name] {
			continue
		}
		from := m.Request.field(f.Name)
		if from == nil && m.Kind != Update {
			from = b.specField(m.Request, m.Service, f.Spec, nextNumber(m.Request))
			if from.Enum == nil {
				m.Request.Fields = append(m.Request.Fields, from)
				b.infer("services."+m.Service.Name+".api."+m.Name+".request."+f.Name, f.Proto, ev.Name+" needs it and "+r.Name+" does not hold it")
			}
		}
		if from != nil {
			if a, ok := assign(f, from); ok && len(a.Pairs) == 0 {
				a.Why = "by name"
				s.FromRequest = append(s.FromRequest, a)
				continue
			}
		}
		s.Missing = append(s.Missing, f)
	}
	return s
}

func nextNumber(m *Message) int {
	n := firstOwn
	for _, f := range m.Fields {
		if f.Number >= n {
			n = f.Number + 1
		}
	}
	return n
}

// suggestCreate is what a new file starts with that makes an aggregate from an event.
func (b *builder) suggestCreate(r *Receive) []Assign {
	list := match(r.Creates.Fields, r.Event.Message.Fields, nil, "", nil)
	filled := map[string]bool{}
	for _, a := range list {
		filled[a.To.Name] = true
	}
	for _, f := range r.Creates.Fields {
		if !filled[f.Name] && f.GoType == "string" && (f.Name == "kind" || f.Name == "type") {
			list = append(list, Assign{To: f, Literal: fmt.Sprintf("%q", r.Event.Snake), Why: "the event's name"})
		}
	}
	return list
}

// suggestProject is what a new file starts with that folds an event into a view.
func (b *builder) suggestProject(p *Project) []Assign {
	key := map[string]bool{p.View.Key.Name: true}
	var from []*Field
	for _, f := range p.Event.Message.Fields {
		if !key[f.Name] {
			from = append(from, f)
		}
	}
	var list []Assign
	filled, used := map[*Field]bool{}, map[*Field]bool{}
	for _, t := range p.View.Fields {
		for _, f := range from {
			if a, ok := assign(t, f); ok && t.Name == f.Name {
				a.Why = "by name"
				list, filled[t], used[f] = append(list, a), true, true
			}
		}
	}
	verb := participle(p.Event.Name)
	aggregate := strings.TrimSuffix(p.View.Key.Name, "_id")
	for _, t := range p.View.Fields {
		switch {
		case filled[t]:
		case (t.Name == "status" || t.Name == "state") && t.GoType == "string" && strings.HasPrefix(p.Event.Snake, aggregate+"_"):
			list = append(list, Assign{To: t, Literal: fmt.Sprintf("%q", strings.TrimPrefix(p.Event.Snake, aggregate+"_")), Why: "what the event says became of it"})
		case t.Name == verb:
			for _, f := range from {
				if a, ok := assign(t, f); ok && !used[f] {
					a.Why = "the view's field is named as what happened"
					list, used[f] = append(list, a), true
					break
				}
			}
		}
	}
	return list
}
