package schema

import (
	"time"

	"gopkg.in/yaml.v3"

	"github.com/msgen-dev/msgen/schema/source"
)

var specObject = object[Spec]{name: "spec", what: "the spec", keys: []key[Spec]{
	one("apiVersion", "the version of the language: "+Version, choice(Version), func(s *Spec) *Value[string] { return &s.APIVersion }).must(),
	one("system", "the system's name in kebab-case", ident(systemName), func(s *Spec) *Value[string] { return &s.System }).must(),
	one("module", "the Go module path of the generated system; example.com/<system> by default", modulePath(), func(s *Spec) *Value[string] { return &s.Module }),
	one("description", "what the system is for", text("a sentence"), func(s *Spec) *Value[string] { return &s.Description }),
	part("stack", "one choice of each technology for the whole system", &stackObject, func(s *Spec, at source.Span) *Stack {
		s.Stack.Span = at
		return &s.Stack
	}),
	named("services", "the services by name", serviceName, &serviceObject, func(s *Spec, name Value[string]) *Service {
		service := &Service{Name: name}
		s.Services = append(s.Services, service)
		return service
	}, checkService).must(),
	named("events", "the domain events by name", eventName, &eventObject, func(s *Spec, name Value[string]) *Event {
		event := &Event{Name: name}
		s.Events = append(s.Events, event)
		return event
	}, nil),
	named("sagas", "the sagas by name", sagaName, &sagaObject, func(s *Spec, name Value[string]) *Saga {
		saga := &Saga{Name: name}
		s.Sagas = append(s.Sagas, saga)
		return saga
	}, checkSaga),
	named("resilience", "policies for calls by name; `standard` always exists", policyName, &policyObject, func(s *Spec, name Value[string]) *Policy {
		policy := &Policy{Name: name}
		s.Resilience = append(s.Resilience, policy)
		return policy
	}, nil),
	part("gateway", "the API gateway", &gatewayObject, func(s *Spec, at source.Span) *Gateway {
		s.Gateway = &Gateway{Span: at}
		return s.Gateway
	}),
	part("security", "trust between services", &securityObject, func(s *Spec, at source.Span) *Security {
		s.Security = &Security{Span: at}
		return s.Security
	}),
	part("observability", "tracing and logging", &observabilityObject, func(s *Spec, at source.Span) *Observability {
		s.Observability.Span = at
		return &s.Observability
	}),
	part("deployment", "where and how the system is deployed", &deploymentObject, func(s *Spec, at source.Span) *Deployment {
		s.Deployment.Span = at
		return &s.Deployment
	}),
}}

var stackObject = object[Stack]{name: "stack", what: "the stack", keys: []key[Stack]{
	one("http", "the HTTP framework of the gateway", choice("gin", "echo"), func(s *Stack) *Value[string] { return &s.HTTP }),
	one("broker", "the message broker", choice("kafka", "rabbitmq", "nats"), func(s *Stack) *Value[string] { return &s.Broker }),
	one("database", "the database of services that store something", choice("postgres", "mongodb"), func(s *Stack) *Value[string] { return &s.Database }),
	one("cache", "the cache", choice("redis", "none"), func(s *Stack) *Value[string] { return &s.Cache }),
	one("discovery", "how services find each other", choice("kubernetes", "consul", "etcd", "static"), func(s *Stack) *Value[string] { return &s.Discovery }),
	one("gateway", "the gateway", choice("builtin", "kong", "aws"), func(s *Stack) *Value[string] { return &s.Gateway }),
	one("tracing", "where traces go", choice("jaeger", "zipkin", "otlp"), func(s *Stack) *Value[string] { return &s.Tracing }),
	one("metrics", "where metrics go", choice("prometheus"), func(s *Stack) *Value[string] { return &s.Metrics }),
	one("dashboards", "what shows the metrics", choice("grafana"), func(s *Stack) *Value[string] { return &s.Dashboards }),
}}

var eventObject = object[Event]{name: "event", what: "an event", keys: []key[Event]{
	one("key", "the field that is the partition key: events of one key keep their order", ident(fieldName), func(e *Event) *Value[string] { return &e.Key }).must(),
	fieldsKey("fields", "the event's fields", func(e *Event) *[]*Field { return &e.Fields }).must(),
	one("external", "sent for others outside this system", boolean(), func(e *Event) *Value[bool] { return &e.External }),
	renamedKey(eventName, func(e *Event) *Value[string] { return &e.RenamedFrom }),
}}

var sagaObject = object[Saga]{name: "saga", what: "a saga", keys: []key[Saga]{
	one("coordination", "orchestration (the default): one service leads the saga; or choreography: the services react to each other's events", choice("orchestration", "choreography"), func(s *Saga) *Value[string] { return &s.Coordination }),
	one("orchestrator", "the service that runs an orchestrated saga", reference("a service", "services", serviceName), func(s *Saga) *Value[string] { return &s.Orchestrator }),
	one("timeout", "how long the saga may run; 2m by default", positive(), func(s *Saga) *Value[time.Duration] { return &s.Timeout }),
	{name: "steps", doc: "the steps in order: compensatable, then at most one pivot, then retriable", required: true,
		shape:  shape{"type": "array", "minItems": 1, "items": stepObject.ref()},
		decode: decodeSteps},
	refKey("onFailure", "the method of the orchestrator, or of the service that starts a choreographed saga, that is called once the saga was compensated", func(s *Saga) **MethodRef { return &s.OnFailure }),
}}

var stepObject = object[Step]{name: "step", what: "a step", keys: []key[Step]{
	one("invoke", "the method that does the step", methodReference(), func(s *Step) *Value[string] { return &s.Invoke.Name }).must(),
	refKey("compensate", "the method that undoes the step", func(s *Step) **MethodRef { return &s.Compensate }),
	one("timeout", "how long the step may take; 5s by default", positive(), func(s *Step) *Value[time.Duration] { return &s.Timeout }),
	one("pivot", "the point of no return: once it succeeds the saga goes forward only", boolean(), func(s *Step) *Value[bool] { return &s.Pivot }),
	one("retriable", "cannot be refused and is retried until it succeeds", boolean(), func(s *Step) *Value[bool] { return &s.Retriable }),
}}

// refKey is a key with a service.Method that may be left out.
func refKey[T any](name, doc string, field func(*T) **MethodRef) key[T] {
	s := methodReference()
	return key[T]{name: name, doc: doc, shape: s.shape, decode: func(d *decoder, n *yaml.Node, at place, dst *T) {
		if v, ok := s.decode(d, n, at); ok {
			*field(dst) = &MethodRef{Name: v}
		}
	}}
}

func decodeSteps(d *decoder, n *yaml.Node, at place, s *Saga) {
	items, ok := d.sequence(n, at, "steps")
	if !ok {
		return
	}
	if len(items) == 0 {
		d.fail(at.path, d.spanOr(n, at), problemf("add at least one step", "a saga without steps"))
	}
	for i, item := range items {
		span := spanOf(d.file, item)
		step := &Step{Span: span}
		if stepObject.decode(d, item, place{path: indexed(at.path, i), span: span}, step) != nil && step.Invoke.Name.Set {
			s.Steps = append(s.Steps, step)
		}
	}
}

func checkSaga(d *decoder, at place, s *Saga, given *keys) {
	if _, ok := given.span("orchestrator"); !ok && s.Coordination.V != "choreography" {
		d.fail(at.path, at.span, problemf("add `orchestrator:`, the service whose method starts the saga", "an orchestrated saga needs the key %q", "orchestrator"))
	}
	if span, ok := given.span("orchestrator"); ok && s.Coordination.V == "choreography" {
		d.fail(at.path+".orchestrator", span, problemf("remove it, or use `coordination: orchestration`", "a choreographed saga has no orchestrator"))
	}
}

var policyObject = object[Policy]{name: "policy", what: "a resilience policy", keys: []key[Policy]{
	one("timeout", "how long one attempt may take", duration(), func(p *Policy) *Value[time.Duration] { return &p.Timeout }),
	part("retry", "how failed calls are repeated", &retryObject, func(p *Policy, _ source.Span) *Retry { return &p.Retry }),
	part("circuitBreaker", "when calls to a failing service stop", &breakerObject, func(p *Policy, _ source.Span) *Breaker { return &p.Breaker }),
	part("bulkhead", "how many calls may be under way", &bulkheadObject, func(p *Policy, _ source.Span) *Policy { return p }),
}}

var retryObject = object[Retry]{name: "retry", what: "a retry policy", keys: []key[Retry]{
	one("policy", "how the wait grows", choice("exponential", "constant"), func(r *Retry) *Value[string] { return &r.Policy }),
	one("duration", "the first wait", positive(), func(r *Retry) *Value[time.Duration] { return &r.Duration }),
	one("maxInterval", "the longest wait", positive(), func(r *Retry) *Value[time.Duration] { return &r.MaxInterval }),
	one("maxRetries", "how often a call is repeated after its first attempt", integer(0, 20), func(r *Retry) *Value[int] { return &r.MaxRetries }),
	one("jitter", "full: each wait is random between nothing and its length", choice("full", "none"), func(r *Retry) *Value[string] { return &r.Jitter }),
}}

var breakerObject = object[Breaker]{name: "circuitBreaker", what: "a circuit breaker", keys: []key[Breaker]{
	one("errorThreshold", "the share of failures that opens it", wholePercent(), func(b *Breaker) *Value[int] { return &b.ErrorThreshold }),
	one("minimumCalls", "how many calls the window must hold before it can open", integer(1, 100_000), func(b *Breaker) *Value[int] { return &b.MinimumCalls }),
	one("window", "the time over which failures are counted", positive(), func(b *Breaker) *Value[time.Duration] { return &b.Window }),
	one("reset", "how long it stays open before it tries again", positive(), func(b *Breaker) *Value[time.Duration] { return &b.Reset }),
}}

var bulkheadObject = object[Policy]{name: "bulkhead", what: "a bulkhead", keys: []key[Policy]{
	one("maxConcurrent", "how many calls may be under way at once", integer(1, 100_000), func(p *Policy) *Value[int] { return &p.Bulkhead }).must(),
}}

var gatewayObject = object[Gateway]{name: "gateway", what: "the gateway", keys: []key[Gateway]{
	one("api", "what clients speak", choice("rest", "grpc", "graphql"), func(g *Gateway) *Value[string] { return &g.API }),
	one("timeout", "how long a request may take", positive(), func(g *Gateway) *Value[time.Duration] { return &g.Timeout }),
	part("auth", "how clients prove who they are", &authObject, func(g *Gateway, _ source.Span) *Gateway { return g }),
	part("rateLimit", "how many requests are let through", &rateLimitObject, func(g *Gateway, at source.Span) *RateLimit {
		g.RateLimit = &RateLimit{Span: at}
		return g.RateLimit
	}),
	one("maxBody", "the largest request body", size(), func(g *Gateway) *Value[int64] { return &g.MaxBody }),
	part("cors", "which web pages may call the API", &corsObject, func(g *Gateway, at source.Span) *CORS {
		g.CORS = &CORS{Span: at}
		return g.CORS
	}),
}}

var authObject = object[Gateway]{name: "auth", what: "auth", keys: []key[Gateway]{
	part("jwt", "JSON Web Tokens of an identity provider", &jwtObject, func(g *Gateway, at source.Span) *JWT {
		g.JWT = &JWT{Span: at}
		return g.JWT
	}).must(),
}}

var jwtObject = object[JWT]{name: "jwt", what: "jwt", keys: []key[JWT]{
	one("issuer", "who must have issued a token (iss)", text("an issuer"), func(j *JWT) *Value[string] { return &j.Issuer }),
	one("audience", "whom a token must be for (aud)", text("an audience"), func(j *JWT) *Value[string] { return &j.Audience }),
	one("jwks", "the URL of the issuer's keys", webURL(), func(j *JWT) *Value[string] { return &j.JWKS }),
}}

var rateLimitObject = object[RateLimit]{name: "rateLimit", what: "a rate limit", keys: rateLimitKeys(requests)}

// A route has no limit of its own unless it says how many requests that is; the gateway has one in any case.
var routeLimitObject = object[RateLimit]{name: "routeLimit", what: "a route's rate limit", keys: rateLimitKeys(requests.must())}

var requests = one("requests", "how many requests", integer(1, 1_000_000), func(r *RateLimit) *Value[int] { return &r.Requests })

func rateLimitKeys(requests key[RateLimit]) []key[RateLimit] {
	return []key[RateLimit]{
		requests,
		one("per", "in which time", positive(), func(r *RateLimit) *Value[time.Duration] { return &r.Per }),
		one("burst", "how many may come at once", integer(1, 1_000_000), func(r *RateLimit) *Value[int] { return &r.Burst }),
		one("by", "whose requests are counted together", choice("client", "token", "global"), func(r *RateLimit) *Value[string] { return &r.By }),
	}
}

var corsObject = object[CORS]{name: "cors", what: "cors", keys: []key[CORS]{
	many("origins", "the origins that may call", origin(), func(c *CORS) *[]Value[string] { return &c.Origins }).must(),
	one("credentials", "let pages send cookies and authorization", boolean(), func(c *CORS) *Value[bool] { return &c.Credentials }),
}}

var securityObject = object[Security]{name: "security", what: "security", keys: []key[Security]{
	part("mtls", "mutual TLS between services", &mtlsObject, func(s *Security, _ source.Span) *Security { return s }),
	one("serviceAuth", "how services prove who they are", choice("jwt", "oauth2"), func(s *Security) *Value[string] { return &s.ServiceAuth }),
	one("requestSigning", "how internal requests are signed", choice("hmac-sha256", "none"), func(s *Security) *Value[string] { return &s.RequestSigning }),
}}

var mtlsObject = object[Security]{name: "mtls", what: "mtls", keys: []key[Security]{
	one("mode", "strict refuses plain connections, permissive takes both, off has no TLS", choice("strict", "permissive", "off"), func(s *Security) *Value[string] { return &s.MTLSMode }),
	one("rotation", "how long a certificate lives", positive(), func(s *Security) *Value[time.Duration] { return &s.MTLSRotation }),
}}

var observabilityObject = object[Observability]{name: "observability", what: "observability", keys: []key[Observability]{
	one("sampling", "the share of traces that is kept, 0 to 1", number("a share from 0 to 1", 0, 1), func(o *Observability) *Value[float64] { return &o.Sampling }),
	one("logs", "the form of log lines", choice("json", "text"), func(o *Observability) *Value[string] { return &o.Logs }),
}}

var deploymentObject = object[Deployment]{name: "deployment", what: "deployment", keys: []key[Deployment]{
	many("targets", "what to write manifests for", choice("compose", "kubernetes"), func(x *Deployment) *[]Value[string] { return &x.Targets }),
	one("namespace", "the Kubernetes namespace; the system's name by default", ident(namespaceName), func(x *Deployment) *Value[string] { return &x.Namespace }),
	part("resources", "what each container gets", &resourcesObject, func(x *Deployment, _ source.Span) *Resources { return &x.Resources }),
	one("gracePeriod", "how long a process may take to stop", positive(), func(x *Deployment) *Value[time.Duration] { return &x.GracePeriod }),
}}

var resourcesObject = object[Resources]{name: "resources", what: "resources", keys: []key[Resources]{
	one("cpu", "the processor request, such as 100m", quantity(cpuPattern, "100m"), func(r *Resources) *Value[string] { return &r.CPU }),
	one("memory", "the memory request, such as 64Mi", quantity(quantityPattern, "64Mi"), func(r *Resources) *Value[string] { return &r.Memory }),
	one("memoryLimit", "the memory limit, such as 256Mi", quantity(quantityPattern, "256Mi"), func(r *Resources) *Value[string] { return &r.MemoryLimit }),
}}
