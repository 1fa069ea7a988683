package compat

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/msgen-dev/msgen/generator/view"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// names are the full names of messages that have another one now, by that of before: what only follows a rename is said once, where the rename is.
type names map[string]string

// renamedService is what a service is called now that the spec says has another name; nil when none was called so.
func (s *Side) renamedService(name string) *view.Service {
	for _, svc := range s.System.Services {
		if from := svc.Spec.RenamedFrom; from.Set && from.V == name {
			return svc
		}
	}
	return nil
}

// renamedMethod is what a method of a service is called now; nil when none was called so.
func renamedMethod(svc *view.Service, name string) *view.Method {
	for _, m := range svc.Methods {
		if m.Spec != nil && m.Spec.RenamedFrom.Set && m.Spec.RenamedFrom.V == name {
			return m
		}
	}
	return nil
}

// renamedEvent is what an event is called now; nil when none was called so.
func (s *Side) renamedEvent(name string) *view.Event {
	for _, e := range s.System.Events {
		if from := e.Spec.RenamedFrom; from.Set && from.V == name {
			return e
		}
	}
	return nil
}

// find fills the names of the messages of renamed services, methods and events.
func (n names) find(old, now *Side) {
	for _, was := range old.System.Services {
		is := now.service(was.Name)
		if is == nil {
			is = now.renamedService(was.Name)
		}
		before := old.files[was.ProtoFile]
		if is == nil || before == nil || was.Spec.Proto.Set {
			continue
		}
		follow := map[string]string{}
		for _, m := range was.Methods {
			if renamed := renamedMethod(is, m.Name); renamed != nil {
				follow[m.Name+"Request"], follow[m.Name+"Response"] = renamed.Name+"Request", renamed.Name+"Response"
			}
		}
		for _, a := range is.Aggregates {
			if from := a.Spec.RenamedFrom; from.Set {
				follow[from.V] = a.Name
			}
		}
		n.messages(before.Messages(), was.ProtoPackage+".", is.ProtoPackage+".", follow)
		n.enums(before.Enums(), was.ProtoPackage+".", is.ProtoPackage+".")
	}
	for _, was := range old.System.Events {
		if is := now.renamedEvent(was.Name); is != nil {
			if d := old.message(was); d != nil {
				n.message(d, old.System.FullName(was.Message), now.System.FullName(is.Message))
			}
		}
	}
}

// messages are those of a package, which has another name now or messages that have.
func (n names) messages(list protoreflect.MessageDescriptors, from, to string, follow map[string]string) {
	for i := range list.Len() {
		d := list.Get(i)
		name := string(d.Name())
		now := name
		if f := follow[name]; f != "" {
			now = f
		}
		n.message(d, from+name, to+now)
	}
}

// message is one message and what is within it.
func (n names) message(d protoreflect.MessageDescriptor, from, to string) {
	if from == to {
		return
	}
	n[from] = to
	n.messages(d.Messages(), from+".", to+".", nil)
	n.enums(d.Enums(), from+".", to+".")
}

func (n names) enums(list protoreflect.EnumDescriptors, from, to string) {
	for i := range list.Len() {
		if name := string(list.Get(i).Name()); from != to {
			n[from+name] = to + name
		}
	}
}

// now is a text that ends with a full name, with the one that it has now.
func (n names) now(text string) string {
	i := strings.LastIndexByte(text, ' ') + 1
	name, closing := strings.CutSuffix(text[i:], ">")
	if is := n[name]; is != "" {
		text = text[:i] + is
		if closing {
			text += ">"
		}
	}
	return text
}

// serviceRenamed reports a service under another name.
func (c *comparison) serviceRenamed(was, is *view.Service, old, now protoreflect.ServiceDescriptor) {
	c.add(rule.MethodRemoved, "services."+is.Name, is.Spec.Name.Span, was.Spec.Name.Span,
		fmt.Sprintf("the service %s is called %s now: it answers as %s instead of %s", was.Name, is.Name, now.FullName(), old.FullName()), "callers know it by the old name",
		"keep the name, or deploy all who call it together with it: msgen generate says what else there is to do")
}

// methodRenamed reports a method under another name.
func (c *comparison) methodRenamed(svc *view.Service, was string, is *view.Method, before source.Span) {
	c.add(rule.MethodRemoved, "services."+svc.Name+".api."+is.Name, is.Spec.Name.Span, before,
		fmt.Sprintf("the method %s of %s is called %s now", was, svc.Name, is.Name), "callers know it by the old name",
		"keep the name, or deploy all who call it together with it: its route at the gateway need not change")
}

// eventRenamed reports an event under another name.
func (c *comparison) eventRenamed(was, is *view.Event) {
	c.add(rule.EventRemoved, "events."+is.Name, is.Spec.Name.Span, was.Spec.Name.Span,
		fmt.Sprintf("the event %s is called %s now: it is sent as %s instead of %s", was.Name, is.Name, strings.Join(is.Types, ", "), strings.Join(was.Types, ", ")),
		"receivers wait for the old type", "keep the name, or deploy all who receive it once they have read what was sent under the old one")
}
