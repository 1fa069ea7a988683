package schema

import (
	"fmt"
	"strconv"
	"time"

	"github.com/msgen-dev/msgen/schema/source"
)

// StandardPolicy is the name of the policy that always exists.
const StandardPolicy = "standard"

// infer records something that was filled in.
func (d *decoder) infer(path, value, why string) {
	d.spec.Inferred = append(d.spec.Inferred, Inference{Path: path, Value: value, Why: why})
}

// defaulted gives v a value when the spec has none, and records it.
func defaulted[V any](d *decoder, v *Value[V], value V, at source.Span, path, why string) {
	if v.Set {
		return
	}
	v.V, v.Span = value, at
	d.infer(path, show(value), why)
}

// show is a value as the spec writes it.
func show(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case time.Duration:
		return FormatDuration(v)
	case int64:
		return formatSize(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// formatSize writes a number of bytes in its largest whole unit.
func formatSize(n int64) string {
	for _, u := range []struct {
		unit int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n != 0 && n%u.unit == 0 {
			return strconv.FormatInt(n/u.unit, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

const byDefault = "by default"

// fillDefaults fills in what the spec leaves out and what needs no other part of it.
func (d *decoder) fillDefaults() {
	s := d.spec
	if !s.System.Set {
		s.System.Span = lineSpan(d.file, 1) // defaults have to stand somewhere
	} else {
		defaulted(d, &s.Module, "example.com/"+s.System.V, s.System.Span, "module", "from the system's name")
	}
	d.stackDefaults()
	for _, service := range s.Services {
		d.serviceDefaults(service)
	}
	for _, saga := range s.Sagas {
		d.sagaDefaults(saga)
	}
	d.policyDefaults()
	d.gatewayDefaults()
	d.securityDefaults()
	d.observabilityDefaults()
	d.deploymentDefaults()
}

func (d *decoder) stackDefaults() {
	s := &d.spec.Stack
	if s.Span.IsZero() {
		s.Span = d.spec.System.Span
	}
	for _, c := range []struct {
		v           *Value[string]
		name, value string
	}{
		{&s.HTTP, "http", "gin"}, {&s.Broker, "broker", "kafka"}, {&s.Database, "database", "postgres"}, {&s.Cache, "cache", "none"},
		{&s.Discovery, "discovery", "kubernetes"}, {&s.Gateway, "gateway", "builtin"}, {&s.Tracing, "tracing", "jaeger"},
		{&s.Metrics, "metrics", "prometheus"}, {&s.Dashboards, "dashboards", "grafana"},
	} {
		defaulted(d, c.v, c.value, s.Span, "stack."+c.name, byDefault)
	}
}

func (d *decoder) serviceDefaults(s *Service) {
	at := "services." + s.Name.V
	for _, a := range s.Aggregates {
		defaulted(d, &a.Key, "id", a.Name.Span, at+".aggregates."+a.Name.V+".key", "the service makes ids itself")
	}
	for _, m := range s.API {
		if m.HTTP == nil && !m.Internal.Set {
			defaulted(d, &m.Internal, true, m.Name.Span, at+".api."+m.Name.V+".internal", "it has no http")
		}
	}
	for _, r := range s.Receives {
		defaulted(d, &r.Retries, 5, r.Event.Name.Span, at+".receives."+r.Event.Name.V+".retries", byDefault)
	}
	for _, c := range s.Calls {
		p := at + ".calls." + c.Target.Name.V
		defaulted(d, &c.PolicyID, StandardPolicy, c.Target.Name.Span, p+".resilience", byDefault)
		defaulted(d, &c.Fallback, "none", c.Target.Name.Span, p+".fallback", byDefault)
	}
	if s.SLO != nil {
		defaulted(d, &s.SLO.Window, 30*24*time.Hour, s.SLO.Span, at+".slo.window", byDefault)
	}
	span := s.Scaling.Span
	if span.IsZero() {
		span = s.Name.Span
		s.Scaling.Span = span
	}
	defaulted(d, &s.Scaling.Min, 2, span, at+".scaling.min", byDefault)
	defaulted(d, &s.Scaling.Max, max(10, s.Scaling.Min.V), span, at+".scaling.max", byDefault)
	defaulted(d, &s.Scaling.CPU, 70, span, at+".scaling.cpu", byDefault)
}

func (d *decoder) sagaDefaults(s *Saga) {
	at := "sagas." + s.Name.V
	defaulted(d, &s.Coordination, "orchestration", s.Name.Span, at+".coordination", byDefault)
	defaulted(d, &s.Timeout, 2*time.Minute, s.Name.Span, at+".timeout", byDefault)
	for i, step := range s.Steps {
		defaulted(d, &step.Timeout, 5*time.Second, step.Span, indexed(at+".steps", i)+".timeout", byDefault)
	}
}

// policyDefaults makes sure of the standard policy, whose figures are the protocol's (timeout 3000 ms, threshold 50 %, reset 60 000 ms),
// and completes the others from it.
func (d *decoder) policyDefaults() {
	var standard *Policy
	for _, p := range d.spec.Resilience {
		if p.Name.V == StandardPolicy {
			standard = p
		}
	}
	if standard == nil {
		standard = &Policy{Name: Value[string]{V: StandardPolicy, Span: d.spec.System.Span}}
		d.spec.Resilience = append([]*Policy{standard}, d.spec.Resilience...)
	}
	base := Policy{
		Timeout: Value[time.Duration]{V: 3 * time.Second},
		Retry: Retry{
			Policy: Value[string]{V: "exponential"}, Duration: Value[time.Duration]{V: 50 * time.Millisecond},
			MaxInterval: Value[time.Duration]{V: time.Second}, MaxRetries: Value[int]{V: 2}, Jitter: Value[string]{V: "full"},
		},
		Breaker: Breaker{
			ErrorThreshold: Value[int]{V: 50}, MinimumCalls: Value[int]{V: 20},
			Window: Value[time.Duration]{V: 10 * time.Second}, Reset: Value[time.Duration]{V: time.Minute},
		},
		Bulkhead: Value[int]{V: 64},
	}
	// A default that no call uses is nothing to tell.
	before := len(d.spec.Inferred)
	d.complete(standard, base, "the protocol's default")
	if !d.spec.hasCalls() {
		d.spec.Inferred = d.spec.Inferred[:before]
	}
	for _, p := range d.spec.Resilience {
		if p != standard {
			d.complete(p, *standard, "from the standard policy")
		}
	}
}

func (s *Spec) hasCalls() bool {
	for _, service := range s.Services {
		if len(service.Calls) > 0 {
			return true
		}
	}
	return false
}

func (d *decoder) complete(p *Policy, base Policy, why string) {
	at, span := "resilience."+p.Name.V, p.Name.Span
	defaulted(d, &p.Timeout, base.Timeout.V, span, at+".timeout", why)
	defaulted(d, &p.Retry.Policy, base.Retry.Policy.V, span, at+".retry.policy", why)
	defaulted(d, &p.Retry.Duration, base.Retry.Duration.V, span, at+".retry.duration", why)
	defaulted(d, &p.Retry.MaxInterval, max(base.Retry.MaxInterval.V, p.Retry.Duration.V), span, at+".retry.maxInterval", why)
	defaulted(d, &p.Retry.MaxRetries, base.Retry.MaxRetries.V, span, at+".retry.maxRetries", why)
	defaulted(d, &p.Retry.Jitter, base.Retry.Jitter.V, span, at+".retry.jitter", why)
	defaulted(d, &p.Breaker.ErrorThreshold, base.Breaker.ErrorThreshold.V, span, at+".circuitBreaker.errorThreshold", why)
	defaulted(d, &p.Breaker.MinimumCalls, base.Breaker.MinimumCalls.V, span, at+".circuitBreaker.minimumCalls", why)
	defaulted(d, &p.Breaker.Window, base.Breaker.Window.V, span, at+".circuitBreaker.window", why)
	defaulted(d, &p.Breaker.Reset, base.Breaker.Reset.V, span, at+".circuitBreaker.reset", why)
	defaulted(d, &p.Bulkhead, base.Bulkhead.V, span, at+".bulkhead.maxConcurrent", why)
}

func (d *decoder) gatewayDefaults() {
	s := d.spec
	exposed := s.firstRoute()
	if s.Gateway == nil && exposed == nil {
		return
	}
	if s.Gateway == nil {
		s.Gateway = &Gateway{Span: exposed.HTTP.Span}
		d.infer("gateway", "rest", "methods have http")
	}
	g := s.Gateway
	defaulted(d, &g.API, "rest", g.Span, "gateway.api", byDefault)
	defaulted(d, &g.Timeout, 5*time.Second, g.Span, "gateway.timeout", byDefault)
	if g.RateLimit == nil {
		g.RateLimit = &RateLimit{Span: g.Span}
	}
	r := g.RateLimit
	defaulted(d, &r.Requests, 100, r.Span, "gateway.rateLimit.requests", byDefault)
	defaulted(d, &r.Per, time.Second, r.Span, "gateway.rateLimit.per", byDefault)
	defaulted(d, &r.Burst, 2*r.Requests.V, r.Span, "gateway.rateLimit.burst", "twice the requests")
	defaulted(d, &r.By, "client", r.Span, "gateway.rateLimit.by", byDefault)
	for _, service := range s.Services {
		for _, m := range service.API {
			if m.RateLimit != nil {
				d.limitDefaults(m, r)
			}
		}
	}
	defaulted(d, &g.MaxBody, 1<<20, g.Span, "gateway.maxBody", byDefault)
}

// firstRoute is the first method with http; nil when none has.
func (s *Spec) firstRoute() *Method {
	for _, service := range s.Services {
		for _, m := range service.API {
			if m.HTTP != nil {
				return m
			}
		}
	}
	return nil
}

func (d *decoder) securityDefaults() {
	s := d.spec.Security
	if s == nil {
		return
	}
	if s.MTLSRotation.Set {
		defaulted(d, &s.MTLSMode, "strict", s.Span, "security.mtls.mode", "mtls has a rotation")
	}
	if s.MTLSMode.V == "strict" || s.MTLSMode.V == "permissive" {
		defaulted(d, &s.MTLSRotation, 24*time.Hour, s.Span, "security.mtls.rotation", byDefault)
	}
}

func (d *decoder) observabilityDefaults() {
	o := &d.spec.Observability
	if o.Span.IsZero() {
		o.Span = d.spec.System.Span
	}
	defaulted(d, &o.Sampling, 0.1, o.Span, "observability.sampling", byDefault)
	defaulted(d, &o.Logs, "json", o.Span, "observability.logs", byDefault)
}

func (d *decoder) deploymentDefaults() {
	x := &d.spec.Deployment
	if x.Span.IsZero() {
		x.Span = d.spec.System.Span
	}
	if len(x.Targets) == 0 {
		x.Targets = []Value[string]{{V: "compose", Span: x.Span}, {V: "kubernetes", Span: x.Span}}
		d.infer("deployment.targets", "compose, kubernetes", byDefault)
	}
	defaulted(d, &x.Namespace, d.spec.System.V, x.Span, "deployment.namespace", "the system's name")
	defaulted(d, &x.Resources.CPU, "100m", x.Span, "deployment.resources.cpu", byDefault)
	defaulted(d, &x.Resources.Memory, "64Mi", x.Span, "deployment.resources.memory", byDefault)
	defaulted(d, &x.Resources.MemoryLimit, "256Mi", x.Span, "deployment.resources.memoryLimit", byDefault)
	defaulted(d, &x.GracePeriod, 30*time.Second, x.Span, "deployment.gracePeriod", byDefault)
}
