package compat

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/msgen-dev/msgen/schema/diag"
	"github.com/msgen-dev/msgen/schema/rule"
	"github.com/msgen-dev/msgen/schema/source"
)

// finding is one on a field or value of the spec, with the proto names of all that it is in.
type finding struct {
	id, path string
	at, was  source.Span
	// text says what happened to the proto name that comes before it.
	text  string
	names []string
	help  string
}

func (f *finding) diagnostic() diag.Diagnostic {
	d := rule.Finding(f.id)
	d.Path, d.Help = f.path, f.help
	// The shortest name is that of the thing itself: Order.note before PlaceOrderRequest.note.
	slices.SortFunc(f.names, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	d.Message = f.names[0] + " " + f.text
	d.Primary.Span = f.at
	if more := f.names[1:]; len(more) > 0 {
		d.Primary.Text = "also " + strings.Join(more, ", ")
	}
	if !f.was.IsZero() {
		d.Secondary = []diag.Label{{Span: f.was, Text: "before"}}
	}
	return d
}

// report adds a finding on a proto name, or the name to the finding that there is on the same thing of the spec.
func (c *comparison) report(id string, old place, at source.Span, name, text, help string) {
	key := id + " " + old.path + " " + text
	if f := c.fields[key]; f != nil {
		if !slices.Contains(f.names, name) {
			f.names = append(f.names, name)
		}
		return
	}
	c.fields[key] = &finding{id: id, path: old.path, at: at, was: old.span, text: text, names: []string{name}, help: help}
	c.order = append(c.order, key)
}

// message compares two messages of one full name and what they hold. Messages that are not msgen's or the user's do not change.
func (c *comparison) message(old, now protoreflect.MessageDescriptor) {
	if c.seen[old.FullName()] || c.old.files[old.ParentFile().Path()] == nil {
		return
	}
	c.seen[old.FullName()] = true
	for i := range old.Fields().Len() {
		c.field(now, old.Fields().Get(i))
	}
}

func (c *comparison) field(message protoreflect.MessageDescriptor, old protoreflect.FieldDescriptor) {
	was := c.old.field(old)
	name := short(old)
	help := "keep the field, and add a new one beside it"
	if old.ParentFile().Path() == c.old.System.EventsProto {
		help = besideIt
	}
	now := message.Fields().ByName(old.Name())
	if now == nil {
		text := "is removed"
		if other := message.Fields().ByNumber(old.Number()); other != nil {
			text = fmt.Sprintf("is removed: its number %d is %s now", old.Number(), other.Name())
		}
		c.report(rule.FieldRemoved, was, c.now.holder(was, message), name, text, help)
		return
	}
	at := c.now.field(now)
	if old.Number() != now.Number() {
		help := "restore msgen.lock from the ref: it keeps the numbers, and the order of the spec does not matter then"
		if c.now.sources[now.ParentFile().Path()] != nil {
			help = fmt.Sprintf("give it the number %d again", old.Number())
		}
		c.report(rule.FieldRenumbered, was, at.span, name, fmt.Sprintf("has the number %d instead of %d", now.Number(), old.Number()), help)
	}
	if before, after := c.names.now(kind(old)), kind(now); before != after {
		if !was.typ.IsZero() && !at.typ.IsZero() {
			was.span, at.span = was.typ, at.typ
		}
		c.report(rule.FieldTypeChanged, was, at.span, name, fmt.Sprintf("is %s instead of %s", after, before), help)
		return
	}
	value, valueNow := old, now
	if old.IsMap() {
		value, valueNow = old.MapValue(), now.MapValue()
	}
	switch {
	case value.Message() != nil:
		c.message(value.Message(), valueNow.Message())
	case value.Enum() != nil:
		c.enum(value.Enum(), valueNow.Enum())
	}
}

// kind is a field's type as people write it: what must stay the same for its bytes and its JSON to mean the same.
func kind(f protoreflect.FieldDescriptor) string {
	single := func(f protoreflect.FieldDescriptor) string {
		switch {
		case f.Message() != nil:
			return string(f.Message().FullName())
		case f.Enum() != nil:
			return string(f.Enum().FullName())
		}
		return f.Kind().String()
	}
	var text string
	switch {
	case f.IsMap():
		text = "map<" + single(f.MapKey()) + ", " + single(f.MapValue()) + ">"
	case f.IsList():
		text = "repeated " + single(f)
	default:
		text = single(f)
	}
	if o := f.ContainingOneof(); o != nil && !o.IsSynthetic() {
		text += " in the oneof " + string(o.Name())
	}
	return text
}

// enum compares the values of two enums of one full name.
func (c *comparison) enum(old, now protoreflect.EnumDescriptor) {
	if c.seen[old.FullName()] || c.old.files[old.ParentFile().Path()] == nil {
		return
	}
	c.seen[old.FullName()] = true
	const help = "keep the value: what is stored or on its way may have it"
	for i := range old.Values().Len() {
		v := old.Values().Get(i)
		was, name := c.old.value(v), short(old)+"."+string(v.Name())
		switch other := now.Values().ByName(v.Name()); {
		case other == nil:
			c.report(rule.EnumValueRemoved, was, c.now.holder(was, now), name, "is removed", help)
		case other.Number() != v.Number():
			c.report(rule.EnumValueRemoved, was, c.now.value(other).span, name, fmt.Sprintf("has the number %d instead of %d", other.Number(), v.Number()), help)
		}
	}
}

// short is a proto name without its package.
func short(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(d.FullName()), string(d.ParentFile().Package())+".")
}
