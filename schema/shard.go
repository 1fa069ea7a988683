package schema

import "fmt"

// MaxShards is the most shards that a service can have.
const MaxShards = 64

// Sharded reports that the service's rows are spread over shards.
func (s *Service) Sharded() bool {
	for _, a := range s.Aggregates {
		if a.Shard != nil {
			return true
		}
	}
	return false
}

// checkShards reports what a service with shards cannot be: whatever it does must be for one slot, which is known before its transaction
// begins.
func (d *decoder) checkShards() {
	for _, s := range d.spec.Services {
		if s.Sharded() {
			d.checkShardedService(s)
		}
	}
	for _, saga := range d.spec.Sagas {
		d.checkShardedSaga(saga)
	}
}

func (d *decoder) checkShardedService(s *Service) {
	at := "services." + s.Name.V
	if s.Proto.Set {
		d.fail(at+".proto", s.Proto.Span, problemf("leave out `proto` or `shard`", "a service with shards cannot have a contract of its own: which request is for which shard follows from the aggregates"))
	}
	var first *Aggregate
	for _, a := range s.Aggregates {
		if a.Shard != nil && first == nil {
			first = a
		}
	}
	for _, a := range s.Aggregates {
		p := at + ".aggregates." + a.Name.V
		switch {
		case a.Shard == nil:
			d.fail(p, a.Name.Span, problemf(fmt.Sprintf("add `shard: {key: %s, count: %d}`, or move it to another service", first.Shard.Key.V, first.Shard.Count.V),
				"%s has no shards, but %s of the same service has: a transaction stays within one shard", a.Name.V, first.Name.V))
			continue
		case a.Shard.Key.V != first.Shard.Key.V || a.Shard.Count.V != first.Shard.Count.V:
			d.fail(p+".shard", a.Shard.Span, problemf("use the same key and count", "%s and %s of one service have different shards", first.Name.V, a.Name.V))
		}
		d.checkSharded(p, a)
	}
	for _, v := range s.Views {
		d.fail(at+".views."+v.Name.V, v.Name.Span, problemf("move the view to another service", "a service with shards cannot have views"))
	}
	for _, m := range s.API {
		if kind, _ := m.Behaviour(); kind == "" && len(m.Sends) > 0 {
			d.fail(at+".api."+m.Name.V+".sends", m.Name.Span, problemf("send it from a method with `creates`, `updates` or `deletes`",
				"%s sends, but is for no aggregate: a service with shards could not tell in which it is to be", m.Name.V))
		}
	}
	for _, r := range s.Receives {
		d.checkShardedReceive(s, r, first)
	}
}

// checkSharded reports what an aggregate with shards cannot be.
func (d *decoder) checkSharded(at string, a *Aggregate) {
	if a.EventSourced.V {
		d.fail(at+".eventSourced", a.EventSourced.Span, problemf("leave out `shard` or `eventSourced`", "an event-sourced aggregate cannot have shards"))
	}
	if a.Key.V != "id" || specFieldOf(a.Fields, "id") != nil {
		d.fail(at+".key", a.Key.Span, problemf("leave out `key`: the id that the service makes holds the place", "an aggregate with shards cannot have a key of its own"))
	}
	if f := specFieldOf(a.Fields, "shard_slot"); f != nil {
		d.fail(at+".fields.shard_slot", f.Name.Span, problemf("give it another name", "an aggregate with shards has a column shard_slot already"))
	}
	key := a.Shard.Key
	f := specFieldOf(a.Fields, key.V)
	switch {
	case key.V == "": // reported where it was decoded
	case f == nil:
		d.fail(at+".shard.key", key.Span, problemf("name one of its fields", "%s has no field %q", a.Name.V, key.V))
	case !isShardKey(f.Type):
		d.fail(at+".shard.key", key.Span, problemf("use a field of type uuid or string", "the shard key must be a uuid or a string"))
	case !f.Required.V && f.Required.Set:
		d.fail(at+".fields."+f.Name.V+".required", f.Required.Span, problemf("remove `required: false`", "the shard key cannot be left out"))
	case !f.Required.V:
		f.Required.V = true
		d.infer(at+".fields."+f.Name.V+".required", "true", "it picks the shard, and never changes")
	}
}

func isShardKey(t Type) bool { return t.Kind == KindUUID || t.Kind == KindScalar && t.Name == "string" }

// checkShardedReceive reports an event that does not say in which shard it is to be handled.
func (d *decoder) checkShardedReceive(s *Service, r *Receive, a *Aggregate) {
	if r.Event.Event == nil || r.ShardField() != nil {
		return
	}
	help := fmt.Sprintf("give the event a field %s", a.Shard.Key.V)
	if r.Aggregate == nil {
		help += fmt.Sprintf(", or %s_id with the id of the %s", Snake(a.Name.V), a.Name.V)
	}
	d.fail("services."+s.Name.V+".receives."+r.Event.Name.V, r.Event.Name.Span,
		problemf(help, "%s does not say in which shard of %s it is to be handled", r.Event.Name.V, s.Name.V))
}

// ShardField is the event's field that says in which shard it is handled: the id of an aggregate or, where it makes one or has no such field,
// the shard key. It is nil if the service has no shards or the event no such field.
func (r *Receive) ShardField() *Field {
	event, s := r.Event.Event, r.Service
	if event == nil || !s.Sharded() {
		return nil
	}
	if r.Aggregate == nil {
		for _, a := range s.Aggregates {
			if f := event.field(Snake(a.Name.V) + "_id"); f != nil && f.Type.Kind == KindUUID {
				return f
			}
		}
	}
	for _, a := range s.Aggregates {
		if a.Shard == nil || r.Aggregate != nil && r.Aggregate != a {
			continue
		}
		f, own := event.field(a.Shard.Key.V), specFieldOf(a.Fields, a.Shard.Key.V)
		if f != nil && own != nil && isShardKey(f.Type) && f.Type.Kind == own.Type.Kind {
			return f
		}
	}
	return nil
}

// checkShardedSaga reports commands that cannot be brought to a shard: those of a saga are where the aggregate is that it is about.
func (d *decoder) checkShardedSaga(saga *Saga) {
	if len(saga.StartedBy) == 0 {
		return // a rule says so
	}
	for _, ref := range saga.Refs() {
		m := ref.Method
		if m == nil || !m.Service.Sharded() {
			continue
		}
		at := "sagas." + saga.Name.V
		if saga.Coordination.V == "choreography" {
			d.fail(at+".coordination", saga.Coordination.Span, problemf("leave out `coordination`, or the shards",
				"%s has shards, and a choreographed saga's events do not say in which they are to be handled", m.Service.Name.V))
			return
		}
		about := m.Aggregate
		for _, start := range saga.StartedBy {
			if start.Aggregate != about {
				about = nil
			}
		}
		switch {
		case m.Creates.Set:
			d.fail(at, ref.Name.Span, problemf("create it before the saga", "a saga cannot create %s, which has shards: its id must hold the place of its shard key", m.Creates.V))
		case about == nil:
			d.fail(at, ref.Name.Span, problemf("start the saga by the creation of that aggregate, in the same service",
				"%s is for an aggregate with shards that the saga is not about: the command could not be brought to its shard", ref.Name.V))
		}
	}
}

func specFieldOf(fields []*Field, name string) *Field {
	for _, f := range fields {
		if f.Name.V == name {
			return f
		}
	}
	return nil
}
