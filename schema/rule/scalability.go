package rule

import (
	"fmt"
	"strconv"
	"time"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/source"
)

func scalability() []Rule {
	return []Rule{
		{"MSG601", "SLOWithOneReplica", diag.Warning, Scalability, sloReplicas, OfSpec},
		{"MSG602", "ShortGracePeriod", diag.Error, Scalability, shortGracePeriod, OfSpec},
		{"MSG603", "ScalingBounds", diag.Error, Scalability, scalingBounds, OfSpec},
		{"MSG604", "MemoryLimit", diag.Error, Scalability, memoryLimit, OfSpec},
		{"MSG605", "FixedReplicas", diag.Error, Scalability, fixedReplicas, OfSpec},
		{"MSG606", "TooManyConnections", diag.Warning, Scalability, tooManyConnections, OfSpec},
	}
}

func sloReplicas(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if service.SLO != nil && service.Scaling.Min.V < 2 {
			report.add(finding{
				path: "services." + service.Name.V + ".scaling.min", span: service.Scaling.Min.Span, message: fmt.Sprintf("%s has an objective but may run alone", service.Name.V),
				help: "use `min: 2`: one replica is away at every deployment", related: []diag.Label{label(service.SLO.Span, "the objective")},
			})
		}
	}
}

// shortGracePeriod wants a process that stops to have time to end what it has begun.
func shortGracePeriod(s *schema.Spec, report Report) {
	var longest time.Duration
	var span source.Span
	var what string
	consider := func(d time.Duration, at source.Span, name string) {
		if d > longest {
			longest, span, what = d, at, name
		}
	}
	if s.Gateway != nil {
		consider(s.Gateway.Timeout.V, s.Gateway.Timeout.Span, "the gateway's timeout")
	}
	calls(s, func(c *schema.Call, _ string) {
		if c.Policy != nil {
			consider(c.Policy.Timeout.V, c.Policy.Timeout.Span, "the timeout of the policy "+c.Policy.Name.V)
		}
	})
	if grace := s.Deployment.GracePeriod; grace.V < longest {
		report.add(finding{
			path: "deployment.gracePeriod", span: grace.Span,
			message: fmt.Sprintf("a process has %s to stop, less than %s of %s", schema.FormatDuration(grace.V), what, schema.FormatDuration(longest)),
			help:    "lengthen the grace period, or shorten the timeout", related: []diag.Label{label(span, "longer")},
		})
	}
}

func scalingBounds(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		if sc := service.Scaling; sc.Min.V > sc.Max.V {
			report.add(finding{
				path: "services." + service.Name.V + ".scaling.min", span: sc.Min.Span, message: fmt.Sprintf("min %d is greater than max %d", sc.Min.V, sc.Max.V),
				help: "exchange them", related: []diag.Label{label(sc.Max.Span, "max")},
			})
		}
	}
}

func memoryLimit(s *schema.Spec, report Report) {
	r := s.Deployment.Resources
	if quantity(r.Memory.V) > quantity(r.MemoryLimit.V) {
		report.add(finding{
			path: "deployment.resources.memoryLimit", span: r.MemoryLimit.Span, message: fmt.Sprintf("the limit of %s is below the request of %s", r.MemoryLimit.V, r.Memory.V),
			help: "raise memoryLimit, or lower memory", related: []diag.Label{label(r.Memory.Span, "the request")},
		})
	}
}

// quantity is a Kubernetes quantity of memory in bytes; 0 when it is none.
func quantity(s string) float64 {
	units := map[string]float64{"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	if err != nil {
		return 0
	}
	return n * units[s[i:]]
}
