package schema

import (
	"time"

	"github.com/msgen-dev/msgen/schema/source"
)

// Value is a decoded value with the place it came from.
type Value[T any] struct {
	V T
	// Span is where the value stands; for a value that was inferred, the place that led to it.
	Span source.Span
	// Set reports that the spec gives the value; false when it was defaulted or inferred.
	Set bool
}

// Spec is one decoded architecture spec. Slices keep the spec's order.
type Spec struct {
	File          *source.File
	APIVersion    Value[string] // msgen/v1
	System        Value[string] // kebab-case
	Module        Value[string] // Go module path; default example.com/<system>
	Description   Value[string]
	Stack         Stack
	Services      []*Service
	Events        []*Event
	Sagas         []*Saga
	Resilience    []*Policy // always holds "standard"
	Gateway       *Gateway  // nil when no method has http
	Security      *Security // nil when absent
	Observability Observability
	Deployment    Deployment
	// Inferred lists what the spec left out and was filled in, in the order of the spec.
	Inferred []Inference
	// Unsupported lists constructs of the language that this version cannot generate yet.
	Unsupported []Unsupported
	// Unresolved lists names that nothing answers to; rule MSG101 reports them.
	Unresolved []Unresolved
	// Aliased reports that parts of the text stand for several parts of the spec, so that to change one may change others.
	Aliased bool
}

// Unresolved is a reference to something that the spec does not hold.
type Unresolved struct {
	Path string
	Kind string // event, method, aggregate, service, saga, policy, type
	Name string // as written
	Span source.Span
	// Nearest is the known name closest to it, "" when none is close.
	Nearest string
	// Typo reports that Nearest can be put in its place without asking.
	Typo bool
	// Help says what to do when there is no nearest name.
	Help string
	// Related is a place that explains it; zero when there is none.
	Related     source.Span
	RelatedText string

	renamed bool // Nearest is what it is called now
}

// Inference is one thing that was filled in.
type Inference struct {
	Path  string // services.orders.database
	Value string // postgres
	Why   string // "it has aggregates"
}

// Unsupported is a construct that decodes but is not generated yet.
type Unsupported struct {
	Path string
	What string // "sharding"
	Span source.Span
}

// Stack is the one choice of each technology for the whole system.
type Stack struct {
	Span       source.Span
	HTTP       Value[string] // gin
	Broker     Value[string] // kafka
	Database   Value[string] // postgres
	Cache      Value[string] // none
	Discovery  Value[string] // kubernetes | static
	Gateway    Value[string] // builtin
	Tracing    Value[string] // jaeger | otlp
	Metrics    Value[string] // prometheus
	Dashboards Value[string] // grafana
}

// Service is one deployable service.
type Service struct {
	Name           Value[string] // kebab-case
	RenamedFrom    Value[string] // the name it had before
	Responsibility Value[string]
	Owner          Value[string]
	PII            Value[bool]
	Database       Value[string] // "" when the service stores nothing
	Proto          Value[string] // contract-first .proto, relative to the spec; "" otherwise
	Aggregates     []*Aggregate
	Types          []*TypeDef
	API            []*Method
	Receives       []*Receive
	Views          []*View
	Calls          []*Call
	SLO            *SLO
	Scaling        Scaling

	quiet bool // none of its own methods changes anything
}

// Aggregate is a DDD aggregate: one table, one repository, one resource message.
type Aggregate struct {
	Service *Service
	Name    Value[string] // PascalCase
	// RenamedFrom is the name it had before.
	RenamedFrom Value[string]
	Fields      []*Field
	States      []Value[string] // lower_snake; the first is the initial one; empty when it has none
	// Key is the field that identifies it; "id" (a uuid made by the service) unless the spec names a field.
	Key          Value[string]
	Shard        *Shard
	EventSourced Value[bool]
}

// Shard is the sharding of an aggregate's rows.
type Shard struct {
	Span  source.Span
	Key   Value[string]
	Count Value[int]
}

// TypeDef is a named message type of a service.
type TypeDef struct {
	Service *Service
	Name    Value[string]
	Fields  []*Field
}

// Field is one field of an aggregate, type, event, view, request or response.
type Field struct {
	Name Value[string] // lower_snake_case
	// RenamedFrom is the name it had before.
	RenamedFrom Value[string]
	Type        Type
	// Span is where the type stands.
	Span                 source.Span
	Required             Value[bool]
	Min, Max             *Value[float64]
	MinLength, MaxLength *Value[int]
	Pattern              *Value[string]
}

// Kind is the kind of a Type.
type Kind int

// The kinds of a type. KindScalar covers the proto scalars by name (string, bool, int32, …, bytes, double).
const (
	KindScalar Kind = iota + 1
	KindUUID
	KindMoney
	KindTimestamp
	KindDuration
	KindDecimal
	KindEnum
	KindList
	KindMap
	KindNamed
)

// Type is a field's type.
type Type struct {
	Kind  Kind
	Name  string   // scalar's or named type's name
	Enum  []string // KindEnum: its values, lower_snake
	Key   *Type    // KindMap
	Elem  *Type    // KindList, KindMap
	Named *TypeDef // KindNamed, once resolved
}

// Method is one RPC of a service.
type Method struct {
	path    string
	Service *Service
	Name    Value[string] // PascalCase
	// RenamedFrom is the name it had before.
	RenamedFrom Value[string]
	HTTP        *HTTP // nil when it is not exposed
	Internal    Value[bool]
	Public      Value[bool] // exposed without a token
	Scopes      []Value[string]
	RateLimit   *RateLimit // of its route, beside the gateway's; nil when it has none
	// At most one of Creates, Reads, Lists, Updates, Deletes is set; none means the method is the user's own.
	Creates, Reads, Lists, Updates, Deletes Value[string]
	Aggregate                               *Aggregate // resolved; nil when Reads/Lists names a view
	View                                    *View      // resolved
	From                                    []Value[string]
	To                                      Value[string]
	Sends                                   []*EventRef
	Starts                                  Value[string]
	Saga                                    *Saga // resolved Starts
	Cache                                   Value[time.Duration]
	Request, Response                       []*Field // own methods only
	HasRequest, HasResponse                 bool
}

// HTTP is a method's REST binding.
type HTTP struct {
	Span   source.Span
	Verb   string // GET POST PUT PATCH DELETE
	Path   string // /v1/orders/{id}
	Params []string
}

// EventRef names an event.
type EventRef struct {
	Name  Value[string]
	Event *Event // resolved
}

// Receive is an event that a service handles.
type Receive struct {
	Service   *Service
	Event     EventRef
	Creates   Value[string]
	Aggregate *Aggregate // resolved
	Retries   Value[int] // attempts before the message is parked as a dead letter; default 5
}

// View is a CQRS read model kept by events.
type View struct {
	Service *Service
	Name    Value[string]
	Key     Value[string]
	KeyType Type // from the events that carry it
	Fields  []*Field
	From    []*EventRef
}

// Call is a synchronous dependency on another service's method.
type Call struct {
	Service  *Service // the caller
	Target   MethodRef
	Policy   *Policy       // resolved; "standard" by default
	PolicyID Value[string] // name of the policy
	Fallback Value[string] // cached | none
}

// MethodRef is service.Method.
type MethodRef struct {
	Name    Value[string] // as written
	Service *Service      // resolved
	Method  *Method       // resolved
}

// SLO is a service level objective.
type SLO struct {
	Span         source.Span
	Availability Value[float64]       // a ratio, 0.999
	LatencyP99   Value[time.Duration] // zero when not given
	Window       Value[time.Duration]
}

// Scaling bounds a service's replicas.
type Scaling struct {
	Span     source.Span
	Min, Max Value[int]
	CPU      Value[int] // target utilisation, percent
}

// Event is a domain event.
type Event struct {
	Name        Value[string]
	RenamedFrom Value[string] // the name it had before
	Key         Value[string] // the field that is the partition key
	Fields      []*Field
	External    Value[bool]
	Senders     []*Service // resolved from api.*.sends, in the spec's order
}

// Saga is a long-running transaction.
type Saga struct {
	Name         Value[string] // kebab-case
	Coordination Value[string] // orchestration | choreography
	Orchestrator Value[string]
	Service      *Service // resolved Orchestrator; of a choreographed saga the one that starts it
	Timeout      Value[time.Duration]
	Steps        []*Step
	OnFailure    *MethodRef
	StartedBy    []*Method // resolved
}

// Step is one step of a saga.
type Step struct {
	Span       source.Span
	Invoke     MethodRef
	Compensate *MethodRef
	Timeout    Value[time.Duration]
	Pivot      Value[bool]
	Retriable  Value[bool]
}

// Policy is a resilience policy. Field names as in a Dapr Resiliency resource.
type Policy struct {
	Name     Value[string]
	Timeout  Value[time.Duration]
	Retry    Retry
	Breaker  Breaker
	Bulkhead Value[int] // maxConcurrent
}

// Retry is a retry policy.
type Retry struct {
	Policy      Value[string] // exponential | constant
	Duration    Value[time.Duration]
	MaxInterval Value[time.Duration]
	MaxRetries  Value[int]
	Jitter      Value[string] // full | none
}

// Breaker is a circuit breaker.
type Breaker struct {
	ErrorThreshold Value[int] // percent
	MinimumCalls   Value[int]
	Window         Value[time.Duration]
	Reset          Value[time.Duration]
}

// Gateway is the API gateway.
type Gateway struct {
	Span      source.Span
	API       Value[string] // rest
	Timeout   Value[time.Duration]
	JWT       *JWT
	RateLimit *RateLimit
	MaxBody   Value[int64] // bytes
	CORS      *CORS
}

// JWT says which tokens the gateway takes.
type JWT struct {
	Span                   source.Span
	Issuer, Audience, JWKS Value[string]
}

// RateLimit is a token bucket.
type RateLimit struct {
	Span     source.Span
	Requests Value[int]
	Per      Value[time.Duration]
	Burst    Value[int]
	By       Value[string] // client | token | global
}

// CORS is the gateway's cross-origin policy.
type CORS struct {
	Span        source.Span
	Origins     []Value[string]
	Credentials Value[bool]
}

// Security is how the parts of the system trust each other.
type Security struct {
	Span           source.Span
	MTLSMode       Value[string]        // strict | permissive | off
	MTLSRotation   Value[time.Duration] // how long a certificate lives
	ServiceAuth    Value[string]        // jwt | oauth2; "" when not set
	RequestSigning Value[string]        // hmac-sha256 | none
}

// Observability is tracing and logging.
type Observability struct {
	Span     source.Span
	Sampling Value[float64]
	Logs     Value[string] // json | text
}

// Deployment says where and how the system is deployed.
type Deployment struct {
	Span        source.Span
	Targets     []Value[string] // compose, kubernetes
	Namespace   Value[string]
	Resources   Resources
	GracePeriod Value[time.Duration]
}

// Resources are a container's requests and limit, as Kubernetes quantities.
type Resources struct {
	CPU, Memory, MemoryLimit Value[string]
}
