package stuck

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/templates/platform/service"
)

// command is what the arguments say.
type command struct {
	verb       string
	ids        []itemID
	kind       string
	json, all  bool
	yes        bool
	by, reason string
	parts      Parts
}

// verbs are the words of the command and the kinds that each applies to, none for those that change nothing.
var verbs = map[string][]string{
	"list": nil, "show": nil, "log": nil,
	"retry":      {kindOutbox, kindDeadLetter, kindSaga},
	"drop":       {kindOutbox, kindDeadLetter},
	"skip":       {kindSaga},
	"compensate": {kindSaga},
}

// loses is what is lost by an action, for the question before it.
var loses = map[string]string{
	"drop":       "It is gone for good.",
	"skip":       "The saga goes on as if the step were done.",
	"compensate": "What the saga did is undone.",
}

// parse reads the arguments, in which flags may stand anywhere after the verb.
func parse(args []string, parts Parts) (*command, error) {
	if len(args) == 0 {
		return nil, errors.New("nothing to do")
	}
	c := &command{verb: args[0], parts: parts}
	kinds, known := verbs[c.verb]
	if !known {
		return nil, fmt.Errorf("%q is not a word of this command", c.verb)
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&c.kind, "kind", "", "")
	flags.BoolVar(&c.json, "json", false, "")
	flags.BoolVar(&c.all, "all", false, "")
	flags.BoolVar(&c.yes, "yes", false, "")
	flags.StringVar(&c.by, "by", os.Getenv("USER"), "")
	flags.StringVar(&c.reason, "reason", "", "")
	ids, err := service.ParseFlags(flags, args[1:])
	if err != nil {
		return nil, err
	}
	for _, text := range ids {
		id, err := parseID(text, parts)
		if err != nil {
			return nil, err
		}
		if kinds != nil && !slices.Contains(kinds, id.kind) {
			return nil, fmt.Errorf("%s cannot %s: it can %s", id, c.verb, strings.Join(actionsOf(id.kind), ", "))
		}
		c.ids = append(c.ids, id)
	}
	if c.by == "" {
		c.by = "unknown"
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *command) validate() error {
	n := len(c.ids)
	switch {
	case c.kind != "" && !slices.Contains(c.parts.kinds(), c.kind):
		return fmt.Errorf("kind %q: this service has %s", c.kind, strings.Join(c.parts.kinds(), ", "))
	case c.kind != "" && c.verb != "list" && !c.all:
		return errors.New("--kind goes with list and with --all")
	case c.all && c.verb != "retry":
		return errors.New("--all goes with retry")
	case c.all && n > 0:
		return errors.New("give ids or --all")
	case c.verb == "show" && n != 1:
		return errors.New("show takes one id")
	case (c.verb == "list" || c.verb == "log") && n > 0:
		return fmt.Errorf("%s takes no id", c.verb)
	case verbs[c.verb] != nil && n == 0 && !c.all:
		return fmt.Errorf("%s needs an id; list shows them", c.verb)
	case c.json && verbs[c.verb] != nil:
		return errors.New("--json goes with list, show and log")
	}
	return nil
}

// actionsOf are the verbs that change an item of a kind.
func actionsOf(kind string) []string {
	var words []string
	for verb, kinds := range verbs {
		if slices.Contains(kinds, kind) {
			words = append(words, verb)
		}
	}
	slices.Sort(words)
	return words
}

func (c *command) do(ctx context.Context, d desks, std Streams) error {
	switch c.verb {
	case "list":
		items, err := d.list(ctx, c.kind)
		if err != nil {
			return err
		}
		return printItems(std.Out, items, c.json)
	case "show":
		item, err := d.find(ctx, c.ids[0])
		if err != nil {
			return err
		}
		return printItem(std.Out, item, c.json)
	case "log":
		entries, err := d.log(ctx)
		if err != nil {
			return err
		}
		return printLog(std.Out, entries, c.json)
	}
	return c.change(ctx, d, std)
}

// change does the action to each item, and goes on after one that fails.
func (c *command) change(ctx context.Context, d desks, std Streams) error {
	ids := c.ids
	if c.all {
		items, err := d.list(ctx, c.kind)
		if err != nil {
			return err
		}
		for _, item := range items {
			if item.Asked == "" {
				ids = append(ids, item.id)
			}
		}
		if len(ids) == 0 {
			service.Printf(std.Out, "there is nothing to retry\n")
		}
	}
	answers := bufio.NewReader(std.In)
	var failed error
	for _, id := range ids {
		if err := c.one(ctx, d, id, answers, std); err != nil {
			service.Printf(std.Err, "stuck: %v\n", err)
			failed = service.ErrTold
		}
	}
	return failed
}

func (c *command) one(ctx context.Context, d desks, id itemID, answers *bufio.Reader, std Streams) error {
	item, err := d.find(ctx, id)
	if err != nil {
		return err
	}
	if lost := loses[c.verb]; lost != "" && !c.yes {
		service.Printf(std.Err, "%s %s (%s, key %q)? %s Type yes: ", c.verb, id, printable(item.What), item.Key, lost)
		line, err := answers.ReadString('\n')
		if err != nil {
			service.Printf(std.Err, "\n")
		}
		if strings.TrimSpace(line) != "yes" {
			return fmt.Errorf("%s was left as it is: answer yes, or give --yes", id)
		}
	}
	result, err := d.change(ctx, c.verb, item, c.by, c.reason)
	if err != nil {
		return err
	}
	service.Printf(std.Out, "%s: %s\n", id, result)
	return nil
}
