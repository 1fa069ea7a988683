package rule

import (
	"fmt"
	"time"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
)

// maxSynchronous is how long a service may take to answer before its callers had better not wait (AIP-151).
const maxSynchronous = time.Second

// outlastsCaller compares single attempts: the time that retries may take is bounded by the caller's deadline, which travels with the call.
func outlastsCaller(s *schema.Spec, report Report) {
	impatient := map[*schema.Service]*schema.Call{}
	calls(s, func(c *schema.Call, _ string) {
		t := c.Target.Service
		if t == nil || c.Policy == nil || c.Policy.Timeout.V <= 0 || t == c.Service || ends(c) {
			return
		}
		if first := impatient[t]; first == nil || c.Policy.Timeout.V < first.Policy.Timeout.V {
			impatient[t] = c
		}
	})
	calls(s, func(c *schema.Call, path string) {
		caller := impatient[c.Service]
		if caller == nil || c.Policy == nil || c.Policy.Timeout.V <= caller.Policy.Timeout.V {
			return
		}
		wait := schema.FormatDuration(caller.Policy.Timeout.V)
		report.add(finding{
			path: path, span: c.Target.Name.Span, label: "takes " + schema.FormatDuration(c.Policy.Timeout.V),
			message: fmt.Sprintf("%s may wait %s for %s, but %s waits only %s for it", c.Service.Name.V, schema.FormatDuration(c.Policy.Timeout.V), c.Target.Name.V, caller.Service.Name.V, wait),
			help:    "give the inner call the shorter timeout of the two",
			related: []diag.Label{label(caller.Target.Name.Span, "waits "+wait), label(c.Policy.Timeout.Span, "the longer timeout")},
		})
	})
}

// retried reports whether a call is made again when it fails: its policy says so and its method can be repeated.
func retried(c *schema.Call) bool {
	return c.Policy != nil && c.Policy.Retry.MaxRetries.V > 0 && c.Target.Method != nil && c.Target.Method.Repeatable()
}

// retriesMultiply reports, once for each service, that it retries calls while it is itself called again.
func retriesMultiply(s *schema.Spec, report Report) {
	outer, inner := map[*schema.Service]*schema.Call{}, map[*schema.Service]*schema.Call{}
	keep := func(most map[*schema.Service]*schema.Call, at *schema.Service, c *schema.Call) {
		if first := most[at]; first == nil || c.Policy.Retry.MaxRetries.V > first.Policy.Retry.MaxRetries.V {
			most[at] = c
		}
	}
	calls(s, func(c *schema.Call, _ string) {
		if !retried(c) || c.Target.Service == c.Service {
			return
		}
		keep(inner, c.Service, c)
		if !ends(c) {
			keep(outer, c.Target.Service, c)
		}
	})
	for _, service := range s.Services {
		in, out := outer[service], inner[service]
		if in == nil || out == nil {
			continue
		}
		n := (1 + in.Policy.Retry.MaxRetries.V) * (1 + out.Policy.Retry.MaxRetries.V)
		report.add(finding{
			path: "services." + service.Name.V + ".calls." + out.Target.Name.V, span: out.Target.Name.Span,
			label:   fmt.Sprintf("retried %d times", out.Policy.Retry.MaxRetries.V),
			message: fmt.Sprintf("%s and %s both retry: one request of %s may become %d calls of %s", in.Service.Name.V, service.Name.V, in.Service.Name.V, n, out.Target.Name.V),
			help:    "retry in one place: give the other call a policy with `retry: {maxRetries: 0}`",
			related: []diag.Label{label(in.Target.Name.Span, fmt.Sprintf("retried %d times", in.Policy.Retry.MaxRetries.V))},
		})
	}
}

// breakerNeverOpens compares what a breaker waits for with what can happen: when a service hangs, each place of the bulkhead sees one
// timeout after another.
func breakerNeverOpens(s *schema.Spec, report Report) {
	policies(s, func(p *schema.Policy, path string) {
		if p.Timeout.V <= 0 {
			return
		}
		most := float64(p.Bulkhead.V) * float64(p.Breaker.Window.V/p.Timeout.V+1)
		if most >= float64(p.Breaker.MinimumCalls.V) {
			return
		}
		window := schema.FormatDuration(p.Breaker.Window.V)
		report.add(finding{
			path: path + ".circuitBreaker", span: p.Breaker.MinimumCalls.Span, label: fmt.Sprintf("waits for %d", p.Breaker.MinimumCalls.V),
			message: fmt.Sprintf("the breaker of the policy %s cannot open when a service hangs: no more than %.0f calls time out in %s", p.Name.V, most, window),
			help:    "lower minimumCalls, or lengthen the window",
			related: []diag.Label{label(p.Timeout.Span, "each takes "+schema.FormatDuration(p.Timeout.V))},
		})
	})
}

func singleAttempt(s *schema.Spec, report Report) {
	for _, service := range s.Services {
		for _, r := range service.Receives {
			if r.Retries.Set && r.Retries.V < 2 {
				report.add(finding{
					path: "services." + service.Name.V + ".receives." + r.Event.Name.V + ".retries", span: r.Retries.Span,
					message: fmt.Sprintf("%s tries %s once: the first failure makes it a dead letter", service.Name.V, r.Event.Name.V),
					help:    "remove `retries` for 5 attempts, or allow a few", related: []diag.Label{label(r.Event.Name.Span, "the event")},
				})
			}
		}
	}
}

// slowSynchronousService reports, once for each service, that others wait for one whose objective allows slow answers.
func slowSynchronousService(s *schema.Spec, report Report) {
	seen := map[*schema.Service]bool{}
	calls(s, func(c *schema.Call, path string) {
		t := c.Target.Service
		if t == nil || t.SLO == nil || t.SLO.LatencyP99.V <= maxSynchronous || seen[t] {
			return
		}
		seen[t] = true
		report.add(finding{
			path: path, span: c.Target.Name.Span,
			message: fmt.Sprintf("%s waits for %s, which may take more than %s", c.Service.Name.V, c.Target.Name.V, schema.FormatDuration(maxSynchronous)),
			help:    "let it answer with an event, or keep a view of what it knows", related: []diag.Label{label(t.SLO.LatencyP99.Span, "its objective")},
		})
	})
}
