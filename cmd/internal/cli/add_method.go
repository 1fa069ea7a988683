package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
)

func newAddMethod(t term.IO) *cobra.Command {
	o := &adding{form: form{IO: t, thing: "method", args: []string{"service", "name"}}}
	o.questions = o.methodQuestions()
	o.make = func(a tui.Answers) add.Addition {
		m := method(a)
		if m.Access == add.Internal {
			m.Route, m.Scopes = "", nil
		}
		m.From, m.To, m.Sends, m.Starts, m.Request, m.Response = a["from"], a.One("to"), a["sends"], a.One("starts"), a["request"], a["response"]
		if m.Starts == "none" {
			m.Starts = ""
		}
		if m.To == "none" {
			m.To, m.From = "", nil
		}
		return m
	}
	return o.command("add-method [SERVICE] [NAME]", "Add a method to a service",
		"Adds a method to a service in msgen.yaml and generates it. What its name says needs no flag: GetOrder reads an Order.",
		`  msgen add-method orders CancelOrder --does updates --aggregate Order --from pending --to rejected --access token --yes
  msgen add-method pricing QuoteShipping --request "weight: int32" --response "price: money" --yes`)
}

// method is what the answers so far say of it, without what follows from its name.
func method(a tui.Answers) add.Method {
	return add.Method{
		Service: a.One("service"), Name: a.One("name"), Does: a.One("does"), Aggregate: a.One("aggregate"), Access: a.One("access"),
		Route: a.One("http"), Scopes: a["scope"], To: a.One("to"),
	}
}

// inferred is the method with what follows from its name.
func (o *adding) inferred(a tui.Answers) add.Method {
	m := method(a)
	if m.To == "none" {
		m.To = ""
	}
	if s := add.ServiceNamed(o.spec, m.Service); s != nil {
		m.Infer(add.Resources(s))
	}
	return m
}

// resources are those of the service that the method's behaviour can be about: views are read and listed only.
func (o *adding) resources(a tui.Answers) []tui.Option {
	s := add.ServiceNamed(o.spec, a.One("service"))
	if s == nil {
		return nil
	}
	var options []tui.Option
	for _, x := range s.Aggregates {
		options = append(options, tui.Option{Value: x.Name.V, Help: "an aggregate"})
	}
	if does := a.One("does"); does == add.Reads || does == add.Lists {
		for _, v := range s.Views {
			options = append(options, tui.Option{Value: v.Name.V, Help: "a view"})
		}
	}
	return options
}

// states are those of the aggregate that the method updates.
func (o *adding) states(a tui.Answers) []tui.Option {
	s := add.ServiceNamed(o.spec, a.One("service"))
	if s == nil || a.One("does") != add.Updates {
		return nil
	}
	var options []tui.Option
	for _, x := range s.Aggregates {
		if x.Name.V == a.One("aggregate") {
			for _, state := range x.States {
				options = append(options, tui.Option{Value: state.V})
			}
		}
	}
	return options
}

// startable are the sagas that a service orchestrates, and the choreographed ones that no other starts.
func (o *adding) startable(a tui.Answers) []tui.Option {
	var options []tui.Option
	for _, s := range o.spec.Sagas {
		service := a.One("service")
		if s.Orchestrator.V == service || s.Choreographed() && (s.Service == nil || s.Service.Name.V == service) {
			options = append(options, tui.Option{Value: s.Name.V})
		}
	}
	return options
}

// firstOf is the first of the options as an answer; none when there is none.
func firstOf(options []tui.Option) []string {
	if len(options) == 0 {
		return nil
	}
	return []string{options[0].Value}
}

func (o *adding) methodQuestions() []question {
	standard := func(a tui.Answers) bool { return a.One("does") != "" && a.One("does") != add.Own }
	own := func(a tui.Answers) bool { return a.One("does") == add.Own }
	writes := func(a tui.Answers) bool { m := method(a); return m.Writes() }
	clients := func(a tui.Answers) bool { return a.One("access") == add.Token || a.One("access") == add.Public }
	none := []tui.Option{{Value: "none"}}
	return []question{
		{Question: tui.Question{
			Name: "service", Title: "Whose method is it?", Kind: tui.Choice,
			Options: func(tui.Answers) []tui.Option {
				return o.services(func(s *schema.Service) bool { return !s.Proto.Set })
			},
		}, usage: "the service whose method it is", required: true},
		{Question: tui.Question{
			Name: "name", Title: "What is it called?", Kind: tui.Text, Hint: "CancelOrder", Help: "A verb and what it is about, in PascalCase.",
			Check: func(a tui.Answers, values []string) error {
				return free(schema.FormMethod, func() []string {
					var names []string
					if s := add.ServiceNamed(o.spec, a.One("service")); s != nil {
						for _, m := range s.API {
							names = append(names, m.Name.V)
						}
					}
					return names
				})(a, values)
			},
		}, usage: "its name, in PascalCase", required: true},
		{Question: tui.Question{
			Name: "does", Title: "What does it do?", Kind: tui.Choice, Help: "All but your own code is written for you.",
			Options: func(a tui.Answers) []tui.Option {
				options := []tui.Option{{Value: add.Own, Help: "your own code"}}
				s := add.ServiceNamed(o.spec, a.One("service"))
				if s != nil && len(s.Aggregates)+len(s.Views) > 0 {
					options = append(options, tui.Option{Value: add.Reads, Help: "reads one by its key"}, tui.Option{Value: add.Lists, Help: "lists them in pages"})
				}
				if s != nil && len(s.Aggregates) > 0 {
					options = append(options, tui.Option{Value: add.Creates, Help: "creates one"}, tui.Option{Value: add.Updates, Help: "changes its fields or its state"}, tui.Option{Value: add.Deletes, Help: "deletes one"})
				}
				return options
			},
			Default: func(a tui.Answers) []string { return []string{o.inferred(a).Does} },
		}, usage: "own, creates, reads, lists, updates or deletes (default what its name says)"},
		{Question: tui.Question{
			Name: "aggregate", Title: "Of what?", Kind: tui.Choice, Options: o.resources, When: standard,
			Default: func(a tui.Answers) []string {
				if m := o.inferred(a); m.Aggregate != "" {
					return []string{m.Aggregate}
				}
				return firstOf(o.resources(a))
			},
		}, usage: "the aggregate that it is about, or the view (default what its name says)", needs: "needs --does"},
		{Question: tui.Question{
			Name: "to", Title: "Which state does it bring it to?", Kind: tui.Choice, When: func(a tui.Answers) bool { return len(o.states(a)) > 0 },
			Options: func(a tui.Answers) []tui.Option { return append(slices.Clone(none), o.states(a)...) }, Default: constant("none"),
		}, usage: "the state that it brings the aggregate to", needs: "needs --does updates and an aggregate with states"},
		{Question: tui.Question{
			Name: "from", Title: "From which states?", Kind: tui.Choices, Help: "From all others when none is chosen.",
			When: func(a tui.Answers) bool { return a.One("to") != "" && a.One("to") != "none" },
			Options: func(a tui.Answers) []tui.Option {
				return slices.DeleteFunc(o.states(a), func(option tui.Option) bool { return option.Value == a.One("to") })
			},
		}, usage: "a state from which it may start (default all others)", needs: "needs --to"},
		{Question: tui.Question{
			Name: "request", Title: "What is it asked with?", Kind: tui.Lines, Hint: "order_id: uuid", Help: fieldHelp, When: own, Check: fieldLines,
		}, usage: "a field of the request as `\"name: type\"`", needs: "needs a method of your own: --does own"},
		{Question: tui.Question{
			Name: "response", Title: "What does it answer with?", Kind: tui.Lines, Hint: "price: money", Help: fieldHelp, When: own, Check: fieldLines,
		}, usage: "a field of the response as `\"name: type\"`", needs: "needs a method of your own: --does own"},
		access("Who may call it?", nil, ""),
		{Question: tui.Question{
			Name: "http", Title: "What is its route?", Kind: tui.Text, Hint: "POST /v1/orders/{id}/cancel", When: clients, Check: each(schema.FormRoute),
			Default: func(a tui.Answers) []string { return []string{o.inferred(a).Route} },
		}, usage: "its route at the gateway, such as \"POST /v1/orders\" (default that of its name)", needs: "needs --access token or public"},
		{Question: tui.Question{
			Name: "scope", Title: "Which scopes does a token need?", Kind: tui.Lines, Hint: "orders.write", Check: each(schema.FormScope),
			When:    func(a tui.Answers) bool { return a.One("access") == add.Token },
			Default: func(a tui.Answers) []string { return o.inferred(a).Scopes },
		}, usage: "a scope that a token needs (default SERVICE.read or SERVICE.write)", needs: "needs --access token"},
		{Question: tui.Question{
			Name: "sends", Title: "Which events does it send?", Kind: tui.Choices, Help: "In the same transaction. A new one is added by msgen add-event.",
			Options: func(tui.Answers) []tui.Option { return o.events() },
			When:    func(a tui.Answers) bool { return (writes(a) || own(a)) && len(o.spec.Events) > 0 },
		}, usage: "an event that it sends", needs: "needs a method that changes something or is one's own, and an event in the system"},
		{Question: tui.Question{
			Name: "starts", Title: "Which saga does it start?", Kind: tui.Choice, Help: "In the same transaction.",
			Options: func(a tui.Answers) []tui.Option { return append(slices.Clone(none), o.startable(a)...) }, Default: constant("none"),
			When: func(a tui.Answers) bool { return a.One("does") == add.Creates && len(o.startable(a)) > 0 },
		}, usage: "the saga that it starts", needs: "needs --does creates and a saga that the service orchestrates, or a choreographed one"},
	}
}
