package rule

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema"
)

// Bounds of what one transaction or one database may span.
const (
	maxChoreography = 4
	maxAggregates   = 12
)

func longChoreography(s *schema.Spec, report Report) {
	for _, saga := range s.Sagas {
		if n := len(saga.Steps); saga.Coordination.V == "choreography" && n > maxChoreography {
			report.add(finding{
				path: "sagas." + saga.Name.V + ".coordination", span: saga.Coordination.Span,
				message: fmt.Sprintf("the saga %s has %d steps that only events hold together, more than %d", saga.Name.V, n, maxChoreography),
				help:    "use `coordination: orchestration`, so that one service knows how far it is",
			})
		}
	}
}

// monolithicDatabase reads the protocol's "monolithic database without sharding" as: one database that holds many aggregates, none of which
// is spread over shards.
func monolithicDatabase(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if n := len(service.Aggregates); n > maxAggregates && !sharded(service) {
			report.add(finding{
				path: "services." + service.Name.V + ".aggregates", span: service.Name.Span,
				message: fmt.Sprintf("the database of %s holds %d aggregates, more than %d, and none is sharded", service.Name.V, n, maxAggregates),
				help:    "split the service by aggregate, so that each part has a database of its own",
			})
		}
	}
}

func sharded(service *schema.Service) bool {
	for _, a := range service.Aggregates {
		if a.Shard != nil {
			return true
		}
	}
	return false
}
