package view

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema"
)

// Sharded reports that the service's rows are spread over shards.
func (s *Service) Sharded() bool { return s.Spec.Sharded() }

// ShardCount is how many shards a new database of the service gets.
func (s *Service) ShardCount() int {
	for _, a := range s.Aggregates {
		if a.Sharded() {
			return a.Spec.Shard.Count.V
		}
	}
	return 0
}

// MoreShards is twice as many, for examples.
func (s *Service) MoreShards() int { return min(2*s.ShardCount(), schema.MaxShards) }

// ShardSummary is how the aggregate's rows are spread.
func (a *Aggregate) ShardSummary() string {
	return fmt.Sprintf("%s by %s over %d shards", a.Name, a.ShardKey().Name, a.Spec.Shard.Count.V)
}

// Sharded are the services whose rows are spread over shards.
func (s *System) Sharded() []*Service {
	var list []*Service
	for _, svc := range s.Services {
		if svc.Sharded() {
			list = append(list, svc)
		}
	}
	return list
}

// Sharded reports that the aggregate's rows are spread over shards.
func (a *Aggregate) Sharded() bool { return a.Spec.Shard != nil }

// ShardKey is the field that picks the shard.
func (a *Aggregate) ShardKey() *Field { return a.Message.field(a.Spec.Shard.Key.V) }

// PlaceOfRow is the Go expression of the place of the aggregate's variable.
func (a *Aggregate) PlaceOfRow() string { return a.placeIn(a.Var) }

// placeIn is the Go expression of the place that the shard key of a variable picks.
func (a *Aggregate) placeIn(v string) string { return placeOf(a.ShardKey(), v) }

func placeOf(key *Field, v string) string {
	name := "shard.OfText"
	if key.Type.Kind == schema.KindUUID {
		name = "shard.OfUUID"
	}
	return name + "(" + v + ".Get" + key.Go + "())"
}

// Place is the Go expression of the place that the request req is for.
func (m *Method) Place() string {
	switch m.Kind {
	case Create:
		return m.Aggregate.placeIn("req")
	case Update:
		return "shard.OfID(req.Get" + m.ResourceField() + "().Get" + m.Resource.Key.Go + "())"
	}
	return "shard.OfID(req.Get" + m.KeyField.Go + "())"
}

// Place is the Go expression of the place where the event e is handled.
func (r *Receive) Place() string {
	spec := r.Spec.ShardField()
	f := r.Event.Message.field(spec.Name.V)
	for _, a := range r.Service.Aggregates {
		if a.ShardKey().Name == f.Name {
			return placeOf(f, "e")
		}
	}
	return "shard.OfID(e.Get" + f.Go + "())"
}

// ByKey reports that the event says by the shard key where it is handled.
func (r *Receive) ByKey() bool {
	for _, a := range r.Service.Aggregates {
		if a.ShardKey().Name == r.Spec.ShardField().Name.V {
			return true
		}
	}
	return false
}
