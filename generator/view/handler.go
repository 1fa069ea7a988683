package view

import (
	"fmt"
	"strings"

	"github.com/msgen-dev/msgen/schema"
)

// The methods here are the signatures of the user's handlers. They are printed twice: in the generated interface (pkg "") and in the
// user's file (pkg "gen."), and must be the same.

// GoType is the resource's message as seen outside its package: ordersv1.Order.
func (r *Resource) GoType() string { return r.Service.Package + "." + r.Name }

// GoType is the event's message: eventsv1.OrderPlaced.
func (e *Event) GoType(s *System) string { return s.EventsPackage + "." + e.Name }

// InTx reports that the method's handler runs inside a database transaction.
func (m *Method) InTx() bool {
	switch m.Kind {
	case Create, Update, Transition, Delete:
		return true
	case Own:
		return m.Service.HasDB && (m.IsCommand || len(m.Sends) > 0)
	}
	return false
}

// Streaming reports a method that streams in either direction.
func (m *Method) Streaming() bool { return m.ClientStreaming || m.ServerStreaming }

// GRPCSignature is the method as the stubs declare it, without the receiver.
func (m *Method) GRPCSignature() string {
	switch {
	case m.ClientStreaming && m.ServerStreaming:
		return fmt.Sprintf("%s(stream grpc.BidiStreamingServer[%s, %s]) error", m.Name, m.RequestGo, m.ResponseGo)
	case m.ClientStreaming:
		return fmt.Sprintf("%s(stream grpc.ClientStreamingServer[%s, %s]) error", m.Name, m.RequestGo, m.ResponseGo)
	case m.ServerStreaming:
		return fmt.Sprintf("%s(req *%s, stream grpc.ServerStreamingServer[%s]) error", m.Name, m.RequestGo, m.ResponseGo)
	}
	return fmt.Sprintf("%s(ctx context.Context, req *%s) (*%s, error)", m.Name, m.RequestGo, m.ResponseGo)
}

// Signature is the user's handler of the method.
func (m *Method) Signature(pkg string) string {
	if m.Streaming() {
		return m.GRPCSignature()
	}
	params := []string{"ctx context.Context"}
	if m.InTx() {
		params = append(params, "tx *"+pkg+"Tx")
	}
	params = append(params, "req *"+m.RequestGo)
	result := "error"
	switch m.Kind {
	case List:
	case Own:
		result = "(*" + m.ResponseGo + ", error)"
	default:
		params = append(params, m.Resource.Var+" *"+m.Resource.GoType())
	}
	for _, s := range m.EventParams() {
		params = append(params, s.Var+" *"+s.Event.GoType(m.Service.System))
	}
	return fmt.Sprintf("%s(%s) %s", m.Name, strings.Join(params, ", "), result)
}

// CallArgs are the arguments with which the generated server calls the handler.
func (m *Method) CallArgs() string {
	args := []string{"ctx"}
	if m.InTx() {
		args = append(args, "tx")
	}
	args = append(args, "req")
	if m.Kind != List && m.Kind != Own {
		args = append(args, m.Resource.Var)
	}
	for _, s := range m.EventParams() {
		args = append(args, s.Var)
	}
	return strings.Join(args, ", ")
}

// EventParams are the events that the handler has to complete; own methods send theirs themselves.
func (m *Method) EventParams() []*Sent {
	var list []*Sent
	if m.Kind == Own {
		return nil
	}
	for _, s := range m.Sends {
		if len(s.Missing) > 0 {
			list = append(list, s)
		}
	}
	return list
}

// PrepareSignature is the user's hook before the transaction.
func (m *Method) PrepareSignature() string {
	return fmt.Sprintf("Prepare%s(ctx context.Context, req *%s) error", m.Name, m.RequestGo)
}

// Signature is the user's handler of a received event.
func (r *Receive) Signature(pkg string) string {
	params := []string{"ctx context.Context", "tx *" + pkg + "Tx", "event *" + r.Event.GoType(r.Service.System)}
	if r.Creates != nil {
		params = append(params, r.Creates.Var+" *"+r.Creates.GoType())
	}
	return fmt.Sprintf("%s(%s) error", r.Handler, strings.Join(params, ", "))
}

// Signature is the user's fold of an event into a view.
func (p *Project) Signature() string {
	return fmt.Sprintf("%s(ctx context.Context, event *%s, %s *%s) error",
		p.Handler, p.Event.GoType(p.Service.System), p.View.Var, p.View.GoType())
}

// HookSignature is the user's function that completes a saga's command.
func (c *SagaCommand) HookSignature(s *Saga) string {
	return fmt.Sprintf("%s(ctx context.Context, %s *%s, cmd *%s) error",
		c.Hook, s.Aggregate.Var, s.Aggregate.GoType(), c.Method.RequestGo)
}

// Hooks are the saga's commands that the user completes, in the order of the steps. One that several steps share is there once.
func (s *Saga) Hooks() []*SagaCommand {
	var list []*SagaCommand
	seen := map[string]bool{}
	for _, c := range s.Commands() {
		if c.Hook != "" && !seen[c.Hook] {
			seen[c.Hook] = true
			list = append(list, c)
		}
	}
	return list
}

// Sends are the events that a service sends, once each, in the order of its methods.
func (s *Service) Sends() []*Sent {
	seen := map[string]bool{}
	var list []*Sent
	for _, m := range s.Methods {
		for _, sent := range m.Sends {
			if !seen[sent.Event.Name] {
				seen[sent.Event.Name] = true
				list = append(list, sent)
			}
		}
	}
	return list
}

// CallsTo are the calls of a service to one other.
func (s *Service) CallsTo(target *Service) []*Call {
	var list []*Call
	for _, c := range s.Calls {
		if c.Target == target {
			list = append(list, c)
		}
	}
	return list
}

// Consumes reports that the service reads topics.
func (s *Service) Consumes() bool { return len(s.Subscribes) > 0 }

// Lower is a name with a small first letter, for unexported Go names.
func Lower(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// Copy is Go code that copies the assignment's field from variable src to variable dst; it needs no import but the stubs'.
func (a Assign) Copy(dst, src string) string {
	target := dst + "." + a.To.Go
	if a.Literal != "" {
		return target + " = " + a.Literal
	}
	get := src + ".Get" + a.From.Go + "()"
	if len(a.Pairs) == 0 {
		return target + " = " + get
	}
	elem := "item"
	if !a.To.Repeated {
		return fmt.Sprintf("if %s := %s; %s != nil {\n%s = &%s%s\n}", elem, get, elem, target, a.elemType(), a.elemFields(elem))
	}
	return fmt.Sprintf("for _, %s := range %s {\n%s = append(%s, &%s%s)\n}", elem, get, target, target, a.elemType(), a.elemFields(elem))
}

// elemType is the Go type of the target's element: inventoryv1.ReservedLine.
func (a Assign) elemType() string {
	return strings.TrimLeft(a.To.GoType, "[]*")
}

func (a Assign) elemFields(src string) string {
	fields := make([]string, len(a.Pairs))
	for i, p := range a.Pairs {
		fields[i] = fmt.Sprintf("%s: %s.Get%s()", p.To.Go, src, p.From.Go)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// Simple are the event's fields that are copied from the aggregate as they are.
func (s *Sent) Simple() []Assign { return s.split(false) }

// Converted are the event's fields whose elements are copied from the aggregate one by one.
func (s *Sent) Converted() []Assign { return s.split(true) }

func (s *Sent) split(converted bool) []Assign {
	var list []Assign
	for _, a := range s.FromResource {
		if (len(a.Pairs) > 0) == converted {
			list = append(list, a)
		}
	}
	return list
}

// Repeatable reports that a call of the method may be tried again: the standard methods carry a request id or change nothing, and an own
// method of a service that stores nothing is taken at its name.
func (m *Method) Repeatable() bool {
	if m.Spec != nil {
		return m.Spec.Repeatable()
	}
	return !m.Service.HasDB && schema.IsQuestion(m.Name)
}
