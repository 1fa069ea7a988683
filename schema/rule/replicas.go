package rule

import (
	"fmt"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

const (
	// poolSize is how many connections each replica may hold: the default of DATABASE_MAX_CONNS.
	poolSize = 16
	// maxConnections is the most that a managed Postgres lets in unless told otherwise: Amazon RDS caps its default of max_connections here.
	maxConnections = 5000
)

func fixedReplicas(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		sc := service.Scaling
		if sc.Min.V != sc.Max.V {
			continue
		}
		f := finding{
			path: "services." + service.Name.V + ".scaling.max", span: sc.Max.Span, message: fmt.Sprintf("%s always runs %d times: it cannot scale out", service.Name.V, sc.Max.V),
			help: "raise max above min",
		}
		switch {
		case !sc.Max.Set:
			f.span, f.help = sc.Min.Span, fmt.Sprintf("add `max:`, more than %d", sc.Min.V)
		case sc.Min.Set:
			f.related = []diag.Label{label(sc.Min.Span, "min")}
		}
		report.add(f)
	}
}

func tooManyConnections(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		each := connections(service)
		n := service.Scaling.Max.V * each
		if service.Database.V == "" || n <= maxConnections {
			continue
		}
		report.add(finding{
			path: "services." + service.Name.V + ".scaling.max", span: service.Scaling.Max.Span,
			message: fmt.Sprintf("%d replicas of %s with %d connections each want %d of its database, more than %d", service.Scaling.Max.V, service.Name.V, each, n, maxConnections),
			help:    fmt.Sprintf("allow %d replicas at most, or split the service", maxConnections/each),
		})
	}
}

// connections is how many each replica of a service may hold: with shards, four of each at least, three of each relay, and four for the map.
func connections(service *schema.Service) int {
	shards := 0
	for _, a := range service.Aggregates {
		if a.Shard != nil {
			shards = max(shards, a.Shard.Count.V)
		}
	}
	if shards == 0 {
		return poolSize
	}
	return shards*max(4, poolSize/shards) + 3*shards + 4
}
