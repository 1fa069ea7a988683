package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
)

func newAddService(t term.IO) *cobra.Command {
	o := &adding{form: form{IO: t, thing: "service", args: []string{"name"}}}
	o.questions = o.serviceQuestions()
	o.make = func(a tui.Answers) add.Addition { return describedService(a.One("name"), a) }
	return o.command("add-service [NAME]", "Add a service to the system",
		"Adds a service to msgen.yaml, with its aggregate, methods, events, calls and scaling, and generates it.",
		`  msgen add-service
  msgen add-service shipping --responsibility "Brings parcels to customers." --owner team-logistics --receives OrderConfirmed --yes
  msgen add-service ratings --responsibility "Keeps ratings." --aggregate Rating --field "stars: int32" --access token --new-event RatingCreated`)
}

// describedService is the service that answers describe.
func describedService(name string, a tui.Answers) add.Service {
	return add.Service{
		Name: name, Responsibility: a.One("responsibility"), Owner: a.One("owner"), PII: a.One("pii") == "true",
		Database: a.One("database"), Aggregate: a.One("aggregate"), Fields: a["field"], States: a["state"], Methods: a["method"], Access: a.One("access"),
		Receives: a["receives"], CreatedBy: a["created-by"], Sends: slices.Concat(a["sends"], a["new-event"]),
		Calls: a["calls"], Criteria: criteriaOf(a),
		Min: number(a.One("min-replicas")), Max: number(a.One("max-replicas")), CPU: a.One("cpu"),
		Availability: a.One("availability"), P99: a.One("p99"),
	}
}

// changes reports that one of the service's methods changes the aggregate, so that it can send events.
func changes(a tui.Answers) bool {
	return a.One("aggregate") != "" && slices.ContainsFunc(a["method"], func(name string) bool {
		m := add.Method{Name: name}
		m.Infer([]add.Resource{{Name: a.One("aggregate"), Key: "id"}})
		return m.Writes()
	})
}

// exposed reports that clients may call the service.
func exposed(a tui.Answers) bool {
	return len(a["method"]) > 0 && a.One("access") != add.Internal && a.One("access") != ""
}

func (o *adding) serviceQuestions() []question {
	anyCall := has("calls")
	return slices.Concat([]question{
		{Question: tui.Question{
			Name: "name", Title: "What is the service called?", Kind: tui.Text, Hint: "shipping",
			Help:  "In kebab-case. It is the name of its folder, its database and its deployment.",
			Check: free(schema.FormService, o.serviceNames),
		}, usage: "its name, in kebab-case", required: true},
		{Question: tui.Question{
			Name: "responsibility", Title: "What is it for?", Kind: tui.Text, Hint: "Brings parcels to customers.",
			Help: "One sentence. When it needs an \"and\", it may be two services.", Check: each(schema.FormText),
		}, usage: "what it is for, in a sentence", required: true},
		{Question: tui.Question{
			Name: "owner", Title: "Which team owns it?", Kind: tui.Text, Hint: "team-logistics",
			Help: "Its alerts and its code are this team's.",
		}, usage: "the team that owns it"},
		{Question: tui.Question{
			Name: "receives", Title: "Which events does it handle?", Kind: tui.Choices,
			Options: func(tui.Answers) []tui.Option { return o.events() },
			When:    func(tui.Answers) bool { return len(o.spec.Events) > 0 },
		}, usage: "an event that it handles", needs: "needs an event in the system"},
		{Question: tui.Question{
			Name: "aggregate", Title: "What does it store?", Kind: tui.Text, Hint: "Shipment",
			Help:  "The aggregate's name in PascalCase. Leave it empty when the service stores nothing of its own.",
			Check: unlessEmpty(each(schema.FormAggregate)),
		}, usage: "the aggregate that it stores, in PascalCase"},
		{Question: tui.Question{
			Name: "database", Title: "Does it have a database?", Kind: tui.Choice, When: func(a tui.Answers) bool { return a.One("aggregate") == "" && len(a["receives"]) == 0 },
			Help: "For what your own code keeps. A service that stores an aggregate or handles events has one anyway.",
			Options: func(tui.Answers) []tui.Option {
				return []tui.Option{{Value: "none"}, {Value: "postgres", Help: "one of its own"}}
			},
			Default: constant("none"),
		}, usage: "postgres or none, for a service that neither stores an aggregate nor handles events (default none)", needs: "needs a service without --aggregate and --receives"},
		{Question: tui.Question{
			Name: "created-by", Title: "Which of the events create one?", Kind: tui.Choices,
			Help: "For the others you write a handler.",
			Options: func(a tui.Answers) []tui.Option {
				var options []tui.Option
				for _, name := range a["receives"] {
					options = append(options, tui.Option{Value: name})
				}
				return options
			},
			When: func(a tui.Answers) bool { return a.One("aggregate") != "" && len(a["receives"]) > 0 },
		}, usage: "an event of --receives that creates the aggregate", needs: "needs --aggregate and --receives"},
		{Question: tui.Question{
			Name: "field", Title: "Which fields does it have?", Kind: tui.Lines, Hint: "order_id: uuid",
			Help: fieldHelp + " Its id, state, etag and times are there by themselves.", When: has("aggregate"), Check: fieldLines,
			Default: func(a tui.Answers) []string { return add.EventFields(o.spec, a["created-by"]) },
		}, usage: "a field of the aggregate as `\"name: type\"`", required: true, needs: "needs --aggregate"},
		{Question: tui.Question{
			Name: "state", Title: "Which states does it go through?", Kind: tui.Lines, Hint: "planned",
			Help: "One a line, the initial one first. None is fine.", When: has("aggregate"), Check: each(schema.FormState),
		}, usage: "a state of the aggregate; the first is the initial one", needs: "needs --aggregate"},
		{Question: tui.Question{
			Name: "method", Title: "Which methods does it have?", Kind: tui.Lines, Hint: "QuoteShipment",
			Help: "One a line, in PascalCase. Create, Get, List, Update and Delete with the aggregate's name are written for you; others are your own code.",
			Check: func(a tui.Answers, values []string) error {
				return free(schema.FormMethod, func() []string { return nil })(a, values)
			},
			Default: func(a tui.Answers) []string {
				name := a.One("aggregate")
				switch {
				case name == "":
					return nil
				case len(a["created-by"]) > 0:
					return []string{"Get" + name, "List" + schema.Plural(name)}
				}
				return []string{"Create" + name, "Get" + name, "List" + schema.Plural(name)}
			},
		}, usage: "a method, in PascalCase: CreateShipment, GetShipment … do what they say, others are your own code"},
		access("Who may call them?", has("method"), "needs --method"),
		{Question: tui.Question{
			Name: "sends", Title: "Which of the system's events does it send?", Kind: tui.Choices,
			Help: "With the method that creates or changes the aggregate, in the same transaction.", When: func(a tui.Answers) bool { return changes(a) && len(o.spec.Events) > 0 },
			Options: func(tui.Answers) []tui.Option { return o.events() },
		}, usage: "an event of the system that it sends", needs: "needs a method that changes its --aggregate, and an event in the system: a new one is --new-event"},
		{Question: tui.Question{
			Name: "new-event", Title: "And which new events?", Kind: tui.Lines, Hint: "ShipmentCreated", When: changes,
			Help: "In PascalCase, as something that has happened. They carry the aggregate's id and its simple fields.", Check: free(schema.FormEvent, o.eventNames),
		}, usage: "a new event that it sends", needs: "needs a method that changes its --aggregate"},
		{Question: tui.Question{
			Name: "calls", Title: "Which methods of other services does it call?", Kind: tui.Choices,
			Help:    "Each call has a circuit breaker; an event would be looser.",
			Options: func(tui.Answers) []tui.Option { return o.methods(nil) }, When: func(tui.Answers) bool { return len(o.methods(nil)) > 0 },
		}, usage: "a method that it calls, as service.Method", needs: "needs a service with methods"},
	}, o.criteria(anyCall, func(a tui.Answers) bool { return o.asks(a["calls"]) }, "needs --calls"), []question{
		{Question: tui.Question{
			Name: "min-replicas", Title: "How many replicas does it have at least?", Kind: tui.Text, Hint: "2", Help: "Empty is 2.", Check: replicas(""),
		}, usage: "the least replicas (default 2)"},
		{Question: tui.Question{
			Name: "max-replicas", Title: "And at most?", Kind: tui.Text, Hint: "10", Help: "Empty is 10.", Check: replicas("min-replicas"),
		}, usage: "the most replicas (default 10)"},
		{Question: tui.Question{
			Name: "cpu", Title: "At which processor use does it scale out?", Kind: tui.Text, Hint: "70%", Help: "Empty is 70%.", Check: unlessEmpty(each(schema.FormPercent)),
		}, usage: "the processor use at which it scales out (default 70%)"},
		{Question: tui.Question{
			Name: "availability", Title: "Which share of requests has to succeed?", Kind: tui.Text, Hint: "99.9%", When: exposed, Check: unlessEmpty(each(schema.FormRatio)),
			Help: "The objective that its alerts are made from. Empty is none.", Default: constant("99.9%"),
		}, usage: "the share of requests that has to succeed (default 99.9% where clients call it)", needs: "needs --access token or public"},
		{Question: tui.Question{
			Name: "p99", Title: "Within which time are 99% of them answered?", Kind: tui.Text, Hint: "300ms", Check: unlessEmpty(each(schema.FormDuration)),
			Help: "Empty is no objective.", When: func(a tui.Answers) bool { return exposed(a) && a.One("availability") != "" },
		}, usage: "the time within which 99% of requests are answered", needs: "needs --availability"},
		{Question: tui.Question{
			Name: "pii", Title: "Does it hold personal data?", Kind: tui.Confirm, Help: "Its fields are kept out of logs and traces.", Default: constant("false"),
		}, usage: "it holds personal data"},
	})
}
