package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/msgen-dev/msgen/cmd/internal/term"
	"github.com/msgen-dev/msgen/cmd/internal/tui"
	"github.com/msgen-dev/msgen/schema"
	"github.com/msgen-dev/msgen/schema/add"
)

func newAddEvent(t term.IO) *cobra.Command {
	o := &adding{form: form{IO: t, thing: "event", args: []string{"name"}}}
	own := func(s *schema.Service, _ *schema.Method) bool { return !s.Proto.Set }
	o.questions = []question{
		{Question: tui.Question{
			Name: "name", Title: "What has happened?", Kind: tui.Text, Hint: "OrderShipped", Help: "In PascalCase, in the past.",
			Check: free(schema.FormEvent, o.eventNames),
		}, usage: "its name, in PascalCase", required: true},
		{Question: tui.Question{
			Name: "field", Title: "What does it tell?", Kind: tui.Lines, Hint: "order_id: uuid", Help: fieldHelp, Check: fieldLines,
		}, usage: "a field as `\"name: type\"`", required: true},
		{Question: tui.Question{
			Name: "key", Title: "Which field keeps its messages in order?", Kind: tui.Choice, Help: "Messages with the same key are handled one after the other.",
			Options: fieldOptions, Default: func(a tui.Answers) []string { return fieldValues(a)[:min(1, len(fieldValues(a)))] }, When: has("field"),
		}, usage: "the field by which its messages are kept in order (default the first)", needs: "needs --field"},
		{Question: tui.Question{
			Name: "sent-by", Title: "Which methods send it?", Kind: tui.Choices, Help: "In the same transaction as what they change.",
			Options: func(tui.Answers) []tui.Option { return o.methods(own) },
		}, usage: "a method that sends it, as service.Method", required: true},
		{Question: tui.Question{
			Name: "received-by", Title: "Which services handle it?", Kind: tui.Choices, Help: "You write the handler.",
			Options: func(tui.Answers) []tui.Option { return o.services(nil) },
		}, usage: "a service that handles it"},
		{Question: tui.Question{
			Name: "external", Title: "Is it for others outside this system?", Kind: tui.Confirm, Default: constant("false"),
		}, usage: "it is for others outside this system"},
	}
	o.make = func(a tui.Answers) add.Addition {
		return add.Event{
			Name: a.One("name"), Key: a.One("key"), Fields: a["field"], External: a.One("external") == "true", SentBy: a["sent-by"], ReceivedBy: a["received-by"],
		}
	}
	return o.command("add-event [NAME]", "Add an event to the system",
		"Adds an event to msgen.yaml and its name to those that send and handle it, and generates.",
		`  msgen add-event OrderShipped --field "order_id: uuid" --sent-by orders.ConfirmOrder --received-by notifications --yes`)
}

// fieldValues are the names of the fields answered.
func fieldValues(a tui.Answers) []string {
	var names []string
	for _, line := range a["field"] {
		name, _, _ := strings.Cut(line, ":")
		names = append(names, strings.TrimSpace(name))
	}
	return names
}

func fieldOptions(a tui.Answers) []tui.Option {
	var options []tui.Option
	for _, name := range fieldValues(a) {
		options = append(options, tui.Option{Value: name})
	}
	return options
}
