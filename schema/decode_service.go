package schema

import (
	"fmt"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

var serviceObject = object[Service]{name: "service", what: "a service", keys: []key[Service]{
	one("responsibility", "what the service is for, in a sentence", text("a sentence"), func(s *Service) *Value[string] { return &s.Responsibility }),
	one("owner", "the team that owns it", text("a team"), func(s *Service) *Value[string] { return &s.Owner }),
	one("pii", "it holds personal data", boolean(), func(s *Service) *Value[bool] { return &s.PII }),
	one("database", "overrides the stack's choice; inferred from what the service stores", choice("postgres", "mongodb", "none"), func(s *Service) *Value[string] { return &s.Database }),
	one("proto", "contract first: a .proto file below the spec's folder", protoPath(), func(s *Service) *Value[string] { return &s.Proto }),
	named("aggregates", "the DDD aggregates by name", aggregateName, &aggregateObject, func(s *Service, name Value[string]) *Aggregate {
		a := &Aggregate{Service: s, Name: name}
		s.Aggregates = append(s.Aggregates, a)
		return a
	}, checkAggregate),
	typesKey(),
	named("api", "the methods by name", methodName, &methodObject, func(s *Service, name Value[string]) *Method {
		m := &Method{Service: s, Name: name, path: "services." + s.Name.V + ".api." + name.V}
		s.API = append(s.API, m)
		return m
	}, checkMethod),
	receivesKey(),
	named("views", "CQRS read models by name", viewName, &viewObject, func(s *Service, name Value[string]) *View {
		v := &View{Service: s, Name: name}
		s.Views = append(s.Views, v)
		return v
	}, checkView),
	callsKey(),
	part("slo", "the service level objective", &sloObject, func(s *Service, at source.Span) *SLO {
		s.SLO = &SLO{Span: at}
		return s.SLO
	}),
	part("scaling", "the bounds of its replicas", &scalingObject, func(s *Service, at source.Span) *Scaling {
		s.Scaling.Span = at
		return &s.Scaling
	}),
	renamedKey(serviceName, func(s *Service) *Value[string] { return &s.RenamedFrom }),
}}

var aggregateObject = object[Aggregate]{name: "aggregate", what: "an aggregate", keys: []key[Aggregate]{
	fieldsKey("fields", "the fields besides its id, state, etag and times", func(a *Aggregate) *[]*Field { return &a.Fields }).must(),
	many("states", "the states; the first is the initial one", ident(stateName), func(a *Aggregate) *[]Value[string] { return &a.States }),
	one("key", "the field that identifies it; an id made by the service by default", ident(fieldName), func(a *Aggregate) *Value[string] { return &a.Key }),
	part("shard", "how its rows are spread", &shardObject, func(a *Aggregate, at source.Span) *Shard {
		a.Shard = &Shard{Span: at}
		return a.Shard
	}),
	one("eventSourced", "the event store is the truth", boolean(), func(a *Aggregate) *Value[bool] { return &a.EventSourced }),
	renamedKey(aggregateName, func(a *Aggregate) *Value[string] { return &a.RenamedFrom }),
}}

var shardObject = object[Shard]{name: "shard", what: "a shard", keys: []key[Shard]{
	one("key", "the field that picks the shard", ident(fieldName), func(s *Shard) *Value[string] { return &s.Key }).must(),
	one("count", "how many shards at first; the command shards adds more", integer(1, MaxShards), func(s *Shard) *Value[int] { return &s.Count }).must(),
}}

var methodObject = object[Method]{name: "method", what: "a method", keys: []key[Method]{
	httpKey(),
	one("internal", "only other services may call it; so without http", boolean(), func(m *Method) *Value[bool] { return &m.Internal }),
	one("public", "exposed without a token", boolean(), func(m *Method) *Value[bool] { return &m.Public }),
	many("scopes", "a token needs all of them", ident(scopeName), func(m *Method) *[]Value[string] { return &m.Scopes }),
	part("rateLimit", "how many requests its route lets through, beside the gateway's limit", &routeLimitObject, func(m *Method, at source.Span) *RateLimit {
		m.RateLimit = &RateLimit{Span: at}
		return m.RateLimit
	}),
	behaviour("creates", "creates an aggregate", func(m *Method) *Value[string] { return &m.Creates }),
	behaviour("reads", "reads one aggregate or row of a view by its key", func(m *Method) *Value[string] { return &m.Reads }),
	behaviour("lists", "lists aggregates or rows of a view in pages", func(m *Method) *Value[string] { return &m.Lists }),
	behaviour("updates", "changes an aggregate: its fields, or its state with from and to", func(m *Method) *Value[string] { return &m.Updates }),
	behaviour("deletes", "deletes an aggregate", func(m *Method) *Value[string] { return &m.Deletes }),
	many("from", "the states from which the transition may start; all but `to` when left out", ident(stateName), func(m *Method) *[]Value[string] { return &m.From }),
	one("to", "the state after the transition", ident(stateName), func(m *Method) *Value[string] { return &m.To }),
	eventsKey("sends", "the events it sends, in the same transaction", func(m *Method) *[]*EventRef { return &m.Sends }),
	one("starts", "the saga it starts, in the same transaction", reference("a saga", "sagas", sagaName), func(m *Method) *Value[string] { return &m.Starts }),
	one("cache", "how long what it reads may be kept in Redis, 1s to 24h; a change is seen at once", positive(), func(m *Method) *Value[time.Duration] { return &m.Cache }),
	{name: "request", doc: "the fields of an own method's request", shape: fieldsShape(), decode: func(d *decoder, n *yaml.Node, at place, m *Method) {
		m.Request, m.HasRequest = d.fields(n, at), true
	}},
	{name: "response", doc: "the fields of an own method's response", shape: fieldsShape(), decode: func(d *decoder, n *yaml.Node, at place, m *Method) {
		m.Response, m.HasResponse = d.fields(n, at), true
	}},
	renamedKey(methodName, func(m *Method) *Value[string] { return &m.RenamedFrom }),
}}

func httpKey() key[Method] {
	s := route()
	return key[Method]{name: "http", doc: "its route at the gateway: POST /v1/orders", shape: s.shape, decode: func(d *decoder, n *yaml.Node, at place, m *Method) {
		if v, ok := s.decode(d, n, at); ok {
			v.V.Span = v.Span
			m.HTTP = v.V
		}
	}}
}

func behaviour(name, doc string, field func(*Method) *Value[string]) key[Method] {
	return one(name, doc, reference("an aggregate", "aggregates", aggregateName), field)
}

// eventsKey is a key with a list of event names.
func eventsKey[T any](name, doc string, field func(*T) *[]*EventRef) key[T] {
	s := reference("an event", "events", eventName)
	list := shape{"type": "array", "items": s.shape, "minItems": 1, "uniqueItems": true}
	return key[T]{name: name, doc: doc, shape: list, decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		for _, v := range decodeList(d, n, at, s) {
			*field(dst) = append(*field(dst), &EventRef{Name: v})
		}
	}}
}

// typesKey is `types`: a mapping from names to fields.
func typesKey() key[Service] {
	s := shape{"type": "object", "propertyNames": typeName.shape(), "additionalProperties": fieldsShape()}
	return key[Service]{name: "types", doc: "named types by name, each its fields", shape: s, decode: func(d *decoder, n *yaml.Node, at place, dst *Service) {
		d.named(n, at, typeName, func(name Value[string], value *yaml.Node, at place) {
			dst.Types = append(dst.Types, &TypeDef{Service: dst, Name: name, Fields: d.fields(value, at)})
		})
	}}
}

var receiveObject = object[Receive]{name: "receive", what: "a received event", keys: []key[Receive]{
	one("creates", "the aggregate that it creates", reference("an aggregate", "aggregates", aggregateName), func(r *Receive) *Value[string] { return &r.Creates }),
	one("retries", "how often it is tried before it is parked as a dead letter; 5 by default", integer(1, 100), func(r *Receive) *Value[int] { return &r.Retries }),
}}

// receivesKey is `receives`: a mapping from event names to options, which may be left empty.
func receivesKey() key[Service] {
	kind := reference("an event", "events", eventName)
	options := shape{"anyOf": []any{receiveObject.ref(), shape{"type": "null"}}}
	s := shape{"type": "object", "propertyNames": kind.shape, "additionalProperties": options}
	return key[Service]{name: "receives", doc: "the events it handles by name", shape: s, decode: func(d *decoder, n *yaml.Node, at place, dst *Service) {
		d.namedOptions(n, at, "a mapping from events to options", func(name Value[string], value *yaml.Node, at place) {
			r := &Receive{Service: dst, Event: EventRef{Name: name}}
			dst.Receives = append(dst.Receives, r)
			if value != nil {
				receiveObject.decode(d, value, at, r)
			}
		})
	}}
}

var viewObject = object[View]{name: "view", what: "a view", keys: []key[View]{
	one("key", "the field that identifies a row; every event of `from` carries it", ident(fieldName), func(v *View) *Value[string] { return &v.Key }).must(),
	fieldsKey("fields", "the fields besides the key", func(v *View) *[]*Field { return &v.Fields }).must(),
	eventsKey("from", "the events that change it", func(v *View) *[]*EventRef { return &v.From }).must(),
}}

var callObject = object[Call]{name: "call", what: "a call", keys: []key[Call]{
	one("resilience", "the policy; standard by default", reference("a resilience policy", "policies", policyName), func(c *Call) *Value[string] { return &c.PolicyID }),
	one("fallback", "cached answers with the last good response when the call fails; none by default", choice("cached", "none"), func(c *Call) *Value[string] { return &c.Fallback }),
}}

// callsKey is `calls`: a mapping from service.Method to options, which may be left empty.
func callsKey() key[Service] {
	ref := methodReference()
	options := shape{"anyOf": []any{callObject.ref(), shape{"type": "null"}}}
	s := shape{"type": "object", "propertyNames": ref.shape, "additionalProperties": options}
	return key[Service]{name: "calls", doc: "the methods of other services it calls, by service.Method", shape: s, decode: func(d *decoder, n *yaml.Node, at place, dst *Service) {
		d.namedOptions(n, at, "a mapping from methods to options", func(name Value[string], value *yaml.Node, at place) {
			if _, err := ref.parse(name.V); err != nil {
				d.fail(at.path, name.Span, err)
				return
			}
			c := &Call{Service: dst, Target: MethodRef{Name: name}}
			dst.Calls = append(dst.Calls, c)
			if value != nil {
				callObject.decode(d, value, at, c)
			}
		})
	}}
}

// namedOptions walks a mapping whose values may be left empty; value is nil then.
func (d *decoder) namedOptions(n *yaml.Node, at place, what string, each func(name Value[string], value *yaml.Node, at place)) {
	m, ok := d.mapping(n, at, what)
	if !ok {
		return
	}
	for _, e := range d.entries(m, at).list {
		span := spanOf(d.file, e.key)
		value := e.value
		if v := d.resolveAlias(value); v.Kind == yaml.ScalarNode && v.ShortTag() == "!!null" {
			value = nil
		}
		each(Value[string]{V: e.name, Span: span, Set: true}, value, at.at(e.name, span))
	}
}

var sloObject = object[SLO]{name: "slo", what: "an slo", keys: []key[SLO]{
	one("availability", "the share of requests that succeed", ratio(), func(s *SLO) *Value[float64] { return &s.Availability }).must(),
	part("latency", "how fast answers come", &latencyObject, func(s *SLO, _ source.Span) *SLO { return s }),
	one("window", "the time over which it is measured; 30d by default", positive(), func(s *SLO) *Value[time.Duration] { return &s.Window }),
}}

var latencyObject = object[SLO]{name: "latency", what: "a latency objective", keys: []key[SLO]{
	one("p99", "the time within which 99% of requests are answered", positive(), func(s *SLO) *Value[time.Duration] { return &s.LatencyP99 }).must(),
}}

var scalingObject = object[Scaling]{name: "scaling", what: "scaling", keys: []key[Scaling]{
	one("min", "the least replicas", integer(1, 1000), func(s *Scaling) *Value[int] { return &s.Min }),
	one("max", "the most replicas", integer(1, 1000), func(s *Scaling) *Value[int] { return &s.Max }),
	one("cpu", "the processor use at which it scales out", wholePercent(), func(s *Scaling) *Value[int] { return &s.CPU }),
}}

// positive is a duration longer than nothing.
func positive() scalar[time.Duration] {
	s := duration()
	s.parse = func(t string) (time.Duration, error) {
		v, err := ParseDuration(t)
		if err == nil && v <= 0 {
			return 0, problemf("", "expected a duration longer than nothing")
		}
		return v, err
	}
	return s
}

func indexed(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
