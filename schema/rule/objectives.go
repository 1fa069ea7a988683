package rule

import (
	"fmt"
	"strconv"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// exposedWithoutObjective asks for objectives where clients' writes come in, once the system has objectives at all.
func exposedWithoutObjective(s *schema.Spec, report Report) {
	var example *schema.Service
	for _, service := range s.Services {
		if service.SLO != nil {
			example = service
			break
		}
	}
	if example == nil {
		return
	}
	for _, service := range s.Services {
		m := takesWrites(service)
		if m == nil || service.SLO != nil {
			continue
		}
		report.add(finding{
			path: "services." + service.Name.V + ".slo", span: service.Name.Span,
			message: fmt.Sprintf("%s takes writes from clients but has no objective, so that nothing tells when it fails them", service.Name.V),
			help:    "add `slo:` with its availability",
			related: []diag.Label{label(m.HTTP.Span, "exposed here"), label(example.SLO.Span, "an objective of this system")},
		})
	}
}

// takesWrites is the first method by which clients change something in a service; nil when there is none.
func takesWrites(service *schema.Service) *schema.Method {
	for _, m := range service.API {
		if m.HTTP != nil && m.HTTP.Verb != "GET" && !m.ReadOnly() {
			return m
		}
	}
	return nil
}

// objectiveAboveDependencies multiplies the objectives of the services that a service cannot do without. A call that falls back on its
// last good answer is none of these, and neither is a service without an objective, of which nothing is known.
func objectiveAboveDependencies(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if service.SLO == nil || !service.SLO.Availability.Set {
			continue
		}
		product, seen := 1.0, map[*schema.Service]bool{}
		var related []diag.Label
		for _, c := range service.Calls {
			t := c.Target.Service
			if t == nil || t == service || t.SLO == nil || !t.SLO.Availability.Set || c.Fallback.V == "cached" || seen[t] {
				continue
			}
			seen[t] = true
			product *= t.SLO.Availability.V
			related = append(related, label(t.SLO.Availability.Span, t.Name.V))
		}
		// Ratios are rounded to what an objective can say, so that 99.9 % is not stricter than 0.999.
		if len(seen) == 0 || service.SLO.Availability.V <= product+1e-9 {
			continue
		}
		report.add(finding{
			path: "services." + service.Name.V + ".slo.availability", span: service.SLO.Availability.Span,
			message: fmt.Sprintf("%s promises %s, but the services it waits for together promise %s", service.Name.V, percent(service.SLO.Availability.V), percent(product)),
			help:    "lower the objective, give the calls `fallback: cached`, or replace them by events", related: related,
		})
	}
}

// percent writes a ratio with up to four decimals.
func percent(ratio float64) string {
	n, _ := strconv.ParseFloat(strconv.FormatFloat(100*ratio, 'f', 4, 64), 64)
	return strconv.FormatFloat(n, 'f', -1, 64) + " %"
}
