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
	if is == nil {
		if is = c.now.renamedEvent(was.Name); is != nil && len(is.Senders) > 0 {
			path = "events." + is.Name
			c.eventRenamed(was, is)
			c.eventMessage(path, was, is)
			return
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
		if renamed := c.now.renamedService(sender.Name); renamed != nil {
			c.senderRenamed(path, was, is, i, renamed)
			continue
		}
		if !slices.Contains(is.Types, was.Types[i]) {
			c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
				fmt.Sprintf("%s is no longer sent by %s as %s", was.Name, sender.Name, was.Types[i]), "receivers wait for that type", besideIt)
		} else if !slices.Contains(is.Topics, was.Topics[i]) {
			c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
				fmt.Sprintf("%s is no longer sent to the topic %s", was.Name, was.Topics[i]), "receivers read that topic", besideIt)
		}
	}
	c.eventMessage(path, was, is)
}

// senderRenamed reports what becomes of an event whose sender, the one at i, has another name now.
func (c *comparison) senderRenamed(path string, was, is *view.Event, i int, sender *view.Service) {
	at := slices.Index(is.Senders, sender)
	if at < 0 {
		c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
			fmt.Sprintf("%s is no longer sent by %s, which was called %s", was.Name, sender.Name, was.Senders[i].Name), "", besideIt)
		return
	}
	if was.Types[i] != is.Types[at] || was.Topics[i] != is.Topics[at] {
		c.add(rule.EventRemoved, path, is.Spec.Name.Span, was.Spec.Name.Span,
			fmt.Sprintf("%s is sent by %s, which was called %s, as %s to the topic %s instead of %s to %s",
				was.Name, sender.Name, was.Senders[i].Name, is.Types[at], is.Topics[at], was.Types[i], was.Topics[i]),
			"receivers wait for the old type on the old topic", "keep the service's name, or deploy all who receive it once they have read the old topic to its end")
	}
}

// eventMessage compares the partition key and the message of an event.
func (c *comparison) eventMessage(path string, was, is *view.Event) {
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
