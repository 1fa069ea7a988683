package add

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/edit"
)

// Criteria are those of a circuit breaker and of what happens while it is open. What is "" is the standard policy's.
type Criteria struct {
	Timeout        string // 3s
	ErrorThreshold string // 50%
	Reset          string // 60s
	Fallback       string // cached or none, for calls that only ask
}

// Standard are the criteria of the policy that calls have when they name none.
func Standard(spec *schema.Spec) Criteria {
	for _, p := range spec.Resilience {
		if p.Name.V == schema.StandardPolicy {
			return criteriaOf(p)
		}
	}
	return Criteria{}
}

func criteriaOf(p *schema.Policy) Criteria {
	return Criteria{
		Timeout:        schema.FormatDuration(p.Timeout.V),
		ErrorThreshold: strconv.Itoa(p.Breaker.ErrorThreshold.V) + "%",
		Reset:          schema.FormatDuration(p.Breaker.Reset.V),
	}
}

// policy is the name of the policy with the criteria, which is added under a name like the one wanted when the spec has none.
func (c Criteria) policy(spec *schema.Spec, doc *edit.Document, want string) (string, error) {
	standard := Standard(spec)
	for _, v := range []struct{ given, standard *string }{{&c.Timeout, &standard.Timeout}, {&c.ErrorThreshold, &standard.ErrorThreshold}, {&c.Reset, &standard.Reset}} {
		if *v.given == "" {
			*v.given = *v.standard
		}
	}
	for _, d := range []*string{&c.Timeout, &c.Reset} { // 60s and 1m are the same
		if v, err := schema.ParseDuration(*d); err == nil {
			*d = schema.FormatDuration(v)
		}
	}
	taken := map[string]bool{}
	for _, p := range spec.Resilience {
		taken[p.Name.V] = true
		has := criteriaOf(p)
		if has.Timeout == c.Timeout && has.ErrorThreshold == c.ErrorThreshold && has.Reset == c.Reset {
			return p.Name.V, nil
		}
	}
	name := want
	for i := 2; taken[name]; i++ {
		name = want + "-" + strconv.Itoa(i)
	}
	breaker := edit.Map{{Key: "errorThreshold", Value: c.ErrorThreshold}, {Key: "reset", Value: c.Reset}}
	return name, doc.Add([]string{"resilience"}, edit.Entry{Key: name, Value: edit.Map{{Key: "timeout", Value: c.Timeout}, {Key: "circuitBreaker", Value: breaker}}}, order)
}

// Call is a call that a service makes to a method of another, with the breaker in front of it. To a call that is there and has no breaker of
// its own it gives one.
type Call struct {
	Service string // the caller
	Target  string // service.Method
	Criteria
}

// AddTo adds the call to its service.
func (c Call) AddTo(spec *schema.Spec, doc *edit.Document) error {
	caller := ServiceNamed(spec, c.Service)
	if caller == nil {
		return unknown("service", c.Service, serviceNames(spec))
	}
	target, _, err := targetOf(spec, c.Target)
	if err != nil {
		return err
	}
	policy, err := c.policy(spec, doc, target.Name.V)
	if err != nil {
		return err
	}
	path := []string{"services", c.Service, "calls"}
	fallback := c.fallback(spec)
	for _, there := range caller.Calls {
		if there.Target.Name.V != c.Target {
			continue
		}
		if there.PolicyID.Set {
			return fmt.Errorf("%s: %s calls %s already, with the policy %s: change resilience.%s, or resilience of the call", there.Target.Name.Span, c.Service, c.Target, there.PolicyID.V, there.PolicyID.V)
		}
		if !there.Fallback.Set {
			if err := doc.Add(path, edit.Entry{Key: c.Target, Value: c.options(policy, fallback)}, order); err == nil {
				return nil // it had no options
			}
		}
		return doc.Add(append(path, c.Target), edit.Entry{Key: "resilience", Value: policy}, nil)
	}
	return doc.Add(path, edit.Entry{Key: c.Target, Value: c.options(policy, fallback)}, order)
}

func (c Call) options(policy, fallback string) edit.Map {
	return with(nil, edit.Entry{Key: "resilience", Value: policy}, edit.Entry{Key: "fallback", Value: fallback})
}

// fallback is what the call says of that: nothing for one that changes something, since it has none.
func (c Call) fallback(spec *schema.Spec) string {
	if m := MethodNamed(spec, c.Target); m != nil && m.Writes() {
		return ""
	}
	return c.Fallback
}

// targetOf is the service and the method that a call names. The methods of a service that has its own contract are not known here: nil.
func targetOf(spec *schema.Spec, ref string) (*schema.Service, *schema.Method, error) {
	if err := schema.FormMethodRef.Check(ref); err != nil {
		return nil, nil, err
	}
	name, _, _ := strings.Cut(ref, ".")
	s := ServiceNamed(spec, name)
	if s == nil {
		return nil, nil, unknown("service", name, serviceNames(spec))
	}
	m := MethodNamed(spec, ref)
	if m == nil && !s.Proto.Set {
		return nil, nil, unknown("method", ref, methodNames(s))
	}
	return s, m, nil
}
