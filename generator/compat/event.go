package compat

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema/rule"
)

// besideIt is what to do about an event that changes: the language has no versions of one event.
const besideIt = "add a new event beside it and send both until no one receives the old"

// event compares one event: who sends it, its partition key and its message. One that nobody sent is no contract.
func (c *comparison) event(was *view.Event) {
	if len(was.Senders) == 0 {
		return
	}
	path := "events." + was.Name
	var is *view.Event
	for _, e := range c.now.System.Events {
		if e.Name == was.Name {
			is = e
		}
	}
	switch {
	case is == nil:
		c.add(rule.EventRemoved, path, c.now.Spec.System.Span, was.Spec.Name.Span, fmt.Sprintf("the event %s is removed", was.Name), "", besideIt)
		return
	case len(is.Senders) == 0:
		c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span, fmt.Sprintf("no service sends %s any more", was.Name), "", besideIt)
		return
	}
	for i, sender := range was.Senders {
		if !slices.Contains(is.Types, was.Types[i]) {
			c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
				fmt.Sprintf("%s is no longer sent by %s as %s", was.Name, sender.Name, was.Types[i]), "receivers wait for that type", besideIt)
		} else if !slices.Contains(is.Topics, was.Topics[i]) {
			c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
				fmt.Sprintf("%s is no longer sent to the topic %s", was.Name, was.Topics[i]), "receivers read that topic", besideIt)
		}
	}
	if before, after := was.Spec.Key, is.Spec.Key; before.V != after.V {
		c.add(rule.EventKeyChanged, path+".key", after.Span, before.Span,
			fmt.Sprintf("%s is partitioned by %s instead of %s", was.Name, after.V, before.V), "events of one "+before.V+" no longer come in their order",
			besideIt)
	}
	if old, now := c.old.message(was), c.now.message(is); old != nil && now != nil {
		c.message(old, now)
	}
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// pattern is a route's path with its parameters' names left out.
func pattern(path string) string { return parameter.ReplaceAllString(path, "{}") }
