package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
)

func newAddCall(t term.IO) *cobra.Command {
	o := &adding{form: form{IO: t, thing: "call", args: []string{"service", "method"}}}
	o.questions = append([]question{
		{Question: tui.Question{
			Name: "service", Title: "Which service calls?", Kind: tui.Choice, Options: func(tui.Answers) []tui.Option { return o.services(nil) },
		}, usage: "the service that calls", required: true},
		{Question: tui.Question{
			Name: "method", Title: "Which method does it call?", Kind: tui.Choice, Help: "A call that is there and has no breaker of its own gets one.",
			Options: func(a tui.Answers) []tui.Option {
				return o.methods(func(s *schema.Service, m *schema.Method) bool {
					return s.Name.V != a.One("service") && !o.guarded(a.One("service"), s.Name.V+"."+m.Name.V)
				})
			},
		}, usage: "the method that it calls, as service.Method", required: true},
	}, o.criteria(has("method"), func(a tui.Answers) bool { return o.asks(a["method"]) && !o.answered(a.One("service"), a.One("method")) }, "needs a METHOD that only asks, and whose call has no fallback yet")...)
	o.make = func(a tui.Answers) add.Addition {
		return add.Call{Service: a.One("service"), Target: a.One("method"), Criteria: criteriaOf(a)}
	}
	return o.command("add-call [SERVICE] [METHOD]", "Add a call between services, or a circuit breaker to one",
		`Adds a call of another service's method to msgen.yaml, with the circuit breaker in front of it: how long a call may take, the share of failures
at which the breaker opens, how long it stays open, and what happens meanwhile. A call that is there without a breaker of its own gets one. Criteria that
no policy has become a new one.`,
		"  msgen add-call orders pricing.QuoteOrder --timeout 500ms --error-threshold 30% --reset 30s --fallback cached --yes")
}

// call is a service's call of a method; nil when there is none.
func (o *adding) call(service, ref string) *schema.Call {
	s := add.ServiceNamed(o.spec, service)
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.Calls, func(c *schema.Call) bool { return c.Target.Name.V == ref })
	if i < 0 {
		return nil
	}
	return s.Calls[i]
}

// guarded reports that a call is there and names its policy.
func (o *adding) guarded(service, ref string) bool {
	c := o.call(service, ref)
	return c != nil && c.PolicyID.Set
}

// answered reports that a call is there and says what happens while its breaker is open.
func (o *adding) answered(service, ref string) bool {
	c := o.call(service, ref)
	return c != nil && c.Fallback.Set
}
