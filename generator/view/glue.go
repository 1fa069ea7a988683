package view

import (
	"fmt"
	"go/token"
	"sort"
	"strings"
	"time"

	"github.com/msgen-dev/msgen/schema"
)

// The methods here answer what the templates of a service ask, so that they stay free of logic.

// HasRequestID reports that the request carries a request id (AIP-155).
func (m *Method) HasRequestID() bool {
	if m.Request == nil {
		return false
	}
	f := m.Request.field("request_id")
	return f != nil && f.GoType == "string"
}

// Private is the method's name with a small first letter: the field or function of the generated code that belongs to it.
func (m *Method) Private() string {
	name := Lower(m.Name)
	switch {
	case token.IsKeyword(name), name == "handlers", name == "store", name == "client":
		return name + "Method"
	}
	return name
}

// Field is the name of the service's client among what its callers' handlers are given, beside Logger and Store.
func (s *Service) Field() string {
	if s.Go == "Logger" || s.Go == "Store" {
		return s.Go + "Service"
	}
	return s.Go
}

// ToAgain reports that the transition may start from the state that it leads to.
func (m *Method) ToAgain() bool {
	for _, f := range m.From {
		if f.Text == m.To.Text {
			return true
		}
	}
	return false
}

// ListField is the Go name of the list in a list method's response.
func (m *Method) ListField() string { return m.Response.Fields[0].Go }

// ResourceField is the Go name of the resource in an update's request.
func (m *Method) ResourceField() string { return m.Request.Fields[0].Go }

// Immutable are the fields of the resource that an update leaves alone.
func (m *Method) Immutable() []string {
	var names []string
	for _, f := range m.Resource.Message.Fields {
		if f.Output || f.Name == m.Resource.Key.Name || m.Aggregate.Sharded() && f == m.Aggregate.ShardKey() {
			names = append(names, f.Name)
		}
	}
	return names
}

// HasWrites reports that some RPC runs in a transaction.
func (s *Service) HasWrites() bool {
	for _, m := range s.Methods {
		if m.InTx() {
			return true
		}
	}
	return false
}

// MakesIDs reports that the service makes ids of new aggregates.
func (s *Service) MakesIDs() bool {
	for _, m := range s.Methods {
		if m.Kind == Create && m.Aggregate.KeyIsID {
			return true
		}
	}
	for _, r := range s.Receives {
		if r.Creates != nil && r.Creates.KeyIsID {
			return true
		}
	}
	return false
}

// TakesIDs reports that some create lets the caller choose the id.
func (s *Service) TakesIDs() bool {
	for _, m := range s.Methods {
		if m.Kind == Create && m.Aggregate.KeyIsID && m.KeyField != nil {
			return true
		}
	}
	return false
}

// HasTables reports that the service has tables of its own.
func (s *Service) HasTables() bool { return len(s.Aggregates)+len(s.Views) > 0 }

// HasCachedCall reports that some call falls back to the last good answer.
func (s *Service) HasCachedCall() bool {
	for _, c := range s.Calls {
		if c.Cached {
			return true
		}
	}
	return false
}

// OwnTopics are the topics that the service makes sure of at start: those it writes to and those it reads, sorted.
func (s *Service) OwnTopics() []string {
	set := map[string]bool{}
	for _, t := range s.Subscribes {
		set[t] = true
	}
	if s.EventTopic != "" {
		set[s.EventTopic] = true
	}
	for _, sg := range s.Sagas {
		if sg.Choreographed() {
			continue
		}
		for _, c := range sg.Commands() {
			set[c.Method.Service.CommandTopic] = true
		}
	}
	for _, sg := range s.System.Sagas {
		for _, c := range sg.Commands() {
			if c.Method.Service == s && !sg.Choreographed() {
				set[sg.Service.ReplyTopic] = true
			}
		}
	}
	topics := make([]string, 0, len(set))
	for t := range set {
		topics = append(topics, t)
	}
	sort.Strings(topics)
	return topics
}

// Commands are all commands of the saga, in the order of its steps.
func (s *Saga) Commands() []*SagaCommand {
	var list []*SagaCommand
	for _, step := range s.Steps {
		list = append(list, step.Invoke)
		if step.Compensate != nil {
			list = append(list, step.Compensate)
		}
	}
	if s.OnFailure != nil {
		list = append(list, s.OnFailure)
	}
	return list
}

// KeyArg is the Go expression of the command's key, from the variable run; "" when the user's hook sets it.
func (c *SagaCommand) KeyArg() string {
	switch c.KeyOf {
	case "saga":
		return "run.Key"
	case "step":
		return fmt.Sprintf("run.StepID(%q)", c.KeyStep)
	}
	return ""
}

// Target is the service's gRPC address inside the deployment.
func (s *Service) Target() string { return "dns:///" + s.Name + ":9000" }

// Grace is the time to stop, as Go.
func (s *Service) Grace() string { return GoDuration(s.System.Spec.Deployment.GracePeriod.V) }

// Sampling is the share of traces that is kept.
func (s *Service) Sampling() float64 { return s.System.Spec.Observability.Sampling.V }

// Logs is the log format.
func (s *Service) Logs() string { return s.System.Spec.Observability.Logs.V }

// KeyVar is the key as a Go parameter.
func (r *Resource) KeyVar() string {
	if r.Key.Name == "id" {
		return "id"
	}
	if name, ok := strings.CutSuffix(Lower(r.Key.Go), "Id"); ok && name != "" {
		return name + "ID"
	}
	return Var(r.Key.Go)
}

// KeyGo is the Go type of the key.
func (r *Resource) KeyGo() string { return r.Key.GoType }

// KeyArg is the query argument of the key in the parameter KeyVar.
func (r *Resource) KeyArg() string {
	if r.Key.GoType == "uint64" {
		return "column.Uint64(" + r.KeyVar() + ")"
	}
	return r.KeyVar()
}

// KeyRowArg is the query argument of the key of the resource's variable.
func (r *Resource) KeyRowArg() string {
	if r.Key.GoType == "uint64" {
		return "column.Uint64(" + r.KeyExpr() + ")"
	}
	return r.KeyExpr()
}

// KeyIsNumber reports a key that is a whole number.
func (r *Resource) KeyIsNumber() bool { return r.Key.GoType != "string" }

// KeyText is the key of the resource's variable as text.
func (r *Resource) KeyText() string { return r.Key.asText(r.KeyExpr()) }

// KeyVarText is the parameter KeyVar as text.
func (r *Resource) KeyVarText() string { return r.Key.asText(r.KeyVar()) }

// CursorExpr is the key of the last row of a page as text.
func (r *Resource) CursorExpr() string { return r.Key.asText("rows[size-1].Get" + r.Key.Go + "()") }

// asText is a Go expression of the field's value as text.
func (f *Field) asText(expr string) string {
	if f.GoType == "string" {
		return expr
	}
	return "fmt.Sprint(" + expr + ")"
}

// Lister is the method that lists the resource; nil when none does.
func (r *Resource) Lister() *Method {
	for _, m := range r.Service.Methods {
		if m.Kind == List && m.Resource != nil && m.Resource.Name == r.Name {
			return m
		}
	}
	return nil
}

// KeyGo is the Go name of the event's field that is the view's key.
func (p *Project) KeyGo() string {
	if f := p.Event.Message.field(p.View.Key.Name); f != nil {
		return f.Go
	}
	return p.Event.Key.Go
}

// field is the message's field of a name; nil when there is none.
func (m *Message) field(name string) *Field {
	for _, f := range m.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Policy is a resilience policy as Go expressions.
type Policy struct {
	Name, Var                                               string
	Timeout, Duration, MaxInterval                          string
	Window, Reset                                           string
	Exponential, FullJitter                                 bool
	MaxRetries, ErrorThreshold, MinimumCalls, MaxConcurrent int
}

// PolicyVar is the Go variable of the call's policy.
func (c *Call) PolicyVar() string { return policyVar(c.Policy) }

func policyVar(p *schema.Policy) string {
	words := strings.Split(p.Name.V, "-")
	for i := 1; i < len(words); i++ {
		words[i] = strings.ToUpper(words[i][:1]) + words[i][1:]
	}
	return strings.Join(words, "") + "Policy"
}

// Policies are the policies that the service's calls use, in the order of first use.
func (s *Service) Policies() []Policy {
	seen := map[*schema.Policy]bool{}
	var list []Policy
	for _, c := range s.Calls {
		p := c.Policy
		if seen[p] {
			continue
		}
		seen[p] = true
		list = append(list, Policy{
			Name: p.Name.V, Var: policyVar(p),
			Timeout: GoDuration(p.Timeout.V), Duration: GoDuration(p.Retry.Duration.V), MaxInterval: GoDuration(p.Retry.MaxInterval.V),
			Window: GoDuration(p.Breaker.Window.V), Reset: GoDuration(p.Breaker.Reset.V),
			Exponential: p.Retry.Policy.V == "exponential", FullJitter: p.Retry.Jitter.V == "full",
			MaxRetries: p.Retry.MaxRetries.V, ErrorThreshold: p.Breaker.ErrorThreshold.V,
			MinimumCalls: p.Breaker.MinimumCalls.V, MaxConcurrent: p.Bulkhead.V,
		})
	}
	return list
}

// GoDuration is a duration as a Go expression in its largest whole unit: 2 * time.Minute.
func GoDuration(d time.Duration) string {
	units := []struct {
		unit time.Duration
		name string
	}{{time.Hour, "time.Hour"}, {time.Minute, "time.Minute"}, {time.Second, "time.Second"}, {time.Millisecond, "time.Millisecond"}, {time.Microsecond, "time.Microsecond"}}
	if d == 0 {
		return "0"
	}
	for _, u := range units {
		if d%u.unit == 0 {
			if d == u.unit {
				return u.name
			}
			return fmt.Sprintf("%d * %s", d/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%d * time.Nanosecond", d)
}

// RoutesOf are the gateway's routes to one service.
func (g *Gateway) RoutesOf(s *Service) []*Route {
	var list []*Route
	for _, r := range g.Routes {
		if r.Method.Service == s {
			list = append(list, r)
		}
	}
	return list
}

// Timeout is the time a request may take, as Go.
func (g *Gateway) Timeout() string { return GoDuration(g.Spec.Timeout.V) }

// Grace is the time to stop, as Go.
func (g *Gateway) Grace() string { return GoDuration(g.System.Spec.Deployment.GracePeriod.V) }

// Sampling is the share of traces that is kept.
func (g *Gateway) Sampling() float64 { return g.System.Spec.Observability.Sampling.V }

// Logs is the log format.
func (g *Gateway) Logs() string { return g.System.Spec.Observability.Logs.V }

// Compose reports that the system is deployed by Docker Compose.
func (s *System) Compose() bool { return s.deploysTo("compose") }

// Kubernetes reports that the system is deployed to Kubernetes.
func (s *System) Kubernetes() bool { return s.deploysTo("kubernetes") }

func (s *System) deploysTo(target string) bool {
	for _, t := range s.Spec.Deployment.Targets {
		if t.V == target {
			return true
		}
	}
	return false
}

// Has reports that the system has a service of a name.
func (s *System) Has(service string) bool {
	for _, svc := range s.Services {
		if svc.Name == service {
			return true
		}
	}
	return false
}
