package view

import (
	"cmp"
	"slices"
	"strings"

	"github.com/msgen-dev/msgen/generator/number"
)

// EventsProtoPackage is the protobuf package of the events.
func (s *System) EventsProtoPackage() string { return s.Snake + ".events.v1" }

// FullName is a message's name with its protobuf package.
func (s *System) FullName(m *Message) string {
	if m.Service == nil {
		return s.EventsProtoPackage() + "." + m.Name
	}
	return m.Service.ProtoPackage + "." + m.Name
}

// ByNumber are the fields in the order of their numbers.
func (m *Message) ByNumber() []*Field {
	return slices.SortedFunc(slices.Values(m.Fields), func(a, b *Field) int { return cmp.Compare(a.Number, b.Number) })
}

// ByNumber are the values in the order of their numbers: the unspecified one first.
func (e *Enum) ByNumber() []EnumValue {
	return slices.SortedFunc(slices.Values(e.Values), func(a, b EnumValue) int { return cmp.Compare(a.Number, b.Number) })
}

// numbers gives every field and value its number: the one that it had, or a new one. Until here they have those of a new system.
func (b *builder) numbers() {
	b.sys.Numbers = b.opts.Numbers.Clone()
	for _, s := range b.sys.Services {
		for _, m := range s.Messages {
			b.number(m)
		}
	}
	for _, e := range b.sys.Events {
		b.number(e.Message)
	}
	// What was taken from an enum by value follows.
	for _, s := range b.sys.Services {
		for _, a := range s.Aggregates {
			if a.State != nil {
				a.Initial = a.State.value(a.Initial.Text)
			}
		}
		for _, m := range s.Methods {
			if m.Aggregate == nil || m.Aggregate.State == nil {
				continue
			}
			for i, v := range m.From {
				m.From[i] = m.Aggregate.State.value(v.Text)
			}
			if m.To.Text != "" {
				m.To = m.Aggregate.State.value(m.To.Text)
			}
		}
	}
}

func (b *builder) number(m *Message) {
	full := b.sys.FullName(m)
	// A message with a field that msgen adds has that one's numbers below firstOwn.
	least := 1
	if slices.ContainsFunc(m.Fields, func(f *Field) bool { return f.Spec == nil }) {
		least = firstOwn
	}
	fields := make([]number.Proposal, len(m.Fields))
	for i, f := range m.Fields {
		fields[i] = number.Proposal{Name: f.Name, Type: f.wireType(), Number: f.Number, Fixed: least == firstOwn && f.Number < firstOwn}
	}
	for i, n := range b.sys.Numbers.Assign(full, least, fields) {
		m.Fields[i].Number = n
	}
	m.Reserved.Numbers, m.Reserved.Names = b.sys.Numbers.Reserved(full)
	for _, e := range m.Enums {
		values := make([]number.Proposal, len(e.Values)-1) // the first is 0 for ever
		for i, v := range e.Values[1:] {
			values[i] = number.Proposal{Name: v.Name, Number: v.Number}
		}
		name := full + "." + e.Name
		for i, n := range b.sys.Numbers.Assign(name, 1, values) {
			e.Values[i+1].Number = n
		}
		e.Reserved.Numbers, e.Reserved.Names = b.sys.Numbers.Reserved(name)
	}
}

// wireType is a field's type as it is remembered.
func (f *Field) wireType() string {
	t := strings.ReplaceAll(f.Proto, " ", "")
	if f.Repeated {
		t = "repeated:" + t
	}
	return t
}
