package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
)

// These are the parts of the forms that the add commands share.

// each checks every answer for a form.
func each(form schema.Form) func(tui.Answers, []string) error {
	return func(_ tui.Answers, values []string) error {
		for _, v := range values {
			if err := form.Check(v); err != nil {
				return err
			}
		}
		return nil
	}
}

// unlessEmpty lets an empty answer pass.
func unlessEmpty(check func(tui.Answers, []string) error) func(tui.Answers, []string) error {
	return func(a tui.Answers, values []string) error {
		if strings.Join(values, "") == "" {
			return nil
		}
		return check(a, values)
	}
}

// free checks that a name has a form and is not taken.
func free(form schema.Form, taken func() []string) func(tui.Answers, []string) error {
	return func(_ tui.Answers, values []string) error {
		for i, v := range values {
			if err := form.Check(v); err != nil {
				return err
			}
			if slices.Contains(taken(), v) || slices.Contains(values[:i], v) {
				return fmt.Errorf("there is already one that is called %s", v)
			}
		}
		return nil
	}
}

// has reports that a question has an answer.
func has(name string) func(tui.Answers) bool {
	return func(a tui.Answers) bool { return a.One(name) != "" }
}

// constant is a default that depends on nothing.
func constant(values ...string) func(tui.Answers) []string {
	return func(tui.Answers) []string { return values }
}

// fieldLines checks fields, each with a name of its own.
func fieldLines(_ tui.Answers, values []string) error {
	seen := map[string]bool{}
	for _, v := range values {
		f, err := add.ParseField(v)
		if err != nil {
			return err
		}
		if seen[f.Name] {
			return fmt.Errorf("there are two fields %s", f.Name)
		}
		seen[f.Name] = true
	}
	return nil
}

const fieldHelp = "One a line, as name: type. Types: string, bool, int32, int64, double, uuid, money, decimal, timestamp, duration, enum(a, b), []T, map<K, V>, or {type: string, maxLength: 64}."

func (o *adding) serviceNames() []string {
	var names []string
	for _, s := range o.spec.Services {
		names = append(names, s.Name.V)
	}
	return names
}

// services are the options of a question that names services for which want holds; all for nil.
func (o *adding) services(want func(*schema.Service) bool) []tui.Option {
	var options []tui.Option
	for _, s := range o.spec.Services {
		if want == nil || want(s) {
			options = append(options, tui.Option{Value: s.Name.V, Help: s.Responsibility.V})
		}
	}
	return options
}

func (o *adding) eventNames() []string {
	var names []string
	for _, e := range o.spec.Events {
		names = append(names, e.Name.V)
	}
	return names
}

// events are the options of a question that names events.
func (o *adding) events() []tui.Option {
	var options []tui.Option
	for _, e := range o.spec.Events {
		var senders []string
		for _, s := range e.Senders {
			senders = append(senders, s.Name.V)
		}
		help := "sent by nobody"
		if len(senders) > 0 {
			help = "sent by " + strings.Join(senders, ", ")
		}
		options = append(options, tui.Option{Value: e.Name.V, Help: help})
	}
	return options
}

// methods are the options of a question that names methods as service.Method, those of services for which want holds; all for nil.
func (o *adding) methods(want func(*schema.Service, *schema.Method) bool) []tui.Option {
	var options []tui.Option
	for _, s := range o.spec.Services {
		for _, m := range s.API {
			if want == nil || want(s, m) {
				options = append(options, tui.Option{Value: s.Name.V + "." + m.Name.V, Help: does(m)})
			}
		}
	}
	return options
}

// does says in a few words what a method does.
func does(m *schema.Method) string {
	for _, b := range []struct {
		word string
		of   schema.Value[string]
	}{{"creates", m.Creates}, {"reads", m.Reads}, {"lists", m.Lists}, {"updates", m.Updates}, {"deletes", m.Deletes}} {
		if b.of.Set {
			return b.word + " " + b.of.V
		}
	}
	return "its own code"
}

// access asks who may call what is added.
func access(title string, when func(tui.Answers) bool, needs string) question {
	return question{Question: tui.Question{
		Name: "access", Title: title, Kind: tui.Choice, When: when,
		Help: "Methods that clients may call have a route at the gateway.",
		Options: func(tui.Answers) []tui.Option {
			return []tui.Option{
				{Value: add.Internal, Help: "other services only"},
				{Value: add.Token, Help: "clients with a token that has the scopes"},
				{Value: add.Public, Help: "anybody may read; changes need a token"},
			}
		},
		Default: constant(add.Internal),
	}, usage: "who may call: internal, token or public (default internal)", needs: needs}
}

// criteria asks for those of the circuit breaker in front of calls (the protocol's scenario S2). called reports whether there is a call to ask about,
// only whether one of the calls only asks, so that it may be answered without its service.
func (o *adding) criteria(called, only func(tui.Answers) bool, needs string) []question {
	standard := func(get func(add.Criteria) string) func(tui.Answers) []string {
		return func(tui.Answers) []string { return []string{get(add.Standard(o.spec))} }
	}
	return []question{
		{Question: tui.Question{
			Name: "timeout", Title: "How long may a call take?", Kind: tui.Text, Hint: "3s", When: called, Check: each(schema.FormDuration),
			Help:    "Each attempt is given up after this time.",
			Default: standard(func(c add.Criteria) string { return c.Timeout }),
		}, usage: "how long a call may take, such as 500ms (default that of the standard policy)", needs: needs},
		{Question: tui.Question{
			Name: "error-threshold", Title: "At which share of failures does the breaker open?", Kind: tui.Text, Hint: "50%", When: called, Check: each(schema.FormPercent),
			Help:    "Counted over the policy's window, once that holds enough calls.",
			Default: standard(func(c add.Criteria) string { return c.ErrorThreshold }),
		}, usage: "the share of failures that opens the breaker, such as 50% (default that of the standard policy)", needs: needs},
		{Question: tui.Question{
			Name: "reset", Title: "How long does it stay open before it tries again?", Kind: tui.Text, Hint: "60s", When: called, Check: each(schema.FormDuration),
			Default: standard(func(c add.Criteria) string { return c.Reset }),
		}, usage: "how long the breaker stays open before it tries again (default that of the standard policy)", needs: needs},
		{Question: tui.Question{
			Name: "fallback", Title: "What happens while it is open?", Kind: tui.Choice, When: only,
			Options: func(tui.Answers) []tui.Option {
				return []tui.Option{{Value: "none", Help: "the call fails at once"}, {Value: "cached", Help: "the last good answer is given again"}}
			},
			Default: constant("none"),
		}, usage: "what happens while the breaker is open: none or cached (default none)", needs: needs},
	}
}

// criteriaOf are the answers to criteria.
func criteriaOf(a tui.Answers) add.Criteria {
	return add.Criteria{Timeout: a.One("timeout"), ErrorThreshold: a.One("error-threshold"), Reset: a.One("reset"), Fallback: a.One("fallback")}
}

// asks reports whether one of the methods only asks, so that a call of it may have a fallback.
func (o *adding) asks(refs []string) bool {
	return slices.ContainsFunc(refs, func(ref string) bool {
		m := add.MethodNamed(o.spec, ref)
		return m == nil || !m.Writes()
	})
}

// replicas checks the bounds of scaling.
func replicas(least string) func(tui.Answers, []string) error {
	return unlessEmpty(func(a tui.Answers, values []string) error {
		if err := schema.FormReplicas.Check(values[0]); err != nil {
			return err
		}
		low, _ := strconv.Atoi(a.One(least))
		if high, _ := strconv.Atoi(values[0]); least != "" && high < low {
			return errors.New("that is less than the least")
		}
		return nil
	})
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // checked before; "" is none
	return n
}
