package cli

import (
	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
)

func newAddSaga(t term.IO) *cobra.Command {
	o := &adding{form: form{IO: t, thing: "saga", args: []string{"name"}}}
	ofOrchestrator := func(want func(*schema.Method) bool) func(tui.Answers) []tui.Option {
		return func(a tui.Answers) []tui.Option {
			return o.methods(func(s *schema.Service, m *schema.Method) bool { return s.Name.V == a.One("orchestrator") && want(m) })
		}
	}
	o.questions = []question{
		{Question: tui.Question{
			Name: "name", Title: "What is the saga called?", Kind: tui.Text, Hint: "place-order", Help: "In kebab-case, as what it achieves.",
			Check: free(schema.FormSaga, func() []string {
				var names []string
				for _, s := range o.spec.Sagas {
					names = append(names, s.Name.V)
				}
				return names
			}),
		}, usage: "its name, in kebab-case", required: true},
		{Question: tui.Question{
			Name: "orchestrator", Title: "Which service keeps it?", Kind: tui.Choice, Help: "It starts the saga, remembers how far it is, and undoes it.",
			Options: func(tui.Answers) []tui.Option {
				return o.services(func(s *schema.Service) bool { return !s.Proto.Set })
			},
		}, usage: "the service that starts and keeps it", required: true},
		{Question: tui.Question{
			Name: "started-by", Title: "Which of its methods start it?", Kind: tui.Choices, Help: "In the same transaction. Methods that create something and start no saga yet.",
			Options: ofOrchestrator(func(m *schema.Method) bool { return m.Creates.Set && !m.Starts.Set }), When: has("orchestrator"),
		}, usage: "a method of the orchestrator that starts it, as service.Method", required: true, needs: "needs --orchestrator"},
		{Question: tui.Question{
			Name: "step", Title: "Which steps does it take?", Kind: tui.Lines, Hint: "inventory.ReserveStock compensate inventory.ReleaseStock",
			Help: "One a line: service.Method, then as needed compensate service.Method, timeout 5s, pivot, retriable. What can be undone comes first, then the pivot, then what is retried until it succeeds.",
			Check: func(_ tui.Answers, values []string) error {
				for _, v := range values {
					if _, err := add.ParseStep(v); err != nil {
						return err
					}
				}
				return nil
			},
		}, usage: "a step: `\"service.Method compensate service.Method timeout 5s\"`, or with pivot or retriable", required: true},
		{Question: tui.Question{
			Name: "on-failure", Title: "Which method is called once all is undone?", Kind: tui.Choice,
			Options: func(a tui.Answers) []tui.Option {
				none := []tui.Option{{Value: "none", Help: "nothing is"}}
				return append(none, ofOrchestrator(func(m *schema.Method) bool { return m.Updates.Set })(a)...)
			},
			Default: constant("none"), When: has("orchestrator"),
		}, usage: "the orchestrator's method that is called once all is undone, as service.Method (default none)", needs: "needs --orchestrator"},
		{Question: tui.Question{
			Name: "timeout", Title: "How long may the whole take?", Kind: tui.Text, Hint: "2m", Help: "Before its pivot it is undone after this time.", Check: each(schema.FormDuration), Default: constant("2m"),
		}, usage: "how long the whole may take (default 2m)"},
	}
	o.make = func(a tui.Answers) add.Addition {
		s := add.Saga{Name: a.One("name"), Orchestrator: a.One("orchestrator"), Timeout: a.One("timeout"), Steps: a["step"], StartedBy: a["started-by"]}
		if f := a.One("on-failure"); f != "none" {
			s.OnFailure = f
		}
		return s
	}
	return o.command("add-saga [NAME]", "Add a saga to the system",
		"Adds a saga to msgen.yaml and its name to the methods that start it, and generates.",
		`  msgen add-saga refund --orchestrator orders --started-by orders.RequestRefund \
    --step "payments.AuthorizePayment compensate payments.VoidPayment" --step "orders.ConfirmRefund pivot" --yes`)
}
