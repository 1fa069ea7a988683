package rule

import (
	"fmt"
	"strings"
	"time"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/edit"
)

func communication() []Rule {
	return []Rule{
		{"MSG301", "EventNeverSent", diag.Error, Communication, eventNeverSent, OfSpec},
		{"MSG302", "EventNeverReceived", diag.Warning, Communication, eventNeverReceived, OfSpec},
		{"MSG303", "EventKey", diag.Error, Communication, eventKey, OfSpec},
		{"MSG304", "UnusedEvent", diag.Warning, Communication, unusedEvent, OfSpec},
		{"MSG305", "RetryWithoutBackoff", diag.Error, Communication, retryWithoutBackoff, OfSpec},
		{"MSG306", "WeakBackoff", diag.Warning, Communication, weakBackoff, OfSpec},
		{"MSG307", "SlowCall", diag.Warning, Communication, slowCall, OfSpec},
		{"MSG308", "UnsafeRetry", diag.Warning, Communication, unsafeRetry, OfSpec},
		{"MSG309", "CallWithoutTimeout", diag.Error, Communication, callWithoutTimeout, OfSpec},
		{"MSG310", "CachedWrite", diag.Error, Communication, cachedWrite, OfSpec},
		{"MSG311", "CallWithoutFallback", diag.Error, Communication, callWithoutFallback, OfSpec},
		{"MSG312", "GatewayWithoutRoutes", diag.Error, Communication, gatewayWithoutRoutes, OfSpec},
		{"MSG313", "UnusedPolicy", diag.Warning, Communication, unusedPolicy, OfSpec},
		{"MSG314", "RetryInterval", diag.Error, Communication, retryInterval, OfSpec},
		{"MSG315", "OutlastsCaller", diag.Error, Communication, outlastsCaller, OfSpec},
		{"MSG316", "RetriesMultiply", diag.Warning, Communication, retriesMultiply, OfSpec},
		{"MSG317", "BreakerNeverOpens", diag.Error, Communication, breakerNeverOpens, OfSpec},
		{"MSG318", "SingleAttempt", diag.Warning, Communication, singleAttempt, OfSpec},
		{"MSG319", "SlowSynchronousService", diag.Warning, Communication, slowSynchronousService, OfSpec},
	}
}

// receivers are the references to events by services that handle them or keep a view of them, in the order of the spec.
func receivers(s *schema.Spec, f func(service *schema.Service, ref *schema.EventRef, path string)) {
	for _, service := range s.Services {
		at := "services." + service.Name.V
		for _, r := range service.Receives {
			f(service, &r.Event, at+".receives."+r.Event.Name.V)
		}
		for _, v := range service.Views {
			for i, ref := range v.From {
				f(service, ref, fmt.Sprintf("%s.views.%s.from[%d]", at, v.Name.V, i))
			}
		}
	}
}

func eventNeverSent(s *schema.Spec, report Report) {
	receivers(s, func(service *schema.Service, ref *schema.EventRef, path string) {
		if ref.Event != nil && len(ref.Event.Senders) == 0 {
			report.add(finding{
				path: path, span: ref.Name.Span, message: fmt.Sprintf("%s waits for %s, which no service sends", service.Name.V, ref.Name.V),
				help: "add it to `sends` of a method", related: []diag.Label{label(ref.Event.Name.Span, "declared here")},
			})
		}
	})
}

// received are the events that some service handles.
func received(s *schema.Spec) map[*schema.Event]bool {
	set := map[*schema.Event]bool{}
	receivers(s, func(_ *schema.Service, ref *schema.EventRef, _ string) { set[ref.Event] = true })
	return set
}

func eventNeverReceived(s *schema.Spec, report Report) {
	handled := received(s)
	for _, e := range s.Events {
		if len(e.Senders) > 0 && !handled[e] && !e.External.V {
			report.add(finding{
				path: "events." + e.Name.V, span: e.Name.Span, message: fmt.Sprintf("no service receives %s", e.Name.V),
				help: "add `external: true` when it is meant for others, or stop sending it",
			})
		}
	}
}

func eventKey(s *schema.Spec, report Report) {
	for _, e := range s.Events {
		if !e.Key.Set {
			continue
		}
		f := finding{path: "events." + e.Name.V + ".key", span: e.Key.Span, related: []diag.Label{label(e.Name.Span, "the event")}}
		field := schema.FieldNamed(e.Fields, e.Key.V)
		switch {
		case field == nil:
			var known []string
			for _, k := range e.Fields {
				known = append(known, k.Name.V)
			}
			f.message = fmt.Sprintf("%s has no field %q to be its key", e.Name.V, e.Key.V)
			f.help = "name one of its fields: " + strings.Join(known, ", ")
			if near := schema.Nearest(e.Key.V, known); near != "" {
				f.help = fmt.Sprintf("did you mean %q?", near)
			}
			f.fix = edit.Replace(e.Key.Span, e.Key.V, schema.Typo(e.Key.V, known))
		case !isKey(field.Type):
			f.message = fmt.Sprintf("%s of type %s cannot be a partition key", e.Key.V, field.Type)
			f.help = "use a uuid, a string or a whole number"
		default:
			continue
		}
		report.add(f)
	}
}

func unusedEvent(s *schema.Spec, report Report) {
	handled := received(s)
	for _, e := range s.Events {
		if len(e.Senders) == 0 && !handled[e] {
			report.add(finding{
				path: "events." + e.Name.V, span: e.Name.Span, message: fmt.Sprintf("no service sends or receives %s", e.Name.V),
				help: "add it to `sends` of a method, or remove it",
			})
		}
	}
}

// policies calls f for every policy that the spec writes down.
func policies(s *schema.Spec, f func(p *schema.Policy, path string)) {
	for _, p := range s.Resilience {
		if p.Name.Set {
			f(p, "resilience."+p.Name.V)
		}
	}
}

func retryWithoutBackoff(s *schema.Spec, report Report) {
	policies(s, func(p *schema.Policy, path string) {
		if p.Retry.MaxRetries.V > 0 && p.Retry.Policy.V == "constant" && p.Retry.Jitter.V == "none" {
			report.add(finding{
				path: path + ".retry", span: p.Retry.Policy.Span, message: fmt.Sprintf("the policy %s retries without backoff and jitter", p.Name.V),
				help: "use `policy: exponential` and `jitter: full`", related: []diag.Label{label(p.Retry.Jitter.Span, "no jitter")},
				fix: edit.Both(edit.Replace(p.Retry.Policy.Span, "constant", "exponential"), edit.Replace(p.Retry.Jitter.Span, "none", "full")),
			})
		}
	})
}

func weakBackoff(s *schema.Spec, report Report) {
	policies(s, func(p *schema.Policy, path string) {
		constant, plain := p.Retry.Policy.V == "constant", p.Retry.Jitter.V == "none"
		switch {
		case p.Retry.MaxRetries.V == 0 || constant == plain:
		case constant:
			report.add(finding{
				path: path + ".retry.policy", span: p.Retry.Policy.Span, message: fmt.Sprintf("the policy %s retries without backoff", p.Name.V),
				help: "use `policy: exponential`", fix: edit.Replace(p.Retry.Policy.Span, "constant", "exponential"),
			})
		default:
			report.add(finding{
				path: path + ".retry.jitter", span: p.Retry.Jitter.Span, message: fmt.Sprintf("the policy %s retries without jitter", p.Name.V),
				help: "use `jitter: full`, so that callers do not return all at once", fix: edit.Replace(p.Retry.Jitter.Span, "none", "full"),
			})
		}
	})
}

// slowCall reports, once for each exposed service, the slowest chain of calls when it may take longer than the gateway waits.
func slowCall(s *schema.Spec, report Report) {
	if s.Gateway == nil || s.Gateway.Timeout.V <= 0 {
		return
	}
	type chain struct {
		calls []*schema.Call
		total time.Duration
	}
	known := map[*schema.Service]chain{}
	open := map[*schema.Service]bool{}
	var slowest func(service *schema.Service) chain
	slowest = func(service *schema.Service) chain {
		if found, ok := known[service]; ok || open[service] {
			return found
		}
		open[service] = true
		var worst chain
		for _, c := range service.Calls {
			if c.Policy == nil || c.Target.Service == nil {
				continue
			}
			rest := slowest(c.Target.Service)
			if total := c.Policy.Timeout.V + rest.total; total > worst.total {
				worst = chain{append([]*schema.Call{c}, rest.calls...), total}
			}
		}
		open[service] = false
		known[service] = worst
		return worst
	}
	for _, service := range s.Services {
		if worst := slowest(service); exposed(service) && worst.total > s.Gateway.Timeout.V {
			reportSlow(report, worst.calls, worst.total, s.Gateway)
		}
	}
}

func exposed(s *schema.Service) bool {
	for _, m := range s.API {
		if m.HTTP != nil {
			return true
		}
	}
	return false
}

func reportSlow(report Report, chain []*schema.Call, total time.Duration, gateway *schema.Gateway) {
	first := chain[0]
	f := finding{
		path: "services." + first.Service.Name.V + ".calls." + first.Target.Name.V, span: first.Target.Name.Span,
		label:   "takes " + schema.FormatDuration(first.Policy.Timeout.V),
		help:    "shorten the policy's timeout, or lengthen the gateway's",
		related: []diag.Label{label(gateway.Timeout.Span, "the gateway's timeout")},
	}
	names := []string{first.Service.Name.V}
	for _, c := range chain {
		names = append(names, c.Target.Name.V)
	}
	f.message = fmt.Sprintf("%s may take %s, longer than the gateway's %s", strings.Join(names, " → "), schema.FormatDuration(total), schema.FormatDuration(gateway.Timeout.V))
	for _, c := range chain[1:] {
		f.related = append(f.related, label(c.Target.Name.Span, "takes "+schema.FormatDuration(c.Policy.Timeout.V)))
	}
	report.add(f)
}

// unsafeRetry warns of retries on methods that msgen does not know to be safe to repeat.
func unsafeRetry(s *schema.Spec, report Report) {
	calls(s, func(c *schema.Call, path string) {
		m := c.Target.Method
		if m == nil || c.Policy == nil || c.Policy.Retry.MaxRetries.V == 0 || m.Repeatable() {
			return
		}
		report.add(finding{
			path: path, span: c.Target.Name.Span, message: fmt.Sprintf("%s is not retried: it may change something twice", c.Target.Name.V),
			help: "use a policy with `retry: {maxRetries: 0}`, or make it a standard method; one that changes nothing begins with a verb that says so, such as Get, Quote or Check", related: []diag.Label{label(m.Name.Span, "an own method")},
		})
	})
}

func callWithoutTimeout(s *schema.Spec, report Report) {
	policies(s, func(p *schema.Policy, path string) {
		if p.Timeout.V <= 0 {
			report.add(finding{
				path: path + ".timeout", span: p.Timeout.Span, message: fmt.Sprintf("the policy %s has no timeout", p.Name.V),
				help: "give it one, such as 3s: a call without end holds its caller for ever",
			})
		}
	})
}

func cachedWrite(s *schema.Spec, report Report) {
	calls(s, func(c *schema.Call, path string) {
		if m := c.Target.Method; m != nil && c.Fallback.V == "cached" && m.Writes() {
			report.add(finding{
				path: path + ".fallback", span: c.Fallback.Span, message: fmt.Sprintf("%s changes something: a cached answer would hide that it did not happen", c.Target.Name.V),
				help: "remove the fallback", related: []diag.Label{label(m.Name.Span, "declared here")},
			})
		}
	})
}

func callWithoutFallback(s *schema.Spec, report Report) {
	calls(s, func(c *schema.Call, path string) {
		if m := c.Target.Method; m != nil && !c.Fallback.Set && m.Repeatable() && !m.Writes() {
			report.add(finding{
				path: path, span: c.Target.Name.Span, message: fmt.Sprintf("the call of %s does not say what happens while its breaker is open", c.Target.Name.V),
				help: "add `fallback: cached` to answer with the last good response, or `fallback: none` where an error is better than an old answer",
			})
		}
	})
}

func gatewayWithoutRoutes(s *schema.Spec, report Report) {
	if s.Gateway == nil {
		return
	}
	for _, service := range s.Services {
		if exposed(service) || service.Proto.Set {
			return
		}
	}
	report.add(finding{path: "gateway", span: s.Gateway.Span, message: "a gateway, but no method has `http`", help: "add `http:` to a method, or remove the gateway"})
}

func unusedPolicy(s *schema.Spec, report Report) {
	used := map[*schema.Policy]bool{}
	calls(s, func(c *schema.Call, _ string) { used[c.Policy] = true })
	policies(s, func(p *schema.Policy, path string) {
		if !used[p] {
			report.add(finding{path: path, span: p.Name.Span, message: fmt.Sprintf("no call uses the policy %s", p.Name.V), help: "name it in `resilience:` of a call, or remove it"})
		}
	})
}

func retryInterval(s *schema.Spec, report Report) {
	policies(s, func(p *schema.Policy, path string) {
		r := p.Retry
		if r.Duration.V > r.MaxInterval.V {
			report.add(finding{
				path: path + ".retry.duration", span: r.Duration.Span,
				message: fmt.Sprintf("the first wait of %s is longer than the longest of %s", schema.FormatDuration(r.Duration.V), schema.FormatDuration(r.MaxInterval.V)),
				help:    "raise maxInterval, or lower duration", related: []diag.Label{label(r.MaxInterval.Span, "the longest wait")},
			})
		}
	})
}
